// What /traffic counted, as lines of a chart: counts of a bucket are rates, and what hardly occurs is one line with the
// rest.

import type { ChartSeries } from '../../charts/line-chart.tsx'
import { meanOf } from '../../charts/series.ts'

type Counts = Readonly<Record<string, readonly (number | null)[]>>

export interface TrafficReply {
  readonly at: string
  readonly window: '1h' | '24h'
  readonly stepSeconds: number
  /** Of bucket 0. */
  readonly start: string
  readonly types: Counts
  readonly rcodes: Counts
  readonly transports: Counts
  readonly reasons: Counts
  readonly fates: Counts
  readonly workers: { readonly alive: number; readonly of: number; readonly restarts: number }
}

/** In seconds since 1970, when each bucket begins. */
export function timesOf({ start, stepSeconds, types, rcodes }: TrafficReply): readonly number[] {
  const first = Date.parse(start) / 1000
  const [any] = [...Object.values(types), ...Object.values(rcodes)]
  return Array.from({ length: any?.length ?? 0 }, (_, i) => first + i * stepSeconds)
}

/** Lines that can be told apart; what is less goes together. */
const mostLines = 6

/** A second, the greatest first. Hues stay with the names that have one. */
export function ratesOf(
  counts: Counts,
  stepSeconds: number,
  hues: Readonly<Record<string, string>> = {},
): readonly ChartSeries[] {
  const lines = Object.entries(counts)
    .map(([label, values]) => ({
      label,
      values: values.map((value) => (value === null ? null : value / stepSeconds)),
    }))
    .map((line) => ({ ...line, mean: meanOf(line.values) ?? 0 }))
    .sort((a, b) => b.mean - a.mean)
  const rest = lines.slice(mostLines)
  const drawn = rest.length === 0 ? lines : [...lines.slice(0, mostLines), restOf(rest)]
  const free = hueCycle(new Set(Object.values(hues)))
  return drawn.map(({ label, values }) => ({ label, values, hue: hues[label] ?? free() }))
}

interface Line {
  readonly label: string
  readonly values: readonly (number | null)[]
  readonly mean: number
}

const restOf = (lines: readonly Line[]): Line => ({
  label: 'the rest',
  mean: lines.reduce((sum, { mean }) => sum + mean, 0),
  values: (lines[0]?.values ?? []).map((_, i) => {
    const known = lines.map(({ values }) => values[i] ?? null).filter((one) => one !== null)
    return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0)
  }),
})

/** The tokens --h1 to --h8 in turn, without those that are given away. */
function hueCycle(taken: ReadonlySet<string>): () => string {
  const free = Array.from({ length: 8 }, (_, i) => `var(--h${i + 1})`).filter(
    (one) => !taken.has(one),
  )
  let next = 0
  return () => free[next++ % free.length] ?? 'var(--h1)'
}

/** Of the whole window: how many, and the share of one name among all; null: nothing was counted. */
export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, values) => sum + sumOf(values), 0)
}

export const countOf = (counts: Counts, name: string): number => sumOf(counts[name] ?? [])

export function shareOf(counts: Counts, name: string): number | null {
  const total = totalOf(counts)
  return total === 0 ? null : countOf(counts, name) / total
}

const sumOf = (values: readonly (number | null)[]): number =>
  values.reduce<number>((sum, one) => sum + (one ?? 0), 0)

/** Since when this process counts, in seconds since 1970; null: over the whole window. */
export function countedSince(reply: TrafficReply): number | null {
  const [any] = [...Object.values(reply.types), ...Object.values(reply.rcodes)]
  const first = any?.findIndex((value) => value !== null) ?? -1
  return first <= 0 ? null : (timesOf(reply)[first] ?? null)
}
