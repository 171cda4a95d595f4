// A and AAAA: k of n addresses, each included in exact proportion to weight, since clients pick among what
// they get without regard to order (docs/adr/0003-weights-by-ladder-and-sampling.md).
//
// - What is drawn is an address, not a target: a target's weight is shared by its addresses of the family.
// - Only the first pool with anyone eligible is drawn from. Fewer than `answers` are not made up from the next
//   pool: who ordered the pools wanted these clients here. Pools without the family are passed over.
// - Suspects take the places that the up addresses leave free, as at the tail of an MX ladder.
// - Families are filtered apart, but the last of one is never taken away: NODATA for AAAA would be cached
//   longer than the failure lasts. SERVFAIL needs both families to be down.

import { SlotState } from '../health/table.ts'
import type { HealthReader } from '../health/table.ts'
import { RRType } from '../wire/rrtype.ts'
import { answerTtl } from './answer-ttl.ts'
import { createBallot } from './ballot.ts'
import type { Ballot } from './ballot.ts'
import type { SteerContext } from './context.ts'
import { canvassAddresses, createCanvass, isEmpty } from './eligibility.ts'
import { enterAllAddresses, zeroWeightOf } from './everyone.ts'
import { matchRule } from './match.ts'
import type { Pool, SteeredAddresses, TargetAddress, TargetAddresses } from './policy.ts'
import { targetAt } from './rungs.ts'
import { drawSample } from './sampling.ts'
import type { AddressSelection, ChosenAddress, Locus } from './selection.ts'

/** Refilled by every query. */
const canvass = createCanvass()
const everyone = createBallot()

export function selectAddresses(
  set: SteeredAddresses,
  locus: Locus,
  context: SteerContext,
): AddressSelection {
  const pools = matchRule(set.policy, locus)?.pools ?? []
  const family = familyOf(set.type)
  const places = Math.max(1, set.answers)
  let holdSeconds = Infinity
  for (const pool of pools) {
    canvassAddresses(canvass, pool, family, context.health)
    holdSeconds = Math.min(holdSeconds, canvass.holdSeconds)
    if (isEmpty(canvass)) continue
    const { up, suspect, panicked } = canvass
    const addresses: ChosenAddress[] = []
    const drawn = drawSample(up, places, context.random)
    take(addresses, pool, up, drawn)
    if (drawn < places)
      take(addresses, pool, suspect, drawSample(suspect, places - drawn, context.random))
    const reason = panicked ? 'panic' : 'eligible'
    return { kind: 'selected', addresses, ttl: answerTtl(set, holdSeconds), reason }
  }
  return failOpen(set, pools, context, holdSeconds)
}

function failOpen(
  set: SteeredAddresses,
  pools: readonly Pool[],
  context: SteerContext,
  holdSeconds: number,
): AddressSelection {
  const family = familyOf(set.type)
  const addresses: ChosenAddress[] = []
  const zeroWeight = zeroWeightOf(pools)
  for (const pool of pools) {
    everyone.count = 0
    enterAllAddresses(everyone, pool, family, zeroWeight)
    take(addresses, pool, everyone, drawSample(everyone, Infinity, context.random))
  }
  if (addresses.length === 0) return { kind: 'no-family' }
  if (set.policy.onAllDown.kind === 'servfail' && !lives(pools, family === 4 ? 6 : 4, context))
    return { kind: 'servfail' }
  return { kind: 'selected', addresses, ttl: answerTtl(set, holdSeconds), reason: 'failed-open' }
}

function lives(pools: readonly Pool[], family: 4 | 6, context: SteerContext): boolean {
  for (const pool of pools) {
    canvassAddresses(canvass, pool, family, context.health)
    if (!isEmpty(canvass)) return true
  }
  return false
}

/** Takes the first `count` of the ballot; an address of two targets once, as a set has no doubles (RFC 2181 §5). */
function take(addresses: ChosenAddress[], pool: Pool, ballot: Ballot, count: number): void {
  for (let i = 0; i < count; i++) {
    const target = targetAt(pool, ballot, i)
    const address = target.addresses[ballot.addresses[i] as number] as TargetAddress
    if (!isTaken(addresses, address)) addresses.push({ target, address })
  }
}

function isTaken(addresses: readonly ChosenAddress[], address: TargetAddress): boolean {
  for (const taken of addresses) if (taken.address.text === address.text) return true
  return false
}

const familyOf = (type: number): 4 | 6 => (type === RRType.A ? 4 : 6)

/**
 * The addresses of a target under its own name, which is the exchange of its MX records: down ones leave only
 * while another of the same family stays. Others hold the MX record in their cache, and an exchange without
 * addresses bounces there (Postfix: 5.4.4). Suspects stay: their name has nothing better to offer.
 */
export function targetAddresses(set: TargetAddresses, context: SteerContext): AddressSelection {
  const { target } = set
  const family = familyOf(set.type)
  const living: ChosenAddress[] = []
  const all: ChosenAddress[] = []
  let holdSeconds = Infinity
  for (let i = 0; i < target.addresses.length; i++) {
    const address = target.addresses[i]
    if (address?.family !== family) continue
    all.push({ target, address })
    holdSeconds = Math.min(holdSeconds, holdOf(set, i, context.health))
    if (!isDown(set, i, context.health)) living.push({ target, address })
  }
  if (all.length === 0) return { kind: 'no-family' }
  const ttl = answerTtl(set, holdSeconds)
  return living.length > 0
    ? { kind: 'selected', addresses: living, ttl, reason: 'eligible' }
    : { kind: 'selected', addresses: all, ttl, reason: 'failed-open' }
}

/** Down in every membership. A target in no pool is watched by nobody, and up. */
function isDown(set: TargetAddresses, address: number, health: HealthReader): boolean {
  for (const { slots } of set.memberships)
    if (health.state(slots[address] ?? 0) !== SlotState.down) return false
  return set.memberships.length > 0
}

function holdOf(set: TargetAddresses, address: number, health: HealthReader): number {
  let holdSeconds = Infinity
  for (const { slots } of set.memberships)
    holdSeconds = Math.min(holdSeconds, health.holdSeconds(slots[address] ?? 0))
  return holdSeconds
}
