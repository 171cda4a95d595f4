// Availability: how many handshakes of probes succeeded, over the last hour, day and month. What a window has seen
// lies in rings of buckets, so it is bounded and costs a count a probe; it is as long as it says, but for a bucket.
//
//   window   buckets         an error budget is what the target leaves: at 99.95 %, five failures of 10,000;
//   1h       60 of 1 min     1 − (1 − availability) ÷ (1 − target) of it is left, below 0 where it is overspent
//   24h      96 of 15 min
//   30d      120 of 6 h
//
// Times are of the wall clock, since the rings outlive the process.

export const availabilityWindows = [
  { name: '1h', buckets: 60, bucketMs: 60_000 },
  { name: '24h', buckets: 96, bucketMs: 900_000 },
  { name: '30d', buckets: 120, bucketMs: 21_600_000 },
] as const

export type AvailabilityWindow = (typeof availabilityWindows)[number]['name']

export interface Handshakes {
  readonly good: number
  readonly total: number
}

/** Counted into, in place. By bucket: which one it is, how many were good, how many there were. */
interface Ring {
  readonly numbers: Float64Array
  readonly good: Float64Array
  readonly total: Float64Array
}

export type Availability = readonly Ring[]

export const createAvailability = (): Availability =>
  availabilityWindows.map(({ buckets }) => ({
    numbers: new Float64Array(buckets).fill(-1),
    good: new Float64Array(buckets),
    total: new Float64Array(buckets),
  }))

export function countHandshake(rings: Availability, isGood: boolean, wallMs: number): void {
  for (const [i, { bucketMs }] of availabilityWindows.entries()) {
    add(rings[i] as Ring, Math.floor(wallMs / bucketMs), { good: isGood ? 1 : 0, total: 1 })
  }
}

/** A bucket older than the one in its place is not counted: the clock went back by more than a window. */
function add({ numbers, good, total }: Ring, number: number, more: Handshakes): void {
  const at = number % numbers.length
  if ((numbers[at] as number) > number) return
  if (numbers[at] !== number) {
    numbers[at] = number
    good[at] = 0
    total[at] = 0
  }
  good[at] = (good[at] as number) + more.good
  total[at] = (total[at] as number) + more.total
}

export function handshakesIn(
  rings: Availability,
  window: AvailabilityWindow,
  wallMs: number,
): Handshakes {
  const i = availabilityWindows.findIndex(({ name }) => name === window)
  const { numbers, good, total } = rings[i] as Ring
  const now = Math.floor(wallMs / (availabilityWindows[i]?.bucketMs ?? 1))
  const sum = { good: 0, total: 0 }
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at] as number
    if (number <= now - numbers.length || number > now) continue
    sum.good += good[at] as number
    sum.total += total[at] as number
  }
  return sum
}

/** null: nothing was seen. */
export const availabilityOf = ({ good, total }: Handshakes): number | null =>
  total === 0 ? null : good / total

/** What is left of the error budget: 1 at first, 0 where it is spent, negative beyond. `target`: below 1. */
export const errorBudgetLeft = (availability: number, target: number): number =>
  1 - (1 - availability) / (1 - target)

/** Each window's buckets, as [number, good, total]. */
export type SavedAvailability = readonly (readonly (readonly [number, number, number])[])[]

export const saveAvailability = (rings: Availability): SavedAvailability =>
  rings.map(({ numbers, good, total }) =>
    [...numbers.keys()]
      .filter((at) => (total[at] as number) > 0)
      .map((at) => [numbers[at] as number, good[at] as number, total[at] as number] as const),
  )

/** The same as `handshakesOf`, of buckets that were saved, by this instance or another. */
export function savedHandshakesIn(
  saved: SavedAvailability,
  window: AvailabilityWindow,
  wallMs: number,
): Handshakes {
  const i = availabilityWindows.findIndex(({ name }) => name === window)
  const { bucketMs = 1, buckets = 0 } = availabilityWindows[i] ?? {}
  const now = Math.floor(wallMs / bucketMs)
  const sum = { good: 0, total: 0 }
  for (const [number, good, total] of saved[i] ?? []) {
    if (number <= now - buckets || number > now) continue
    sum.good += good
    sum.total += total
  }
  return sum
}

/** What a later look at the same counts has beyond an earlier one; what the earlier one has beyond is left out. */
export const countsSince = (
  later: SavedAvailability,
  earlier: SavedAvailability,
): SavedAvailability =>
  later.map((buckets, i) => {
    const before = new Map((earlier[i] ?? []).map(([number, ...counts]) => [number, counts]))
    return buckets.flatMap(([number, good, total]) => {
      const [goodBefore, totalBefore] = before.get(number) ?? [0, 0]
      const more = total - totalBefore
      if (more <= 0) return []
      return [[number, Math.min(more, Math.max(0, good - goodBefore)), more] as const]
    })
  })

/** Adds what was saved. */
export function restoreAvailability(rings: Availability, saved: SavedAvailability): void {
  for (const [i, buckets] of saved.entries()) {
    const ring = rings[i]
    if (ring) for (const [number, good, total] of buckets) add(ring, number, { good, total })
  }
}
