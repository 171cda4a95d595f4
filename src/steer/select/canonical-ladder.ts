// Loop guard: what the MTAs themselves are answered. One ladder for all of them, whatever their place and
// whatever the health: pools of the catch-all in order, within a pool by configured weight, then by name.
//
// An MTA that relays for the domain drops every exchange at its own preference and below (RFC 5321 §5.1), then
// tries what is left. With drawn ladders, or with ladders of different rules, A may see B best while B sees A
// best, and mail circles. With a ladder filtered by health, the backup sees itself best as soon as the primary
// is down, and bounces with "mail loops back to myself" instead of queueing. Both end with one fixed order.
// An MTA that the ladder is too short for finds only its betters on it, which is as safe.

import type { Member, SteeredMx } from '../policy.ts'
import type { MxSelection, Rung } from '../selection.ts'
import { answerTtl } from '../answer-ttl.ts'
import { zeroWeightOf } from './everyone.ts'
import { catchAll } from './match.ts'
import { addBelow, rungLimit } from './rungs.ts'

export function canonicalLadder(set: SteeredMx): MxSelection {
  const pools = catchAll(set.policy)?.pools ?? []
  const zeroWeight = zeroWeightOf(pools)
  const limit = rungLimit(set)
  const rungs: Rung[] = []
  for (const pool of pools) {
    const members = pool.members.filter((member) => (member.weight || zeroWeight) > 0)
    for (const { target } of members.sort(byWeightThenName))
      if (rungs.length < limit) addBelow(rungs, target)
  }
  if (rungs.length === 0) return { kind: 'servfail' }
  return { kind: 'selected', rungs, ttl: answerTtl(set, Infinity), reason: 'eligible' }
}

/** By code units, not by locale: instances must agree. */
const byWeightThenName = (a: Member, b: Member): number =>
  b.weight - a.weight || (a.target.name < b.target.name ? -1 : 1)
