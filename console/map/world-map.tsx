// The map of "Who gets whom": countries in the colour of the pool that leads for their clients. One stop of the tab
// key; arrows go to the next country, Enter opens it. What it shows stands in the table beside it as well.

import { useId, useMemo, useState } from 'preact/hooks'
import type { VNode } from 'preact'

import { countryName } from '../parts/place-words.ts'
import './world-map.css'
import {
  centreOf,
  type Direction,
  mapHeight,
  mapWidth,
  nextCountry,
  type Point,
} from './geometry.ts'

export interface CountryPaint {
  /** A colour, such as `var(--h1)`. */
  readonly hue: string
  /** The colour of the pool that gets the rest of its clients; null: the leading pool gets all. */
  readonly spillHue: string | null
  /** What the country's clients get, in words: `eu leads for 80 %, us for 20 %`. */
  readonly label: string
}

export interface WorldMapProps {
  /** From `virtual:world`. */
  readonly paths: Readonly<Record<string, string>>
  /** By ISO 3166-1 alpha-2 code; a country without an entry is left without colour. */
  readonly paints: ReadonlyMap<string, CountryPaint>
  readonly label: string
  readonly onChoose: (country: string) => void
}

export function WorldMap({ paths, paints, label, onChoose }: WorldMapProps): VNode {
  const id = useId()
  const centres = useMemo(() => centresOf(paths), [paths])
  const [at, setAt] = useState<string | null>(null)
  const [shown, setShown] = useState<string | null>(null)
  const move = (event: KeyboardEvent): void => {
    const direction = directions[event.key]
    if (direction === undefined) {
      if ((event.key === 'Enter' || event.key === ' ') && at !== null) onChoose(at)
      else return
    } else {
      const next = at === null ? firstCountry(paths) : nextCountry(centres, at, direction)
      if (next !== null) setAt(next)
    }
    event.preventDefault()
  }
  const told = shown ?? at
  return (
    <figure class="world">
      <svg
        viewBox={`0 0 ${mapWidth} ${mapHeight}`}
        role="listbox"
        aria-label={label}
        aria-activedescendant={at === null ? undefined : `${id}-${at}`}
        tabIndex={0}
        onKeyDown={move}
        onFocus={() => at ?? setAt(firstCountry(paths))}
        onPointerLeave={() => setShown(null)}
      >
        <Hatches id={id} paints={paints} />
        {Object.entries(paths).map(([code, path]) => (
          <path
            key={code}
            id={`${id}-${code}`}
            class={code === at ? 'country here' : 'country'}
            d={path}
            role="option"
            aria-selected={code === at}
            aria-label={`${countryName(code)}: ${paints.get(code)?.label ?? 'no rule names it'}`}
            style={{ fill: fillOf(id, paints.get(code)) }}
            onPointerEnter={() => setShown(code)}
            onClick={() => onChoose(code)}
          />
        ))}
        {at !== null && <path class="outline" d={paths[at]} aria-hidden="true" />}
      </svg>
      <figcaption>
        {told === null ? (
          'Arrow keys go from country to country, Enter asks for a client of it.'
        ) : (
          <>
            <b>{countryName(told)}</b> {paints.get(told)?.label ?? 'no rule names it'}
          </>
        )}
      </figcaption>
    </figure>
  )
}

const directions: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

const centresOf = (paths: WorldMapProps['paths']): ReadonlyMap<string, Point> =>
  new Map(Object.entries(paths).map(([code, path]) => [code, centreOf(path)]))

/** In the middle of the drawing, so that each arrow leads somewhere. */
const firstCountry = (paths: WorldMapProps['paths']): string =>
  'DE' in paths ? 'DE' : (Object.keys(paths)[0] ?? '')

const pairOf = ({ hue, spillHue }: CountryPaint): string => `${hue} ${spillHue}`

const hatchId = (id: string, pair: string): string =>
  `${id}-${pair.replaceAll(/[^a-z0-9]+/gi, '-')}`

const fillOf = (id: string, paint: CountryPaint | undefined): string => {
  if (paint === undefined) return 'var(--line)'
  return paint.spillHue === null ? paint.hue : `url(#${hatchId(id, pairOf(paint))})`
}

/** Stripes of the second pool over the colour of the first. */
function Hatches({ id, paints }: { readonly id: string } & Pick<WorldMapProps, 'paints'>): VNode {
  const spilling = [...paints.values()].filter(({ spillHue }) => spillHue !== null)
  const pairs = new Map(spilling.map((paint) => [pairOf(paint), paint]))
  return (
    <defs>
      {[...pairs].map(([pair, { hue, spillHue }]) => (
        <pattern
          key={pair}
          id={hatchId(id, pair)}
          width="12"
          height="12"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="12" height="12" style={{ fill: hue }} />
          <rect width="4.5" height="12" style={{ fill: spillHue ?? hue }} />
        </pattern>
      ))}
    </defs>
  )
}
