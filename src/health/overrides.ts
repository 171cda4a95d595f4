// Overrides: what an operator says of a target for a while, whatever its probes say.
//
//   drain     no new mail while anyone else is left                    class state
//   disable   the same, and behind the drained ones                    class state
//   up        taken as up, whatever its probes say                     class state
//   weight    a factor of the configured weight, or one instead of it  class weight
//
// A target has at most one override of each class in each scope (one pool, or all of them): a later one replaces it,
// and one for a pool goes before one for all pools. Times are of the wall clock, in milliseconds since the epoch:
// they are told to people and to other instances.

import { Standing } from './table.ts'

/** factor: times the configured weight. absolute: instead of it. share: of its pool, by configured weights. */
export interface OverrideWeight {
  readonly unit: 'factor' | 'absolute' | 'share'
  readonly value: number
}

export type OverrideAction =
  | { readonly kind: 'drain' | 'disable' | 'up' }
  | { readonly kind: 'weight'; readonly weight: OverrideWeight }

export type OverrideKind = OverrideAction['kind']

export const overrideKinds: readonly OverrideKind[] = ['drain', 'disable', 'up', 'weight']

export interface Override {
  readonly id: string
  /** Without final dot. */
  readonly zone: string
  readonly target: string
  /** null: every pool of the target. */
  readonly pool: string | null
  readonly action: OverrideAction
  readonly why: string
  readonly by: string
  readonly setMs: number
  /** null: until it is undone. */
  readonly untilMs: number | null
}

export const overrideLimit = 1000

type SetOverride =
  | { readonly kind: 'set'; readonly list: readonly Override[]; readonly replaced: Override | null }
  | { readonly kind: 'full' }

export function setOverride(list: readonly Override[], override: Override): SetOverride {
  const replaced = list.find((one) => keyOfOverride(one) === keyOfOverride(override)) ?? null
  if (replaced === null && list.length >= overrideLimit) return { kind: 'full' }
  return { kind: 'set', list: [...list.filter((one) => one !== replaced), override], replaced }
}

/** One in force a key: a later one replaces it. */
export const keyOfOverride = ({ zone, target, pool, action }: Override): string =>
  `${zone} ${target} ${pool ?? ''} ${classOf(action)}`

const classOf = ({ kind }: OverrideAction): 'state' | 'weight' =>
  kind === 'weight' ? 'weight' : 'state'

interface Expiry {
  readonly list: readonly Override[]
  readonly ended: readonly Override[]
}

export function expireOverrides(list: readonly Override[], wallMs: number): Expiry {
  const ended = list.filter((one) => endMsOf(one) <= wallMs)
  return { list: ended.length === 0 ? list : list.filter((one) => endMsOf(one) > wallMs), ended }
}

/** When the next one ends; Infinity: none does. */
export const nextEndMs = (list: readonly Override[]): number =>
  list.reduce((soonest, one) => Math.min(soonest, endMsOf(one)), Infinity)

const endMsOf = ({ untilMs }: Override): number => untilMs ?? Infinity

/** A member as overrides see it, with the configured weight of its whole pool. */
export interface OverridableMember {
  readonly zone: string
  readonly target: string
  readonly pool: string
  readonly weight: number
  readonly poolWeight: number
}

export interface OverrideEffect {
  readonly standing: Standing
  /** What the configured weight is multiplied by. */
  readonly share: number
  /** When the first of them ends; Infinity: never, or there are none. */
  readonly endMs: number
}

/** What overrides make of a member; `ofTarget`: those of its target. */
export function effectOf(ofTarget: readonly Override[], member: OverridableMember): OverrideEffect {
  const state = overrideInForce(ofTarget, member.pool, 'state')
  const weight = overrideInForce(ofTarget, member.pool, 'weight')
  return {
    standing: state ? standingOf(state.action) : Standing.normal,
    share: weight?.action.kind === 'weight' ? multipleOf(weight.action.weight, member) : 1,
    endMs: Math.min(state ? endMsOf(state) : Infinity, weight ? endMsOf(weight) : Infinity),
  }
}

function overrideInForce(
  ofTarget: readonly Override[],
  pool: string,
  wanted: 'state' | 'weight',
): Override | undefined {
  const own = ofTarget.filter(({ action }) => classOf(action) === wanted)
  return own.find((one) => one.pool === pool) ?? own.find((one) => one.pool === null)
}

function standingOf({ kind }: OverrideAction): Standing {
  switch (kind) {
    case 'drain':
      return Standing.drained
    case 'disable':
      return Standing.disabled
    case 'up':
      return Standing.forced
    case 'weight':
      return Standing.normal
    default:
      return kind satisfies never
  }
}

/** A configured weight of 0 stays 0; a target alone in its pool has all of it, whatever is asked for. */
function multipleOf(
  { unit, value }: OverrideWeight,
  { weight, poolWeight }: OverridableMember,
): number {
  if (unit === 'factor' || weight === 0) return value
  if (unit === 'absolute') return value / weight
  const others = poolWeight - weight
  return others === 0 ? 1 : (value * others) / ((1 - value) * weight)
}
