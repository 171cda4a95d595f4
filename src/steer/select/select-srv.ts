// SRV (RFC 2782): the one type that carries weights itself. So nothing is drawn where everyone fits: priority is the
// pool's place (10, 20, 30…; suspects of all pools below), weight is the member's effective weight.
//
// Where a pool has more members than there is room for, k of n are drawn, and each has the weight of its share divided
// by its odds of being there: certain ones their own, the drawn ones the same. Their sum is the pool's weight in
// every answer, so that over many answers every member has exactly its share.
//
// Weights are whole and at least 1: 0 would mean "hardly ever" beside others, and that is not what was asked for.

import type { Random } from '../../lib/clock.ts'
import { lastGoodSince, lastResortPools, addAll, tiers, zeroWeightOf } from './last-resort.ts'
import {
  answerTtl,
  type SteerContext,
  type Locus,
  type SelectionReason,
  type SelectedSrv,
  type SrvSelection,
} from '../selection.ts'
import {
  createCandidates,
  shuffle,
  weightAt,
  weightFrom,
  type Candidates,
} from '../draw/candidates.ts'
import { evaluatePool, createPoolEvaluation, isEmpty } from './eligibility.ts'
import { matchRule } from './match.ts'
import type { Pool, SteeredSrv } from '../policy.ts'
import { targetAt } from './select-mx.ts'
import { drawCertain, drawSystematic } from '../draw/sampling.ts'
import { canvassAt, canvassNext, findLead, holdOfSurvey, surveyed } from './leading-pool.ts'

const priorityStep = 10
const maxWeight = 65_535
/** Decimals that a weight keeps, where it has any. */
const fineness = 100

const backup = createPoolEvaluation()
const everyone = createCandidates()

export function selectSrv(set: SteeredSrv, locus: Locus, context: SteerContext): SrvSelection {
  const pools = matchRule(set.policy, locus)?.pools ?? []
  const { health, random } = context
  const lead = findLead(pools, null, health, random)
  if (lead < 0) return allDown(set, pools, context)
  const choices: SelectedSrv[] = []
  let panicked = add(choices, pools[lead] as Pool, canvassAt(lead).up, { set, random })
  panicked &&= canvassAt(lead).isPanic
  for (let p = 0; p < pools.length && choices.length < set.answers; p++) {
    if (p === surveyed()) canvassNext(pools, null, health)
    const canvass = canvassAt(p)
    if (p !== lead && add(choices, pools[p] as Pool, canvass.up, { set, random }))
      panicked ||= canvass.isPanic
  }
  add(choices, pools[lead] as Pool, canvassAt(lead).suspect, { set, random })
  for (let p = 0; p < surveyed(); p++)
    if (p !== lead) add(choices, pools[p] as Pool, canvassAt(p).suspect, { set, random })
  return selected(set, choices, panicked ? 'panic' : lead > 0 ? 'spilled' : 'eligible')
}

function allDown(set: SteeredSrv, pools: readonly Pool[], context: SteerContext): SrvSelection {
  const { health, random } = context
  const { onAllDown } = set.policy
  const choices: SelectedSrv[] = []
  if (onAllDown.kind === 'servfail') return { kind: 'servfail' }
  if (onAllDown.kind === 'backup') {
    evaluatePool(backup, onAllDown.pool, null, health)
    add(choices, onAllDown.pool, backup.up, { set, random })
    add(choices, onAllDown.pool, backup.suspect, { set, random })
    if (!isEmpty(backup)) return selected(set, choices, 'backup', backup.holdSeconds)
  }
  const fellSince = onAllDown.kind === 'last_good' ? lastGoodSince(pools, null, health) : 0
  for (const pool of fellSince > 0 ? pools : []) {
    everyone.count = 0
    addAll(everyone, pool, null, { health, tier: 'weighty', zeroWeight: 0, fellSince })
    add(choices, pool, everyone, { set, random })
  }
  if (choices.length > 0) return selected(set, choices, 'last-good')
  return failOpen(set, lastResortPools(set.policy, pools), context)
}

function failOpen(
  set: SteeredSrv,
  pools: readonly Pool[],
  { health, random }: SteerContext,
): SrvSelection {
  const choices: SelectedSrv[] = []
  const zeroWeight = zeroWeightOf(pools)
  for (const tier of tiers) {
    for (const pool of pools) {
      everyone.count = 0
      addAll(everyone, pool, null, { health, tier, zeroWeight, fellSince: 0 })
      add(choices, pool, everyone, { set: { ...set, answers: Infinity }, random })
    }
    if (choices.length > 0) return selected(set, choices, 'failed-open')
  }
  return { kind: 'servfail' } // a rule without members: never compiled
}

const selected = (
  set: SteeredSrv,
  choices: readonly SelectedSrv[],
  reason: SelectionReason,
  holdSeconds: number = Infinity,
): SrvSelection => ({
  kind: 'selected',
  choices,
  ttl: answerTtl(set, Math.min(holdSeconds, holdOfSurvey())),
  reason,
})

/** A ballot at one priority, below what is there; whether that added anyone. */
function add(
  choices: SelectedSrv[],
  pool: Pool,
  ballot: Candidates,
  { set, random }: { readonly set: SteeredSrv; readonly random: Random },
): boolean {
  const before = choices.length
  const last = choices.at(-1)
  const priority = (last?.priority ?? 0) + priorityStep
  const drawn = draw(ballot, Math.min(ballot.count, set.answers - before), random)
  const scale = scaleOf(ballot, drawn)
  for (let i = 0; i < drawn; i++) {
    const target = targetAt(pool, ballot, i)
    const weight = Math.max(1, Math.min(maxWeight, Math.round(weightAt(ballot, i) * scale)))
    if (!isThere(choices, target.index)) choices.push({ target, priority, weight })
  }
  return choices.length > before
}

/** Brings `places` to the front, each with the weight that it answers with. */
function draw(ballot: Candidates, places: number, random: Random): number {
  if (places >= ballot.count || places <= 0) return Math.max(0, places)
  shuffle(ballot, random)
  const certain = drawCertain(ballot, places)
  if (certain === places) return places
  const share = weightFrom(ballot, certain) / (places - certain)
  drawSystematic(ballot, certain, places, random())
  for (let i = certain; i < places; i++) ballot.weights[i] = share
  return places
}

/** What makes the weights whole: nothing if they are, else what keeps two decimals, as far as 16 bits go. */
function scaleOf(ballot: Candidates, count: number): number {
  let most = 0
  let areWhole = true
  for (let i = 0; i < count; i++) {
    const weight = weightAt(ballot, i)
    most = Math.max(most, weight)
    areWhole &&= Number.isInteger(weight)
  }
  return Math.min(areWhole ? 1 : fineness, maxWeight / most)
}

function isThere(choices: readonly SelectedSrv[], target: number): boolean {
  for (const choice of choices) if (choice.target.index === target) return true
  return false
}
