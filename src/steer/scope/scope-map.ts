// How far around a client one policy decides the same: the scope of its answers (RFC 7871 §7.2.1).
//
// What clients differ in is brought into two trees that are walked side by side:
//   marks     networks of the rules and of `internal`, and those of the ASNs that the rules name. A leaf is a case:
//             which of these conditions hold there, and so which rule each place gets
//   places    the country database, each node with the set of places below it
// A network is decided alike when each case in it gives all places in it the same rule. Where marks end, that is one
// comparison of bit sets. Where they go on, it takes a search, which is bounded: when it gives up the scope is longer
// than it had to be, never shorter.

import type { Network } from '../../lib/ip.ts'
import {
  bitAt,
  createPrefixTreeBuilder,
  isLeaf,
  leafOf,
  lookUp,
  type PrefixTree,
  type PrefixTreeBuilder,
  rootOf,
  valueOf,
} from '../../lib/prefix-tree.ts'
import type { Conditions, Policy } from '../policy.ts'
import type { AsnNetworks } from './asn-networks.ts'
import type { Place, PlaceTree } from './place-networks.ts'

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
  const book = createCaseTable(steering.policy, places)
  return new TreeScopeMap(markTree(marksOf(steering, asns), book), places, book.cases)
}

function markTree(marks: readonly Mark[], book: CaseTable): PrefixTree {
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
  book: CaseTable,
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

export const scopeCap = (octets: number): number => (octets === 4 ? 24 : 56)

class TreeScopeMap implements ScopeMap {
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

// A case: given which networks and ASNs of the rules hold, the rule that clients of each place get.

interface Case {
  /** Place → index of its rule, or `internalChoice`. */
  readonly choices: Int16Array
  /** The only choice there is; null: several. */
  readonly only: number | null
  /** Choice → the set of places that have another one, as a row of bits. */
  readonly others: ReadonlyMap<number, Int32Array>
}

interface CaseTable {
  readonly cases: readonly Case[]
  /** The number of the case in which these conditions hold, and no other of networks and ASNs. */
  caseOf(holding: bigint): number
}

/** The one ladder of the MTAs themselves, whatever the rules. */
const internalChoice = -1

function createCaseTable(policy: Policy, { places, setWords }: PlaceTree): CaseTable {
  const cases: Case[] = []
  const byHolding = new Map<bigint, number>()
  const byChoices = new Map<string, number>()
  return {
    cases,
    caseOf(holding) {
      const known = byHolding.get(holding)
      if (known !== undefined) return known
      const choices = Int16Array.from(places, (place) => choose(policy, holding, place))
      const key = choices.join()
      const number = byChoices.get(key) ?? cases.push(caseFrom(choices, setWords)) - 1
      byChoices.set(key, number)
      byHolding.set(holding, number)
      return number
    },
  }
}

function choose({ rules }: Policy, holding: bigint, place: Place): number {
  if (holding & internalCondition) return internalChoice
  const index = rules.findIndex(
    ({ when }, rule) => when === null || holds(when, rule, holding, place),
  )
  return index < 0 ? rules.length - 1 : index
}

/** As steer/select/match.ts has it, for a network in place of a client. */
function holds(when: Conditions, rule: number, holding: bigint, place: Place): boolean {
  return (
    includes(when.continents, place.continent) &&
    includes(when.countries, place.country) &&
    (when.asns === null || (holding & asnCondition(rule)) !== 0n) &&
    (when.networks === null || (holding & networkCondition(rule)) !== 0n)
  )
}

const includes = (wanted: readonly string[] | null, actual: string | null): boolean =>
  wanted === null || (actual !== null && wanted.includes(actual))

function caseFrom(choices: Int16Array, setWords: number): Case {
  const others = new Map<number, Int32Array>()
  for (const choice of new Set(choices)) {
    const row = new Int32Array(setWords)
    for (const [place, its] of choices.entries())
      if (its !== choice) row[place >> 5] = (row[place >> 5] as number) | (1 << (place & 31))
    others.set(choice, row)
  }
  return { choices, only: others.size === 1 ? (choices[0] as number) : null, others }
}

// Marks: the networks at whose borders a policy may decide differently, whatever the places are.
//
// Clients who are told of by EDNS Client Subnet are networks of /24 and /56 at the finest, and stand at the first
// address of theirs. What is finer in a rule or in the ASN database counts only where it holds that address;
// `internal` counts for the whole of such a network (see isInternal in match.ts).

interface Mark extends Network {
  /** The bit of the condition that holds in it. */
  readonly condition: bigint
}

/** What of a steered set decides who gets what. */
interface Steering {
  readonly policy: Policy
  readonly internal: readonly Network[]
}

const internalCondition = 1n

const networkCondition = (rule: number): bigint => 2n << BigInt(2 * rule)

const asnCondition = (rule: number): bigint => 4n << BigInt(2 * rule)

function marksOf({ policy, internal }: Steering, asns: AsnNetworks): Mark[] {
  const marks: Mark[] = []
  for (const network of internal) {
    const prefixLength = Math.min(network.prefixLength, scopeCap(network.octets.length))
    marks.push({ octets: network.octets, prefixLength, condition: internalCondition })
  }
  for (const [rule, { when }] of policy.rules.entries()) {
    for (const network of when?.networks ?? []) addMark(marks, network, networkCondition(rule))
    for (const asn of when?.asns ?? [])
      for (const network of asns.of(asn)) addMark(marks, network, asnCondition(rule))
  }
  return marks
}

function addMark(marks: Mark[], { octets, prefixLength }: Network, condition: bigint): void {
  const cap = scopeCap(octets.length)
  if (prefixLength > cap && octets.some((octet, i) => i >= cap >> 3 && octet !== 0)) return
  marks.push({ octets, prefixLength: Math.min(prefixLength, cap), condition })
}
