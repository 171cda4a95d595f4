// Availability: the share of probe handshakes that succeeded over the last hour, day and month. Counts are kept in rings
// of buckets, so memory is bounded and a probe costs one increment per window; a window is accurate to one bucket.
//
//   window   buckets         the error budget is what the target allows: at 99.95 %, five failures in 10,000;
//   1h       60 of 1 min     1 − (1 − availability) ÷ (1 − target) of it is left, below 0 when it is overspent
//   24h      96 of 15 min
//   30d      120 of 6 h
//
// Times are wall-clock milliseconds, because the rings outlive the process.

export const availabilityWindows = [
  { name: '1h', buckets: 60, bucketMs: 60_000 },
  { name: '24h', buckets: 96, bucketMs: 900_000 },
  { name: '30d', buckets: 120, bucketMs: 21_600_000 },
] as const

export type AvailabilityWindow = (typeof availabilityWindows)[number]['name']

/** Counted handshakes: successful ones and all of them. */
export interface Handshakes {
  readonly good: number
  readonly total: number
  /** When the oldest bucket with any of them began, milliseconds since 1970; Infinity: there are none. */
  readonly sinceMs: number
}

/**
 * The buckets of one window, mutated in place: the number of the bucket, or -1 if it was never used, and its counts good and
 * total, side by side, since a probe reads memory that was last touched long ago. Bucket number n (wall-clock time ÷ bucket
 * length) is stored at n modulo the ring size.
 */
type Ring = Float64Array

const [goodAt, totalAt, perBucket] = [1, 2, 3]

/** One ring per entry of `availabilityWindows`, in that order. */
export type Availability = readonly Ring[]

export const createAvailability = (): Availability =>
  availabilityWindows.map(({ buckets }) => {
    const ring = new Float64Array(buckets * perBucket)
    for (let at = 0; at < ring.length; at += perBucket) ring[at] = -1
    return ring
  })

/** Counts one handshake in every window. */
export function countHandshake(rings: Availability, isGood: boolean, wallMs: number): void {
  const added = isGood ? good : bad
  for (let i = 0; i < rings.length; i++)
    add(rings[i] as Ring, Math.floor(wallMs / (availabilityWindows[i]?.bucketMs ?? 1)), added)
}

export type Counted = Pick<Handshakes, 'good' | 'total'>

const good: Counted = { good: 1, total: 1 }
const bad: Counted = { good: 0, total: 1 }

/** Drops counts for a bucket older than the one stored in its place: the clock went back by more than a window. */
function add(ring: Ring, number: number, added: Counted): void {
  const at = (number % (ring.length / perBucket)) * perBucket
  const stored = ring[at] as number
  if (stored > number) return
  const isNew = stored !== number
  ring[at] = number
  ring[at + goodAt] = (isNew ? 0 : (ring[at + goodAt] as number)) + added.good
  ring[at + totalAt] = (isNew ? 0 : (ring[at + totalAt] as number)) + added.total
}

/** Handshakes counted in the window that ends at `wallMs`. */
export function handshakesIn(
  rings: Availability,
  window: AvailabilityWindow,
  wallMs: number,
): Handshakes {
  const i = availabilityWindows.findIndex(({ name }) => name === window)
  const ring = rings[i] as Ring
  const { bucketMs = 1 } = availabilityWindows[i] ?? {}
  const now = Math.floor(wallMs / bucketMs)
  const sum = { good: 0, total: 0, sinceMs: Infinity }
  const oldest = now - ring.length / perBucket
  for (let at = 0; at < ring.length; at += perBucket) {
    const number = ring[at] as number
    if (number <= oldest || number > now) continue
    sum.good += ring[at + goodAt] as number
    sum.total += ring[at + totalAt] as number
    sum.sinceMs = Math.min(sum.sinceMs, number * bucketMs)
  }
  return sum
}

/** Share of successful handshakes, 0…1; null if there were none. */
export const availabilityOf = ({ good, total }: Counted): number | null =>
  total === 0 ? null : good / total

/** Share of the error budget that is left: 1 untouched, 0 spent, negative overspent. `target` must be below 1. */
export const errorBudgetLeft = (availability: number, target: number): number =>
  1 - (1 - availability) / (1 - target)

/** For each window the non-empty buckets as [bucket number, successful, total]: the form stored in JSON. */
export type SavedAvailability = readonly (readonly (readonly [number, number, number])[])[]

export const saveAvailability = (rings: Availability): SavedAvailability =>
  rings.map((ring) => {
    const saved: [number, number, number][] = []
    for (let at = 0; at < ring.length; at += perBucket) {
      const total = ring[at + totalAt] as number
      if (total > 0) saved.push([ring[at] as number, ring[at + goodAt] as number, total])
    }
    return saved
  })

/** The same as `handshakesIn`, over buckets saved by this instance or another. */
export function savedHandshakesIn(
  saved: SavedAvailability,
  window: AvailabilityWindow,
  wallMs: number,
): Handshakes {
  const i = availabilityWindows.findIndex(({ name }) => name === window)
  const { bucketMs = 1, buckets = 0 } = availabilityWindows[i] ?? {}
  const now = Math.floor(wallMs / bucketMs)
  const sum = { good: 0, total: 0, sinceMs: Infinity }
  for (const [number, good, total] of saved[i] ?? []) {
    if (number <= now - buckets || number > now) continue
    sum.good += good
    sum.total += total
    sum.sinceMs = Math.min(sum.sinceMs, number * bucketMs)
  }
  return sum
}

/**
 * Counts of each bucket of the window that ends at `wallMs`, over what all instances saved; the oldest bucket first, the
 * last one still under way.
 */
export function bucketsOf(
  saved: readonly SavedAvailability[],
  window: AvailabilityWindow,
  wallMs: number,
): readonly Counted[] {
  const i = availabilityWindows.findIndex(({ name }) => name === window)
  const { bucketMs = 1, buckets = 0 } = availabilityWindows[i] ?? {}
  const oldest = Math.floor(wallMs / bucketMs) - buckets + 1
  const sums = Array.from({ length: buckets }, () => ({ good: 0, total: 0 }))
  for (const one of saved)
    for (const [number, good, total] of one[i] ?? []) {
      const sum = sums[number - oldest]
      if (sum === undefined) continue
      sum.good += good
      sum.total += total
    }
  return sums
}

/** How many times faster than the target allows the budget is spent: at 1 it lasts exactly as long as its window. */
export const burnRate = (availability: number, target: number): number =>
  (1 - availability) / (1 - target)

/**
 * After how many milliseconds the budget of 30 days is spent if handshakes go on as in the last hour, while what is older
 * than 30 days leaves the window; 0: it is spent, null: it never is at that rate, or nothing was counted.
 */
export function budgetGoneAfterMs(
  saved: readonly SavedAvailability[],
  target: number,
  wallMs: number,
): number | null {
  const minutes = bucketsOf(saved, '1h', wallMs)
  const counted = minutes.filter(({ total }) => total > 0)
  if (counted.length === 0) return null
  const month = bucketsOf(saved, '30d', wallMs)
  const { bucketMs } = availabilityWindows[2]
  const scale = bucketMs / 60_000 / counted.length
  const pace = sumOf(counted)
  const failures = (pace.total - pace.good) * scale
  const left = sumOf(month)
  const window = { bad: left.total - left.good, total: left.total }
  for (let after = 0; after <= month.length; after++) {
    if (window.bad >= window.total * (1 - target) && window.bad > 0) return after * bucketMs
    const leaves = month[after]
    window.bad += failures - ((leaves?.total ?? 0) - (leaves?.good ?? 0))
    window.total += pace.total * scale - (leaves?.total ?? 0)
  }
  return null
}

const sumOf = (buckets: readonly Counted[]): Counted =>
  buckets.reduce((sum, { good, total }) => ({ good: sum.good + good, total: sum.total + total }), {
    good: 0,
    total: 0,
  })

/** Counts that `later` has in excess of `earlier`, bucket by bucket; a bucket without an excess is left out. */
export const countsSince = (
  later: SavedAvailability,
  earlier: SavedAvailability,
): SavedAvailability =>
  later.map((buckets, i) => {
    const counted = new Map((earlier[i] ?? []).map(([number, ...counts]) => [number, counts]))
    return buckets.flatMap(([number, good, total]) => {
      const [goodBefore, totalBefore] = counted.get(number) ?? [0, 0]
      const gained = total - totalBefore
      if (gained <= 0) return []
      return [[number, Math.min(gained, Math.max(0, good - goodBefore)), gained] as const]
    })
  })

/** Adds saved counts to the rings. */
export function restoreAvailability(rings: Availability, saved: SavedAvailability): void {
  for (const [i, buckets] of saved.entries()) {
    const ring = rings[i]
    if (ring) for (const [number, good, total] of buckets) add(ring, number, { good, total })
  }
}
