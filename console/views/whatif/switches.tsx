// What is assumed, as choices: how pools, regions and targets stand, which instances vote, and the day.

import type { VNode } from 'preact'

import { shown } from '../../parts/shown.ts'
import { overview } from '../../store/live.ts'
import { type Assumed, standingOf, switched } from './assumed.ts'
import type { Views } from './drain-these.tsx'

/** More stand below each other, in a group of the whole width. */
const fewNames = 4

/** What the name can lead to, each as it stands, down, drained or weighted otherwise; and the instances, with and without a vote. */
export function Switches({
  assumed,
  zone,
  views,
  onChange,
}: {
  assumed: Assumed
  /** null: not known, so all zones. */
  zone: string | null
  views: Views
  onChange: (assumed: Assumed) => void
}): VNode {
  const members = (overview.value?.members ?? []).filter(
    (one) => zone === null || one.zone === zone,
  )
  const regions = views.flatMap(({ targets }) => targets.flatMap(({ region }) => region ?? []))
  const groups = [
    ['Pools', unique(members.map(({ pool }) => `pool:${pool}`))],
    ['Regions', unique(regions.map((one) => `region:${one}`))],
    ['Targets', unique(members.map(({ target }) => target))],
  ] as const
  return (
    <div class="switch-groups">
      {groups.map(
        ([title, names]) =>
          names.length > 0 && (
            <fieldset key={title} class={`switches ${names.length > fewNames ? 'is-many' : ''}`}>
              <legend>{title}</legend>
              {names.map((name) => (
                <Switch
                  key={name}
                  name={shown(name.replace(/^(?:pool|region):/, ''))}
                  value={standingOf(assumed, name)}
                  onChange={(to) => onChange(switched(assumed, name, to))}
                />
              ))}
            </fieldset>
          ),
      )}
      <Votes assumed={assumed} onChange={onChange} />
      <Terms assumed={assumed} onChange={onChange} />
    </div>
  )
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)]

const standings = [
  ['', 'as it is'],
  ['down', 'down'],
  ['drain', 'drained'],
  ['0.5', 'weight × 0.5'],
  ['2', 'weight × 2'],
] as const

function Switch({
  name,
  value,
  onChange,
}: {
  name: string
  value: string
  onChange: (to: string) => void
}): VNode {
  const isOther = !standings.some(([one]) => one === value)
  return (
    <label class={value === '' ? 'switch' : 'switch is-set'}>
      <span>{name}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {standings.map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
        {isOther && <option value={value}>weight × {value}</option>}
      </select>
    </label>
  )
}

interface PartProps {
  readonly assumed: Assumed
  readonly onChange: (assumed: Assumed) => void
}

/** Nothing where there is one instance, which decides alone. */
function Votes({ assumed, onChange }: PartProps): VNode | null {
  const { self, peers = [] } = overview.value ?? {}
  if (self === undefined || peers.length === 0) return null
  const { without } = assumed
  return (
    <fieldset class="switches">
      <legend>Instances</legend>
      {[self.instance, ...peers.map(({ instance }) => instance)].map((name) => (
        <label key={name} class={without.includes(name) ? 'switch is-set' : 'switch'}>
          <span>{shown(name)}</span>
          <select
            value={without.includes(name) ? 'away' : ''}
            onChange={({ currentTarget }) => {
              const others = without.filter((one) => one !== name)
              const isAway = currentTarget.value === 'away'
              onChange({ ...assumed, without: isAway ? [...others, name] : others })
            }}
          >
            <option value="">votes</option>
            <option value="away">away, no vote</option>
          </select>
        </label>
      ))}
    </fieldset>
  )
}

/** When, by what, and from which health. */
const Terms = ({ assumed, onChange }: PartProps): VNode => (
  <fieldset class="switches">
    <legend>Terms</legend>
    <label class="switch">
      <span>On the day</span>
      <input
        type="date"
        value={assumed.at}
        onInput={({ currentTarget }) => onChange({ ...assumed, at: currentTarget.value })}
      />
    </label>
    <label class="switch">
      <span>Clients by</span>
      <select
        value={assumed.by}
        onChange={({ currentTarget }) => onChange({ ...assumed, by: currentTarget.value })}
      >
        {['continent', 'country', 'asn', 'rule'].map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
    <label class="switch">
      <span>Health</span>
      <select
        value={assumed.health}
        onChange={({ currentTarget }) => onChange({ ...assumed, health: currentTarget.value })}
      >
        <option value="live">as it is now</option>
        <option value="all-up">every target up</option>
      </select>
    </label>
  </fieldset>
)
