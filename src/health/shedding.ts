// Shedding: the share of its weight that an address under load is worth.
//
//   pressure   follows what probes see, with a time constant of three intervals, whatever their pace:
//              busy pulls it towards 1, slow (from the third in a row) towards 1/2, calm towards 0
//   factor     1 until the pressure reaches `shedFrom`, then 1 − 0.9 × pressure, until it is below `shedUntil`
//
// So one busy reply takes a quarter, a run of them all but a tenth (the floor: who gets nothing cannot show that
// it has recovered, and a pool under load everywhere sheds nothing by shedding all). It comes back as smoothly.
// Steps of a twentieth, so that the health table is written seldom. Outcomes that say nothing of load leave it.

import type { LoadSign } from './verdict.ts'

export interface SheddingState {
  /** 0…1. */
  readonly pressure: number
  readonly isShedding: boolean
  /** Slow probes in a row. */
  readonly slows: number
  readonly atMs: number
}

const shedFrom = 0.25
const shedUntil = 0.1
const floor = 0.1
const stepsPerWhole = 20
const slowsThatCount = 3
const intervalsOfMemory = 3

export const initialShedding = (nowMs: number): SheddingState => ({
  pressure: 0,
  isShedding: false,
  slows: 0,
  atMs: nowMs,
})

/** `nowMs` is on the clock of the state; `load` null leaves all but the time. */
export function updateShedding(
  state: SheddingState,
  load: LoadSign | null,
  intervalMs: number,
  nowMs: number,
): SheddingState {
  if (load === null) return { ...state, slows: 0 }
  const slows = load === 'slow' ? state.slows + 1 : 0
  // After a gap the last sight still counts for something: one interval is as long as it gets.
  const passedMs = Math.min(Math.max(0, nowMs - state.atMs), intervalMs)
  const pull = 1 - Math.exp(-passedMs / (intervalsOfMemory * intervalMs))
  const pressure = state.pressure + (towards(load, slows) - state.pressure) * pull
  const isShedding = pressure >= (state.isShedding ? shedUntil : shedFrom)
  return { pressure, isShedding, slows, atMs: nowMs }
}

/** A factor of the effective weight, from a tenth to 1. */
export function shedFactor({ pressure, isShedding }: SheddingState): number {
  if (!isShedding) return 1
  return Math.round((1 - (1 - floor) * pressure) * stepsPerWhole) / stepsPerWhole
}

function towards(load: LoadSign, slows: number): number {
  if (load === 'busy') return 1
  return load === 'slow' && slows >= slowsThatCount ? 0.5 : 0
}
