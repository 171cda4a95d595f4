// Exchange slots: fixed names that an MX lists which is not steered itself, as that of a customer's own domain. Each
// answers the addresses of one rung of a ladder that is drawn for the client's network and the epoch (draw/epoch.ts), as a
// sticky MX would have it: pools, health, spread and last resorts are those of select-mx.ts.
//
//   the ladder has as many rungs as there are names     each name has a target of its own
//   fewer                                               names share: name i has rung i mod rungs
//   the target of a rung lacks the family               another one that has it, off the ladder if there is one: NODATA would
//                                                       reach other clients through caches, whose target has the family,
//                                                       and no signed zone could prove it (zone/denial-chain.ts)
//
// When a target leaves, the rungs above it stay, and those below move up: so the first name keeps exact shares.

import { epochDraw, epochSecondsLeft } from '../draw/epoch.ts'
import { clientHash } from '../draw/sticky.ts'
import type { ExchangeSlot, Rule, Target } from '../policy.ts'
import type { AddressSelection, Locus, Rung, SelectedAddress } from '../selection.ts'
import { hasFamily } from './last-resort.ts'
import { catchAll, getsFixedLadder, matchRule } from './match.ts'
import { familyOf, selectAddressesUnder } from './select-addresses.ts'
import { canonicalLadder, selectMxUnder } from './select-mx.ts'
import type { Steering } from './steering.ts'
import { targetAddresses } from './target-addresses.ts'

/**
 * The addresses of the slot for a client at `locus`. Its TTL ends with the epoch, to the second, so that what is cached of
 * all names of a client changes together.
 */
export function selectSlot(set: ExchangeSlot, locus: Locus, steering: Steering): AddressSelection {
  const client = clientHash(set.policy, locus)
  const nowSeconds = Math.floor(steering.clock.wallMs() / 1000)
  const draw = epochDraw(client, set.epochSeconds, nowSeconds)
  const rule = getsFixedLadder(set, locus) ? null : matchRule(set.policy, locus)
  const selection = selectSlotUnder(set, rule, draw, steering)
  if (selection.kind !== 'selected') return selection
  const ttl = Math.min(selection.ttl, epochSecondsLeft(client, set.epochSeconds, nowSeconds))
  return { ...selection, ttl }
}

/**
 * The target of each name for a client at `locus` now, in the type of the set, and for how long; null: SERVFAIL. For
 * explanations.
 */
export function slotTargets(
  set: ExchangeSlot,
  locus: Locus,
  steering: Steering,
): { readonly targets: readonly (Target | null)[]; readonly secondsLeft: number } {
  const client = clientHash(set.policy, locus)
  const nowSeconds = Math.floor(steering.clock.wallMs() / 1000)
  const draw = epochDraw(client, set.epochSeconds, nowSeconds)
  const rule = getsFixedLadder(set, locus) ? null : matchRule(set.policy, locus)
  const targets = set.names.map((_, rung) => {
    const selection = selectSlotUnder({ ...set, rung }, rule, draw, steering)
    return selection.kind === 'selected' ? (selection.addresses[0]?.target ?? null) : null
  })
  return { targets, secondsLeft: epochSecondsLeft(client, set.epochSeconds, nowSeconds) }
}

/**
 * The addresses of the slot for clients under a rule of the set's policy; null: the zone's own MTAs, which get the fixed
 * ladder. `draw`: the hash by which the ladder is ordered.
 */
export function selectSlotUnder(
  set: ExchangeSlot,
  rule: Rule | undefined | null,
  draw: number,
  steering: Steering,
): AddressSelection {
  const ladder = rule === null ? canonicalLadder(set) : selectMxUnder(set, rule, draw, steering)
  if (ladder.kind === 'servfail') return ladder
  const { rungs, reason } = ladder
  const own = (rungs[set.rung % rungs.length] as Rung).target
  if (hasFamily(own, familyOf(set.type)))
    return answerOf(set, own, { ttl: ladder.ttl, reason }, draw, steering)
  const others = selectAddressesUnder(
    set,
    rule ?? catchAll(set.policy),
    draw,
    steering,
    maxTargetAddresses * (set.ladder + set.rung + 1),
  )
  if (others.kind !== 'selected') return others
  const ttl = Math.min(ladder.ttl, others.ttl)
  const other = substitute(set, rungs, others.addresses)
  return answerOf(set, other, { ttl, reason: others.reason }, draw, steering)
}

/**
 * That a target has at most. So many addresses for each rung, and for each rung that may lack the family, have as many
 * targets as are needed, or are all that there are.
 */
const maxTargetAddresses = 16

function answerOf(
  { ofTargets }: ExchangeSlot,
  target: Target,
  { ttl, reason }: Pick<Extract<AddressSelection, { kind: 'selected' }>, 'ttl' | 'reason'>,
  draw: number,
  steering: Steering,
): AddressSelection {
  const set = ofTargets.get(target.index)
  if (set === undefined) return { kind: 'no-family' }
  const selection = targetAddresses(set, steering, draw)
  if (selection.kind !== 'selected') return selection
  return { ...selection, ttl: Math.min(selection.ttl, ttl), reason }
}

/**
 * A target for the rung whose own target lacks the family. `others`: addresses of it, in the client's order; several such
 * rungs get different targets, as far as there are so many.
 */
function substitute(
  { rung, type, ladder }: ExchangeSlot,
  rungs: readonly Rung[],
  others: readonly SelectedAddress[],
): Target {
  const family = familyOf(type)
  let lacking = 0
  for (let i = 0; i < rung % rungs.length; i++)
    if (!hasFamily((rungs[i] as Rung).target, family)) lacking++
  const taken = Math.min(ladder, rungs.length)
  return (nthApart(others, rungs, taken, lacking) ?? nthApart(others, rungs, 0, lacking)) as Target
}

/** The `nth` target, from 0, of those that none of the first `taken` rungs has, begun anew where there are fewer; null: none. */
function nthApart(
  others: readonly SelectedAddress[],
  rungs: readonly Rung[],
  taken: number,
  nth: number,
): Target | null {
  let count = 0
  for (let i = 0; i < others.length; i++) {
    if (!isFirstApart(others, i, rungs, taken)) continue
    if (count++ === nth) return (others[i] as SelectedAddress).target
  }
  return count === 0 ? null : nthApart(others, rungs, taken, nth % count)
}

/** Whether no address before it is of the same target, which is on none of the first `taken` rungs. */
function isFirstApart(
  others: readonly SelectedAddress[],
  at: number,
  rungs: readonly Rung[],
  taken: number,
): boolean {
  const { index } = (others[at] as SelectedAddress).target
  for (let i = 0; i < taken; i++) if ((rungs[i] as Rung).target.index === index) return false
  for (let i = 0; i < at; i++)
    if ((others[i] as SelectedAddress).target.index === index) return false
  return true
}
