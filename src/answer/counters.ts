// Plain counters of one answering worker in shared memory: the worker adds, the control thread reads.
//
// Float64 cells, one writer each. Sums: Σ queriesByType + dropped + rejected = packets; Σ responsesByRcode = answered.
// What the rate limit drops is decoded and not answered.

import type { SelectionReason } from '../steer/selection.ts'

export const maxCountedTargets = 16_384

const typeCells = 260

const rcodeCells = 24

const scalars = [
  'packets',
  'dropped',
  'rejected',
  'answered',
  'truncated',
  'tcpQueries',
  'failedOpen',
  'failures',
  'sendErrors',
  'tcpAccepted',
  'tcpClosedByLimit',
  'tlsAccepted',
  'tlsFailed',
  'proxyUnlisted',
  'proxyMalformed',
  'transfers',
  'transfersRefused',
  'rateSlipped',
  'rateDropped',
  'rateEvicted',
] as const

export type Scalar = (typeof scalars)[number]

const typesAt = scalars.length

const rcodesAt = typesAt + typeCells

const answerCountsAt = rcodesAt + rcodeCells

const reasonIndex: Readonly<Record<AnswerReason, number>> = {
  eligible: 0,
  panic: 1,
  'failed-open': 2,
  'own-name': 3,
  spilled: 4,
  'last-good': 5,
  backup: 6,
}

export const answerReasons: readonly AnswerReason[] = Object.keys(reasonIndex) as AnswerReason[]

export const AnswerPosition = { first: 0, later: 1, address: 2 } as const

export type AnswerPosition = (typeof AnswerPosition)[keyof typeof AnswerPosition]

const positionCount = Object.keys(AnswerPosition).length

const untilAt = answerReasons.length * positionCount

/** Of one target. */
const answerCells: number = untilAt + 1

const cellCount = answerCountsAt + maxCountedTargets * answerCells

/** Where a scalar lies in the buffer's Float64 cells: for who counts every query, and looks no name up for it. */
export const scalarCell: Readonly<Record<Scalar, number>> = Object.fromEntries(
  scalars.map((name, i) => [name, i]),
) as Record<Scalar, number>

export interface Counters {
  readonly buffer: SharedArrayBuffer
  add(scalar: Scalar): void
  query(type: number): void
  rcode(rcode: number): void
  readonly answerCounts: AnswerCounts
  read(): CounterValues
}

interface CounterValues {
  readonly scalars: Readonly<Record<Scalar, number>>
  /** Type number → queries; 259 stands for all types without a cell of their own. */
  readonly queriesByType: ReadonlyMap<number, number>
  readonly responsesByRcode: ReadonlyMap<number, number>
  /** `first`: in the first place of a ladder, or as an address. */
  readonly answerCounts: (targetIndex: number) => { readonly first: number; readonly any: number }
}

export const otherType: number = typeCells - 1

export const queryCell = (type: number): number => typesAt + Math.min(type, otherType)

export const rcodeCell = (rcode: number): number => rcodesAt + Math.min(rcode, rcodeCells - 1)

export function createCounters(
  buffer: SharedArrayBuffer = new SharedArrayBuffer(cellCount * 8),
): Counters {
  const values = new Float64Array(buffer)
  const bump = (cell: number): void => {
    values[cell] = (values[cell] as number) + 1
  }
  const answerCounts = openAnswerCounts(values, answerCountsAt, maxCountedTargets)
  return {
    buffer,
    answerCounts: answerCounts,
    add: (scalar) => bump(scalarCell[scalar]),
    query: (type) => bump(queryCell(type)),
    rcode: (rcode) => bump(rcodeCell(rcode)),
    read: () => readValues(values, answerCounts),
  }
}

function readValues(values: Float64Array, answerCounts: AnswerCounts): CounterValues {
  const nonZero = (from: number, count: number): Map<number, number> => {
    const found = new Map<number, number>()
    for (let i = 0; i < count; i++) if (values[from + i]) found.set(i, values[from + i] as number)
    return found
  }
  return {
    scalars: Object.fromEntries(scalars.map((name, i) => [name, values[i] ?? 0])) as Record<
      Scalar,
      number
    >,
    queriesByType: nonZero(typesAt, typeCells),
    responsesByRcode: nonZero(rcodesAt, rcodeCells),
    answerCounts(index) {
      const sum = (place: AnswerPosition): number =>
        answerReasons.reduce(
          (total: number, reason: AnswerReason) => total + answerCounts.count(index, place, reason),
          0,
        )
      const first = sum(AnswerPosition.first) + sum(AnswerPosition.address)
      return { first, any: first + sum(AnswerPosition.later) }
    },
  }
}

// Hand-outs: how often each target left in an answer, in which place and for which reason, and until when the last
// answer that names it may be cached. Float64 cells of one worker; the answering path adds, others read.
//
//   place     first      the first rung of a ladder, or any rung of `mode: equal`
//             later      a rung below
//             address    one of its addresses, in a steered address set
//   reason    eligible, panic, failed-open as steering says; own-name: asked for by its own name, which is no
//             choice of ours, and prolongs no exposure: who asks has an older answer that names the target

type AnswerReason = SelectionReason | 'own-name'

export interface AnswerCounts {
  /** `untilMs`: when the answer leaves the caches, by the wall clock. */
  add(target: number, place: AnswerPosition, reason: AnswerReason, untilMs: number): void
  /** The same of many, each of which `cells` made a pair of, from `from` to before `end`. */
  addPairs(pairs: Int32Array, from: number, end: number, untilMs: number): void
  /** Of a choice of ours: the cell that counts it, and the cell of its exposure; null: it is not counted. */
  cells(
    target: number,
    place: AnswerPosition,
    reason: SelectionReason,
  ): readonly [number, number] | null
  count(target: number, place: AnswerPosition, reason: AnswerReason): number
  /** When the last of its answers leaves the caches, milliseconds since the epoch; 0: it never was in one. */
  exposedUntilMs(target: number): number
}

/** `values` from `start` on: `answerCells` for each target. */
function openAnswerCounts(values: Float64Array, start: number, targets: number): AnswerCounts {
  const cellOf = (target: number, place: AnswerPosition, reason: AnswerReason): number =>
    start + target * answerCells + reasonIndex[reason] * positionCount + place
  const untilCellOf = (target: number): number => start + target * answerCells + untilAt
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
