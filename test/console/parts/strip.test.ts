import { h } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { describe, expect, test } from 'vitest'

import {
  Strip,
  stripPaths,
  type StripSeries,
  stripSentence,
} from '../../../console/parts/strip.tsx'

const quiet: StripSeries = {
  worst: ['up', 'up', 'up', 'up'],
  p50Ms: [20, 20, 80, 20],
  bad: [0, 0, 0, 0],
}
const size = { width: 40, height: 22 }

/** Height and left edge of each bar of a path. */
const barsOf = (path: string): readonly { readonly x: number; readonly tall: number }[] =>
  [...path.matchAll(/M([\d.]+) [\d.]+h[\d.]+v([\d.]+)/g)].map(([, x, tall]) => ({
    x: Number(x),
    tall: Number(tall),
  }))

describe('the strip of an address', () => {
  test('a slower bucket stands higher, and each stands at its place', () => {
    const bars = barsOf(stripPaths(quiet, size).up)
    expect(bars.map(({ x }) => x)).toEqual([0, 10, 20, 30])
    expect(bars[2]?.tall).toBeGreaterThan(bars[1]?.tall ?? 0)
    expect(bars[0]?.tall).toBe(bars[1]?.tall)
  })

  const cases: readonly [
    what: string,
    one: Partial<Record<keyof StripSeries, unknown>>,
    tone: string,
  ][] = [
    ['down', { worst: ['down'], bad: [3] }, 'bad'],
    ['suspect', { worst: ['suspect'], bad: [1] }, 'warn'],
    ['up with a failed probe', { worst: ['up'], bad: [1] }, 'warn'],
    ['not watched', { worst: [null], bad: [null] }, 'gap'],
    ['unknown', { worst: ['unknown'], bad: [0] }, 'gap'],
  ]
  test.each(cases)('%s', (_, one, tone) => {
    const paths = stripPaths({ p50Ms: [null], ...one } as StripSeries, size)
    const drawn = Object.entries(paths).filter(([, path]) => path !== '')
    expect(drawn.map(([name]) => name)).toEqual([tone])
    expect(barsOf(drawn[0]?.[1] ?? '')[0]?.tall).toBe(tone === 'gap' ? 2 : 22)
  })

  test('says what it shows', () => {
    expect(stripSentence(quiet, 'last hour')).toBe('last hour: no failure, median 20 ms')
    const bad: StripSeries = { worst: ['down', null], p50Ms: [null, null], bad: [2, null] }
    expect(stripSentence(bad, 'last hour')).toBe(
      'last hour: down in 1 of 1 parts, not watched in 1 of 2 parts',
    )
    const once: StripSeries = { worst: ['up'], p50Ms: [3], bad: [1] }
    expect(stripSentence(once, 'last 24 h')).toContain('1 failed probe, never down')
    expect(stripSentence({ worst: [], p50Ms: [], bad: [] }, 'last hour')).toBe(
      'last hour: not watched',
    )
  })

  test('draws a path a tone, and marks with who and why as text', () => {
    const marks = [{ from: 1, to: 3, label: 'drained by <b>anna</b>' }]
    const text = renderToString(h(Strip, { series: quiet, label: 'last hour', marks }))
    expect(text.match(/<path/g)).toHaveLength(2)
    expect(text).toContain('&lt;b>anna&lt;/b>')
    expect(text).not.toContain('<b>')
  })
})
