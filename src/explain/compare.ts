// Two catalogs: which names answer differently, and to whom. Plain records by what they say; steered sets by what is
// decided for every class of clients that either side distinguishes, everybody being healthy.

import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
import type { Place } from '../steer/scope/place-networks.ts'
import type { SelectedSet, SteeredSet } from '../steer/policy.ts'
import { nameToText, type Name } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { RRType, typeToText } from '../wire/rrtype.ts'
import type { Catalog, RRset } from '../zone/zone.ts'
import { type ClientsDifference, compareSteered } from './compare-steered.ts'

export interface Side {
  readonly catalog: Catalog
  readonly health: HealthReader
}

export interface Comparing {
  readonly before: Side
  readonly after: Side
  /** That clients may be at. */
  readonly places: readonly Place[]
  readonly random: Random
}

export type Difference =
  | { readonly kind: 'zone'; readonly zone: string; readonly change: 'added' | 'removed' }
  /** null: there are none. */
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

export function compareCatalogs(comparing: Comparing): readonly Difference[] {
  const [before, after] = [comparing.before.catalog, comparing.after.catalog]
  const keys = [...new Set([...before.zones.keys(), ...after.zones.keys()])].toSorted()
  const zones = keys.flatMap((key): Difference[] => {
    const [was, is] = [before.zones.get(key), after.zones.get(key)]
    const only = was && is ? null : (was ?? is)
    if (!only) return []
    return [{ kind: 'zone', zone: bare(only.apex), change: is ? 'added' : 'removed' }]
  })
  const [old, fresh] = [setsOf(before), setsOf(after)]
  const all = [...new Set([...old.keys(), ...fresh.keys()])].toSorted()
  return [...zones, ...all.flatMap((key) => compareSet(comparing, old.get(key), fresh.get(key)))]
}

interface OwnedSet {
  readonly zone: string
  readonly owner: Name
  readonly set: RRset | SteeredSet
}

/** By zone, owner and type. */
function setsOf({ zones }: Catalog): ReadonlyMap<string, OwnedSet> {
  const sets = new Map<string, OwnedSet>()
  for (const zone of zones.values())
    for (const [key, node] of zone.nodes)
      for (const [type, set] of node.sets)
        sets.set(`${zone.apexKey} ${key} ${type}`, {
          zone: bare(zone.apex),
          owner: node.owner,
          set,
        })
  return sets
}

const bare = (name: Name): string => {
  const text = nameToText(name)
  return text === '.' ? text : text.slice(0, -1)
}

function compareSet(
  comparing: Comparing,
  before: OwnedSet | undefined,
  after: OwnedSet | undefined,
): readonly Difference[] {
  const either = before ?? after
  if (!either) return []
  const { zone, owner, set } = either
  const named = { zone, name: bare(owner), type: typeToText(set.type) }
  if (before && after && isSelected(before.set) && isSelected(after.set)) {
    const clients = compareSteered(comparing, before.set, after.set)
    return clients.length > 0 ? [{ kind: 'steered', ...named, clients }] : []
  }
  const [was, is] = [before ? textsOf(before.set) : null, after ? textsOf(after.set) : null]
  return String(was) === String(is) ? [] : [{ kind: 'records', ...named, before: was, after: is }]
}

const isSelected = (set: RRset | SteeredSet): set is SelectedSet => 'policy' in set

/** Sorted, since the order of records says nothing. */
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
      return [`steered by ${set.policy.name}`]
    default:
      return set satisfies never
  }
}

/** A serial moves with every change, and with the time of loading. */
function dataText(type: number, octets: Uint8Array): string {
  const text = formatRdata(type, octets)
  return type === RRType.SOA ? text.replace(/^(\S+ \S+) \S+/, '$1 (serial)') : text
}
