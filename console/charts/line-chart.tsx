// A chart over time: what it says in a sentence, the lines, a legend with the values under the pointer, and the same
// as a table. Without its library (a page that outlived an upgrade) sentence and table are still there.

import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

import '../parts/plain-table.css'
import './charts.css'
import type { Plot } from './plot.ts'
import { chartSentence, tableRows } from './series.ts'

export interface ChartSeries {
  readonly label: string
  /** A colour, such as `var(--h1)`. */
  readonly hue: string
  /** What others are compared with, such as a target: dashed, and not part of the sentence. */
  readonly isReference?: boolean
  readonly dash?: readonly number[]
  /** One for each time; null: not known, a gap. */
  readonly values: readonly (number | null)[]
}

/** A stretch of time, in seconds since 1970, in which something was wrong. */
export interface ChartBand {
  readonly from: number
  readonly to: number
  readonly tone: 'bad' | 'warn' | 'hold'
}

export interface ChartData {
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly bands?: readonly ChartBand[]
  /** To be marked, in seconds since 1970; null: none. */
  readonly moment?: number | null
  /** A value with its unit, as short as an axis wants it. */
  readonly format: (value: number) => string
  /** Of the axis; without, from 0 to a little above the greatest value. */
  readonly range?: readonly [least: number, most: number]
  /** The index of the time under the pointer; null: the pointer is elsewhere. */
  readonly onPoint?: (index: number | null) => void
}

export interface LineChartProps extends ChartData {
  readonly title: string
  /** What the values are, as `queries a second`. */
  readonly unit: string
}

export function LineChart({ title, unit, onPoint, ...data }: LineChartProps): VNode {
  const [at, setAt] = useState<number | null>(null)
  const point = (index: number | null): void => {
    setAt(index)
    onPoint?.(index)
  }
  const host = usePlot({ ...data, onPoint: point })
  const sentence = chartSentence(data, unit)
  return (
    <figure class="chart" aria-label={title}>
      <figcaption>{sentence}</figcaption>
      <div class="plot" ref={host} aria-hidden="true" />
      <Legend data={data} at={at} />
      <details>
        <summary>as a table</summary>
        <ChartTable title={title} unit={unit} data={data} />
      </details>
    </figure>
  )
}

function usePlot(data: ChartData): { readonly current: HTMLDivElement | null } {
  const host = useRef<HTMLDivElement>(null)
  const [plot, setPlot] = useState<Plot | null>(null)
  useEffect(() => {
    let made: Plot | null = null
    let isGone = false
    import('./plot.ts').then(
      ({ createPlot }) => {
        if (isGone || host.current === null) return
        made = createPlot(host.current)
        setPlot(made)
      },
      () => undefined,
    )
    return () => {
      isGone = true
      made?.destroy()
    }
  }, [])
  useEffect(() => plot?.setData(data))
  return host
}

interface LegendProps {
  readonly data: ChartData
  readonly at: number | null
}

/** The values under the pointer; those of the last time while it is elsewhere. */
function Legend({ data: { times, series, format }, at }: LegendProps): VNode {
  const index = at ?? times.length - 1
  return (
    <ul class="legend" aria-hidden="true">
      {series.map(({ label, hue, values }) => {
        const value = values[index] ?? null
        return (
          <li key={label} style={{ '--hue': hue }}>
            <i />
            {label} <b>{value === null ? '–' : format(value)}</b>
          </li>
        )
      })}
      {times[index] !== undefined && <li class="when">{utcMinute(times[index])}</li>}
    </ul>
  )
}

const utcMinute = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(11, 16)} UTC`

interface ChartTableProps {
  readonly title: string
  readonly unit: string
  readonly data: ChartData
}

/** As many rows as can be read; each tells the mean of its stretch of time. */
const mostRows = 24

function ChartTable({ title, unit, data }: ChartTableProps): VNode {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>
      <table class="plain">
        <caption class="visually-hidden">
          {title}, {unit}
        </caption>
        <thead>
          <tr>
            <th scope="col">From, UTC</th>
            {data.series.map(({ label }) => (
              <th key={label} scope="col" class="num">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tableRows(data, mostRows).map(({ time, means }) => (
            <tr key={time}>
              <th scope="row">{new Date(time * 1000).toISOString().slice(11, 16)}</th>
              {means.map((mean, i) => (
                <td key={data.series[i]?.label} class="num">
                  {mean === null ? '–' : data.format(mean)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
