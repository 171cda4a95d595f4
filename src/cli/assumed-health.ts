// Builds the health table of a server that does not run, from assumptions: every target is up
// except those that are said to be down, warm-ups are as far as at a given time, and overrides are
// in force.

import { effectOf } from '../health/overrides.ts'
import type { Override, OverrideAction } from '../health/overrides.ts'
import { type HealthWriter, SlotState, createHealthTable } from '../health/table.ts'
import { suggestName } from '../lib/suggest-name.ts'
import { memberState, watchedMembers } from '../weights/member-state.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'

export interface Assumptions {
  /** Names of targets, with or without their zone, addresses, `pool:NAME` or `region:NAME`. */
  readonly down: readonly string[]
  /** Overrides; `target` is a name or an address, as in `down`. */
  readonly actions: readonly { readonly target: string; readonly action: OverrideAction }[]
  /** Wall clock time, which decides how far warm-ups are. */
  readonly atMs: number
}

type AssumedHealth =
  | { readonly kind: 'health'; readonly health: HealthWriter }
  | { readonly kind: 'bad'; readonly why: string }

type Bad = Extract<AssumedHealth, { kind: 'bad' }>

/**
 * Bad if a name or an address belongs to no target, or to one that no probe could find to be down.
 */
export function assumeHealth(
  targets: readonly LoadedTarget[],
  { down, actions, atMs }: Assumptions,
): AssumedHealth {
  const health = createHealthTable()
  for (const { pools } of targets)
    for (const { member } of pools)
      for (const slot of member.slots) health.set(slot, SlotState.up, 1, Infinity)
  for (const name of down) {
    const slots = slotsOf(targets, name)
    if (slots.kind === 'bad') return slots
    for (const slot of slots.slots) health.set(slot, SlotState.down, 1, Infinity)
  }
  const overrides: Override[] = []
  for (const { target, action } of actions) {
    const matching = findTargets(targets, target)
    if (matching.kind === 'bad') return matching
    for (const one of matching.targets)
      for (const pool of poolsNamed(one, target)) overrides.push(overrideOf(one, pool, action))
  }
  writeMembers(health, targets, overrides, atMs)
  return { kind: 'health', health }
}

/**
 * The slots of a target or of an address. A slot stands for an endpoint that is probed, so other
 * targets behind the same endpoint are down with it.
 */
function slotsOf(
  targets: readonly LoadedTarget[],
  name: string,
): { readonly kind: 'slots'; readonly slots: ReadonlySet<number> } | Bad {
  const matching = findTargets(targets, name)
  if (matching.kind === 'bad') return matching
  const group = groupOf(name)
  const isWhole = group !== null || targets.some((one) => isNamed(one, name))
  const slots = new Set<number>()
  for (const { target, pools } of matching.targets)
    for (const { pool, member } of pools)
      for (const [i, slot] of isOfPool(group, pool) ? member.slots.entries() : [])
        if (slot !== 0 && (isWhole || target.addresses[i]?.text === name)) slots.add(slot)
  return slots.size > 0
    ? { kind: 'slots', slots }
    : { kind: 'bad', why: `${name} is in no pool with a probe: nothing can see that it is down` }
}

const isNamed = ({ zone, target }: LoadedTarget, name: string): boolean =>
  target.name === name || `${target.name}.${zone}` === name

interface Group {
  readonly what: 'pool' | 'region'
  /** In lower case. */
  readonly of: string
}

/** `pool:eu`, `region:us`; null: it is no such name. */
function groupOf(name: string): Group | null {
  const [, what, of = ''] = /^(pool|region):(.*)$/.exec(name.toLowerCase()) ?? []
  return what === undefined ? null : { what: what === 'pool' ? what : 'region', of }
}

const isOfGroup = ({ target, pools }: LoadedTarget, group: Group): boolean =>
  group.what === 'region'
    ? target.region?.toLowerCase() === group.of
    : pools.some(({ pool }) => isOfPool(group, pool))

/** Whether a pool is the one that is named, or none is. */
const isOfPool = (group: Group | null, pool: string): boolean =>
  group?.what !== 'pool' || pool.toLowerCase() === group.of

/** The pools of an override of `name`: that one, or null, all of them. */
function poolsNamed({ pools }: LoadedTarget, name: string): readonly (string | null)[] {
  const group = groupOf(name)
  if (group?.what !== 'pool') return [null]
  return pools.flatMap(({ pool }) => (isOfPool(group, pool) ? [pool] : []))
}

/** All targets of a pool or region, with a name, with or without its zone, or with an address. */
function findTargets(
  targets: readonly LoadedTarget[],
  name: string,
): { readonly kind: 'targets'; readonly targets: readonly LoadedTarget[] } | Bad {
  const group = groupOf(name)
  const matching = targets.filter((one) =>
    group !== null
      ? isOfGroup(one, group)
      : isNamed(one, name) || one.target.addresses.some(({ text }) => text === name),
  )
  if (matching.length > 0) return { kind: 'targets', targets: matching }
  const known = new Set(targets.map(({ target }) => target.name))
  const advice = suggestName('target', known, name)
  return { kind: 'bad', why: `unknown target ${JSON.stringify(name)}, ${advice}` }
}

const overrideOf = (
  { zone, target }: LoadedTarget,
  pool: string | null,
  action: OverrideAction,
): Override => ({
  id: '',
  zone,
  target: target.name,
  pool,
  action,
  why: '',
  by: '',
  setMs: 0,
  untilMs: null,
})

function writeMembers(
  health: HealthWriter,
  targets: readonly LoadedTarget[],
  overrides: readonly Override[],
  atMs: number,
): void {
  for (const member of watchedMembers(targets)) {
    const ofTarget = overrides.filter(
      ({ zone, target }) => zone === member.zone && target === member.target,
    )
    const effect = { ...effectOf(ofTarget, member), feedback: 1 }
    const state = memberState(health, member, effect, atMs)
    const share = Math.fround(state.warmUpShare * state.overrideShare)
    health.setRow(member.row, state.standing, share, state.holdSeconds)
  }
}
