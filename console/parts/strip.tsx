// The last hour or day of an address: a bar a bucket, its height the latency, its colour the worst state. What failed
// stands full; what nobody watched is a gap, and a drain a mark below. Three paths, however many bars.

import type { VNode } from 'preact'

import './strip.css'

type BucketState = 'up' | 'suspect' | 'down' | 'unknown'

/** The columns of a series of /history: entry i of each is of bucket i. */
export interface StripSeries {
  readonly worst: readonly (BucketState | null)[]
  readonly p50Ms: readonly (number | null)[]
  readonly bad: readonly (number | null)[]
}

/** What an operator did to the target from one bucket to another. */
export interface StripMark {
  readonly from: number
  readonly to: number
  /** Who and why, as `drained by anna: kernel update`. */
  readonly label: string
}

export interface StripProps {
  readonly series: StripSeries
  /** `last hour` or `last 24 h`. */
  readonly label: string
  readonly marks?: readonly StripMark[]
}

const width = 180
const height = 22
const leastBar = 4

export function Strip({ series, label, marks = [] }: StripProps): VNode {
  const bars = stripPaths(series, { width, height })
  const sentence = [stripSentence(series, label), ...marks.map((mark) => mark.label)].join('; ')
  return (
    <svg
      class="history-strip"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={sentence}
    >
      <title>{sentence}</title>
      {barTones.map((tone) => bars[tone] !== '' && <path key={tone} class={tone} d={bars[tone]} />)}
      {marks.map(({ from, to, label: key }) => (
        <path key={key} class="mark" d={markPath(from, to, series.worst.length)} />
      ))}
    </svg>
  )
}

const barTones = ['gap', 'up', 'warn', 'bad'] as const

export type BarTone = (typeof barTones)[number]

interface Size {
  readonly width: number
  readonly height: number
}

/** An SVG path for all bars of a tone; empty: there is none. */
export function stripPaths(series: StripSeries, size: Size): Readonly<Record<BarTone, string>> {
  const step = size.width / Math.max(1, series.worst.length)
  const top = Math.sqrt(Math.max(1, ...series.p50Ms.map((ms) => ms ?? 0)) * 1.15)
  const paths: Record<BarTone, string> = { gap: '', up: '', warn: '', bad: '' }
  for (const [i, worst] of series.worst.entries()) {
    const tone = toneOf(worst, series.bad[i] ?? 0)
    const tall = tallOf(tone, Math.sqrt(series.p50Ms[i] ?? 1) / top, size.height)
    paths[tone] += barPath(i * step, size.height - tall, step * 0.7, tall)
  }
  return paths
}

/** A single failed probe is worth a look, though it moves no state. */
function toneOf(worst: BucketState | null, bad: number): BarTone {
  switch (worst) {
    case null:
    case 'unknown':
      return 'gap'
    case 'down':
      return 'bad'
    case 'suspect':
      return 'warn'
    case 'up':
      return bad > 0 ? 'warn' : 'up'
    default:
      return worst satisfies never
  }
}

function tallOf(tone: BarTone, latency: number, whole: number): number {
  if (tone === 'gap') return 2
  return tone === 'up' ? Math.max(leastBar, latency * (whole - 3)) : whole
}

const barPath = (x: number, y: number, wide: number, tall: number): string =>
  `M${tenths(x)} ${tenths(y)}h${tenths(wide)}v${tenths(tall)}h${tenths(-wide)}z`

const markPath = (from: number, to: number, buckets: number): string => {
  const step = width / Math.max(1, buckets)
  return barPath(from * step, height - 1.5, Math.max(1, to - from) * step, 1.5)
}

const tenths = (value: number): number => Math.round(value * 10) / 10

/** For screen readers and as the title: what the bars amount to. */
export function stripSentence({ worst, p50Ms, bad }: StripSeries, label: string): string {
  const watched = worst.filter((one) => one !== null && one !== 'unknown').length
  if (watched === 0) return `${label}: not watched`
  const down = worst.filter((one) => one === 'down').length
  const failures = bad.reduce<number>((sum, one) => sum + (one ?? 0), 0)
  const failed =
    down > 0
      ? `down in ${down} of ${watched} parts`
      : failures > 0
        ? `${failures} failed ${failures === 1 ? 'probe' : 'probes'}, never down`
        : 'no failure'
  const median = medianOf(p50Ms)
  const gaps = worst.length - watched
  return [
    `${label}: ${failed}`,
    ...(median === null ? [] : [`median ${Math.round(median)} ms`]),
    ...(gaps === 0 ? [] : [`not watched in ${gaps} of ${worst.length} parts`]),
  ].join(', ')
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((one) => one !== null).toSorted((a, b) => a - b)
  return known[known.length >> 1] ?? null
}
