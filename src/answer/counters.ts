// Plain counters of one answering worker in shared memory: the worker adds, the control thread reads.
//
// Float64 cells, one writer each. Sums: Σ queriesByType + dropped + rejected = packets; Σ responsesByRcode = answered.
// What the rate limit drops is decoded and not answered.

import type { SelectionReason } from '../steer/selection.ts'

export const countedTargets = 16_384

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

const handOutsAt = rcodesAt + rcodeCells

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

export const HandOutPlace = { first: 0, later: 1, address: 2 } as const

export type HandOutPlace = (typeof HandOutPlace)[keyof typeof HandOutPlace]

const places = Object.keys(HandOutPlace).length

const untilAt = handOutReasons.length * places

/** Of one target. */
const handOutCells: number = untilAt + 1

const cells = handOutsAt + countedTargets * handOutCells

/** Where a scalar lies in the buffer's Float64 cells: for who counts every query, and looks no name up for it. */
export const scalarCell: Readonly<Record<Scalar, number>> = Object.fromEntries(
  scalars.map((name, i) => [name, i]),
) as Record<Scalar, number>

export interface Counters {
  readonly buffer: SharedArrayBuffer
  add(scalar: Scalar): void
  query(type: number): void
  rcode(rcode: number): void
  readonly handOuts: HandOuts
  read(): CounterValues
}

interface CounterValues {
  readonly scalars: Readonly<Record<Scalar, number>>
  /** Type number → queries; 259 stands for all types without a cell of their own. */
  readonly queriesByType: ReadonlyMap<number, number>
  readonly responsesByRcode: ReadonlyMap<number, number>
  /** `first`: in the first place of a ladder, or as an address. */
  readonly handedOut: (targetIndex: number) => { readonly first: number; readonly any: number }
}

export const otherType: number = typeCells - 1

export const queryCell = (type: number): number => typesAt + Math.min(type, otherType)

export const rcodeCell = (rcode: number): number => rcodesAt + Math.min(rcode, rcodeCells - 1)

export function createCounters(
  buffer: SharedArrayBuffer = new SharedArrayBuffer(cells * 8),
): Counters {
  const values = new Float64Array(buffer)
  const bump = (cell: number): void => {
    values[cell] = (values[cell] as number) + 1
  }
  const handOuts = openHandOuts(values, handOutsAt, countedTargets)
  return {
    buffer,
    handOuts,
    add: (scalar) => bump(scalarCell[scalar]),
    query: (type) => bump(queryCell(type)),
    rcode: (rcode) => bump(rcodeCell(rcode)),
    read: () => readValues(values, handOuts),
  }
}

function readValues(values: Float64Array, handOuts: HandOuts): CounterValues {
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
    handedOut(index) {
      const sum = (place: HandOutPlace): number =>
        handOutReasons.reduce(
          (total: number, reason: HandOutReason) => total + handOuts.count(index, place, reason),
          0,
        )
      const first = sum(HandOutPlace.first) + sum(HandOutPlace.address)
      return { first, any: first + sum(HandOutPlace.later) }
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

type HandOutReason = SelectionReason | 'own-name'

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
function openHandOuts(values: Float64Array, start: number, targets: number): HandOuts {
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
