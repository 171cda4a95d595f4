// A member for people: every part of its weight, and what they come to, as steer/select/eligibility.ts sees it.

import { effectiveWeight, rowShare, type WarmUp, warmUpStep } from '../health/effective-weight.ts'
import type { MemberEffect } from '../health/feedback.ts'
import type { OverridableMember } from '../health/overrides.ts'
import { type HealthReader, SlotState, Standing, isOut } from '../health/table.ts'

export interface WatchedMember extends OverridableMember {
  /** Health table row. */
  readonly row: number
  /** Health table slots of its addresses. */
  readonly slots: readonly number[]
  /** Index of its target's counters. */
  readonly targetIndex: number
  readonly warmup: WarmUp | null
}

/** Why a member takes no part. */
type MemberOutReason = 'drained' | 'disabled' | 'down' | 'no-weight'

export interface MemberState {
  readonly member: WatchedMember
  readonly standing: Standing
  readonly warmUpShare: number
  readonly overrideShare: number
  /** What the MTA itself says it is worth (health/feedback.ts). */
  readonly feedback: number
  /** What DNS lists make of it: 1, or less. */
  readonly reputation: number
  /** Best factor of its living addresses: slow start, shedding; 0: all are down. */
  readonly factor: number
  /** Soonest that calendar or override change. */
  readonly holdSeconds: number
  /** null: it takes part. */
  readonly out: MemberOutReason | null
  /** The configured weight times all of these; 0 where it takes no part. */
  readonly effective: number
}

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
    out: outBecause(standing, factor * feedback, weight),
    effective: isOut(standing) ? 0 : weight,
  }
}

function outBecause(standing: Standing, factor: number, weight: number): MemberOutReason | null {
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

/** As zones are loaded. */
export interface LoadedMembers {
  /** Without final dot. */
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
