// What a chart says in words and in rows.

import type { ChartData } from './line-chart.tsx'

type Lines = Pick<ChartData, 'times' | 'series' | 'format'>

/** Lines that a sentence names; the others are in the table. */
const namedLines = 3

/** `MX 40 queries a second on average, at most 61 at 18:04 UTC; A 12 …`. */
export function chartSentence({ times, series, format }: Lines, unit: string): string {
  const told = series
    .filter(({ isReference }) => isReference !== true)
    .map(({ label, values }) => ({ label, peak: peakOf(values), mean: meanOf(values) }))
    .filter(({ mean }) => mean !== null)
    .toSorted((a, b) => (b.mean ?? 0) - (a.mean ?? 0))
  if (told.length === 0) return 'Nothing is known of this time yet.'
  const named = told.slice(0, namedLines).map(({ label, peak, mean }, i) => {
    const [most, at] = peak
    const when = utcMinute(times[at] ?? 0)
    return `${label} ${format(mean ?? 0)}${i === 0 ? ` ${unit} on average` : ''}, at most ${format(most)} at ${when}`
  })
  const rest = told.length - named.length
  return `${named.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}.`
}

const utcMinute = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(11, 16)} UTC`

function peakOf(values: readonly (number | null)[]): readonly [value: number, at: number] {
  let [most, at] = [-Infinity, 0]
  for (const [i, value] of values.entries())
    if (value !== null && value > most) [most, at] = [value, i]
  return [most, at]
}

/** null: there is no value. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((one) => one !== null)
  return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length
}

export interface TableRow {
  /** When the stretch begins, in seconds since 1970. */
  readonly time: number
  /** Of each series over the stretch. */
  readonly means: readonly (number | null)[]
}

/** At most `most` rows of equal length, the last one perhaps shorter; newest first. */
export function tableRows({ times, series }: Lines, most: number): readonly TableRow[] {
  const each = Math.max(1, Math.ceil(times.length / most))
  const rows: TableRow[] = []
  for (let from = 0; from < times.length; from += each)
    rows.push({
      time: times[from] ?? 0,
      means: series.map(({ values }) => meanOf(values.slice(from, from + each))),
    })
  return rows.toReversed()
}
