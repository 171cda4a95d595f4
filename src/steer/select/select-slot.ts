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
import type { ExchangeSlot, Pool, Target } from '../policy.ts'
import type { AddressSelection, Rung, SelectedAddress, SelectedAddresses } from '../selection.ts'
import { hasFamily } from './last-resort.ts'
import { catchAll } from './match.ts'
import { familyOf, selectAddresses } from './select-addresses.ts'
import { canonicalLadder, selectMx } from './select-mx.ts'
import type { Steering } from './steering.ts'
import { targetAddresses } from './target-addresses.ts'

/**
 * The addresses of the slot now, for the client network with the hash `client`. The TTL ends with the epoch, to the second, so
 * that what is cached of all names of a client changes together.
 */
export function selectSlotNow(
  set: ExchangeSlot,
  pools: readonly Pool[] | null,
  client: number,
  steering: Steering,
): AddressSelection {
  const nowSeconds = Math.floor(steering.clock.wallMs() / 1000)
  const draw = epochDraw(client, set.epochSeconds, nowSeconds)
  const selection = selectSlot(set, pools, draw, steering)
  if (selection.kind !== 'selected') return selection
  const ttl = Math.min(selection.ttl, epochSecondsLeft(client, set.epochSeconds, nowSeconds))
  return { ...selection, ttl }
}

/**
 * The addresses of the slot from these pools; null: for the zone's own MTAs, which get the fixed ladder. `draw`: the hash by
 * which the ladder is ordered.
 */
export function selectSlot(
  set: ExchangeSlot,
  pools: readonly Pool[] | null,
  draw: number,
  steering: Steering,
): AddressSelection {
  const ladder = pools === null ? canonicalLadder(set) : selectMx(set, pools, draw, steering)
  if (ladder.kind === 'servfail') return ladder
  const { rungs } = ladder
  const own = (rungs[set.rung % rungs.length] as Rung).target
  if (hasFamily(own, familyOf(set.type))) return answerOf(set, own, ladder, draw, steering)
  const answers = maxTargetAddresses * (set.ladder + set.rung + 1)
  const otherPools = pools ?? catchAll(set.policy).pools
  const others = selectAddresses({ ...set, answers }, otherPools, draw, steering)
  if (others.kind !== 'selected') return others
  const { reason } = others
  const ttl = Math.min(ladder.ttl, others.ttl)
  const other = substitute(set, rungs, others.addresses)
  return answerOf(set, other, { ttl, reason }, draw, steering)
}

/**
 * That a target has at most. So many addresses for each rung, and for each rung that may lack the family, have as many
 * targets as are needed, or are all that there are.
 */
const maxTargetAddresses = 16

function answerOf(
  { ofTargets }: ExchangeSlot,
  target: Target,
  { ttl, reason }: Pick<SelectedAddresses, 'ttl' | 'reason'>,
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
 * rungs get different targets, as far as there are so many, and none of the ladder while there is another.
 */
function substitute(
  { rung, type, ladder }: ExchangeSlot,
  rungs: readonly Rung[],
  others: readonly SelectedAddress[],
): Target {
  const onLadder = new Set<number>()
  for (const { target } of rungs.slice(0, ladder)) onLadder.add(target.index)
  const having = [...new Map(others.map(({ target }) => [target.index, target])).values()]
  const spare = having.filter(({ index }) => !onLadder.has(index))
  const open = spare.length > 0 ? spare : having
  const above = rungs.slice(0, rung % rungs.length)
  const lacking = above.filter(({ target }) => !hasFamily(target, familyOf(type))).length
  return open[lacking % open.length] as Target
}
