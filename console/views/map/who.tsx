// Who gets whom: the classes of clients that a name tells apart, on a map and in a table that says the same.

import '../../parts/plain-table.css'
import './who.css'

import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import type { NamesView } from '../../../src/admin/views/zones-view.ts'
import type { WhoClass, WhoView } from '../../../src/explain/who.ts'
import { type CountryPaint, WorldMap } from '../../map/world-map.tsx'
import { Card, InTerminal } from '../../parts/card.tsx'
import { commandLine } from '../../parts/command.ts'
import { useFirstRows } from '../../parts/first-rows.tsx'
import { percent } from '../../parts/figures.ts'
import { placeWords } from '../../parts/place-words.ts'
import { poolHue } from '../../parts/pool-hue.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { shown } from '../../parts/shown.ts'
import { go, href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { useReply } from '../../store/use-reply.ts'

const askEveryMs = 10_000

export interface ChosenName {
  readonly name: string
  readonly type: string
}

/** The name that the address gives, or else the first that is steered; null: none is known yet. */
export function useChosenName(query: URLSearchParams): {
  readonly chosen: ChosenName | null
  readonly names: NamesView | null
} {
  const { value: names } = useReply<NamesView>('names')
  const given = query.get('name')
  const [first] = names?.names ?? []
  if (given !== null) return { chosen: { name: given, type: query.get('type') ?? 'MX' }, names }
  return { chosen: first === undefined ? null : { name: first.name, type: first.type }, names }
}

/** Choice among steered names; a name of the address that is none of them stands too. */
export function NameChoice({
  chosen,
  names,
  onChoose,
}: {
  chosen: ChosenName | null
  names: NamesView | null
  onChoose: (name: ChosenName) => void
}): VNode {
  const all = (names?.names ?? []).map(({ name, type }) => `${name} ${type}`)
  const value = chosen === null ? '' : `${chosen.name} ${chosen.type}`
  const options = value === '' || all.includes(value) ? all : [value, ...all]
  return (
    <label class="field name-choice">
      Steered name
      <select
        value={value}
        onChange={({ currentTarget }) => {
          const [name = '', type = 'MX'] = currentTarget.value.split(' ')
          onChoose({ name, type })
        }}
      >
        {options.map((one) => (
          <option key={one} value={one}>
            {shown(one)}
          </option>
        ))}
      </select>
    </label>
  )
}

export function Who({ query }: ViewProps): VNode {
  const { chosen, names } = useChosenName(query)
  const path = chosen && `who?${new URLSearchParams({ ...chosen })}`
  const { value, reply } = useReply<WhoView & ChosenName>(path, { everyMs: askEveryMs })
  return (
    <>
      <ViewHead title="Who gets whom" />
      <NameChoice
        chosen={chosen}
        names={names}
        onChoose={(name) => go(href(['map'], { ...name }))}
      />
      {names?.names.length === 0 && <p class="card nothing">No name is steered.</p>}
      <Refusal reply={reply} />
      {value !== null && chosen !== null && (
        <>
          <Countries view={value} of={chosen} />
          <Card title="Classes of clients" aside={`policy ${shown(value.policy)}`}>
            <Classes view={value} of={chosen} />
          </Card>
        </>
      )}
      <InTerminal
        command={commandLine({
          verb: 'mxsteer explain',
          words: [chosen?.name ?? 'smtp.example.com', chosen?.type ?? 'MX'],
          flags: [['client', '198.51.100.7']],
        })}
      />
    </>
  )
}

function leadWords({ pools, isLastResort }: WhoClass): string {
  const leading = pools.filter(({ lead }) => lead > 0.0005)
  if (isLastResort || leading.length === 0) return 'nobody eligible'
  return leading
    .map(({ pool, lead }) => `${shown(pool)}${lead > 0.9995 ? '' : ` ${percent(lead, 0)}`}`)
    .join(', ')
}

/** By country code, of countries that the database has. */
export function countryPaints(classes: readonly WhoClass[]): ReadonlyMap<string, CountryPaint> {
  const paints = new Map<string, CountryPaint>()
  for (const one of classes) {
    const [first, second] = one.pools
      .filter(({ lead }) => lead > 0.0005)
      .toSorted((a, b) => b.lead - a.lead)
    const paint = {
      hue: first === undefined ? 'var(--bad-mark)' : poolHue(first.pool),
      spillHue: second === undefined ? null : poolHue(second.pool),
      label: leadWords(one),
    }
    for (const { country } of one.places) if (country !== null) paints.set(country, paint)
  }
  return paints
}

/** The drawing is a file of its own, loaded with this view. */
function Countries({ view, of }: { view: WhoView; of: ChosenName }): VNode | null {
  const [paths, setPaths] = useState<Readonly<Record<string, string>> | null>(null)
  useEffect(() => {
    void import('virtual:world').then((world) => setPaths(world.default))
  }, [])
  const paints = countryPaints(view.classes)
  if (paths === null || paints.size === 0) return null
  return (
    <Card title="By country">
      <WorldMap
        paths={paths}
        paints={paints}
        label={`Pools that lead for ${shown(of.name)} ${of.type}, by country`}
        onChoose={(country) => {
          const its = view.classes.find((one) =>
            one.places.some((place) => place.country === country),
          )
          if (its !== undefined && its.example !== null) go(askOf(of, its.example))
        }}
      />
    </Card>
  )
}

const askOf = ({ name, type }: ChosenName, client: string): string =>
  href(['ask'], { name, type, client })

function Classes({ view, of }: { view: WhoView; of: ChosenName }): VNode {
  const { rows, rest } = useFirstRows(view.classes, 'classes')
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Classes of clients">
      <table class="plain client-classes">
        <caption class="visually-hidden">Classes of clients, and who gets their mail first</caption>
        <thead>
          <tr>
            <th scope="col">Clients</th>
            <th scope="col">Rule</th>
            <th scope="col">Pools that lead</th>
            <th scope="col">First choices</th>
            <th scope="col">
              <span class="visually-hidden">Ask</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.labels.join()}>
              <th scope="row">{one.labels.map(placeWords).join('; ')}</th>
              <td>
                {one.rule === 0
                  ? 'internal'
                  : `${one.rule}${one.when === null ? ', for everyone else' : `: ${placeWords(one.when)}`}`}
              </td>
              <td class={one.isLastResort ? 'tone-bad' : undefined}>
                {one.pools
                  .filter(({ lead }) => lead > 0.0005)
                  .map(({ pool }) => (
                    <i key={pool} class="swatch" style={{ background: poolHue(pool) }} />
                  ))}
                {leadWords(one)}
              </td>
              <td>
                {one.targets
                  .filter(({ expected }) => expected === null || expected > 0)
                  .map(
                    ({ target, expected }) =>
                      `${shown(target)} ${expected === null ? '' : percent(expected, 0)}`,
                  )
                  .join(', ')}
              </td>
              <td>
                {one.example !== null && <a href={askOf(of, one.example)}>Ask as {one.example}</a>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rest}
      {view.more > 0 && (
        <p class="mid">And {view.more} classes more, which the server does not list.</p>
      )}
    </div>
  )
}
