// The candidates of one pool, by health: its members (for MX and SRV) or their addresses of one family (for A and AAAA),
// those that are up and those that are suspect. Each slot of the health table is read once, so that an address is never
// seen in two states while the table changes.
//
//   operator            slot      candidate   weight
//   drained, disabled   any       none        out, also in panic
//   forced              any       up          configured × share
//   –                   up        up          configured × share × factor
//   –                   suspect   suspect     the same; suspects take the positions that the up ones leave free
//   –                   unknown   suspect     the same: it is not known to be up, nor to be down
//   –                   down      none
//   any                 any       none        where the weight, or the product, is 0
//
// A member counts as its best usable address does: a sender that meets a dead address of an exchange goes on to the next
// one, so one good address carries the exchange's whole share.
//
// Panic: where less than `panic` of the weight that probes may judge is usable, the probes are likelier to be wrong than
// all of these hosts at once. Health is then ignored, and every member that is not out is up at configured × share.

import { type HealthReader, isOut, SlotState, Standing } from '../../health/table.ts'
import { addCandidate, type Candidates, createCandidates } from '../draw/candidates.ts'
import type { Member, Pool } from '../policy.ts'
import { addAll, type Family, hasFamily } from './last-resort.ts'

export interface PoolEvaluation {
  readonly up: Candidates
  readonly suspect: Candidates
  /** Health was ignored: see above. */
  isPanic: boolean
  /** At least two of the candidates are addresses of one target. */
  hasSiblings: boolean
  /** Share of the pool's weight whose members are usable, 0 to 1; 1 in panic. */
  usableShare: number
  /** Seconds until the first of the values read may change; Infinity where none will. */
  holdSeconds: number
}

export const createPoolEvaluation = (): PoolEvaluation => ({
  up: createCandidates(),
  suspect: createCandidates(),
  isPanic: false,
  hasSiblings: false,
  usableShare: 0,
  holdSeconds: Infinity,
})

/** Whether the pool has no candidate. */
export const isEmpty = ({ up, suspect }: PoolEvaluation): boolean =>
  up.count === 0 && suspect.count === 0

/**
 * Refills `evaluation`. `family` null: candidates are members, by all their addresses; else addresses of that family, and
 * members that have none take no part. `panic`: the pool's threshold, or 0 where its health must not be ignored.
 */
export function evaluatePool(
  evaluation: PoolEvaluation,
  pool: Pool,
  family: Family,
  health: HealthReader,
  panic: number = pool.panic,
): void {
  clear(evaluation)
  let total = 0
  let judged = 0
  let usable = 0
  for (let i = 0; i < pool.members.length; i++) {
    const member = pool.members[i] as Member
    const { weight, row } = member
    if (!(weight > 0) || (family !== null && !hasFamily(member.target, family))) continue
    total += weight
    noteHold(evaluation, health.rowHoldSeconds(row))
    const standing = health.standing(row)
    if (isOut(standing)) continue
    judged += weight
    const before = candidateCount(evaluation)
    const slots = standing === Standing.forced ? alwaysUp : member.slots
    if (family === null) addMember(evaluation, member, i, slots, health)
    else addAddresses(evaluation, member, i, slots, family, health)
    if (candidateCount(evaluation) > before) usable += weight
  }
  evaluation.usableShare = total > 0 ? usable / total : 0
  if (usable < judged * panic) applyPanic(evaluation, pool, family, health)
}

function applyPanic(
  evaluation: PoolEvaluation,
  pool: Pool,
  family: Family,
  health: HealthReader,
): void {
  evaluation.up.count = 0
  evaluation.suspect.count = 0
  evaluation.isPanic = true
  evaluation.usableShare = 1
  addAll(evaluation.up, pool, family, { health, tier: 'weighted', zeroWeight: 0, downSince: 0 })
  // One of several addresses must not be drawn as if it were its target's only one.
  evaluation.hasSiblings = family !== null
}

/** For a member that is forced up: slot 0, which is always up, stands for each of its addresses. */
const alwaysUp: readonly number[] = [0]

function addMember(
  evaluation: PoolEvaluation,
  member: Member,
  index: number,
  slots: readonly number[],
  health: HealthReader,
): void {
  const weight = member.weight * health.share(member.row)
  let up = 0
  let suspect = 0
  for (const slot of slots) {
    noteHold(evaluation, health.holdSeconds(slot))
    const state = health.state(slot)
    if (state === SlotState.down) continue
    const factor = health.factor(slot)
    if (state === SlotState.up) up = Math.max(up, factor)
    else suspect = Math.max(suspect, factor)
  }
  if (weight * up > 0) addCandidate(evaluation.up, weight * up, index, 0)
  else if (weight * suspect > 0) addCandidate(evaluation.suspect, weight * suspect, index, 0)
}

/** The member's weight is divided evenly among its up addresses, and likewise among its suspect ones. */
function addAddresses(
  evaluation: PoolEvaluation,
  member: Member,
  index: number,
  slots: readonly number[],
  family: 4 | 6,
  health: HealthReader,
): void {
  const { addresses } = member.target
  const base = member.weight * health.share(member.row)
  const upBefore = evaluation.up.count
  const suspectBefore = evaluation.suspect.count
  for (let i = 0; i < addresses.length; i++) {
    if (addresses[i]?.family !== family) continue
    const slot = slots[i] ?? 0
    noteHold(evaluation, health.holdSeconds(slot))
    const state = health.state(slot)
    const weight = base * health.factor(slot)
    if (state === SlotState.down || !(weight > 0)) continue
    addCandidate(state === SlotState.up ? evaluation.up : evaluation.suspect, weight, index, i)
  }
  divideWeight(evaluation, evaluation.up, upBefore)
  divideWeight(evaluation, evaluation.suspect, suspectBefore)
}

function divideWeight(evaluation: PoolEvaluation, candidates: Candidates, from: number): void {
  const count = candidates.count - from
  if (count < 2) return
  evaluation.hasSiblings = true
  for (let i = from; i < candidates.count; i++)
    candidates.weights[i] = (candidates.weights[i] as number) / count
}

const candidateCount = ({ up, suspect }: PoolEvaluation): number => up.count + suspect.count

function clear(evaluation: PoolEvaluation): void {
  evaluation.up.count = 0
  evaluation.suspect.count = 0
  evaluation.isPanic = false
  evaluation.hasSiblings = false
  evaluation.usableShare = 0
  evaluation.holdSeconds = Infinity
}

function noteHold(evaluation: PoolEvaluation, holdSeconds: number): void {
  if (holdSeconds < evaluation.holdSeconds) evaluation.holdSeconds = holdSeconds
}
