// Shedding: the share of its weight that an address under load still gets.
//
//   pressure   follows what probes find with a time constant of three intervals, whatever the interval:
//              busy pulls it towards 1, slow (from the third in a row) towards 1/2, calm towards 0
//   factor     1 until the pressure reaches `shedFrom`, then 1 − 0.9 × pressure, until it is below `shedUntil`
//
// One busy reply takes a quarter, a run of them all but a tenth: an address that gets nothing cannot show that it has
// recovered, and a pool under load everywhere would shed nothing by shedding all. The weight comes back as gradually.
// The factor has steps of a twentieth, so that the health table is written rarely.

import type { LoadSign } from './verdict.ts'

/** Shedding state of one address. */
export interface SheddingState {
  /** Smoothed load, from 0 (calm) to 1 (every probe is answered busy). */
  readonly pressure: number
  readonly isShedding: boolean
  /** Number of consecutive slow probes. */
  readonly slows: number
  /** When `pressure` was last updated. */
  readonly atMs: number
}

const shedFrom = 0.25
const shedUntil = 0.1
const floor = 0.1
const stepsPerWhole = 20
const slowsThatCount = 3
const intervalsOfMemory = 3

/** The state before the first probe: no pressure. */
export const initialShedding = (nowMs: number): SheddingState => ({
  pressure: 0,
  isShedding: false,
  slows: 0,
  atMs: nowMs,
})

/** The state after one probe. A null `load` leaves pressure and time unchanged and ends a run of slow probes. */
export function updateShedding(
  state: SheddingState,
  load: LoadSign | null,
  intervalMs: number,
  nowMs: number,
): SheddingState {
  if (load === null) return state.slows === 0 ? state : { ...state, slows: 0 }
  const slows = load === 'slow' ? state.slows + 1 : 0
  // Capped at one interval, so that after a gap in probing the previous pressure still counts.
  const passedMs = Math.min(Math.max(0, nowMs - state.atMs), intervalMs)
  const pull = 1 - Math.exp(-passedMs / (intervalsOfMemory * intervalMs))
  const pressure = state.pressure + (targetPressure(load, slows) - state.pressure) * pull
  const isShedding = pressure >= (state.isShedding ? shedUntil : shedFrom)
  return { pressure, isShedding, slows, atMs: nowMs }
}

/** The shedding factor of the effective weight, 0.1…1. */
export function shedFactor({ pressure, isShedding }: SheddingState): number {
  if (!isShedding) return 1
  return Math.round((1 - (1 - floor) * pressure) * stepsPerWhole) / stepsPerWhole
}

function targetPressure(load: LoadSign, slows: number): number {
  if (load === 'busy') return 1
  return load === 'slow' && slows >= slowsThatCount ? 0.5 : 0
}
