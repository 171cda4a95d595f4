// The health table of a server that does not run: everybody up but those who are said to be down, weights as the
// calendar has them on a day, and what an operator might say.

import { effectOf } from '../health/overrides.ts'
import type { Override, OverrideAction } from '../health/overrides.ts'
import { type HealthWriter, SlotState, createHealthTable } from '../health/table.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import { type WatchedMember, memberState, watchedMembers } from '../weights/member-state.ts'
import { suggestName } from '../lib/suggest-name.ts'

export interface Assumptions {
  /** Names of targets, with or without their zone, or addresses. */
  readonly down: readonly string[]
  readonly actions: readonly { readonly target: string; readonly action: OverrideAction }[]
  readonly atMs: number
}

type AssumedHealth =
  | { readonly kind: 'health'; readonly health: HealthWriter }
  | { readonly kind: 'bad'; readonly why: string }

/** Thrown within this file alone. */
class Unknown extends Error {}

export function assumeHealth(
  targets: readonly LoadedTarget[],
  assumptions: Assumptions,
): AssumedHealth {
  const health = createHealthTable()
  try {
    for (const { pools } of targets)
      for (const { member } of pools)
        for (const slot of member.slots) health.set(slot, SlotState.up, 1, Infinity)
    for (const name of assumptions.down) takeDown(health, targets, name)
    writeRows(health, targets, assumptions)
    return { kind: 'health', health }
  } catch (error) {
    if (error instanceof Unknown) return { kind: 'bad', why: error.message }
    throw error
  }
}

/** Slots are of addresses as a probe sees them: whoever else stands behind one is down too. */
function takeDown(health: HealthWriter, targets: readonly LoadedTarget[], name: string): void {
  const slots = new Set<number>()
  for (const { target, pools } of calledOrAt(targets, name))
    for (const { member } of pools)
      for (const [i, slot] of member.slots.entries())
        if (slot !== 0 && (isCalledOne(targets, name) || target.addresses[i]?.text === name))
          slots.add(slot)
  if (slots.size === 0)
    throw new Unknown(`${name} is in no pool with a probe: nothing can see that it is down`)
  for (const slot of slots) health.set(slot, SlotState.down, 1, Infinity)
}

const isCalled = ({ zone, target }: LoadedTarget, name: string): boolean =>
  target.name === name || `${target.name}.${zone}` === name

const isCalledOne = (targets: readonly LoadedTarget[], name: string): boolean =>
  targets.some((one) => isCalled(one, name))

function calledOrAt(targets: readonly LoadedTarget[], name: string): readonly LoadedTarget[] {
  const found = targets.filter(
    (one) => isCalled(one, name) || one.target.addresses.some(({ text }) => text === name),
  )
  if (found.length > 0) return found
  const known = new Set(targets.map(({ target }) => target.name))
  throw new Unknown(`unknown target ${JSON.stringify(name)}, ${suggestName('target', known, name)}`)
}

function writeRows(
  health: HealthWriter,
  targets: readonly LoadedTarget[],
  { actions, atMs }: Assumptions,
): void {
  const overrides = actions.flatMap(({ target, action }) =>
    calledOrAt(targets, target).map((one) => overrideOf(one, action)),
  )
  for (const member of watchedMembers(targets)) {
    const its = overrides.filter((one) => one.zone === member.zone && one.target === member.target)
    writeRow(health, member, its, atMs)
  }
}

const overrideOf = ({ zone, target }: LoadedTarget, action: OverrideAction): Override => ({
  id: '',
  zone,
  target: target.name,
  pool: null,
  action,
  why: '',
  by: '',
  setMs: 0,
  untilMs: null,
})

function writeRow(
  health: HealthWriter,
  member: WatchedMember,
  overrides: readonly Override[],
  atMs: number,
): void {
  const state = memberState(health, member, { ...effectOf(overrides, member), feedback: 1 }, atMs)
  const { standing, warmUpShare, overrideShare, holdSeconds } = state
  health.setRow(member.row, standing, Math.fround(warmUpShare * overrideShare), holdSeconds)
}
