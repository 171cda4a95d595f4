// The map of the world as a module of the build: `virtual:world` holds an SVG path for each country. The
// geometry (Natural Earth, public domain, by world-atlas) and the code that projects it stay at the build:
// in the browser they would be three times the size of the paths.

import { readFileSync } from 'node:fs'

import { type GeoContext, geoEqualEarth, geoPath } from 'd3-geo'
import { feature } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import type { Plugin } from 'vite'

import { mapWidth } from './geometry.ts'

/** ISO 3166-1 alpha-2 code → path in the view box of geometry.ts, in whole units. */
export type WorldPaths = Readonly<Record<string, string>>

const virtualName = 'virtual:world'

/** For Vite: imports of `virtual:world` get the paths as their default export. */
export function worldPlugin(): Plugin {
  return {
    name: 'world',
    resolveId: (id) => (id === virtualName ? `\0${virtualName}` : undefined),
    load: (id) =>
      id === `\0${virtualName}` ? `export default ${JSON.stringify(worldPaths())}` : undefined,
  }
}

/** Those without a number of their own, under the code that GeoIP databases give their addresses. */
const codesByName: Readonly<Record<string, string>> = {
  Kosovo: 'XK',
  'N. Cyprus': 'CY',
  Somaliland: 'SO',
}

/** No client is located there, and it would take a fifth of the height. */
const leftOut = new Set(['AQ'])

/** Rings smaller than this in both directions would not be seen. */
const leastUnits = 4

export function worldPaths(): WorldPaths {
  const file = new URL(import.meta.resolve('world-atlas/countries-110m.json'))
  const world = JSON.parse(readFileSync(file, 'utf8')) as WorldTopology
  const { features } = feature(world, world.objects.countries)
  const shown = features.filter((one) => !leftOut.has(codeOf(one)))
  const projection = geoEqualEarth().fitWidth(mapWidth, {
    type: 'FeatureCollection',
    features: shown,
  })
  const [x, y] = projection.translate()
  const [[, top]] = geoPath(projection).bounds({ type: 'FeatureCollection', features: shown })
  projection.translate([x, y - top])
  const paths: Record<string, string> = {}
  for (const one of shown) {
    const pen = new PathPen()
    geoPath(projection, pen)(one)
    const code = codeOf(one)
    paths[code] = (paths[code] ?? '') + pen.text
  }
  return paths
}

type WorldTopology = Topology<{ countries: GeometryCollection<{ name: string }> }>

interface CountryFeature {
  readonly id?: string | number | undefined
  readonly properties: { readonly name: string }
}

/** CLDR knows the alpha-2 code of each ISO numeric one, and Intl has its table. */
function codeOf({ id, properties: { name } }: CountryFeature): string {
  const code =
    id === undefined
      ? codesByName[name]
      : new Intl.Locale(`und-${String(id).padStart(3, '0')}`).region
  if (code === undefined || !/^[A-Z]{2}$/.test(code))
    throw new Error(`the map has a country without a code: ${name}`)
  return code
}

/** Writes whole, relative coordinates; of a ring nothing if it is too small to be seen. */
class PathPen implements GeoContext {
  text = ''
  #ring: (readonly [x: number, y: number])[] = []

  beginPath(): void {}

  arc(): void {}

  moveTo(x: number, y: number): void {
    this.#ring = [[Math.round(x), Math.round(y)]]
  }

  lineTo(x: number, y: number): void {
    const point = [Math.round(x), Math.round(y)] as const
    const last = this.#ring.at(-1)
    if (last?.[0] !== point[0] || last[1] !== point[1]) this.#ring.push(point)
  }

  closePath(): void {
    const [first] = this.#ring
    if (first !== undefined && spanOf(this.#ring) >= leastUnits) this.text += ringText(this.#ring)
    this.#ring = []
  }
}

function spanOf(ring: readonly (readonly [x: number, y: number])[]): number {
  const xs = ring.map(([x]) => x)
  const ys = ring.map(([, y]) => y)
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys))
}

function ringText(ring: readonly (readonly [x: number, y: number])[]): string {
  let [atX, atY] = [0, 0]
  const numbers = ring.map(([x, y], i) => {
    const step = `${x - atX} ${y - atY}`
    ;[atX, atY] = [x, y]
    return i === 0 ? `M${step}` : `${i === 1 ? 'l' : ' '}${step}`
  })
  return `${numbers.join('').replaceAll(/ -/g, '-')}z`
}
