// Who may be answered: one pool's members (for MX and SRV) or their addresses of one family (for A and AAAA), sorted
// by health into two ballots. Every slot is read once a query, so a decision never sees an address twice
// in different states while the table changes under it.
//
//   operator      slot          usable as   weight
//   drained, disabled   any     –           out, also in panic
//   forced        any           up          configured × share
//   –             up            up          configured × share × factor
//   –             suspect       suspect     the same; takes the places that the up ones leave free
//   –             unknown       suspect     the same: nobody knows that it is up, nor that it is not
//   –             down          –
//   any           any           –           a product of 0 is worth nothing at the moment, as is a weight of 0
//
// A member counts as its best usable address does: a sender that meets a dead address of an exchange goes on
// to the next one, so one good address carries the exchange's whole share.
//
// Panic: when less than `panic` of the weight that probes may judge is usable, they are likelier wrong than all of
// these hosts at once: health is not believed, and whoever is not out is up at configured × share.

import { SlotState, Standing, isOut, type HealthReader } from '../../health/table.ts'
import { createCandidates, addCandidate, type Candidates } from '../draw/candidates.ts'
import { addAll, hasFamily, type Family } from './last-resort.ts'
import type { Member, Pool } from '../policy.ts'

export interface PoolEvaluation {
  readonly up: Candidates
  readonly suspect: Candidates
  isPanic: boolean
  /** A target has several of the addresses. */
  hasSiblings: boolean
  /** Share of the pool's weight whose members are usable; 1 in panic. */
  usableShare: number
  /** Soonest that anything read could change. */
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

export const isEmpty = (canvass: PoolEvaluation): boolean =>
  canvass.up.count === 0 && canvass.suspect.count === 0

/**
 * `family` null: members as wholes, by all their addresses; else those of one family, and members without any take no
 * part. `panic`: the pool's own, or 0 where its health is to be believed all the same.
 */
export function evaluatePool(
  canvass: PoolEvaluation,
  pool: Pool,
  family: Family,
  health: HealthReader,
  panic: number = pool.panic,
): void {
  clear(canvass)
  let full = 0
  let judged = 0
  let usable = 0
  for (let i = 0; i < pool.members.length; i++) {
    const member = pool.members[i] as Member
    const { weight, row } = member
    if (!(weight > 0) || (family !== null && !hasFamily(member.target, family))) continue
    full += weight
    noteHold(canvass, health.rowHoldSeconds(row))
    const standing = health.standing(row)
    if (isOut(standing)) continue
    judged += weight
    const before = entries(canvass)
    if (family !== null) {
      const slots = standing === Standing.forced ? noSlots : member.slots
      enterAddresses(canvass, member, i, slots, family, health)
    } else if (standing === Standing.forced) enterForced(canvass, member, i, health)
    else enterMember(canvass, member, i, health)
    if (entries(canvass) > before) usable += weight
  }
  canvass.usableShare = full > 0 ? usable / full : 0
  if (usable < judged * panic) panicOver(canvass, pool, family, health)
}

function panicOver(
  canvass: PoolEvaluation,
  pool: Pool,
  family: Family,
  health: HealthReader,
): void {
  canvass.up.count = 0
  canvass.suspect.count = 0
  canvass.isPanic = true
  canvass.usableShare = 1
  addAll(canvass.up, pool, family, { health, tier: 'weighty', zeroWeight: 0, fellSince: 0 })
  // An address of two is never drawn as if it were one of one.
  canvass.hasSiblings = family !== null
}

function enterForced(
  canvass: PoolEvaluation,
  member: Member,
  index: number,
  health: HealthReader,
): void {
  const weight = member.weight * health.share(member.row)
  if (weight > 0) addCandidate(canvass.up, weight, index, 0)
}

function enterMember(
  canvass: PoolEvaluation,
  member: Member,
  index: number,
  health: HealthReader,
): void {
  const weight = member.weight * health.share(member.row)
  let up = 0
  let suspect = 0
  for (const slot of member.slots) {
    noteHold(canvass, health.holdSeconds(slot))
    const state = health.state(slot)
    if (state === SlotState.down) continue
    const factor = health.factor(slot)
    if (state === SlotState.up) up = Math.max(up, factor)
    else suspect = Math.max(suspect, factor)
  }
  if (weight * up > 0) addCandidate(canvass.up, weight * up, index, 0)
  else if (weight * suspect > 0) addCandidate(canvass.suspect, weight * suspect, index, 0)
}

/** Of a member that is forced up: slot 0 for each of its addresses. */
const noSlots: readonly number[] = []

/** A member's weight is shared evenly among those of its addresses that have the same standing. */
function enterAddresses(
  canvass: PoolEvaluation,
  member: Member,
  index: number,
  slots: readonly number[],
  family: 4 | 6,
  health: HealthReader,
): void {
  const { addresses } = member.target
  const base = member.weight * health.share(member.row)
  const upBefore = canvass.up.count
  const suspectBefore = canvass.suspect.count
  for (let i = 0; i < addresses.length; i++) {
    if (addresses[i]?.family !== family) continue
    const slot = slots[i] ?? 0
    noteHold(canvass, health.holdSeconds(slot))
    const state = health.state(slot)
    const weight = base * health.factor(slot)
    if (state === SlotState.down || !(weight > 0)) continue
    addCandidate(state === SlotState.up ? canvass.up : canvass.suspect, weight, index, i)
  }
  share(canvass, canvass.up, upBefore)
  share(canvass, canvass.suspect, suspectBefore)
}

function share(canvass: PoolEvaluation, ballot: Candidates, from: number): void {
  const count = ballot.count - from
  if (count < 2) return
  canvass.hasSiblings = true
  for (let i = from; i < ballot.count; i++)
    ballot.weights[i] = (ballot.weights[i] as number) / count
}

const entries = (canvass: PoolEvaluation): number => canvass.up.count + canvass.suspect.count

function clear(canvass: PoolEvaluation): void {
  canvass.up.count = 0
  canvass.suspect.count = 0
  canvass.isPanic = false
  canvass.hasSiblings = false
  canvass.usableShare = 0
  canvass.holdSeconds = Infinity
}

function noteHold(canvass: PoolEvaluation, holdSeconds: number): void {
  if (holdSeconds < canvass.holdSeconds) canvass.holdSeconds = holdSeconds
}
