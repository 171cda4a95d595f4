// Sticky answers: weighted rendezvous hashing. Each candidate has a score that depends only on the client's network, the
// policy, the target and its weight; the lowest scores are answered. All instances therefore agree, and when a target
// leaves, or loses weight, only the clients that had it move: the order of the others does not change.
//
// The score is −ln(u) / weight with u in (0, 1) by hash: exponentially distributed with the weight as its rate
// (Efraimidis and Spirakis 2006). So the first position is won in proportion to weight, and the k lowest scores are the
// first k of a weighted permutation, over clients and not over time. Inclusion among k is therefore Plackett–Luce's, not
// exactly proportional as it is without `sticky`.

import { combineHashes, hashOctets, hashText, fractionOfHash } from '../../lib/hash.ts'
import type {
  ExchangeSlot,
  Policy,
  Pool,
  SteeredAddresses,
  SteeredMx,
  SteeredSet,
  Target,
  TargetAddress,
} from '../policy.ts'
import type { Locus } from '../selection.ts'
import { type Candidates, targetAt, weightAt } from './candidates.ts'

export type StickySet = SteeredMx | SteeredAddresses | ExchangeSlot

export const isSticky = (set: SteeredSet): set is StickySet => 'sticky' in set && set.sticky

/**
 * Clients in one network of this prefix length get the same answer. Fixed, so that all instances agree with each other
 * and with the scope of EDNS Client Subnet.
 */
const stickyPrefixLength4 = 24
const stickyPrefixLength6 = 56

/** Hash of the client's network under a policy: the `client` argument of the functions below. */
export function clientHash(policy: Policy, { family, octets }: Locus): number {
  const prefixLength = family === 4 ? stickyPrefixLength4 : stickyPrefixLength6
  return combineHashes(policy.hash, hashOctets(octets, prefixLength / 8))
}

/** Lower is better; Infinity for weight 0. */
const targetScore = (client: number, target: Target, weight: number): number =>
  -Math.log(fractionOfHash(combineHashes(client, target.hash))) / weight

/** In (0, 1): orders the addresses of one target. */
export const addressScore = (client: number, address: Uint8Array): number =>
  fractionOfHash(combineHashes(client, hashOctets(address)))

/** Replaces the weight of each candidate, a member, by its score. */
export function scoreMembers(candidates: Candidates, pool: Pool, client: number): void {
  for (let i = 0; i < candidates.count; i++)
    candidates.weights[i] = targetScore(
      client,
      targetAt(pool, candidates, i),
      weightAt(candidates, i),
    )
}

/** So small a part of a score that it only decides between addresses of one target. */
const tieShare = 1e-9

/**
 * Replaces the weight of each candidate, an address, by its score: that of its target under the summed weight of the
 * target's addresses, which must be next to each other.
 */
export function scoreAddresses(candidates: Candidates, pool: Pool, client: number): void {
  const { count, members } = candidates
  let end = 0
  for (let from = 0; from < count; from = end) {
    let weight = 0
    for (end = from; end < count && members[end] === members[from]; end++)
      weight += weightAt(candidates, end)
    const target = targetAt(pool, candidates, from)
    const score = targetScore(client, target, weight)
    for (let i = from; i < end; i++) {
      const address = target.addresses[candidates.addresses[i] as number] as TargetAddress
      candidates.weights[i] = score * (1 + tieShare * addressScore(client, address.rdata.octets))
    }
  }
}

const leadSalt = hashText('spill')

/** The client's number in [0, 1) in place of a random one, where pools lead in proportion: always the same pool. */
export const leadFraction = (client: number): number =>
  fractionOfHash(combineHashes(client, leadSalt))
