// Who may be answered: one pool's members (for MX) or their addresses of one family (for A and AAAA), sorted
// by health into two ballots. Every slot is read once a query, so a decision never sees an address twice
// in different states while the table changes under it.
//
//   slot          usable as   weight
//   up, unknown   up          configured × factor
//   suspect       suspect     configured × factor; takes the places that the up ones leave free
//   down          –
//   any, factor 0 –           worth nothing at the moment, as is a configured weight of 0
//
// A member counts as its best usable address does: a sender that meets a dead address of an exchange goes on
// to the next one, so one good address carries the exchange's whole share.
//
// Panic: when less than `pool.panic` of the pool's weight is usable, the probes are likelier wrong than all of
// these hosts at once: health is not believed, and everyone is up at the configured weight.

import { SlotState } from '../health/table.ts'
import type { HealthReader } from '../health/table.ts'
import { createBallot, enter } from './ballot.ts'
import type { Ballot } from './ballot.ts'
import { enterAllAddresses, enterAllMembers, hasFamily } from './everyone.ts'
import type { Member, Pool } from './policy.ts'

export interface Canvass {
  readonly up: Ballot
  readonly suspect: Ballot
  panicked: boolean
  /** Soonest that any of the slots read could change. */
  holdSeconds: number
}

export const createCanvass = (): Canvass => ({
  up: createBallot(),
  suspect: createBallot(),
  panicked: false,
  holdSeconds: Infinity,
})

export const isEmpty = (canvass: Canvass): boolean =>
  canvass.up.count === 0 && canvass.suspect.count === 0

/** Members as wholes, by all their addresses. */
export function canvassMembers(canvass: Canvass, pool: Pool, health: HealthReader): void {
  clear(canvass)
  let total = 0
  let usable = 0
  for (let i = 0; i < pool.members.length; i++) {
    const member = pool.members[i] as Member
    if (!(member.weight > 0)) continue
    const before = entries(canvass)
    enterMember(canvass, member, i, health)
    total += member.weight
    if (entries(canvass) > before) usable += member.weight
  }
  if (usable >= total * pool.panic) return
  clearForPanic(canvass)
  enterAllMembers(canvass.up, pool)
}

/** Addresses of one family; members without any take no part. */
export function canvassAddresses(
  canvass: Canvass,
  pool: Pool,
  family: 4 | 6,
  health: HealthReader,
): void {
  clear(canvass)
  let total = 0
  let usable = 0
  for (let i = 0; i < pool.members.length; i++) {
    const member = pool.members[i] as Member
    if (!(member.weight > 0) || !hasFamily(member.target, family)) continue
    const before = entries(canvass)
    enterAddresses(canvass, pool, i, { family, health })
    total += member.weight
    if (entries(canvass) > before) usable += member.weight
  }
  if (usable >= total * pool.panic) return
  clearForPanic(canvass)
  enterAllAddresses(canvass.up, pool, family)
}

function enterMember(canvass: Canvass, member: Member, index: number, health: HealthReader): void {
  let up = 0
  let suspect = 0
  for (const slot of member.slots) {
    noteHold(canvass, health.holdSeconds(slot))
    const state = health.state(slot)
    if (state === SlotState.down) continue
    const factor = health.factor(slot)
    if (state !== SlotState.suspect) up = Math.max(up, factor)
    else suspect = Math.max(suspect, factor)
  }
  if (up > 0) enter(canvass.up, member.weight * up, index, 0)
  else if (suspect > 0) enter(canvass.suspect, member.weight * suspect, index, 0)
}

/** A member's weight is shared evenly among those of its addresses that have the same standing. */
function enterAddresses(
  canvass: Canvass,
  pool: Pool,
  index: number,
  { family, health }: { readonly family: 4 | 6; readonly health: HealthReader },
): void {
  const member = pool.members[index] as Member
  const upBefore = canvass.up.count
  const suspectBefore = canvass.suspect.count
  for (let i = 0; i < member.target.addresses.length; i++) {
    if (member.target.addresses[i]?.family !== family) continue
    const slot = member.slots[i] ?? 0
    noteHold(canvass, health.holdSeconds(slot))
    const state = health.state(slot)
    const weight = member.weight * health.factor(slot)
    if (state === SlotState.down || !(weight > 0)) continue
    enter(state === SlotState.suspect ? canvass.suspect : canvass.up, weight, index, i)
  }
  share(canvass.up, upBefore)
  share(canvass.suspect, suspectBefore)
}

function share(ballot: Ballot, from: number): void {
  const count = ballot.count - from
  for (let i = from; i < ballot.count; i++)
    ballot.weights[i] = (ballot.weights[i] as number) / count
}

const entries = (canvass: Canvass): number => canvass.up.count + canvass.suspect.count

function clear(canvass: Canvass): void {
  canvass.up.count = 0
  canvass.suspect.count = 0
  canvass.panicked = false
  canvass.holdSeconds = Infinity
}

function clearForPanic(canvass: Canvass): void {
  canvass.up.count = 0
  canvass.suspect.count = 0
  canvass.panicked = true
}

function noteHold(canvass: Canvass, holdSeconds: number): void {
  if (holdSeconds < canvass.holdSeconds) canvass.holdSeconds = holdSeconds
}
