// The state of a member for status pages and metrics: every factor of its weight, and their product, as in
// steer/select/eligibility.ts.

import { effectiveWeight, rowShare, type WarmUp, warmUpStep } from '../health/effective-weight.ts'
import type { MemberEffect } from '../health/feedback.ts'
import type { OverridableMember } from '../health/overrides.ts'
import { type HealthReader, SlotState, Standing, isOut } from '../health/table.ts'

export interface WatchedMember extends OverridableMember {
  /** Row of the member in the health table. */
  readonly row: number
  /** Health table slots of its addresses. */
  readonly slots: readonly number[]
  /** Index of the counters of its target. */
  readonly targetIndex: number
  readonly warmup: WarmUp | null
}

/** Why a member is not eligible. */
type MemberOutReason = 'drained' | 'disabled' | 'down' | 'no-weight'

export interface MemberState {
  readonly member: WatchedMember
  readonly standing: Standing
  readonly warmUpShare: number
  readonly overrideShare: number
  /** Share by the feedback of the MTA, 0…1 (health/feedback.ts). */
  readonly feedback: number
  /** Share by DNS lists: 1 or less. */
  readonly reputation: number
  /** Highest factor of its addresses that are not down (slow start, shedding); 0 if all are down. */
  readonly factor: number
  /** Seconds until warm-up or an override changes its share; Infinity if they do not. */
  readonly holdSeconds: number
  /** null if it is eligible. */
  readonly out: MemberOutReason | null
  /** The configured weight times all of these; 0 if it is not eligible. */
  readonly effective: number
}

/** The share of its row in the health table. */
export const rowShareOf = ({
  warmUpShare,
  overrideShare,
  feedback,
  reputation,
}: MemberState): number => Math.fround(warmUpShare * overrideShare * feedback * reputation)

/** Returns the state of a member. `effect`: what overrides, feedback and reputation make of it. */
export function memberState(
  table: HealthReader,
  member: WatchedMember,
  effect: MemberEffect & { readonly reputation?: number },
  wallMs: number,
): MemberState {
  const { standing, share: override, feedback, reputation = 1, endMs } = effect
  const warmUp = warmUpStep(member.warmup, wallMs).share
  const endsInMs = endMs - wallMs
  const { holdSeconds } = rowShare(member.warmup, { share: override, endsInMs }, wallMs)
  const factor = standing === Standing.forced ? 1 : bestFactor(table, member.slots)
  const factors = { warmUp, override, feedback, slowStart: factor, shed: 1, reputation }
  const weight = effectiveWeight(member.weight, factors)
  return {
    member,
    standing,
    warmUpShare: warmUp,
    overrideShare: override,
    feedback,
    reputation,
    factor,
    holdSeconds,
    out: outReason(standing, factor * feedback, weight),
    effective: isOut(standing) ? 0 : weight,
  }
}

function outReason(standing: Standing, factor: number, weight: number): MemberOutReason | null {
  if (standing === Standing.drained) return 'drained'
  if (standing === Standing.disabled) return 'disabled'
  if (weight > 0) return null
  return factor === 0 ? 'down' : 'no-weight'
}

function bestFactor(table: HealthReader, slots: readonly number[]): number {
  let best = 0
  for (const slot of slots)
    if (table.state(slot) !== SlotState.down) best = Math.max(best, table.factor(slot))
  return best
}

/** A target and its memberships, as loaded from a zone file. */
export interface LoadedMembers {
  /** Name of the zone, without final dot. */
  readonly zone: string
  readonly target: {
    readonly name: string
    readonly index: number
    readonly warmup: WarmUp | null
  }
  readonly pools: readonly {
    readonly pool: string
    readonly member: {
      readonly weight: number
      readonly row: number
      readonly slots: readonly number[]
    }
  }[]
}

/** Returns every membership of the loaded targets, with the total weight of its pool. */
export function watchedMembers(loaded: readonly LoadedMembers[]): readonly WatchedMember[] {
  const poolWeights = new Map<string, number>()
  for (const { zone, pools } of loaded) {
    for (const { pool, member } of pools) {
      const key = `${zone} ${pool}`
      poolWeights.set(key, (poolWeights.get(key) ?? 0) + member.weight)
    }
  }
  return loaded.flatMap(({ zone, target, pools }) =>
    pools.map(({ pool, member: { weight, row, slots } }) => ({
      zone,
      target: target.name,
      targetIndex: target.index,
      warmup: target.warmup,
      pool,
      poolWeight: poolWeights.get(`${zone} ${pool}`) ?? weight,
      weight,
      row,
      slots,
    })),
  )
}
