// Plain counters of one answering worker in shared memory: the worker adds, the control thread reads.
//
// Float64 cells, one writer each. Sums: Σ queriesByType + dropped + rejected = packets; Σ responsesByRcode = answered.
// What the rate limit drops is decoded and not answered.

import {
  HandOutPlace,
  type HandOutReason,
  type HandOuts,
  handOutCells,
  handOutReasons,
  openHandOuts,
} from './hand-outs.ts'

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

export interface CounterValues {
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
