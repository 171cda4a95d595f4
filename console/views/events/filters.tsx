// Which events are shown: by what they are of, by target, instance and person. All of it stands in the address.

import type { VNode } from 'preact'

import { overview } from '../../store/live.ts'

export interface EventFilter {
  /** Keys of `kindNames`; none: all. */
  readonly kind: readonly string[]
  readonly target: string
  readonly instance: string
  readonly by: string
}

interface EventKind {
  readonly label: string
  /** As /events takes them: what stands before the first dot. */
  readonly events: readonly string[]
}

export const kindNames: Readonly<Record<string, EventKind>> = {
  targets: { label: 'Targets', events: ['target', 'pool', 'events'] },
  overrides: { label: 'Drains and overrides', events: ['override'] },
  instances: { label: 'Instances and store', events: ['peer', 'state', 'takeover', 'announce'] },
  configuration: {
    label: 'Zones and configuration',
    events: ['config', 'names', 'geoip', 'certificate', 'ds'],
  },
  probes: { label: 'Probes', events: ['probes', 'prober'] },
  identity: { label: 'Identity and lists', events: ['identity', 'dnsbl'] },
  server: {
    label: 'This server',
    events: [
      'server',
      'service',
      'worker',
      'part',
      'admin',
      'session',
      'listener',
      'transport',
      'clock',
      'log',
    ],
  },
}

interface EventFiltersProps {
  readonly filter: EventFilter
  readonly onFilter: (filter: EventFilter) => void
}

export function EventFilters({ filter, onFilter }: EventFiltersProps): VNode {
  const toggle = (kind: string): void => {
    const rest = filter.kind.filter((one) => one !== kind)
    onFilter({ ...filter, kind: rest.length === filter.kind.length ? [...rest, kind] : rest })
  }
  return (
    <form
      class="event-filters"
      onSubmit={(event) => event.preventDefault()}
      onChange={({ currentTarget }) => {
        const data = new FormData(currentTarget)
        const text = (name: string): string => {
          const value = data.get(name)
          return typeof value === 'string' ? value.trim() : ''
        }
        onFilter({
          kind: filter.kind,
          target: text('target'),
          instance: text('instance'),
          by: text('by'),
        })
      }}
    >
      <div class="chips" role="group" aria-label="Events of">
        {Object.entries(kindNames).map(([kind, { label }]) => (
          <button
            key={kind}
            type="button"
            class="chip"
            aria-pressed={filter.kind.includes(kind)}
            onClick={() => toggle(kind)}
          >
            {label}
          </button>
        ))}
      </div>
      <div class="fields">
        <FilterField name="target" label="Target" value={filter.target} choices={targetNames()} />
        <FilterField
          name="instance"
          label="Instance"
          value={filter.instance}
          choices={instanceNames()}
        />
        <FilterField name="by" label="Person" value={filter.by} choices={[]} />
      </div>
    </form>
  )
}

interface FilterFieldProps {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly choices: readonly string[]
}

const FilterField = ({ name, label, value, choices }: FilterFieldProps): VNode => (
  <label class="field">
    {label}
    <input
      key={value}
      name={name}
      defaultValue={value}
      placeholder="any"
      autocomplete="off"
      spellcheck={false}
      list={`${name}-choices`}
      maxLength={255}
    />
    {choices.length > 0 && (
      <datalist id={`${name}-choices`}>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </datalist>
    )}
  </label>
)

/** More would not be scrolled through. */
const mostChoices = 200

const targetNames = (): readonly string[] =>
  [
    ...new Set((overview.value?.members ?? []).map(({ zone, target }) => `${target}.${zone}`)),
  ].slice(0, mostChoices)

const instanceNames = (): readonly string[] => {
  const { self, peers = [] } = overview.value ?? {}
  return [
    ...(self === undefined ? [] : [self.instance]),
    ...peers.map(({ instance }) => instance),
  ].slice(0, mostChoices)
}
