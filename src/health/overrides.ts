// Overrides: what an operator orders for a target for a while, whatever its probes find.
//
//   drain     not selected while any other member is left              class state
//   disable   the same, and after the drained ones                     class state
//   up        up, whatever its probes find                             class state
//   weight    a factor of the configured weight, or one instead of it  class weight
//
// A target has at most one override per class and scope (one pool, or all pools): a later one replaces it, and one for a
// pool takes precedence over one for all pools. Times are wall-clock milliseconds since the epoch, because they are shown
// to people and shared with other instances.

import { Standing } from './table.ts'

/**
 * A weight given by an operator. factor: multiplies the configured weight. absolute: replaces it. share: the share of
 * its pool that the target is to have, computed from configured weights.
 */
export interface OverrideWeight {
  readonly unit: 'factor' | 'absolute' | 'share'
  readonly value: number
}

export type OverrideAction =
  | { readonly kind: 'drain' | 'disable' | 'up' }
  | { readonly kind: 'weight'; readonly weight: OverrideWeight }

export type OverrideKind = OverrideAction['kind']

export const overrideKinds: readonly OverrideKind[] = ['drain', 'disable', 'up', 'weight']

/** One override in force. Stored as JSON in Redis and in the state file: field names are part of both formats. */
export interface Override {
  readonly id: string
  /** Name of the zone, without the final dot. */
  readonly zone: string
  readonly target: string
  /** Pool it applies to; null for every pool of the target. */
  readonly pool: string | null
  readonly action: OverrideAction
  /** Reason and name given by the operator. */
  readonly why: string
  readonly by: string
  readonly setMs: number
  /** When it expires; null if it stays until it is removed. */
  readonly untilMs: number | null
}

/** How many overrides of targets that zones have can be in force. */
export const overrideLimit = 1000

/**
 * How many overrides are kept of targets, or pools, that no zone has, and how many characters of JSON they may take
 * together. They apply once a zone has their target, and take no room from those of known targets meanwhile.
 */
export const unknownOverrideLimits = { count: 1000, characters: 262_144 }

/** Whether zones have the target and pool of an override. */
type IsKnown = (override: Override) => boolean

type SetOverride =
  | { readonly kind: 'set'; readonly list: readonly Override[]; readonly replaced: Override | null }
  | { readonly kind: 'full' }

/** Adds an override, replacing one with the same key; `full` if there are `overrideLimit` others of known targets. */
export function setOverride(
  list: readonly Override[],
  override: Override,
  isKnown: IsKnown,
): SetOverride {
  const replaced = list.find((one) => keyOfOverride(one) === keyOfOverride(override)) ?? null
  const isWithin = list.length < overrideLimit + unknownOverrideLimits.count
  const hasRoom = isWithin && list.filter(isKnown).length < overrideLimit
  if (replaced === null && !hasRoom) return { kind: 'full' }
  return { kind: 'set', list: withOverride(list, override), replaced }
}

/** The list with an override added, which replaces one with the same key. */
export const withOverride = (
  list: readonly Override[],
  override: Override,
): readonly Override[] => [
  ...list.filter((one) => keyOfOverride(one) !== keyOfOverride(override)),
  override,
]

/** The part of a list that there is room for, from its beginning. */
export function withinOverrideLimits(
  list: readonly Override[],
  isKnown: IsKnown,
): readonly Override[] {
  const { count, characters } = unknownOverrideLimits
  let known = 0
  let unknown = 0
  let unknownCharacters = 0
  return list.filter((one) => {
    if (isKnown(one)) return ++known <= overrideLimit
    const size = JSON.stringify(one).length
    if (unknown >= count || unknownCharacters + size > characters) return false
    unknown++
    unknownCharacters += size
    return true
  })
}

/** The keys that overrides of these members can have. */
export const overrideKeysOf = (
  members: Iterable<Pick<OverridableMember, 'zone' | 'target' | 'pool'>>,
): ReadonlySet<string> =>
  new Set(
    [...members].flatMap(({ zone, target, pool }) =>
      ['', pool].flatMap((scope) => [
        `${zone} ${target} ${scope} state`,
        `${zone} ${target} ${scope} weight`,
      ]),
    ),
  )

/** The key under which at most one override is in force: zone, target, pool and class. */
export const keyOfOverride = ({ zone, target, pool, action }: Override): string =>
  `${zone} ${target} ${pool ?? ''} ${classOf(action)}`

const classOf = ({ kind }: OverrideAction): 'state' | 'weight' =>
  kind === 'weight' ? 'weight' : 'state'

interface Expiry {
  readonly list: readonly Override[]
  readonly ended: readonly Override[]
}

/** Splits off the overrides that have expired by `wallMs`; `list` is unchanged if there are none. */
export function expireOverrides(list: readonly Override[], wallMs: number): Expiry {
  const ended = list.filter((one) => endMsOf(one) <= wallMs)
  return { list: ended.length === 0 ? list : list.filter((one) => endMsOf(one) > wallMs), ended }
}

/** When the next override expires; Infinity if none does. */
export const nextEndMs = (list: readonly Override[]): number =>
  list.reduce((soonest, one) => Math.min(soonest, endMsOf(one)), Infinity)

const endMsOf = ({ untilMs }: Override): number => untilMs ?? Infinity

/** The member that overrides apply to; `poolWeight` is the sum of configured weights in its pool. */
export interface OverridableMember {
  readonly zone: string
  readonly target: string
  readonly pool: string
  readonly weight: number
  readonly poolWeight: number
}

/** Combined effect of the overrides on a member. */
export interface OverrideEffect {
  readonly standing: Standing
  /** Multiplies the configured weight. */
  readonly share: number
  /** When the first of them expires; Infinity if none does or there are none. */
  readonly endMs: number
}

/** Effect of overrides on a member. `ofTarget` are the overrides of its target. */
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

/** A configured weight of 0 stays 0; a target alone in its pool has all of it, whatever share was ordered. */
function multipleOf(
  { unit, value }: OverrideWeight,
  { weight, poolWeight }: OverridableMember,
): number {
  if (unit === 'factor' || weight === 0) return value
  if (unit === 'absolute') return value / weight
  const others = poolWeight - weight
  return others === 0 ? 1 : (value * others) / ((1 - value) * weight)
}
