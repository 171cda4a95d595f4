// Steered sets into the plan by draws that were prepared (steer/prepared-draw.ts), counted as add-set.ts does.

import { drawPrepared, prepareAddresses, prepareLadder } from '../steer/prepared-draw.ts'
import type { PreparedDraw } from '../steer/prepared-draw.ts'
import type { SteeredAddresses, SteeredMx, Target } from '../steer/policy.ts'
import { preferenceAt } from '../steer/rungs.ts'
import type { ChosenAddress, Rung } from '../steer/selection.ts'
import { countAddresses, countRungs } from './add-set.ts'
import { ruleOf } from './client-rule.ts'
import type { Inquiry } from './inquiry.ts'
import { addEntry } from './plan.ts'

/** Of one set: a draw for each rule, null where it cannot be prepared, as long as health stays as it is. */
export interface PreparedSet {
  generation: number
  /** Since health changed. */
  askings: number
  readonly ladders: (PreparedDraw<Target> | null | undefined)[]
  readonly addresses: (PreparedDraw<ChosenAddress> | null | undefined)[]
}

export const createPreparedSet = (): PreparedSet => ({
  generation: -1,
  askings: 0,
  ladders: [],
  addresses: [],
})

/** Asked less often between two changes of health, a set is not worth preparing. */
const calmAskings = 4

type FilledRung = { -readonly [Key in keyof Rung]: Rung[Key] }

/** Of the answer in hand. */
const chosen: ChosenAddress[] = []
const targets: Target[] = []
const rungs: FilledRung[] = []

/** Adds the set to an empty plan; false: nothing was added, and it is to be steered the long way. */
export function addPrepared(
  inquiry: Inquiry,
  set: SteeredMx | SteeredAddresses,
  prepared: PreparedSet,
): boolean {
  if (set.sticky) return false
  const rule = ruleOf(inquiry, set)
  if (rule < 0) return false
  const generation = inquiry.context.health.generation()
  if (prepared.generation !== generation) {
    prepared.generation = generation
    prepared.askings = 0
    prepared.ladders.length = 0
    prepared.addresses.length = 0
  }
  if (prepared.askings < calmAskings && ++prepared.askings < calmAskings) return false
  return set.kind === 'steered-mx'
    ? addLadder(inquiry, set, prepared, rule)
    : addAddresses(inquiry, set, prepared, rule)
}

function addLadder(
  inquiry: Inquiry,
  set: SteeredMx,
  { ladders }: PreparedSet,
  rule: number,
): boolean {
  const { context, plan } = inquiry
  let draw = ladders[rule]
  if (draw === undefined) ladders[rule] = draw = prepareLadder(set, rule, context.health)
  const entry = draw === null ? null : addEntry(plan, 'answer', null, set.type)
  if (draw === null || entry === null) return false
  drawPrepared(draw, context.random, targets)
  inquiry.usesHealth = true
  entry.ttl = draw.ttl
  entry.rungs = rungsOf(set.mode === 'ladder')
  countRungs(inquiry, entry, draw.reason)
  return true
}

function addAddresses(
  inquiry: Inquiry,
  set: SteeredAddresses,
  { addresses }: PreparedSet,
  rule: number,
): boolean {
  const { context, plan } = inquiry
  let draw = addresses[rule]
  if (draw === undefined) addresses[rule] = draw = prepareAddresses(set, rule, context.health)
  const entry = draw === null ? null : addEntry(plan, 'answer', null, set.type)
  if (draw === null || entry === null) return false
  drawPrepared(draw, context.random, chosen)
  inquiry.usesHealth = true
  entry.ttl = draw.ttl
  entry.addresses = chosen
  countAddresses(inquiry, entry, set, draw.reason)
  return true
}

/** The targets drawn, at their heights (steer/rungs.ts). */
function rungsOf(isLadder: boolean): readonly Rung[] {
  for (let i = 0; i < targets.length; i++) {
    const preference = preferenceAt(isLadder ? i : 0)
    const target = targets[i] as Target
    const rung = rungs[i]
    if (rung === undefined) rungs[i] = { target, preference }
    else {
      rung.target = target
      rung.preference = preference
    }
  }
  rungs.length = targets.length
  return rungs
}
