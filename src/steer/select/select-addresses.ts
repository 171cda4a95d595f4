// A and AAAA: k of n addresses, each included in exact proportion to weight, since clients pick among what
// they get without regard to order (docs/adr/0003-weights-by-ladder-and-sampling.md).
//
// - What is drawn is an address, not a target: a target's weight is shared by its addresses of the family.
// - Only the pool that leads (leading-pool.ts) is drawn from. Fewer than `answers` are not made up from the next
//   pool: who ordered the pools wanted these clients here. Pools without the family are passed over, and where
//   a rule has none with it, the catch-all's take its place, or any.
// - Suspects take the places that the up addresses leave free, as at the tail of an MX ladder.
// - Regions, racks and targets do not repeat where they need not (spread.ts).
// - `sticky`: by the client's network instead of chance (sticky.ts).
// - Families are filtered apart, but the last of one is never taken away: NODATA for AAAA would be cached
//   longer than the failure lasts. SERVFAIL needs both families to be down.

import type { Random } from '../../lib/clock.ts'
import { RRType } from '../../wire/rrtype.ts'
import { lastGoodSince, lastResortPools, addAll, tiers, zeroWeightOf } from './last-resort.ts'
import {
  answerTtl,
  type SteerContext,
  type AddressSelection,
  type SelectedAddress,
  type Locus,
  type SelectionReason,
} from '../selection.ts'
import { createCandidates, type Candidates } from '../draw/candidates.ts'
import { evaluatePool, createPoolEvaluation, isEmpty, type PoolEvaluation } from './eligibility.ts'
import { catchAll, matchRule } from './match.ts'
import type { Pool, SteeredAddresses, TargetAddress } from '../policy.ts'
import { targetAt } from './select-mx.ts'
import { drawSample } from '../draw/sampling.ts'
import { dealSample, drawSpread } from '../draw/spread.ts'
import { chanceOf, clientHash, scoreAddresses } from '../draw/sticky.ts'
import { canvassAt, findLead, holdOfSurvey } from './leading-pool.ts'

const spare = createPoolEvaluation()
const everyone = createCandidates()

/** How one answer is drawn: by chance, or by the client's hash. */
interface Draw {
  readonly set: SteeredAddresses
  readonly context: SteerContext
  readonly family: 4 | 6
  /** null: by chance. */
  readonly client: number | null
  readonly random: Random
  readonly places: number
}

export function selectAddresses(
  set: SteeredAddresses,
  locus: Locus,
  context: SteerContext,
): AddressSelection {
  const pools = matchRule(set.policy, locus)?.pools ?? []
  const family = familyOf(set.type)
  const client = set.sticky ? clientHash(set.policy, locus) : null
  const random = client === null ? context.random : chanceOf(client)
  const draw: Draw = { set, context, family, client, random, places: Math.max(1, set.answers) }
  const selection = selectFrom(draw, pools)
  if (selection.kind !== 'no-family') return selection
  // NODATA for some clients would reach others through caches, and bounce their mail: rather another rule's pools.
  const catchAllPools = catchAll(set.policy)?.pools ?? []
  const elsewhere = selectFrom(draw, catchAllPools)
  if (elsewhere.kind !== 'no-family') return elsewhere
  return selectFrom(
    draw,
    set.policy.rules.flatMap((rule) => rule.pools),
  )
}

function selectFrom(draw: Draw, pools: readonly Pool[]): AddressSelection {
  const { context, family, random } = draw
  const lead = findLead(pools, family, context.health, random)
  if (lead < 0) return allDown(draw, pools)
  const canvass = canvassAt(lead)
  const addresses = takeAll(pools[lead] as Pool, canvass, draw)
  const reason = canvass.isPanic ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
  return selected(draw, addresses, reason)
}

function selected(
  { set }: Draw,
  addresses: readonly SelectedAddress[],
  reason: SelectionReason,
  holdSeconds: number = Infinity,
): AddressSelection {
  const ttl = answerTtl(set, Math.min(holdSeconds, holdOfSurvey()))
  return { kind: 'selected', addresses, ttl, reason }
}

function takeAll(pool: Pool, canvass: PoolEvaluation, draw: Draw): SelectedAddress[] {
  const isMixed = pool.isSpread || canvass.hasSiblings
  if (draw.places === 1 && !isMixed && draw.client === null && canvass.up.count > 0)
    return [drawOne(pool, canvass.up, draw)]
  const addresses: SelectedAddress[] = []
  drawInto(addresses, pool, canvass.up, draw, isMixed)
  if (addresses.length < draw.places && canvass.suspect.count > 0)
    drawInto(addresses, pool, canvass.suspect, draw, isMixed)
  return addresses
}

/** What drawInto comes to for one address: the shortest way of the commonest draw. */
function drawOne(pool: Pool, ballot: Candidates, { random }: Draw): SelectedAddress {
  drawSample(ballot, 1, random)
  const target = targetAt(pool, ballot, 0)
  return { target, address: target.addresses[ballot.addresses[0] as number] as TargetAddress }
}

/** `isMixed`: there are risks to spread over. */
function drawInto(
  addresses: SelectedAddress[],
  pool: Pool,
  ballot: Candidates,
  draw: Draw,
  isMixed: boolean,
): void {
  const { client, random } = draw
  const places = draw.places - addresses.length
  if (client !== null) {
    scoreAddresses(ballot, pool, client)
    take(addresses, pool, ballot, drawSpread(ballot, pool, places, null, addresses))
  } else if (!isMixed) {
    take(addresses, pool, ballot, drawSample(ballot, places, random))
  } else if (addresses.length > 0) {
    take(addresses, pool, ballot, drawSpread(ballot, pool, places, random, addresses))
  } else {
    const dealt = dealSample(ballot, pool, places, random)
    take(addresses, pool, dealt, dealt.count)
  }
}

function allDown(draw: Draw, pools: readonly Pool[]): AddressSelection {
  const { set, context, family } = draw
  const { health } = context
  const { onAllDown } = set.policy
  if (onAllDown.kind === 'backup') {
    evaluatePool(spare, onAllDown.pool, family, health)
    if (!isEmpty(spare))
      return selected(draw, takeAll(onAllDown.pool, spare, draw), 'backup', spare.holdSeconds)
  }
  const fellSince = onAllDown.kind === 'last_good' ? lastGoodSince(pools, family, health) : 0
  if (fellSince > 0) {
    const addresses: SelectedAddress[] = []
    for (const pool of pools) {
      everyone.count = 0
      addAll(everyone, pool, family, { health, tier: 'weighty', zeroWeight: 0, fellSince })
      drawInto(addresses, pool, everyone, draw, true)
    }
    if (addresses.length > 0) return selected(draw, addresses, 'last-good')
  }
  return failOpen(draw, lastResortPools(set.policy, pools))
}

function failOpen(draw: Draw, pools: readonly Pool[]): AddressSelection {
  const { set, context, family } = draw
  const { health } = context
  const zeroWeight = zeroWeightOf(pools)
  const addresses: SelectedAddress[] = []
  for (const tier of tiers) {
    for (const pool of pools) {
      everyone.count = 0
      addAll(everyone, pool, family, { health, tier, zeroWeight, fellSince: 0 })
      take(addresses, pool, everyone, drawSample(everyone, Infinity, context.random))
    }
    if (addresses.length > 0) break
  }
  if (addresses.length === 0) return { kind: 'no-family' }
  if (set.policy.onAllDown.kind === 'servfail' && !lives(pools, family === 4 ? 6 : 4, context))
    return { kind: 'servfail' }
  return selected(draw, addresses, 'failed-open')
}

function lives(pools: readonly Pool[], family: 4 | 6, context: SteerContext): boolean {
  for (const pool of pools) {
    evaluatePool(spare, pool, family, context.health)
    if (!isEmpty(spare)) return true
  }
  return false
}

/** Takes the first `count` of the ballot; an address of two targets once, as a set has no doubles (RFC 2181 §5). */
function take(addresses: SelectedAddress[], pool: Pool, ballot: Candidates, count: number): void {
  for (let i = 0; i < count; i++) {
    const target = targetAt(pool, ballot, i)
    const address = target.addresses[ballot.addresses[i] as number] as TargetAddress
    if (!isTaken(addresses, address)) addresses.push({ target, address })
  }
}

function isTaken(addresses: readonly SelectedAddress[], address: TargetAddress): boolean {
  for (const taken of addresses) if (taken.address.text === address.text) return true
  return false
}

export const familyOf = (type: number): 4 | 6 => (type === RRType.A ? 4 : 6)
