// Compares two catalogs: which names are answered differently, and to which clients. Plain records
// are compared by their text; steered sets by the decision for every class of clients that either
// side distinguishes, with the health that the caller assumes.

import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
import type { SelectedSet, SteeredSet } from '../steer/policy.ts'
import { createSteering, standingClock } from '../steer/select/steering.ts'
import type { Place } from '../steer/scope/place-networks.ts'
import type { Locus } from '../steer/selection.ts'
import { type Name, nameToText } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { RRType, typeToText } from '../wire/rrtype.ts'
import type { Catalog, RRset } from '../zone/zone.ts'
import {
  type ClientClasses,
  classesOf,
  locusOf,
  type ClientPart,
  type ComparedPolicy,
} from './client-classes.ts'
import { changesBetween, ruleLabel, decisionOf } from './decision.ts'
import { type ExpectedShares, expectedOf } from './shares.ts'

export interface ComparedCatalog {
  readonly catalog: Catalog
  readonly health: HealthReader
}

interface Comparison {
  readonly before: ComparedCatalog
  readonly after: ComparedCatalog
  /** Places where clients can be, from the country database. */
  readonly places: readonly Place[]
  readonly random: Random
}

export type Difference =
  | { readonly kind: 'zone'; readonly zone: string; readonly change: 'added' | 'removed' }
  /** `before` or `after` null: that side has no such set. */
  | {
      readonly kind: 'records'
      readonly zone: string
      readonly name: string
      readonly type: string
      readonly before: readonly string[] | null
      readonly after: readonly string[] | null
    }
  | {
      readonly kind: 'steered'
      readonly zone: string
      readonly name: string
      readonly type: string
      readonly clients: readonly ClientsDifference[]
    }

export function compareCatalogs(comparison: Comparison): readonly Difference[] {
  const [before, after] = [comparison.before.catalog, comparison.after.catalog]
  const keys = [...new Set([...before.zones.keys(), ...after.zones.keys()])].toSorted()
  const zones = keys.flatMap((key): Difference[] => {
    const [was, is] = [before.zones.get(key), after.zones.get(key)]
    const only = was && is ? null : (was ?? is)
    if (!only) return []
    return [{ kind: 'zone', zone: withoutFinalDot(only.apex), change: is ? 'added' : 'removed' }]
  })
  const [setsBefore, setsAfter] = [setsOf(before), setsOf(after)]
  const all = [...new Set([...setsBefore.keys(), ...setsAfter.keys()])].toSorted()
  return [
    ...zones,
    ...all.flatMap((key) => compareSet(comparison, setsBefore.get(key), setsAfter.get(key))),
  ]
}

interface LocatedSet {
  readonly zone: string
  readonly owner: Name
  readonly set: RRset | SteeredSet
}

/** All sets of a catalog; the key is zone, owner and type. */
function setsOf({ zones }: Catalog): ReadonlyMap<string, LocatedSet> {
  const sets = new Map<string, LocatedSet>()
  for (const zone of zones.values())
    for (const [key, node] of zone.nodes)
      for (const [type, set] of node.sets)
        sets.set(`${zone.apexKey} ${key} ${type}`, {
          zone: withoutFinalDot(zone.apex),
          owner: node.owner,
          set,
        })
  return sets
}

const withoutFinalDot = (name: Name): string => {
  const text = nameToText(name)
  return text === '.' ? text : text.slice(0, -1)
}

function compareSet(
  comparison: Comparison,
  before: LocatedSet | undefined,
  after: LocatedSet | undefined,
): readonly Difference[] {
  const either = before ?? after
  if (!either) return []
  const { zone, owner, set } = either
  const named = { zone, name: withoutFinalDot(owner), type: typeToText(set.type) }
  if (before && after && isSelected(before.set) && isSelected(after.set)) {
    const clients = compareSteered(comparison, before.set, after.set)
    return clients.length > 0 ? [{ kind: 'steered', ...named, clients }] : []
  }
  const [was, is] = [before ? textsOf(before.set) : null, after ? textsOf(after.set) : null]
  return String(was) === String(is) ? [] : [{ kind: 'records', ...named, before: was, after: is }]
}

const isSelected = (set: RRset | SteeredSet): set is SelectedSet => 'policy' in set

/** One line a record with its TTL, sorted, since the order of records in a set means nothing. */
function textsOf(set: RRset | SteeredSet): readonly string[] {
  switch (set.kind) {
    case 'plain':
      return set.rdata.map(({ octets }) => `${set.ttl} ${dataText(set.type, octets)}`).toSorted()
    case 'target-address': {
      const { target, ttl, type, answers } = set
      const family = type === RRType.A ? 4 : 6
      const addresses = target.addresses.filter((one) => one.family === family)
      const limit = answers < addresses.length ? ` (${answers} at most)` : ''
      return addresses.map(({ text }) => `${ttl} ${text}${limit}`).toSorted()
    }
    case 'steered-mx':
    case 'steered-address':
    case 'steered-srv':
    case 'exchange-slot':
      return [`steered by ${set.policy.name}`]
    default:
      return set satisfies never
  }
}

/** The SOA serial is masked: it changes with every load. */
function dataText(type: number, octets: Uint8Array): string {
  const text = formatRdata(type, octets)
  return type === RRType.SOA ? text.replace(/^(\S+ \S+) \S+/, '$1 (serial)') : text
}

// Two steered sets of one name and type: which clients get another decision, and the shares of
// targets on both sides.

export interface ClientsDifference {
  /** Labels of clients that all get the same decision before, and the same one after. */
  readonly clients: readonly string[]
  /** The rule that applies, as `rule 1` (numbered from 1), `internal` or `none`. */
  readonly rules: { readonly before: string; readonly after: string }
  readonly changes: readonly string[]
  /**
   * true: shares are exact on both sides; false: by simulated draws, with a sampling error of
   * about a point.
   */
  readonly isExact: boolean
  readonly shares: readonly ShareChange[]
}

/** Shares of first choices on both sides; 0: the target is never the first choice. */
interface ShareChange {
  readonly target: string
  readonly before: number
  readonly after: number
}

const draws = 20_000

function compareSteered(
  comparison: Comparison,
  before: SelectedSet,
  after: SelectedSet,
): readonly ClientsDifference[] {
  const classes = classesOf([comparedPolicy(before), comparedPolicy(after)], comparison.places)
  const differences = groupByRule(classes, before, after).flatMap(
    ({ combinations }): ClientsDifference[] => {
      const locus = locusOf(combinations[0] ?? [])
      const [was, is] = [comparison.before.health, comparison.after.health]
      const changes = changesBetween(decisionOf(before, locus, was), decisionOf(after, locus, is))
      const wasKind = before.kind === after.kind ? [] : [`kind: ${before.kind} → ${after.kind}`]
      if (changes.length + wasKind.length === 0) return []
      return [
        {
          clients: clientLabels(classes, combinations),
          rules: { before: ruleLabel(before, locus), after: ruleLabel(after, locus) },
          changes: [...wasKind, ...changes],
          ...shareChanges(comparison, before, after, locus),
        },
      ]
    },
  )
  return differences.toSorted((a, b) => Number(isEveryoneElse(a)) - Number(isEveryoneElse(b)))
}

const everyoneElse = 'everyone else'

const isEveryoneElse = ({ clients }: ClientsDifference): boolean => clients.includes(everyoneElse)

export const comparedPolicy = (set: SelectedSet): ComparedPolicy => ({
  policy: set.policy,
  internal: 'internal' in set ? set.internal : [],
})

type Combination = readonly ClientPart[]

/** Groups all combinations of classes by the rules that apply to them before and after. */
export function groupByRule(
  { places, asns, networks }: ClientClasses,
  before: SelectedSet,
  after: SelectedSet,
): readonly { readonly combinations: readonly Combination[] }[] {
  const all = places.flatMap((place) =>
    asns.flatMap((asn) => networks.map((network): Combination => [place, asn, network])),
  )
  const groups = Map.groupBy(all, (combination) => {
    const locus = locusOf(combination)
    return `${ruleLabel(before, locus)} → ${ruleLabel(after, locus)}`
  })
  return [...groups.values()].map((combinations) => ({ combinations }))
}

/**
 * As few labels as cover the combinations: a class is named alone if every combination with it is
 * among them.
 */
export function clientLabels(
  { places, asns, networks }: ClientClasses,
  combinations: readonly Combination[],
): readonly string[] {
  const total = places.length * asns.length * networks.length
  if (combinations.length === total) return ['everyone']
  const labels: string[] = []
  let left = combinations
  for (const parts of [networks, asns, places]) {
    // Classes without a label come last.
    for (const part of parts.toSorted(
      (a, b) => Number(a.label === null) - Number(b.label === null),
    )) {
      const having = combinations.filter((one) => one.includes(part))
      if (having.length < total / parts.length) continue
      if (!having.some((one) => left.includes(one))) continue
      labels.push(part.label ?? `every other ${dimensionName(parts, { places, asns })}`)
      left = left.filter((one) => !one.includes(part))
    }
  }
  const rest = left.map((one) => {
    const named = one.flatMap(({ label }) => (label === null ? [] : [label]))
    return named.length > 0 ? named.join(' and ') : everyoneElse
  })
  return [...labels, ...new Set(rest)]
}

const dimensionName = (
  parts: readonly ClientPart[],
  { places, asns }: Pick<ClientClasses, 'places' | 'asns'>,
): string => (parts === places ? 'place' : parts === asns ? 'ASN' : 'network')

function shareChanges(
  { before: was, after: is, random }: Comparison,
  before: SelectedSet,
  after: SelectedSet,
  locus: Locus,
): Pick<ClientsDifference, 'isExact' | 'shares'> {
  const expectedBefore = expectedOf(
    before,
    locus,
    createSteering({ health: was.health, random, clock: standingClock }),
    draws,
  )
  const expectedAfter = expectedOf(
    after,
    locus,
    createSteering({ health: is.health, random, clock: standingClock }),
    draws,
  )
  const [sharesBefore, sharesAfter] = [byName(expectedBefore), byName(expectedAfter)]
  return {
    isExact: expectedBefore.draws === 'exact' && expectedAfter.draws === 'exact',
    shares: [...new Set([...sharesBefore.keys(), ...sharesAfter.keys()])]
      .toSorted()
      .map((target) => ({
        target,
        before: sharesBefore.get(target) ?? 0,
        after: sharesAfter.get(target) ?? 0,
      })),
  }
}

const byName = ({ shares }: ExpectedShares): ReadonlyMap<string, number> =>
  new Map([...shares].map(([{ name }, share]) => [name, share]))
