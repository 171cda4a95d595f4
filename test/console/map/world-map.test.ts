import { gzipSync } from 'node:zlib'

import { h } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { describe, expect, test } from 'vitest'

import { centreOf, mapHeight, mapWidth, nextCountry } from '../../../console/map/geometry.ts'
import { WorldMap } from '../../../console/map/world-map.tsx'
import { worldPaths } from '../../../console/map/world-plugin.ts'
import { countryName } from '../../../console/parts/place-words.ts'

const paths = worldPaths()
const centres = new Map(Object.entries(paths).map(([code, path]) => [code, centreOf(path)]))

/** By the shoelace formula over the rings of a path. */
function areaOf(path: string): number {
  let area = 0
  for (const ring of path.split('M').slice(1)) {
    let [x, y] = [0, 0]
    const numbers = [...ring.matchAll(/-?\d+/g)].map(Number)
    const points = numbers.flatMap((step, i) =>
      i % 2 === 0 ? [[(x += step), (y += numbers[i + 1] ?? 0)] as const] : [],
    )
    const twice = points.reduce((sum, [px, py], i) => {
      const [nx, ny] = points[(i + 1) % points.length] ?? [0, 0]
      return sum + px * ny - nx * py
    }, 0)
    area += Math.abs(twice) / 2
  }
  return area
}

describe('the paths of the world', () => {
  test('are within the budget, and every code is one that GeoIP databases use', () => {
    expect(gzipSync(JSON.stringify(paths), { level: 9 }).length).toBeLessThanOrEqual(16 * 1024)
    expect(Object.keys(paths).length).toBeGreaterThan(170)
    for (const code of Object.keys(paths)) expect(countryName(code)).not.toBe(code)
  })

  // Millions of square kilometres, as atlases have them: the projection keeps areas.
  test.each([
    ['BR', 8.5],
    ['AU', 7.7],
    ['IN', 3.2],
    ['ZA', 1.22],
    ['TR', 0.78],
    ['KZ', 2.72],
  ])('%s has its area', (code, millions) => {
    const unit = areaOf(paths['US'] ?? '') / 9.5
    expect(areaOf(paths[code] ?? '') / unit / millions).toBeGreaterThan(0.9)
    expect(areaOf(paths[code] ?? '') / unit / millions).toBeLessThan(1.1)
  })

  test.each([
    ['FR', 'DE', 'right'],
    ['DE', 'CH', 'down'],
    ['US', 'CA', 'up'],
    ['BR', 'AR', 'down'],
    ['AU', 'NZ', 'right'],
    ['JP', 'KR', 'left'],
  ] as const)('from %s, %s lies %s', (from, to, direction) => {
    const [a, b] = [centres.get(from), centres.get(to)]
    const moved = { x: (b?.x ?? 0) - (a?.x ?? 0), y: (b?.y ?? 0) - (a?.y ?? 0) }
    const sign = direction === 'right' || direction === 'down' ? 1 : -1
    const isAcross = direction === 'left' || direction === 'right'
    expect(sign * (isAcross ? moved.x : moved.y)).toBeGreaterThan(0)
  })

  test('fill their drawing', () => {
    for (const { x, y } of centres.values()) {
      expect(x).toBeGreaterThan(0)
      expect(x).toBeLessThan(mapWidth)
      expect(y).toBeGreaterThan(0)
      expect(y).toBeLessThan(mapHeight)
    }
  })
})

describe('by keyboard', () => {
  test('every country is reached from Germany', () => {
    const seen = new Set(['DE'])
    for (const code of seen)
      for (const direction of ['left', 'right', 'up', 'down'] as const) {
        const next = nextCountry(centres, code, direction)
        if (next !== null) seen.add(next)
      }
    const missed = [...centres.keys()].filter((code) => !seen.has(code))
    expect(missed.map(countryName)).toEqual([])
  })

  test('the edge of the map and a country that is not on it lead nowhere', () => {
    expect(nextCountry(centres, 'XX', 'left')).toBeNull()
    expect(nextCountry(new Map([['DE', { x: 1, y: 1 }]]), 'DE', 'up')).toBeNull()
  })
})

test('colours by the leading pool, stripes where it spills, and the words of both', () => {
  const paints = new Map([
    ['DE', { hue: 'var(--h1)', spillHue: null, label: 'eu leads' }],
    ['US', { hue: 'var(--h2)', spillHue: 'var(--h1)', label: 'us for 80 %, eu for 20 %' }],
  ])
  const text = renderToString(
    h(WorldMap, { paths, paints, label: 'Who gets whom', onChoose: () => undefined }),
  )
  expect(text.match(/<pattern/g)).toHaveLength(1)
  expect(text).toContain('Germany: eu leads')
  expect(text).toMatch(/fill:\s*url\(#[^)]+var-h2-var-h1-\)[^>]*|United States: us for 80 %/)
  expect(text).toContain('France: no rule names it')
  expect(text.match(/tabindex="0"/gi)).toHaveLength(1)
})
