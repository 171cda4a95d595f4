// Sticky answers: weighted rendezvous hashing. Every candidate has a number that depends on the client's network, the
// steering, the target and its weight alone; the lowest are chosen. So all instances choose alike, and when a
// target leaves, or loses weight, only clients that had it move: among the others nothing changes its order.
//
// The number is −ln(u) / weight, u in (0, 1) by hash: exponentially distributed with the weight as rate, so the
// first place is won in proportion to weight, and the k lowest are a weighted permutation's first k (over clients,
// not over time). Inclusion among k is therefore Plackett–Luce's, not exactly proportional as without `sticky`.

import { combineHashes, hashOctets, hashText, fractionOfHash } from '../../lib/hash.ts'
import type { Random } from '../../lib/clock.ts'
import type { Candidates } from './candidates.ts'
import { weightAt } from './candidates.ts'
import type { Member, Policy, Pool, Target, TargetAddress } from '../policy.ts'
import type { Locus } from '../selection.ts'

/** Clients of one network of this width are one client: fixed, so that all instances and both ends of ECS agree. */
const stickyWidth4 = 24
const stickyWidth6 = 56

/** The client's hash under a steering. */
export function clientHash(policy: Policy, { family, octets }: Locus): number {
  const width = family === 4 ? stickyWidth4 : stickyWidth6
  return combineHashes(policy.hash, hashOctets(octets, width / 8))
}

/** Lower is better; Infinity for no weight. */
const targetScore = (client: number, target: Target, weight: number): number =>
  -Math.log(fractionOfHash(combineHashes(client, target.hash))) / weight

/** In (0, 1), for the order of one target's addresses. */
const addressScore = (client: number, address: Uint8Array): number =>
  fractionOfHash(combineHashes(client, hashOctets(address)))

/** Puts scores in the place of the weights. */
export function scoreMembers(ballot: Candidates, pool: Pool, client: number): void {
  for (let i = 0; i < ballot.count; i++)
    ballot.weights[i] = targetScore(client, targetOf(pool, ballot, i), weightAt(ballot, i))
}

/** So little of a score that it decides between addresses of one target only. */
const tieShare = 1e-9

/** As `scoreMembers`: an address has the score of its target, whose addresses' weights stand side by side. */
export function scoreAddresses(ballot: Candidates, pool: Pool, client: number): void {
  let end = 0
  for (let from = 0; from < ballot.count; from = end) {
    let weight = 0
    for (end = from; end < ballot.count && ballot.members[end] === ballot.members[from]; end++)
      weight += weightAt(ballot, end)
    const target = targetOf(pool, ballot, from)
    const score = targetScore(client, target, weight)
    for (let i = from; i < end; i++) {
      const address = target.addresses[ballot.addresses[i] as number] as TargetAddress
      ballot.weights[i] = score * (1 + tieShare * addressScore(client, address.rdata.octets))
    }
  }
}

const targetOf = (pool: Pool, ballot: Candidates, at: number): Target =>
  (pool.members[ballot.members[at] as number] as Member).target

const spillSalt = hashText('spill')
let spillShare = 0

/** What is chance to other answers, where a pool hands over in part: the same for the same client. */
export function chanceOf(client: number): Random {
  spillShare = fractionOfHash(combineHashes(client, spillSalt))
  return chanceOfClient
}

const chanceOfClient: Random = () => spillShare
