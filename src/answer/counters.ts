// Counters of one answering worker in shared memory: the worker adds, the control thread reads.
//
// Float64 cells, each with one writer. Sums: Σ queriesByType + dropped + rejected = packets; Σ responsesByRcode = answered.
// What the rate limit drops is counted by type and not as answered.

import type { SelectionReason } from '../steer/selection.ts'

/** Targets with an index from here on are not counted. */
export const maxCountedTargets = 16_384

const typeCells = 260

const rcodeCells = 24

/** What is counted of the answer cache, and of what it does not have. */
export const scalarsOfCache = [
  'uncached',
  'messagesEmptied',
  'drawnEmptied',
  'decisionsEmptied',
  'messageOctets',
  'drawnOctets',
  'signedMessageOctets',
  'signedDrawnOctets',
  'signaturesMade',
  'signaturesFound',
  'signaturesRefused',
  'signSeconds',
  'signaturesKept',
  'denialsKept',
  'signedUntilSeconds',
  'signedSinceSeconds',
] as const

const scalarsOfAnswers = [
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

export type Scalar = (typeof scalarsOfAnswers)[number] | (typeof scalarsOfCache)[number]

const scalars: readonly Scalar[] = [...scalarsOfAnswers, ...scalarsOfCache]

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

/** Where in an answer a target is: see below. */
export const AnswerPosition = { first: 0, later: 1, address: 2 } as const

export type AnswerPosition = (typeof AnswerPosition)[keyof typeof AnswerPosition]

const positionCount = Object.keys(AnswerPosition).length

const untilAt = answerReasons.length * positionCount

/** Cells of one target. */
const answerCells: number = untilAt + 1

const cellCount = answerCountsAt + maxCountedTargets * answerCells

/** Index of each scalar's cell: the hot path counts without a lookup by name. */
export const scalarCell: Readonly<Record<Scalar, number>> = Object.fromEntries(
  scalars.map((name, i) => [name, i]),
) as Record<Scalar, number>

export interface Counters {
  /** The cells; other threads open the counters on it with `createCounters`. */
  readonly buffer: SharedArrayBuffer
  add(scalar: Scalar): void
  increase(scalar: Scalar, by: number): void
  /** For a scalar that is a quantity and not a count. */
  set(scalar: Scalar, value: number): void
  query(type: number): void
  rcode(rcode: number): void
  readonly answerCounts: AnswerCounts
  read(): CounterValues
}

interface CounterValues {
  readonly scalars: Readonly<Record<Scalar, number>>
  /** Type number → queries; 259 is for all types that have no cell of their own. */
  readonly queriesByType: ReadonlyMap<number, number>
  readonly responsesByRcode: ReadonlyMap<number, number>
  /** How often a target was answered. `first`: on the first rung of a ladder, or by an address; `any`: anywhere. */
  readonly answerCounts: (targetIndex: number) => { readonly first: number; readonly any: number }
}

/** Index of the cell for types that have none of their own, in place of a type number. */
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
    answerCounts,
    add: (scalar) => bump(scalarCell[scalar]),
    increase(scalar, by) {
      const cell = scalarCell[scalar]
      values[cell] = (values[cell] as number) + by
    },
    set(scalar, value) {
      values[scalarCell[scalar]] = value
    },
    query: (type) => bump(queryCell(type)),
    rcode: (rcode) => bump(rcodeCell(rcode)),
    read: () => readValues(values, answerCounts),
  }
}

function readValues(values: Float64Array, answerCounts: AnswerCounts): CounterValues {
  const nonZero = (from: number, count: number): Map<number, number> => {
    const counts = new Map<number, number>()
    for (let i = 0; i < count; i++) if (values[from + i]) counts.set(i, values[from + i] as number)
    return counts
  }
  return {
    scalars: Object.fromEntries(scalars.map((name, i) => [name, values[i] ?? 0])) as Record<
      Scalar,
      number
    >,
    queriesByType: nonZero(typesAt, typeCells),
    responsesByRcode: nonZero(rcodesAt, rcodeCells),
    answerCounts(index) {
      const sum = (position: AnswerPosition): number =>
        answerReasons.reduce(
          (total: number, reason: AnswerReason) =>
            total + answerCounts.count(index, position, reason),
          0,
        )
      const first = sum(AnswerPosition.first) + sum(AnswerPosition.address)
      return { first, any: first + sum(AnswerPosition.later) }
    },
  }
}

// Answer counts: how often each target was answered, at which position and for which reason, and until when resolvers may
// cache the last answer that names it. The answering path adds, other threads read.
//
//   position   first      the first rung of a ladder, or any rung of `mode: equal`; the first exchange slot
//              later      a rung below; another slot
//              address    one of its addresses, in a steered address set
//   reason     eligible, panic, failed-open…: why it was selected (steer/selection.ts); own-name: its own name was asked
//              for, which steering does not select, and which does not extend its exposure: the client has an older
//              answer that names the target

export type AnswerReason = SelectionReason | 'own-name'

export interface AnswerCounts {
  /** Counts an answer. `untilMs`: when resolvers drop it from their caches, milliseconds since the epoch. */
  add(target: number, position: AnswerPosition, reason: AnswerReason, untilMs: number): void
  /** Counts the targets whose `cells` are the pairs from index `from` up to `end`. */
  addPairs(pairs: Int32Array, from: number, end: number, untilMs: number): void
  /** The cell that counts a selected target, and the cell of its exposure; null: the target is not counted. */
  cells(
    target: number,
    position: AnswerPosition,
    reason: AnswerReason,
  ): readonly [number, number] | null
  count(target: number, position: AnswerPosition, reason: AnswerReason): number
  /** When resolvers drop the last answer that names the target, milliseconds since the epoch; 0: none ever did. */
  exposedUntilMs(target: number): number
}

/** The answer counts in `values` from `start` on: `answerCells` for each target. */
function openAnswerCounts(values: Float64Array, start: number, targets: number): AnswerCounts {
  const cellOf = (target: number, position: AnswerPosition, reason: AnswerReason): number =>
    start + target * answerCells + reasonIndex[reason] * positionCount + position
  const untilCellOf = (target: number): number => start + target * answerCells + untilAt
  return {
    add(target, position, reason, untilMs) {
      if (target >= targets) return
      const cell = cellOf(target, position, reason)
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
    cells: (target, position, reason) =>
      target < targets ? [cellOf(target, position, reason), untilCellOf(target)] : null,
    count: (target, position, reason) => values[cellOf(target, position, reason)] ?? 0,
    exposedUntilMs: (target) => values[untilCellOf(target)] ?? 0,
  }
}
