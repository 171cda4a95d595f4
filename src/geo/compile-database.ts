// The octets of a MaxMind database → the tree that workers walk, or why it cannot be used. The tree lies in shared
// memory: all threads walk one copy.
//
// What counts is what the records say, not how the file calls itself: a database that places nobody is refused where
// places are wanted, and so is one that knows no ASN where ASNs are wanted.

import type { AsnTree, Place, PlaceTree } from '../steer/scope/place-networks.ts'
import { type ValueOf, compileTree } from './compile-tree.ts'
import { BadDatabase, type Mmdb, openMmdb } from './mmdb.ts'
import { placeSets } from './place-sets.ts'
import { asnOf, placeOf } from './record.ts'

export const databaseKinds = ['country', 'asn'] as const
export type DatabaseKind = (typeof databaseKinds)[number]

export interface CompileJob {
  readonly database: DatabaseKind
  /** null: what comes with the server. */
  readonly file: string | null
}

export type CompileResult = Compiled<PlaceTree> | Compiled<AsnTree> | Broken

export interface DatabaseFacts {
  readonly type: string
  readonly buildSeconds: number | null
}

interface Compiled<Tree> {
  readonly kind: 'compiled'
  readonly tree: Tree
  readonly facts: DatabaseFacts
}

export interface Broken {
  readonly kind: 'broken'
  readonly why: string
}

/** Countries, and continents for whom no country is known; beyond that a file is not about places. */
const maxPlaces = 1024

export const compilePlaces = (octets: Buffer): Compiled<PlaceTree> | Broken =>
  compile(octets, (mmdb) => {
    const places: Place[] = []
    const valueOf = createNumbering((record) => {
      const place = placeOf(record)
      const key = `${place.continent} ${place.country}`
      return { key, add: () => places.push(place) }
    })
    valueOf(null)
    const tree = compileTree(mmdb, (record) => {
      const value = valueOf(record)
      if (value >= maxPlaces) throw new BadDatabase(`has more than ${maxPlaces} different places`)
      return value
    })
    if (places.length === 1)
      throw new BadDatabase(`is of type ${quote(mmdb)} and knows the country of no address`)
    return { ...tree, places, ...placeSets(tree.links, places.length) }
  })

export const compileAsns = (octets: Buffer): Compiled<AsnTree> | Broken =>
  compile(octets, (mmdb) => {
    const asns: number[] = []
    const valueOf = createNumbering((record) => {
      const asn = asnOf(record) ?? 0
      return { key: asn, add: () => asns.push(asn) }
    })
    valueOf(null)
    const tree = compileTree(mmdb, valueOf)
    if (asns.length === 1)
      throw new BadDatabase(`is of type ${quote(mmdb)} and knows the ASN of no address`)
    const shared = new Uint32Array(new SharedArrayBuffer(asns.length * 4))
    shared.set(asns)
    return { ...tree, asns: shared }
  })

const quote = ({ type }: Mmdb): string => JSON.stringify(type)

function compile<Tree>(octets: Buffer, make: (mmdb: Mmdb) => Tree): Compiled<Tree> | Broken {
  try {
    const mmdb = openMmdb(octets)
    const { type, buildSeconds } = mmdb
    return { kind: 'compiled', tree: make(mmdb), facts: { type, buildSeconds } }
  } catch (error) {
    if (error instanceof BadDatabase) return { kind: 'broken', why: error.message }
    throw error
  }
}

/** Gives each distinct value a number, in the order of appearance. */
function createNumbering(
  read: (record: unknown) => { readonly key: string | number; readonly add: () => void },
): ValueOf {
  const numbers = new Map<string | number, number>()
  return (record) => {
    const { key, add } = read(record)
    let number = numbers.get(key)
    if (number === undefined) {
      number = numbers.size
      numbers.set(key, number)
      add()
    }
    return number
  }
}
