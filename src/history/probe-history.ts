// What the probes of each address saw: a ring of 60 minutes and one of 96 quarters of an hour, some 1.6 kB an address.
//
//   good, bad    probes that passed and failed; those that say nothing of the target do not count
//   p50, max     of all that count, in milliseconds: the median of a minute is of its last 16 probes, that of a quarter
//                of an hour of the medians of its minutes
//   worst        the worst state that the address was in
//
// A bucket without a probe is a gap: this process did not watch then, or another instance did.

import type { SlotState } from '../health/table.ts'

export const historyWindows = {
  '1h': { buckets: 60, bucketMs: 60_000 },
  '24h': { buckets: 96, bucketMs: 900_000 },
} as const

export type HistoryWindow = keyof typeof historyWindows

/** The buckets of one address, oldest first; null: a gap. */
export interface ProbeSeries {
  readonly good: readonly (number | null)[]
  readonly bad: readonly (number | null)[]
  readonly p50Ms: readonly (number | null)[]
  readonly maxMs: readonly (number | null)[]
  readonly worst: readonly (SlotState | null)[]
}

const cells = { good: 0, bad: 1, p50: 2, max: 3, worst: 4 } as const
const cellCount = 5
const largest = 0xffff
/** Durations of the current minute of which the median is taken. */
const sampleSize = 16

const minutes = historyWindows['1h']
const quarters = historyWindows['24h']
const quartersAt = minutes.buckets * cellCount
const samplesAt = quartersAt + quarters.buckets * cellCount
const octetsOfAddress = 2 * (samplesAt + sampleSize)

/** Of better to worse: what is not known is no news. */
const severity: Readonly<Record<SlotState, number>> = { 0: 0, 1: 1, 2: 2, 3: 3 }

interface WatchedSlot {
  readonly slot: number
  /** Changes with what is probed: another address begins anew. */
  readonly key: string
}

interface Rings {
  readonly key: string
  readonly values: Uint16Array
  /** Number of the minute that was last counted into; NaN: none was. */
  minute: number
  /** Durations that were taken in it. */
  samples: number
}

export interface ProbeSeen {
  readonly isGood: boolean
  readonly durationMs: number
  readonly state: SlotState
}

export class ProbeHistory {
  readonly #limit: number
  #bySlot: ReadonlyMap<number, Rings> = new Map()
  #isOff = false

  /** `limit`: addresses beyond which nothing is kept. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get isOff(): boolean {
    return this.#isOff
  }

  get octets(): number {
    return this.#bySlot.size * octetsOfAddress
  }

  /** Replaces what is watched; an address that stays keeps its rings. */
  update(watched: readonly WatchedSlot[]): void {
    const wanted = new Map(watched.map(({ slot, key }) => [slot, key]))
    wanted.delete(0)
    this.#isOff = wanted.size > this.#limit || this.#limit === 0
    const before = this.#bySlot
    this.#bySlot = new Map(
      this.#isOff
        ? []
        : [...wanted].map(([slot, key]) => {
            const known = before.get(slot)
            return [slot, known?.key === key ? known : newRings(key)] as const
          }),
    )
  }

  /** Counts a probe that said something of the target. */
  observe(slot: number, { isGood, durationMs, state }: ProbeSeen, wallMs: number): void {
    const rings = this.#bySlot.get(slot)
    if (rings === undefined) return
    turnTo(rings, wallMs)
    const ms = Math.min(largest, Math.max(0, Math.round(durationMs)))
    const minuteAt = cellsAt('1h', wallMs)
    const quarterAt = cellsAt('24h', wallMs)
    const { values } = rings
    values[samplesAt + (rings.samples++ % sampleSize)] = ms
    for (const at of [minuteAt, quarterAt]) {
      const counted = at + (isGood ? cells.good : cells.bad)
      values[counted] = Math.min(largest, (values[counted] as number) + 1)
      values[at + cells.max] = Math.max(values[at + cells.max] as number, ms)
      worsen(values, at, state)
    }
    const samples = values.subarray(samplesAt, samplesAt + Math.min(rings.samples, sampleSize))
    values[minuteAt + cells.p50] = medianOf(samples)
    // At the first probe of a minute: its later ones hardly move the median of fifteen.
    if (rings.samples === 1) values[quarterAt + cells.p50] = quarterMedian(values, wallMs)
  }

  /** The state changed, by votes of other instances too. */
  observeState(slot: number, state: SlotState, wallMs: number): void {
    const rings = this.#bySlot.get(slot)
    if (rings === undefined) return
    turnTo(rings, wallMs)
    for (const window of ['1h', '24h'] as const)
      worsen(rings.values, cellsAt(window, wallMs), state)
  }

  /** null: nothing is kept of this slot. */
  read(slot: number, window: HistoryWindow, wallMs: number): ProbeSeries | null {
    const rings = this.#bySlot.get(slot)
    if (rings === undefined) return null
    turnTo(rings, wallMs)
    const { values } = rings
    const { buckets, bucketMs } = historyWindows[window]
    const at = Array.from({ length: buckets }, (_, i) =>
      cellsAt(window, wallMs - (buckets - 1 - i) * bucketMs),
    )
    const has = (from: number): boolean =>
      (values[from + cells.good] as number) + (values[from + cells.bad] as number) > 0
    const column = (cell: number): (number | null)[] =>
      at.map((from) => (has(from) ? (values[from + cell] as number) : null))
    return {
      good: column(cells.good),
      bad: column(cells.bad),
      p50Ms: column(cells.p50),
      maxMs: column(cells.max),
      worst: column(cells.worst) as (SlotState | null)[],
    }
  }
}

const newRings = (key: string): Rings => ({
  key,
  values: new Uint16Array(samplesAt + sampleSize),
  minute: NaN,
  samples: 0,
})

const numberOf = (window: HistoryWindow, wallMs: number): number =>
  Math.floor(wallMs / historyWindows[window].bucketMs)

function cellsAt(window: HistoryWindow, wallMs: number): number {
  const { buckets } = historyWindows[window]
  const start = window === '1h' ? 0 : quartersAt
  return start + (((numberOf(window, wallMs) % buckets) + buckets) % buckets) * cellCount
}

/** Empties what lies between the bucket counted into last and the one of now; all, where the clock went back. */
function turnTo(rings: Rings, wallMs: number): void {
  const { values, minute } = rings
  const now = numberOf('1h', wallMs)
  if (now === minute) return
  rings.minute = now
  rings.samples = 0
  const beforeMs = minute * minutes.bucketMs
  if (Number.isNaN(minute)) return
  for (const window of ['1h', '24h'] as const) {
    const { buckets, bucketMs } = historyWindows[window]
    const passed = numberOf(window, wallMs) - numberOf(window, beforeMs)
    const count = passed < 0 ? buckets : Math.min(passed, buckets)
    for (let i = 0; i < count; i++) {
      const at = cellsAt(window, wallMs - i * bucketMs)
      values.fill(0, at, at + cellCount)
    }
  }
}

function worsen(values: Uint16Array, at: number, state: SlotState): void {
  const before = values[at + cells.worst] as SlotState
  if (severity[state] > severity[before]) values[at + cells.worst] = state
}

/** The lower one of two in the middle; 0 for none. */
const medianOf = (values: Uint16Array): number =>
  values.slice().sort()[(values.length - 1) >> 1] ?? 0

function quarterMedian(values: Uint16Array, wallMs: number): number {
  const first = numberOf('24h', wallMs) * quarters.bucketMs
  const medians: number[] = []
  for (let ms = first; ms <= wallMs; ms += minutes.bucketMs) {
    const at = cellsAt('1h', ms)
    if ((values[at + cells.good] as number) + (values[at + cells.bad] as number) > 0)
      medians.push(values[at + cells.p50] as number)
  }
  return medianOf(Uint16Array.from(medians))
}
