// The scope of a policy's answers (RFC 7871 §7.2.1): the largest network around a client in which every client matches
// the same rule. Two trees are walked in parallel:
//
//   marks     networks of the rules and of `internal`, and those of the ASNs that the rules name. A leaf is a case:
//             the set of these conditions that hold there, and hence the rule for each place
//   places    the country database, each node with the set of places below it
//
// A network is uniform if every case in it selects the same rule for every place in it. At a leaf of the marks, that is
// one comparison of bit sets. Above the leaves it takes a search, which is bounded: a search that reaches its limit
// gives a scope that is longer than necessary, never shorter.

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
import { isOneOf } from '../select/match.ts'
import type { AsnNetworks } from './asn-networks.ts'
import type { Place, PlaceTree } from './place-networks.ts'

/** Nodes visited for one prefix length before the network is assumed not to be uniform. */
const searchLimit = 256

/** A country database without content: every address is at the unknown place. */
const unknownPlaceTree: PlaceTree = {
  links: new Int32Array(0),
  root4: leafOf(0),
  root6: leafOf(0),
  places: [{ continent: null, country: null }],
  setOfNode: new Int32Array(0),
  sets: new Int32Array(0),
  setWords: 1,
}

/** `country`: null where there is no country database; all places are then unknown. */
export function createScopeMap(
  steering: Steering,
  country: PlaceTree | null,
  asns: AsnNetworks,
): ScopeMap {
  const hasPlaceRules = steering.policy.rules.some(
    ({ when }) => when?.continents ?? when?.countries,
  )
  const places = hasPlaceRules && country ? country : unknownPlaceTree
  const caseTable = createCaseTable(steering.policy, places)
  return new ScopeMap(markTree(marksOf(steering, asns), caseTable), places, caseTable.cases)
}

function markTree(marks: readonly Mark[], caseTable: CaseTable): PrefixTree {
  const builder = createPrefixTreeBuilder()
  const rootFor = (octets: number): number =>
    markLink(
      builder,
      caseTable,
      marks.filter((mark) => mark.octets.length === octets),
    )
  const [root4, root6] = [rootFor(4), rootFor(16)]
  return { links: builder.links(), root4, root6 }
}

/** The link to the subtree of one network, which contains all of `marks`; `holding`: conditions that hold in all of it. */
function markLink(
  builder: PrefixTreeBuilder,
  caseTable: CaseTable,
  marks: readonly Mark[],
  { depth, holding }: { depth: number; holding: bigint } = { depth: 0, holding: 0n },
): number {
  let here = holding
  const sides: [Mark[], Mark[]] = [[], []]
  for (const mark of marks) {
    if (mark.prefixLength === depth) here |= mark.condition
    else sides[bitAt(mark.octets, depth) as 0 | 1].push(mark)
  }
  if (sides[0].length + sides[1].length === 0) return leafOf(caseTable.caseOf(here))
  const below = { depth: depth + 1, holding: here }
  return builder.node(
    markLink(builder, caseTable, sides[0], below),
    markLink(builder, caseTable, sides[1], below),
  )
}

/** Longest scope, in bits, for addresses of this many octets: clients are told apart by /24 and /56 at most. */
export const scopeCap = (octets: number): number => (octets === 4 ? 24 : 56)

/** The scopes of one policy, for one pair of databases. */
export class ScopeMap {
  readonly #marks: PrefixTree
  readonly #places: PlaceTree
  readonly #cases: readonly Case[]
  /** Nodes visited for the current prefix length. */
  #visited = 0

  constructor(marks: PrefixTree, places: PlaceTree, cases: readonly Case[]) {
    this.#marks = marks
    this.#places = places
    this.#cases = cases
  }

  /** Prefix length of the largest uniform network around the address (4 or 16 octets); at most `scopeCap`. */
  prefixLength(octets: Uint8Array): number {
    const cap = scopeCap(octets.length)
    const { choices } = this.#cases[lookUp(this.#marks, octets)] as Case
    const choice = choices[lookUp(this.#places, octets)] as number
    let mark = rootOf(this.#marks, octets)
    let place = rootOf(this.#places, octets)
    for (let depth = 0; depth < cap; depth++) {
      this.#visited = 0
      if (this.#isUniform(mark, place, choice)) return depth
      const bit = bitAt(octets, depth)
      if (!isLeaf(mark)) mark = this.#marks.links[2 * mark + bit] as number
      if (!isLeaf(place)) place = this.#places.links[2 * place + bit] as number
    }
    return cap
  }

  /** Whether all clients below these two nodes get `choice`; false as well where the search reaches its limit. */
  #isUniform(mark: number, place: number, choice: number): boolean {
    if (isLeaf(mark)) return this.#isCaseUniform(this.#cases[valueOf(mark)] as Case, place, choice)
    if (++this.#visited > searchLimit) return false
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
    const otherPlaces = others.get(choice)
    if (otherPlaces === undefined) return false
    const { sets, setOfNode, setWords } = this.#places
    const row = (setOfNode[place] as number) * setWords
    for (let word = 0; word < setWords; word++)
      if (((sets[row + word] as number) & (otherPlaces[word] as number)) !== 0) return false
    return true
  }
}

/** For one set of network and ASN conditions that hold, the rule that clients of each place get. */
interface Case {
  /** Place → index of its rule, or `internalChoice`. */
  readonly choices: Int16Array
  /** The choice of all places where they have the same one; null otherwise. */
  readonly only: number | null
  /** Choice → the set of places with a different choice, as a bit row. */
  readonly others: ReadonlyMap<number, Int32Array>
}

/** All cases of one policy, without duplicates. */
interface CaseTable {
  readonly cases: readonly Case[]
  /** Index of the case in which exactly these network and ASN conditions hold; `holding` is a set of condition bits. */
  caseOf(holding: bigint): number
}

/** In place of a rule index: the client is one of the zone's MTAs, and gets the canonical ladder. */
const internalChoice = -1

function createCaseTable(policy: Policy, { places, setWords }: PlaceTree): CaseTable {
  const cases: Case[] = []
  const byHolding = new Map<bigint, number>()
  const byChoices = new Map<string, number>()
  return {
    cases,
    caseOf(holding) {
      const existing = byHolding.get(holding)
      if (existing !== undefined) return existing
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
    ({ when }, rule) => when === null || matchesCase(when, rule, holding, place),
  )
  return index < 0 ? rules.length - 1 : index
}

/** Counterpart of `matches` in steer/select/match.ts, for a set of conditions that hold in place of a client. */
function matchesCase(when: Conditions, rule: number, holding: bigint, place: Place): boolean {
  return (
    isOneOf(when.continents, place.continent) &&
    isOneOf(when.countries, place.country) &&
    (when.asns === null || (holding & asnCondition(rule)) !== 0n) &&
    (when.networks === null || (holding & networkCondition(rule)) !== 0n)
  )
}

function caseFrom(choices: Int16Array, setWords: number): Case {
  const others = new Map<number, Int32Array>()
  for (const choice of new Set(choices)) {
    const row = new Int32Array(setWords)
    for (const [place, placeChoice] of choices.entries())
      if (placeChoice !== choice)
        row[place >> 5] = (row[place >> 5] as number) | (1 << (place & 31))
    others.set(choice, row)
  }
  return { choices, only: others.size === 1 ? (choices[0] as number) : null, others }
}

// Marks. A client known by EDNS Client Subnet is a network, a /24 or /56 at the finest, and is matched by its first
// address. A finer network of a rule or of the ASN database therefore matters only if it contains the first address of
// its /24 or /56; a finer `internal` network matters for that whole /24 or /56 (see isInternal in match.ts).

/** A network at whose border the decision of a policy can change, independently of places. */
interface Mark extends Network {
  /** The condition that holds in this network, as a bit. */
  readonly condition: bigint
}

/** The properties of a steered set that decide which rule a client gets. */
interface Steering {
  readonly policy: Policy
  readonly internal: readonly Network[]
}

/** Condition bit of a client in an `internal` network. */
const internalCondition = 1n

/** Condition bit: the client is in one of the rule's `networks`. */
const networkCondition = (rule: number): bigint => 2n << BigInt(2 * rule)

/** Condition bit: the client's ASN is one of the rule's `asns`. */
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

/** Adds a mark no finer than the cap of its family, unless the network excludes the first address of such a network. */
function addMark(marks: Mark[], { octets, prefixLength }: Network, condition: bigint): void {
  const cap = scopeCap(octets.length)
  if (prefixLength > cap && octets.some((octet, i) => i >= cap >> 3 && octet !== 0)) return
  marks.push({ octets, prefixLength: Math.min(prefixLength, cap), condition })
}
