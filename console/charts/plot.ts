// uPlot with the colours and the type of the page. It is a chunk of its own, loaded with the first chart.

import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

import { resolvedColour } from '../parts/colour.ts'
import type { ChartBand, ChartData } from './line-chart.tsx'

export interface Plot {
  readonly setData: (data: ChartData) => void
  readonly destroy: () => void
}

const height = 190

/** Draws when it gets data, and follows the width of its host and the theme until it is destroyed. */
export function createPlot(host: HTMLElement): Plot {
  let data: ChartData | null = null
  let plot: UPlot | null = null
  const redraw = (): void => {
    plot?.destroy()
    plot = data && drawn(host, data)
  }
  const resized = new ResizeObserver(() => plot?.setSize({ width: host.clientWidth, height }))
  resized.observe(host)
  const themed = new MutationObserver(redraw)
  themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  const schemes = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'].map((query) =>
    matchMedia(query),
  )
  for (const scheme of schemes) scheme.addEventListener('change', redraw)
  return {
    setData: (next) => {
      const before = data
      data = next
      if (before !== null && isAlike(before, next)) return
      const isSame = before !== null && labelsOf(before) === labelsOf(next)
      if (isSame && plot !== null) plot.setData(columnsOf(next))
      else redraw()
    },
    destroy: () => {
      resized.disconnect()
      themed.disconnect()
      for (const scheme of schemes) scheme.removeEventListener('change', redraw)
      plot?.destroy()
    },
  }
}

/** A view may draw itself anew, each second, of the same values; that is not to move the pointer's line. */
const isAlike = (before: ChartData, next: ChartData): boolean =>
  sameList(before.times, next.times) &&
  labelsOf(before) === labelsOf(next) &&
  before.series.every(({ values }, i) => sameList(values, next.series[i]?.values ?? []))

const sameList = (a: readonly (number | null)[], b: readonly (number | null)[]): boolean =>
  a === b || (a.length === b.length && a.every((value, i) => value === b[i]))

/** With the same lines it is enough to give the values. */
const labelsOf = ({ series }: ChartData): string => series.map(({ label }) => label).join()

const columnsOf = ({ times, series }: ChartData): UPlot.AlignedData => [
  [...times],
  ...series.map(({ values }) => [...values]),
]

function drawn(host: HTMLElement, data: ChartData): UPlot {
  const colour = colourReader()
  const axis: UPlot.Axis = {
    stroke: colour('var(--ink-3)'),
    font: `11px ${getComputedStyle(host).fontFamily}`,
    grid: { stroke: colour('var(--line)'), width: 1 },
    ticks: { show: false },
  }
  const options: UPlot.Options = {
    width: host.clientWidth,
    height,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_, __, most) => rangeOf(data, most) } },
    axes: [
      { ...axis, size: 30, values: (_, seconds) => seconds.map(clockOf) },
      { ...axis, size: 52, values: (_, values) => values.map(data.format) },
    ],
    series: [
      {},
      ...data.series.map(({ label, hue, dash, isReference }): UPlot.Series => ({
        label,
        stroke: colour(hue),
        width: 1.6,
        points: { show: false, size: 4, filter: lonely },
        ...((dash !== undefined || isReference === true) && { dash: [...(dash ?? [4, 4])] }),
      })),
    ],
    hooks: {
      drawClear: [(plot) => paintBands(plot, data.bands ?? [], colour)],
      draw: [(plot) => paintMoment(plot, data.moment ?? null, colour)],
      setCursor: [(plot) => data.onPoint?.(plot.cursor.idx ?? null)],
    },
  }
  return new UPlot(options, columnsOf(data), host)
}

/** Values without a neighbour, which no line goes through. */
function lonely(plot: UPlot, series: number): number[] | null {
  const values = plot.data[series] ?? []
  const isThere = (i: number): boolean => (values[i] ?? null) !== null
  const found = [...values.keys()].filter((i) => isThere(i) && !isThere(i - 1) && !isThere(i + 1))
  return found.length > 0 ? found : null
}

const rangeOf = ({ range }: ChartData, most: number): [number, number] => {
  if (range !== undefined) return [...range]
  return [0, most > 0 ? most * 1.1 : 1]
}

const clockOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 16)

function paintBands(
  plot: UPlot,
  bands: readonly ChartBand[],
  colour: (value: string) => string,
): void {
  const { ctx } = plot
  const { top, height: tall } = plot.bbox
  ctx.save()
  ctx.globalAlpha = 0.16
  for (const { from, to, tone } of bands) {
    const left = plot.valToPos(from, 'x', true)
    ctx.fillStyle = colour(`var(--${tone}-mark)`)
    ctx.fillRect(left, top, Math.max(2, plot.valToPos(to, 'x', true) - left), tall)
  }
  ctx.restore()
}

/** Nothing where the moment is not on the chart. */
function paintMoment(plot: UPlot, moment: number | null, colour: (value: string) => string): void {
  const { ctx, bbox } = plot
  const x = moment === null ? -1 : plot.valToPos(moment, 'x', true)
  if (x < bbox.left || x > bbox.left + bbox.width) return
  ctx.save()
  ctx.fillStyle = colour('var(--accent)')
  ctx.fillRect(x - 1, bbox.top, 2, bbox.height)
  ctx.restore()
}

/** Each colour of a drawing is asked for once. */
function colourReader(): (value: string) => string {
  const known = new Map<string, string>()
  return (value) => {
    const seen = known.get(value) ?? resolvedColour(value)
    known.set(value, seen)
    return seen
  }
}
