// What was asked and answered: counts in 360 buckets of 10 s and 288 of 5 minutes, of a fixed set of series. Sums since the
// start come in every 10 s; what they grew by is counted into the bucket of now.

export const trafficWindows = {
  '1h': { buckets: 360, bucketMs: 10_000 },
  '24h': { buckets: 288, bucketMs: 300_000 },
} as const

export type TrafficWindow = keyof typeof trafficWindows

/** The groups of series, and what each tells apart; `other` is what has no series of its own. */
export const trafficSeries = {
  types: ['MX', 'A', 'AAAA', 'SRV', 'TXT', 'NS', 'SOA', 'CNAME', 'PTR', 'HTTPS', 'DNSKEY', 'other'],
  rcodes: ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'BADCOOKIE', 'other'],
  transports: ['udp', 'tcp'],
  reasons: ['eligible', 'panic', 'failed-open', 'spilled', 'last-good', 'backup'],
  fates: [
    'dropped',
    'rejected',
    'truncated',
    'slipped',
    'withheld',
    'tcpAccepted',
    'tcpClosedByLimit',
    'failures',
  ],
  probes: ['started', 'late'],
} as const

export type TrafficGroup = keyof typeof trafficSeries

const groups = Object.keys(trafficSeries) as readonly TrafficGroup[]

const keys: readonly string[] = groups.flatMap((group) =>
  trafficSeries[group].map((name) => keyOf(group, name)),
)

function keyOf(group: TrafficGroup, name: string): string {
  return `${group} ${name}`
}

/** By `GROUP NAME`: sums since the start. */
export type TrafficTotals = ReadonlyMap<string, number>

/** `add` counts what has no series of its own as `other`, or leaves it out where the group has none. */
export function collectTotals(
  collect: (add: (group: TrafficGroup, name: string, count: number) => void) => void,
): TrafficTotals {
  const totals = new Map(keys.map((key) => [key, 0]))
  collect((group, name, count) => {
    const own = keyOf(group, name)
    const key = totals.has(own) ? own : keyOf(group, 'other')
    const before = totals.get(key)
    if (before !== undefined) totals.set(key, before + count)
  })
  return totals
}

/** Counts by bucket, oldest first; null: this process was not there. Series that counted nothing are left out. */
export type TrafficGroups = Readonly<
  Record<TrafficGroup, Readonly<Record<string, readonly (number | null)[]>>>
>

interface Ring {
  readonly window: TrafficWindow
  /** Bucket after bucket, in each the series in the order of `keys`. */
  readonly counts: Uint32Array
  /** Numbers of the first bucket that was counted into, and of the last. */
  first: number
  last: number
}

export class TrafficHistory {
  readonly #rings: readonly Ring[]
  /** The last two sums, each at least 10 s apart, and the current one at the end. */
  #samples: { readonly atMs: number; readonly totals: TrafficTotals }[] = []

  constructor(wallMs: number) {
    this.#rings = (Object.keys(trafficWindows) as TrafficWindow[]).map((window) => {
      const { buckets, bucketMs } = trafficWindows[window]
      const first = Math.floor(wallMs / bucketMs)
      return { window, counts: new Uint32Array(buckets * keys.length), first, last: first }
    })
  }

  get octets(): number {
    return this.#rings.reduce((sum, { counts }) => sum + counts.byteLength, 0)
  }

  /** Counts what has come since the last sample into the buckets of the time before `wallMs`. */
  sample(totals: TrafficTotals, wallMs: number): void {
    const before = this.#samples.at(-1)?.totals
    for (const ring of this.#rings) {
      // A sample that is taken as a bucket begins is of the one before.
      turnTo(ring, Math.floor((wallMs - 1) / trafficWindows[ring.window].bucketMs))
      const at = bucketAt(ring, ring.last)
      for (const [i, key] of keys.entries()) {
        const gained = (totals.get(key) ?? 0) - (before?.get(key) ?? 0)
        if (gained > 0) ring.counts[at + i] = (ring.counts[at + i] as number) + gained
      }
    }
    this.#samples = [...this.#samples.slice(-1), { atMs: wallMs, totals }]
  }

  /** What has come since the sample before the last: of 10 to 20 s, or of what there is. `overMs`: of how long. */
  gained(
    totals: TrafficTotals,
    wallMs: number,
  ): { readonly overMs: number; readonly of: (group: TrafficGroup, name: string) => number } {
    const base = this.#samples[0]
    return {
      overMs: Math.max(0, wallMs - (base?.atMs ?? wallMs)),
      of(group, name) {
        const key = keyOf(group, name)
        return Math.max(0, (totals.get(key) ?? 0) - (base?.totals.get(key) ?? 0))
      },
    }
  }

  /** All buckets that are over. `startMs`: when the first of them began. */
  read(
    window: TrafficWindow,
    wallMs: number,
  ): { readonly startMs: number; readonly groups: TrafficGroups } {
    const { buckets, bucketMs } = trafficWindows[window]
    const ring = this.#rings.find((one) => one.window === window) as Ring
    const newest = Math.floor(wallMs / bucketMs) - 1
    const numbers = Array.from({ length: buckets }, (_, i) => newest - buckets + 1 + i)
    const column = (series: number): (number | null)[] =>
      numbers.map((number) => {
        const isKept = number >= ring.first && number > ring.last - buckets && number <= ring.last
        return isKept ? (ring.counts[bucketAt(ring, number) + series] as number) : null
      })
    return {
      startMs: (numbers[0] ?? 0) * bucketMs,
      groups: Object.fromEntries(
        groups.map((group) => [group, columnsOf(group, column)]),
      ) as TrafficGroups,
    }
  }
}

function columnsOf(
  group: TrafficGroup,
  column: (series: number) => (number | null)[],
): Record<string, readonly (number | null)[]> {
  const columns: Record<string, readonly (number | null)[]> = {}
  for (const name of trafficSeries[group]) {
    const counts = column(keys.indexOf(keyOf(group, name)))
    if (counts.some((count) => count !== null && count > 0)) columns[name] = counts
  }
  return columns
}

function bucketAt({ window }: Ring, number: number): number {
  const { buckets } = trafficWindows[window]
  return (((number % buckets) + buckets) % buckets) * keys.length
}

/** Empties the buckets that come between; all where the clock went back by more than one, or far ahead. */
function turnTo(ring: Ring, number: number): void {
  const { buckets } = trafficWindows[ring.window]
  if (number === ring.last) return
  // A clock that is put right by a little: the bucket that is counted into stays.
  if (number === ring.last - 1) return
  if (number < ring.last || number - ring.last >= buckets) {
    ring.counts.fill(0)
    ring.first = number
  } else
    for (let passed = ring.last + 1; passed <= number; passed++) {
      const at = bucketAt(ring, passed)
      ring.counts.fill(0, at, at + keys.length)
    }
  ring.last = number
}
