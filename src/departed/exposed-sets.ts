// What a zone answers now and caches may lead to later: the addresses of targets, the sets of steered names, and TLSA at
// any of these. For each, how long caches may lead there once it has left the zone:
//
//   the answer that names it      its TTL: for a target that of the MX and SRV sets that can list it, and of plain records
//                                 of the zone that name it; for a steered name, which records elsewhere name too, an hour
//                                 at least
//   a resolver that clamps TTLs   300 s: what it holds for longer than it was told, or what a second one adds behind it
//   its own TTL                   for whoever keeps the address along with the name
//   secondaries                   refresh and retry of the SOA: they answer what they had until then
//
// A steered set is kept as plain records: what its members are, since nobody can say any more how they are.

import type { Member, Policy, SteeredSet, Target } from '../steer/policy.ts'
import {
  keyOfName,
  type Name,
  type NameKey,
  nameToText,
  parentKey,
  rootName,
} from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { namesInRdata } from '../wire/rdata/names.ts'
import { parseRdata } from '../wire/rdata/parse.ts'
import { RRType } from '../wire/rrtype.ts'
import { membersOf } from '../zone/policy-members.ts'
import type { RRset, Zone } from '../zone/zone.ts'

/** A set that caches may lead to, as text, since it is written to files and to the store. */
export interface ExposedSet {
  /** In lower case, with its final dot. */
  readonly owner: string
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  /** Presentation form. */
  readonly rdata: readonly string[]
  /** For how long caches may lead to it once it has left the zone, seconds. */
  readonly keepSeconds: number
}

/** Resolvers that raise low TTLs raise them to at most this (Unbound: `cache-min-ttl`, and what its manual warns of). */
const clampSeconds = 300

/** Of records elsewhere that lead to a steered name the TTL is not known. */
const leastLeadSeconds = 3600

/** What resolvers cache for at most, a week (RFC 8767 §4), whatever a plain record says. */
const longestLeadSeconds = 604_800

/** The longest that a set is kept, seconds: the longest times that a zone file may have of all these. */
export const maxKeepSeconds: number = 2 * longestLeadSeconds + 2 * 2_419_200 + clampSeconds

/** Records of a steered set that is kept. Senders try five addresses in all. */
const maxKeptRecords = 8

/**
 * Sorted by owner and type. `kept`: sets that have left the zone and are answered beside it. `hasSecondaries`: others may
 * take the whole zone.
 */
export function exposedSets(
  zone: Zone,
  kept: readonly ExposedSet[],
  hasSecondaries: boolean,
): readonly ExposedSet[] {
  const leads = leadSeconds(zone, kept)
  const lagSeconds = clampSeconds + (hasSecondaries ? transferLag(zone) : 0)
  const keptFor = new Map<NameKey, number>()
  const exposed: ExposedSet[] = []
  for (const [key, { owner, sets }] of zone.nodes)
    for (const set of sets.values()) {
      if (set.kind === 'plain') continue
      const least = set.kind === 'target-address' ? 0 : leastLeadSeconds
      const ledSeconds = Math.max(least, leads.get(key) ?? 0)
      const keepSeconds = Math.min(ledSeconds + lagSeconds + set.ttl, maxKeepSeconds)
      keptFor.set(key, Math.max(keepSeconds, keptFor.get(key) ?? 0))
      const rdata = keptRdata(set)
      if (rdata.length > 0) exposed.push({ ...textOfSet(owner, set, rdata), keepSeconds })
    }
  return [...exposed, ...tlsaSets(zone, keptFor)].sort(byOwnerAndType)
}

/** Then by what the set says, so that all instances have the same order. */
export const byOwnerAndType = (a: ExposedSet, b: ExposedSet): number =>
  compareTexts(a.owner, b.owner) ||
  a.type - b.type ||
  compareTexts(String(a.rdata), String(b.rdata))

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const textOfSet = (
  owner: Name,
  { type, ttl }: Pick<RRset, 'type' | 'ttl'>,
  rdata: readonly string[],
): Omit<ExposedSet, 'keepSeconds'> => ({
  owner: nameToText(owner).toLowerCase(),
  type,
  ttl,
  rdata,
})

/** TLSA at `_PORT._tcp.<name>` of the names in `keptFor`, which stay as long as these. */
function tlsaSets(zone: Zone, keptFor: ReadonlyMap<NameKey, number>): readonly ExposedSet[] {
  const found: ExposedSet[] = []
  for (const [key, { owner, sets }] of zone.nodes) {
    const set = sets.get(RRType.TLSA)
    const keepSeconds = keptFor.get(hostOfTlsa(key))
    if (set?.kind !== 'plain' || keepSeconds === undefined) continue
    const rdata = set.rdata.map(({ octets }) => formatRdata(set.type, octets))
    found.push({ ...textOfSet(owner, set, rdata), keepSeconds })
  }
  return found
}

/** The name that TLSA records at `_PORT._PROTOCOL.<name>` are of (RFC 6698 §3). */
export const hostOfTlsa = (owner: NameKey): NameKey => parentKey(parentKey(owner))

const leadingTypes: readonly number[] = [RRType.CNAME, RRType.MX, RRType.SRV]

/** For how long answers that name a name are cached, by the key of the name. */
function leadSeconds({ nodes }: Zone, kept: readonly ExposedSet[]): ReadonlyMap<NameKey, number> {
  const leads = new Map<NameKey, number>()
  const add = (name: Name, ttl: number): void => {
    const key = keyOfName(name)
    leads.set(key, Math.max(leads.get(key) ?? 0, Math.min(ttl, longestLeadSeconds)))
  }
  for (const { sets } of nodes.values())
    for (const set of sets.values()) for (const name of namesIn(set)) add(name, set.ttl)
  for (const set of kept) for (const name of namesInTexts(set)) add(name, set.ttl)
  return leads
}

/** The names in the records of a set that is kept, where it is of a type that leads to others. */
export const namesInTexts = ({ type, rdata }: ExposedSet): readonly Name[] =>
  leadingTypes.includes(type)
    ? rdata.flatMap((text) => {
        const parsed = parseRdata(type, text, rootName)
        return parsed.kind === 'rdata'
          ? namesInRdata(type, parsed.rdata).map(({ name }) => name)
          : []
      })
    : []

function namesIn(set: RRset | SteeredSet): readonly Name[] {
  switch (set.kind) {
    case 'plain':
      return leadingTypes.includes(set.type)
        ? set.rdata.flatMap((rdata) => namesInRdata(set.type, rdata).map(({ name }) => name))
        : []
    case 'steered-mx':
    case 'steered-srv':
      return membersOf(set.policy).map(({ target }) => target.owner)
    case 'steered-address':
    case 'exchange-slot':
    case 'target-address':
      return []
    default:
      return set satisfies never
  }
}

function keptRdata(set: SteeredSet): readonly string[] {
  switch (set.kind) {
    case 'target-address':
      return addressesOf([set.target], set.type).slice(0, Math.min(set.answers, maxKeptRecords))
    case 'steered-address':
    case 'exchange-slot':
      return addressesOf(
        rankedMembers(set.policy).map(({ target }) => target),
        set.type,
      ).slice(0, maxKeptRecords)
    case 'steered-mx':
      return rankedMembers(set.policy)
        .slice(0, maxKeptRecords)
        .map(({ place, target }) => `${10 * (place + 1)} ${nameToText(target.owner)}`)
    case 'steered-srv':
      return rankedMembers(set.policy)
        .slice(0, maxKeptRecords)
        .map(
          ({ place, weight, target }) =>
            `${10 * (place + 1)} ${weight} ${set.port} ${nameToText(target.owner)}`,
        )
    default:
      return set satisfies never
  }
}

const addressesOf = (targets: readonly Target[], type: number): readonly string[] =>
  targets.flatMap(({ addresses }) =>
    addresses
      .filter(({ family }) => (family === 4 ? RRType.A : RRType.AAAA) === type)
      .map(({ text }) => text),
  )

interface RankedMember extends Pick<Member, 'target' | 'weight'> {
  /** Place of its first pool in the rule. */
  readonly place: number
}

/** Members of the catch-all's pools, each target once, the pool that leads and the greatest weight first. */
function rankedMembers({ rules }: Policy): readonly RankedMember[] {
  const all = (rules.at(-1)?.pools ?? []).flatMap(({ members }, place) =>
    members
      .toSorted((a, b) => b.weight - a.weight || (a.target.name < b.target.name ? -1 : 1))
      .map(({ target, weight }) => ({ target, weight, place })),
  )
  const weighted = all.filter(({ weight }) => weight > 0)
  const ranked = weighted.length > 0 ? weighted : all
  return ranked.filter(
    ({ target }, i) => ranked.findIndex((other) => other.target === target) === i,
  )
}

/** A secondary asks after `refresh`, and again after `retry`; these precede expire and minimum (RFC 1035 §3.3.13). */
function transferLag({ apexKey, nodes }: Zone): number {
  const soa = nodes.get(apexKey)?.sets.get(RRType.SOA)
  const octets = soa?.kind === 'plain' ? soa.rdata[0]?.octets : undefined
  if (octets === undefined) return 0
  const numbers = new DataView(octets.buffer, octets.byteOffset, octets.length)
  return numbers.getUint32(octets.length - 16) + numbers.getUint32(octets.length - 12)
}
