// Finds what looks like a pool of MTAs in a zone of plain records: MX of several exchanges that have their addresses in
// the zone, and names whose addresses are those of such exchanges. MX preferences become pools, the lowest first, so that
// who is tried first stays the same; members of one pool have the same weight, as senders treat them.

import { formatAddress } from '../lib/ip.ts'
import { listed } from '../lib/listed.ts'
import {
  isAtOrBelow,
  keyOfName,
  type Name,
  type NameKey,
  nameToBareText,
  nameToText,
  parentKey,
} from '../wire/name.ts'
import { readUint16 } from '../wire/octets.ts'
import { namesInRdata } from '../wire/rdata/names.ts'
import { RRType } from '../wire/rrtype.ts'
import { isHostLabel } from '../zone/compile/names.ts'
import type { MasterOwner } from '../zone/compile/zone-source.ts'
import { type YamlMap, yamlMap, type YamlValue } from './yaml-text.ts'

export interface PoolOffer {
  /** `targets`, `probes`, `pools` and `steering` of the zone file. */
  readonly sections: ReadonlyMap<string, YamlMap>
  /** What is steered, by owner: types and records of the zone file. */
  readonly records: ReadonlyMap<NameKey, YamlMap>
  /** Types that these take the place of, by owner. */
  readonly replaced: ReadonlyMap<NameKey, readonly number[]>
  /** Lines on names with several addresses, which may be pools too. */
  readonly hints: readonly string[]
}

/** What health may lower it from; a plain set keeps its TTL. */
const steeredTtlSeconds = 60

const maxAddresses = 16
const maxMembers = 32
const maxPools = 16
const maxHints = 8

interface Host {
  readonly key: NameKey
  readonly target: string
  readonly addresses: readonly string[]
}

interface Zone {
  readonly apex: Name
  readonly apexKey: NameKey
  readonly owners: ReadonlyMap<NameKey, MasterOwner>
  /** Seconds. */
  readonly ttl: number
}

interface Draft {
  readonly targets: Map<NameKey, Host>
  readonly pools: Map<string, readonly string[]>
  /** Pools in order of preference, by the name of the steering. */
  readonly steering: Map<string, readonly string[]>
  /** Name of the steering by what it is made of. */
  readonly known: Map<string, string>
  readonly records: Map<NameKey, YamlMap>
  readonly replaced: Map<NameKey, readonly number[]>
}

/** null: nothing looks like a pool. `owners`: without names below delegations. */
export function offerPools(
  apex: Name,
  owners: ReadonlyMap<NameKey, MasterOwner>,
  ttl: number,
): PoolOffer | null {
  const zone = { apex, apexKey: keyOfName(apex), owners, ttl }
  const draft: Draft = {
    targets: new Map(),
    pools: new Map(),
    steering: new Map(),
    known: new Map(),
    records: new Map(),
    replaced: new Map(),
  }
  for (const [key, owner] of owners) offerMx(zone, draft, key, owner)
  for (const { key } of draft.targets.values())
    draft.replaced.set(key, [...(draft.replaced.get(key) ?? []), RRType.A, RRType.AAAA])
  for (const [key, owner] of owners) offerAddresses(zone, draft, key, owner)
  const hints = hintsOf(zone, draft)
  if (draft.targets.size === 0 && hints.length === 0) return null
  return { sections: sectionsOf(draft), records: draft.records, replaced: draft.replaced, hints }
}

function offerMx(zone: Zone, draft: Draft, key: NameKey, owner: MasterOwner): void {
  const set = owner.sets.find(({ type }) => type === RRType.MX)
  if (!set || set.rdata.length < 2 || isDelegated(zone, key)) return
  const byPreference = new Map<number, Host[]>()
  for (const rdata of set.rdata) {
    const exchange = namesInRdata(RRType.MX, rdata)[0]?.name
    const host = exchange ? hostOf(zone, exchange) : null
    if (host === null) return
    const preference = readUint16(rdata.octets, 0)
    byPreference.set(preference, [...(byPreference.get(preference) ?? []), host])
  }
  const rungs = [...byPreference].sort(([a], [b]) => a - b)
  if (rungs.length > maxPools || rungs.some(([, hosts]) => hosts.length > maxMembers)) return
  const name = steeringOf(zone, draft, owner.name, rungs)
  for (const host of rungs.flatMap(([, hosts]) => hosts)) draft.targets.set(host.key, host)
  const ttl = Math.min(set.ttl, zone.ttl, steeredTtlSeconds)
  draft.records.set(key, yamlMap({ MX: yamlMap({ steer: name, ttl }) }))
  draft.replaced.set(key, [RRType.MX])
}

type Rungs = readonly (readonly [preference: number, hosts: readonly Host[]])[]

/** The name of the steering for these pools, made if there is none yet. */
function steeringOf(zone: Zone, draft: Draft, owner: Name, rungs: Rungs): string {
  const content = JSON.stringify(rungs.map(([, hosts]) => hosts.map(({ target }) => target).sort()))
  const known = draft.known.get(content)
  if (known !== undefined) return known
  const name = freeName(draft, wordOf(zone, owner))
  const pools = rungs.map(([preference, hosts]) => {
    const members = hosts.map(({ target }) => target).toSorted()
    const same = [...draft.pools].find(([, known]) => known.join() === members.join())
    const pool = same?.[0] ?? (rungs.length === 1 ? name : `${name}-${preference}`)
    draft.pools.set(pool, members)
    return pool
  })
  draft.steering.set(name, pools)
  draft.known.set(content, name)
  return name
}

/** `inbound` for the zone itself. */
const wordOf = (zone: Zone, owner: Name): string =>
  keyOfName(owner) === zone.apexKey
    ? 'inbound'
    : nameToText(owner.subarray(0, owner.length - zone.apex.length + 1))
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '') || 'pool'

function freeName({ steering }: Draft, word: string): string {
  let name = word
  for (let i = 2; steering.has(name); i++) name = `${word}-${i}`
  return name
}

/** The exchange as a target; null: its name is not one label below the zone, or has no addresses of its own. */
function hostOf(zone: Zone, exchange: Name): Host | null {
  const key = keyOfName(exchange)
  const owner = zone.owners.get(key)
  if (!owner || parentKey(key) !== zone.apexKey || isDelegated(zone, key)) return null
  const target = nameToText(owner.name).split('.')[0] ?? ''
  const addresses = addressesOf(owner)
  const isTarget = isHostLabel(target) && addresses.length > 0 && addresses.length <= maxAddresses
  return isTarget ? { key, target: target.toLowerCase(), addresses } : null
}

const addressesOf = ({ sets }: MasterOwner): readonly string[] =>
  [RRType.A, RRType.AAAA].flatMap(
    (type) =>
      sets.find((set) => set.type === type)?.rdata.map(({ octets }) => formatAddress(octets)) ?? [],
  )

/** Whether a child zone has the name. */
function isDelegated({ owners, apexKey }: Zone, key: NameKey): boolean {
  for (let at = key; at !== apexKey && isAtOrBelow(at, apexKey); at = parentKey(at))
    if (owners.get(at)?.sets.some(({ type }) => type === RRType.NS)) return true
  return false
}

/** A name whose addresses are all of one or more targets, two at least. */
function offerAddresses(zone: Zone, draft: Draft, key: NameKey, owner: MasterOwner): void {
  if (draft.targets.has(key) || isDelegated(zone, key)) return
  const left = new Set(addressesOf(owner))
  const members = [...draft.targets.values()].filter(({ addresses }) =>
    addresses.some((address) => left.has(address)),
  )
  for (const { addresses } of members) for (const address of addresses) left.delete(address)
  if (members.length < 2 || members.length > maxMembers || left.size > 0) return
  const name = steeringOf(zone, draft, owner.name, [[0, members]])
  const ttls = owner.sets.filter(({ type }) => isAddressType(type)).map(({ ttl }) => ttl)
  const ttl = Math.min(...ttls, zone.ttl, steeredTtlSeconds)
  const types = yamlMap({ address: yamlMap({ steer: name, ttl }) })
  draft.records.set(key, new Map([...(draft.records.get(key) ?? []), ...types]))
  draft.replaced.set(key, [...(draft.replaced.get(key) ?? []), RRType.A, RRType.AAAA])
}

const isAddressType = (type: number): boolean => type === RRType.A || type === RRType.AAAA

/** A line for each name with several addresses of a family that is not offered. */
function hintsOf(zone: Zone, draft: Draft): readonly string[] {
  const names = [...zone.owners].flatMap(([key, { name, sets }]) => {
    const isOffered = draft.targets.has(key) || draft.records.get(key)?.has('address') === true
    if (isOffered || isDelegated(zone, key)) return []
    const count = Math.max(
      ...sets.map(({ type, rdata }) => (isAddressType(type) ? rdata.length : 0)),
    )
    return count < 2 ? [] : [nameToBareText(name)]
  })
  if (names.length === 0) return []
  return [
    `Several addresses: ${listed(names, maxHints)}. If these are MTAs, make each a target, and steer the name:`,
    'address: { steer: … }. The checks are those of SMTP, so leave names of other services as they are.',
  ]
}

function sectionsOf({ targets, pools, steering }: Draft): ReadonlyMap<string, YamlMap> {
  const sections = new Map<string, YamlMap>()
  if (targets.size === 0) return sections
  const sorted = [...targets.values()].sort((a, b) =>
    a.target.localeCompare(b.target, 'en', { numeric: true }),
  )
  const asTargets = sorted.map(({ target, addresses }): [string, YamlValue] => [
    target,
    yamlMap({ addresses }),
  ])
  const asPools = [...pools].map(([name, members]): [string, YamlValue] => [
    name,
    yamlMap({
      probe: 'inbound',
      targets: new Map(members.map((member) => [member, 1])),
    }),
  ])
  const asSteering = [...steering].map(([name, names]): [string, YamlValue] => [
    name,
    [yamlMap({ pools: names })],
  ])
  return sections
    .set('targets', new Map(asTargets))
    .set('probes', yamlMap({ inbound: yamlMap({ port: 25, level: 'ehlo' }) }))
    .set('pools', new Map(asPools))
    .set('steering', new Map(asSteering))
}
