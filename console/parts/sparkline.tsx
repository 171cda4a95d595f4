// A line of some values without axes: how a figure beside it went.

import type { VNode } from 'preact'

/** Path of the values over the whole width; '' for fewer than two. */
export function sparklinePath(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return ''
  const top = Math.max(...values) * 1.1 || 1
  const bottom = Math.min(...values) * 0.85
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * width
    const y = height - 2 - ((value - bottom) / (top - bottom)) * (height - 4)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return `M${points.join('L')}`
}

/** Decorative: the figure beside it is what is read. */
export function Sparkline({
  values,
  width = 74,
  height = 22,
}: {
  values: readonly number[]
  width?: number
  height?: number
}): VNode {
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path
        d={sparklinePath(values, width, height)}
        fill="none"
        stroke="var(--accent)"
        stroke-width="1.5"
        stroke-linejoin="round"
      />
    </svg>
  )
}
