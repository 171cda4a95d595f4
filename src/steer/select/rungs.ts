// The rungs of a ladder while it is built: preferences 10, 20, 30…, and no target twice, since one may be in
// several pools of a rule.

import type { Ballot } from '../draw/candidates.ts'
import type { Member, Pool, SteeredMx, Target } from '../policy.ts'
import type { Rung } from '../selection.ts'

const preferenceStep = 10
/** What preferences of 16 bits have room for. */
export const maxRungs = 6_553

/** Of the rung in a place; 0 is the first. */
export const preferenceAt = (place: number): number => preferenceStep * (place + 1)

export const rungLimit = (set: SteeredMx): number => Math.min(maxRungs, Math.max(1, set.ladder))

/** Adds a target one step below the others. */
export function addBelow(rungs: Rung[], target: Target): void {
  if (!isOn(rungs, target)) rungs.push({ target, preference: preferenceAt(rungs.length) })
}

/** Adds a target beside the others. */
export function addBeside(rungs: Rung[], target: Target): void {
  if (!isOn(rungs, target)) rungs.push({ target, preference: preferenceStep })
}

function isOn(rungs: readonly Rung[], target: Target): boolean {
  for (const rung of rungs) if (rung.target.index === target.index) return true
  return false
}

/** The target of a ballot's entry. */
export const targetAt = (pool: Pool, ballot: Ballot, at: number): Target =>
  (pool.members[ballot.members[at] as number] as Member).target
