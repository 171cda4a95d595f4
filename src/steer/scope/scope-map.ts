// How far around a client one policy decides the same: the scope of its answers (RFC 7871 §7.2.1).
//
// What clients differ in is brought into two trees that are walked side by side:
//   marks     networks of the rules and of `internal`, and those of the ASNs that the rules name. A leaf is a case:
//             which of these conditions hold there, and so which rule each place gets
//   places    the country database, each node with the set of places below it
// A network is decided alike when each case in it gives all places in it the same rule. Where marks end, that is one
// comparison of bit sets. Where they go on, it takes a search, which is bounded: when it gives up the scope is longer
// than it had to be, never shorter.

import type { PrefixTreeBuilder } from '../../lib/prefix-tree-builder.ts'
import { createPrefixTreeBuilder } from '../../lib/prefix-tree-builder.ts'
import type { PrefixTree } from '../../lib/prefix-tree.ts'
import { bitAt, isLeaf, leafOf, lookUp, rootOf, valueOf } from '../../lib/prefix-tree.ts'
import type { AsnNetworks } from './asn-networks.ts'
import type { PlaceTree } from './place-networks.ts'
import { type Case, type CaseBook, createCaseBook } from './scope-cases.ts'
import { type Mark, type Steering, marksOf, scopeCap } from './scope-marks.ts'

export interface ScopeMap {
  /** The length of the shortest prefix around the address, at most the cap of its family. */
  prefixLength(octets: Uint8Array): number
}

/** Nodes looked at, at one depth, before a network is taken to be mixed. */
const searchLimit = 256

/** A database without places: everybody is at the first one, which is nowhere. */
const nowhereTree: PlaceTree = {
  links: new Int32Array(0),
  root4: leafOf(0),
  root6: leafOf(0),
  places: [{ continent: null, country: null }],
  setOfNode: new Int32Array(0),
  sets: new Int32Array(0),
  setWords: 1,
}

export function createScopeMap(
  steering: Steering,
  country: PlaceTree | null,
  asns: AsnNetworks,
): ScopeMap {
  const asks = steering.policy.rules.some(({ when }) => when?.continents ?? when?.countries)
  const places = asks && country ? country : nowhereTree
  const book = createCaseBook(steering.policy, places)
  return new WalkedMap(markTree(marksOf(steering, asns), book), places, book.cases)
}

function markTree(marks: readonly Mark[], book: CaseBook): PrefixTree {
  const builder = createPrefixTreeBuilder()
  const rootFor = (octets: number): number =>
    markLink(
      builder,
      book,
      marks.filter((mark) => mark.octets.length === octets),
    )
  const [root4, root6] = [rootFor(4), rootFor(16)]
  return { links: builder.links(), root4, root6 }
}

/** `marks` all lie in the network that the link is for. */
function markLink(
  builder: PrefixTreeBuilder,
  book: CaseBook,
  marks: readonly Mark[],
  { depth, holding }: { depth: number; holding: bigint } = { depth: 0, holding: 0n },
): number {
  let here = holding
  const sides: [Mark[], Mark[]] = [[], []]
  for (const mark of marks) {
    if (mark.prefixLength === depth) here |= mark.condition
    else sides[bitAt(mark.octets, depth) as 0 | 1].push(mark)
  }
  if (sides[0].length + sides[1].length === 0) return leafOf(book.caseOf(here))
  const below = { depth: depth + 1, holding: here }
  return builder.node(
    markLink(builder, book, sides[0], below),
    markLink(builder, book, sides[1], below),
  )
}

class WalkedMap implements ScopeMap {
  readonly #marks: PrefixTree
  readonly #places: PlaceTree
  readonly #cases: readonly Case[]
  #searched = 0

  constructor(marks: PrefixTree, places: PlaceTree, cases: readonly Case[]) {
    this.#marks = marks
    this.#places = places
    this.#cases = cases
  }

  prefixLength(octets: Uint8Array): number {
    const cap = scopeCap(octets.length)
    const { choices } = this.#cases[lookUp(this.#marks, octets)] as Case
    const choice = choices[lookUp(this.#places, octets)] as number
    let mark = rootOf(this.#marks, octets)
    let place = rootOf(this.#places, octets)
    for (let depth = 0; depth < cap; depth++) {
      this.#searched = 0
      if (this.#isUniform(mark, place, choice)) return depth
      const bit = bitAt(octets, depth)
      if (!isLeaf(mark)) mark = this.#marks.links[2 * mark + bit] as number
      if (!isLeaf(place)) place = this.#places.links[2 * place + bit] as number
    }
    return cap
  }

  #isUniform(mark: number, place: number, choice: number): boolean {
    if (isLeaf(mark)) return this.#isCaseUniform(this.#cases[valueOf(mark)] as Case, place, choice)
    if (++this.#searched > searchLimit) return false
    const [marks, places] = [this.#marks.links, this.#places.links]
    for (let bit = 0; bit < 2; bit++) {
      const below = isLeaf(place) ? place : (places[2 * place + bit] as number)
      if (!this.#isUniform(marks[2 * mark + bit] as number, below, choice)) return false
    }
    return true
  }

  #isCaseUniform({ only, choices, others }: Case, place: number, choice: number): boolean {
    if (only !== null) return only === choice
    if (isLeaf(place)) return choices[valueOf(place)] === choice
    const elsewhere = others.get(choice)
    if (elsewhere === undefined) return false
    const { sets, setOfNode, setWords } = this.#places
    const row = (setOfNode[place] as number) * setWords
    for (let word = 0; word < setWords; word++)
      if (((sets[row + word] as number) & (elsewhere[word] as number)) !== 0) return false
    return true
  }
}
