// Compiles a MaxMind database into the prefix tree that workers walk, or returns why it cannot be used. The tree is in
// shared memory: all threads walk one copy.
//
// A database is judged by its records, not by the type in its metadata: one without any country is refused as a country
// database, and one without any ASN as an ASN database.

import type { AsnTree, Place, PlaceTree } from '../steer/scope/place-networks.ts'
import { type ValueOf, compileTree } from './compile-tree.ts'
import { BadDatabase, type Mmdb, openMmdb } from './mmdb.ts'
import { placeSets } from './place-sets.ts'
import { asnOf, placeOf } from './record.ts'

/** The databases that steering uses: for countries and continents, and for AS numbers. */
export const databaseKinds = ['country', 'asn'] as const
export type DatabaseKind = (typeof databaseKinds)[number]

/** Which database to compile, and from which file. */
export interface CompileJob {
  readonly database: DatabaseKind
  /** The path of the file; null: the country database that is shipped with the server. */
  readonly file: string | null
}

export type CompileResult = Compiled<PlaceTree> | Compiled<AsnTree> | Broken

/** From the metadata of a database. */
export interface DatabaseFacts {
  /** Its type, such as `GeoLite2-Country`. */
  readonly type: string
  /** When it was built, in seconds since 1970; null: unknown. */
  readonly buildSeconds: number | null
}

interface Compiled<Tree> {
  readonly kind: 'compiled'
  readonly tree: Tree
  readonly facts: DatabaseFacts
}

/** The database cannot be used; `why` is for the operator. */
export interface Broken {
  readonly kind: 'broken'
  readonly why: string
}

/** The most distinct places: countries, and continents without a country. A file with more is no country database. */
const maxPlaces = 1024

/** The tree of a country or city database. */
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

/** The tree of an ASN database. */
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

/** Numbers distinct values in order of appearance; `read` gives a record's value as a `key`, and `add` stores it. */
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
