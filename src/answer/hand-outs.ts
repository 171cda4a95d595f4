// Hand-outs: how often each target left in an answer, in which place and for which reason, and until when the last
// answer that names it may be cached. Float64 cells of one worker; the answering path adds, others read.
//
//   place     first      the first rung of a ladder, or any rung of `mode: equal`
//             later      a rung below
//             address    one of its addresses, in a steered address set
//   reason    eligible, panic, failed-open as steering says; own-name: asked for by its own name, which is no
//             choice of ours, and prolongs no exposure: who asks has an older answer that names the target

import type { SelectionReason } from '../steer/selection.ts'

export const HandOutPlace = { first: 0, later: 1, address: 2 } as const
export type HandOutPlace = (typeof HandOutPlace)[keyof typeof HandOutPlace]

export type HandOutReason = SelectionReason | 'own-name'

const reasonIndex: Readonly<Record<HandOutReason, number>> = {
  eligible: 0,
  panic: 1,
  'failed-open': 2,
  'own-name': 3,
  spilled: 4,
  'last-good': 5,
  backup: 6,
}
export const handOutReasons: readonly HandOutReason[] = Object.keys(reasonIndex) as HandOutReason[]

const places = Object.keys(HandOutPlace).length
const untilAt = handOutReasons.length * places
/** Of one target. */
export const handOutCells: number = untilAt + 1

export interface HandOuts {
  /** `untilMs`: when the answer leaves the caches, by the wall clock. */
  add(target: number, place: HandOutPlace, reason: HandOutReason, untilMs: number): void
  /** The same of many, each of which `cells` made a pair of, from `from` to before `end`. */
  addPairs(pairs: Int32Array, from: number, end: number, untilMs: number): void
  /** Of a choice of ours: the cell that counts it, and the cell of its exposure; null: it is not counted. */
  cells(
    target: number,
    place: HandOutPlace,
    reason: SelectionReason,
  ): readonly [number, number] | null
  count(target: number, place: HandOutPlace, reason: HandOutReason): number
  /** When the last of its answers leaves the caches, milliseconds since the epoch; 0: it never was in one. */
  exposedUntilMs(target: number): number
}

/** `values` from `start` on: `handOutCells` for each target. */
export function openHandOuts(values: Float64Array, start: number, targets: number): HandOuts {
  const cellOf = (target: number, place: HandOutPlace, reason: HandOutReason): number =>
    start + target * handOutCells + reasonIndex[reason] * places + place
  const untilCellOf = (target: number): number => start + target * handOutCells + untilAt
  return {
    add(target, place, reason, untilMs) {
      if (target >= targets) return
      const cell = cellOf(target, place, reason)
      values[cell] = (values[cell] as number) + 1
      const until = untilCellOf(target)
      if (untilMs > (values[until] as number) && reason !== 'own-name') values[until] = untilMs
    },
    addPairs(pairs, from, end, untilMs) {
      for (let at = from; at < end; at += 2) {
        const cell = pairs[at] as number
        values[cell] = (values[cell] as number) + 1
        const until = pairs[at + 1] as number
        if (untilMs > (values[until] as number)) values[until] = untilMs
      }
    },
    cells: (target, place, reason) =>
      target < targets ? [cellOf(target, place, reason), untilCellOf(target)] : null,
    count: (target, place, reason) => values[cellOf(target, place, reason)] ?? 0,
    exposedUntilMs: (target) => values[untilCellOf(target)] ?? 0,
  }
}
