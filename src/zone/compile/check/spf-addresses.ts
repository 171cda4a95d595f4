// The addresses that mail may be sent from, by pool, and which pools an SPF record has an address of.

import { masked, type Network, networkContains } from '../../../lib/ip.ts'
import type { SpfBudget } from '../../../spf/check-host.ts'
import { isSpf, parseSpf, type SpfRecord } from '../../../spf/spf-record.ts'
import type { Target } from '../../../steer/policy.ts'
import type { ZoneSource } from '../zone-source.ts'
import type { SpfAnswers } from './spf-answers.ts'

export interface SendingAddress {
  readonly target: string
  readonly address: string
}

interface IndexedAddress {
  /** Sorts as the addresses do, IPv4 first. */
  readonly key: string
  readonly octets: Uint8Array
  readonly pool: string
}

export interface AddressIndex {
  /** By name of the pool. */
  readonly ofPool: ReadonlyMap<string, readonly SendingAddress[]>
  readonly sorted: readonly IndexedAddress[]
}

const keyOf = (octets: Uint8Array): string =>
  `${octets.length} ${Buffer.from(octets).toString('hex')}`.padStart(35)

/** Names of the pools that a `spf:` of the zone names. */
export function sendingPools({ records }: ZoneSource): ReadonlySet<string> {
  const all = [...records.values()].flatMap((types) => [...types.values()])
  return new Set(all.flatMap((one) => (one.kind === 'spf' ? one.pools : [])))
}

/** Of the pools that a `spf:` names; where there is none, of all. */
export function indexAddresses(
  source: ZoneSource,
  targets: ReadonlyMap<string, { readonly target: Target }>,
): AddressIndex {
  const named = sendingPools(source)
  const ofPool = new Map<string, readonly SendingAddress[]>()
  const sorted: IndexedAddress[] = []
  for (const [pool, { members }] of source.pools) {
    if (named.size > 0 && !named.has(pool)) continue
    const found = members.flatMap(({ target: name }) => targets.get(name)?.target ?? [])
    const addresses = found.flatMap(({ name, addresses: all }) => {
      for (const { rdata } of all)
        sorted.push({ key: keyOf(rdata.octets), octets: rdata.octets, pool })
      return all.map(({ text }) => ({ target: name, address: text }))
    })
    ofPool.set(pool, addresses)
  }
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { ofPool, sorted }
}

interface Walk {
  readonly answers: SpfAnswers
  readonly budget: SpfBudget
}

/** Pools with an address in a network that the record allows, itself or by records of the zone that it includes. */
export function poolsWithin(
  { sorted }: AddressIndex,
  walk: Walk,
  { record }: { readonly record: SpfRecord },
): ReadonlySet<string> {
  const pools = new Set<string>()
  for (const network of networksOf(walk, record, 0)) {
    const from = keyOf(masked(network.octets, network.prefixLength))
    for (let at = firstFrom(sorted, from); at < sorted.length; at++) {
      const one = sorted[at] as IndexedAddress
      if (walk.budget.terms-- <= 0 || !networkContains(network, one.octets)) break
      pools.add(one.pool)
    }
  }
  return pools
}

const maxDepth = 10

function networksOf(walk: Walk, record: SpfRecord, depth: number): readonly Network[] {
  const { answers, budget } = walk
  const networks: Network[] = []
  for (const { qualifier, mechanism } of record.directives) {
    if (qualifier !== '+' || budget.terms-- <= 0) continue
    if (mechanism.kind === 'ip4' || mechanism.kind === 'ip6') networks.push(mechanism.network)
    if (mechanism.kind !== 'include' || depth >= maxDepth) continue
    const answer = answers.answer({ type: 'TXT', name: mechanism.domain.toLowerCase() })
    const text = answer.kind === 'found' ? answer.data.find(isSpf) : undefined
    const parsed = text === undefined ? null : (budget.parsed.get(text) ?? parseSpf(text))
    if (text !== undefined && parsed !== null) budget.parsed.set(text, parsed)
    if (parsed?.kind === 'record') networks.push(...networksOf(walk, parsed.record, depth + 1))
  }
  return networks
}

/** Index of the first address that is not below the key. */
function firstFrom(sorted: readonly IndexedAddress[], key: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as IndexedAddress).key < key) low = middle + 1
    else high = middle
  }
  return low
}
