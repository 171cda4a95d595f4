// What of a zone's names has left it and stays, and what cannot stay.
//
//   the name has addresses again            it is itself again: nothing is kept
//   the zone says `on_removed: drop`        nothing is kept
//   a CNAME is there, a delegation or       what is there answers in its place, and may lead
//   DNAME at it or above, other addresses   elsewhere: reported when the name leaves
//   TLSA of a name that is kept             kept as long as the name
//   TLSA of a steered name that is there    records that it has lost stay beside those that it has: caches
//                                           have addresses of whoever has left. Never where it has none: that would
//                                           ask senders for a certificate that nobody has
//   exchanges of an MX or SRV that is kept  kept until nothing caches that any more either

import {
  isAtOrBelow,
  keyOfName,
  type NameKey,
  nameToText,
  parentKey,
  parseName,
} from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Zone, ZoneNode } from '../zone/zone.ts'
import { byOwnerAndType, hostOfTlsa, namesInTexts } from './exposed-sets.ts'
import {
  type DepartedSet,
  keyOfSet,
  departedNow,
  singleRecords,
  type ZoneNames,
} from './name-memory.ts'

export type Uncovered = 'dropped' | 'alias' | 'delegated' | 'other-addresses' | 'too-many'

export interface UncoveredSet {
  readonly set: DepartedSet
  readonly why: Uncovered
}

export interface Departures {
  /** Sorted by owner and type. Of TLSA one record each. */
  readonly kept: readonly DepartedSet[]
  /** Those of `kept` that the last load still had in the zone. */
  readonly left: readonly DepartedSet[]
  /** Sets that left with this load and are not kept. */
  readonly uncovered: readonly UncoveredSet[]
  /** Sets that were kept, to which no cache leads any more. */
  readonly released: readonly DepartedSet[]
}

export interface DepartureTimes {
  /** Now: what is not in the zone any more leaves it at this time. Milliseconds since 1970. */
  readonly nowMs: number
  /** Sets are released whose time is before this: now, or when the store was last read. */
  readonly releaseMs: number
}

const addressTypes: readonly number[] = [RRType.A, RRType.AAAA]

/** Sets of one zone that are kept at most. */
export const maxKeptSets = 4096

/** `zone`: as compiled from its file. */
export function departures(
  zone: Zone,
  known: ZoneNames,
  { nowMs, releaseMs, isDropping }: DepartureTimes & { readonly isDropping: boolean },
): Departures {
  const leaving = new Set<string>()
  const candidates = new Map<string, DepartedSet>()
  for (const set of known.departed.flatMap(singleRecords)) addLater(candidates, set)
  for (const set of known.current) {
    for (const one of singleRecords(departedNow(set, nowMs))) {
      const key = keyOfSet(one)
      candidates.set(key, one)
      leaving.add(key)
    }
  }
  const judged = judge(zone, candidates, isDropping)
  const living = withExchanges(judged.kept).filter(({ untilMs }) => untilMs > releaseMs)
  const kept = living.toSorted((a, b) => b.untilMs - a.untilMs || byOwnerAndType(a, b))
  const isLeaving = (set: DepartedSet): boolean => leaving.has(keyOfSet(set))
  const tooMany = kept.splice(maxKeptSets).map((set) => ({ set, why: 'too-many' as const }))
  const livingKeys = new Set(living.map(keyOfSet))
  return {
    kept: kept.sort(byOwnerAndType),
    left: kept.filter(isLeaving),
    uncovered: [...judged.uncovered, ...tooMany].filter(({ set }) => isLeaving(set)),
    released: judged.kept.filter((set) => !livingKeys.has(keyOfSet(set))),
  }
}

/** Of one set that several instances keep, the one that is kept longest, with the same choice on all of them. */
function addLater(candidates: Map<string, DepartedSet>, set: DepartedSet): void {
  const other = candidates.get(keyOfSet(set))
  const isLater =
    other === undefined ||
    set.untilMs > other.untilMs ||
    (set.untilMs === other.untilMs && String(set.rdata) > String(other.rdata))
  if (isLater) candidates.set(keyOfSet(set), set)
}

interface Judged {
  readonly kept: readonly DepartedSet[]
  readonly uncovered: readonly UncoveredSet[]
}

type Judgement = { readonly kind: 'kept' | 'there' } | { readonly kind: Uncovered }

function judge(
  zone: Zone,
  candidates: ReadonlyMap<string, DepartedSet>,
  isDropping: boolean,
): Judged {
  const kept: DepartedSet[] = []
  const uncovered: UncoveredSet[] = []
  const keptHosts = new Set<NameKey>()
  const consider = (set: DepartedSet, key: NameKey, { kind }: Judgement): void => {
    if (kind === 'there') return
    if (kind !== 'kept') return void uncovered.push({ set, why: kind })
    if (isDropping) return void uncovered.push({ set, why: 'dropped' })
    kept.push(set)
    if (set.type !== RRType.TLSA) keptHosts.add(key)
  }
  const located = [...candidates.values()].flatMap((set) => {
    const parsed = parseName(set.owner)
    const key = parsed.kind === 'name' ? keyOfName(parsed.name) : ''
    return isAtOrBelow(key, zone.apexKey) ? [{ set, key }] : []
  })
  for (const { set, key } of located)
    if (set.type !== RRType.TLSA) consider(set, key, judgeSet(zone, key, set.type))
  for (const { set, key } of located)
    if (set.type === RRType.TLSA) consider(set, key, judgeTlsa(zone, key, set, keptHosts))
  return { kept, uncovered }
}

function judgeSet(zone: Zone, key: NameKey, type: number): Judgement {
  const node = zone.nodes.get(key)
  if (isGivenAway(zone, key)) return { kind: 'delegated' }
  if (node === undefined) return { kind: 'kept' }
  if (node.sets.has(RRType.CNAME)) return { kind: 'alias' }
  if (!addressTypes.includes(type)) return { kind: node.sets.has(type) ? 'there' : 'kept' }
  const addresses = addressTypes.flatMap((one) => node.sets.get(one) ?? [])
  if (addresses.length === 0) return { kind: 'kept' }
  return { kind: addresses.every(({ kind }) => kind === 'plain') ? 'other-addresses' : 'there' }
}

/** Whether the name is, or is below, a delegation, or is below a DNAME. */
function isGivenAway({ nodes, apexKey }: Zone, key: NameKey): boolean {
  for (let at = key; at !== apexKey; at = parentKey(at)) {
    const node = nodes.get(at)
    if (node?.isDelegation || (at !== key && node?.sets.has(RRType.DNAME))) return true
  }
  return key !== apexKey && nodes.get(apexKey)?.sets.has(RRType.DNAME) === true
}

function judgeTlsa(
  zone: Zone,
  key: NameKey,
  { rdata }: DepartedSet,
  keptHosts: ReadonlySet<NameKey>,
): Judgement {
  const node = zone.nodes.get(key)
  const here = node?.sets.get(RRType.TLSA)
  const host = hostOfTlsa(key)
  if (keptHosts.has(host)) {
    const isFree = !here && !node?.sets.has(RRType.CNAME) && !isGivenAway(zone, key)
    return { kind: isFree ? 'kept' : 'there' }
  }
  if (here?.kind !== 'plain' || !isSteeredAddress(zone.nodes.get(host))) return { kind: 'there' }
  const texts = here.rdata.map(({ octets }) => formatRdata(RRType.TLSA, octets))
  return { kind: rdata.every((text) => texts.includes(text)) ? 'there' : 'kept' }
}

const isSteeredAddress = (node: ZoneNode | undefined): boolean =>
  addressTypes.some((type) => {
    const kind = node?.sets.get(type)?.kind
    return kind === 'steered-address' || kind === 'exchange-slot'
  })

/** Extends what kept MX and SRV name by what may be cached of these, and TLSA to the time of its name. */
function withExchanges(kept: readonly DepartedSet[]): readonly DepartedSet[] {
  const leads = new Map<string, number>()
  for (const set of kept)
    for (const name of namesInTexts(set)) {
      const owner = nameToText(name).toLowerCase()
      leads.set(owner, Math.max(leads.get(owner) ?? 0, set.untilMs + set.ttl * 1000))
    }
  const addresses = new Map<string, number>()
  const extended = kept.map((set) => {
    const ledMs = leads.get(set.owner)
    if (!addressTypes.includes(set.type)) return set
    const ownMs = ledMs === undefined ? 0 : ledMs + set.keepSeconds * 1000
    const untilMs = Math.max(set.untilMs, ownMs)
    addresses.set(set.owner, Math.max(addresses.get(set.owner) ?? 0, untilMs))
    return { ...set, untilMs }
  })
  return extended.map((set) => {
    const host = set.owner.replace(/^[^.]*\.[^.]*\./, '')
    const hostMs = set.type === RRType.TLSA ? addresses.get(host) : undefined
    return hostMs === undefined ? set : { ...set, untilMs: Math.max(set.untilMs, hostMs) }
  })
}
