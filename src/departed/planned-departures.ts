// What would leave if the zones of one catalog took the place of those of another, and for how long it would be kept.

import { nameToBareText } from '../wire/name.ts'
import type { Catalog } from '../zone/zone.ts'
import { departedNames, uncoveredTexts } from './departed-names.ts'
import { type ExposedSet, exposedSets } from './exposed-sets.ts'
import type { CurrentSet, DepartedSet, NameMemory } from './name-memory.ts'
import { beginNames, type ZoneDepartures } from './name-round.ts'

export interface PlannedDeparture {
  readonly zone: string
  /** Without its final dot. */
  readonly name: string
  readonly types: readonly string[]
  /** 0: it is not kept. */
  readonly keptSeconds: number
  /** Why it is not kept; null: it is. */
  readonly why: string | null
}

interface CatalogAfter {
  readonly catalog: Catalog
  /** Names of the zones that keep nothing that leaves them. */
  readonly dropping: readonly string[]
}

export function plannedDepartures(
  before: Catalog,
  after: CatalogAfter,
  hasSecondaries: boolean,
): readonly PlannedDeparture[] {
  const memory: NameMemory = new Map(
    [...before.zones.values()].map((zone) => [
      nameToBareText(zone.apex),
      { current: exposedSets(zone, [], hasSecondaries).map(neverLed), departed: [] },
    ]),
  )
  const round = beginNames({ memory, shared: null, releaseMs: 0, hasSecondaries }, 0)
  for (const zone of after.catalog.zones.values()) {
    const name = nameToBareText(zone.apex)
    round.depart(name, zone, after.dropping.includes(name))
  }
  return round.close().departures.flatMap(plannedOfZone)
}

const neverLed = (set: ExposedSet): CurrentSet => ({ ...set, ledUntilMs: 0 })

const plannedOfZone = ({ zone, left, uncovered }: ZoneDepartures): readonly PlannedDeparture[] => [
  ...planned(zone, left, null),
  ...[...Map.groupBy(uncovered, ({ why }) => why)].flatMap(([why, sets]) =>
    planned(
      zone,
      sets.map(({ set }) => set),
      uncoveredTexts[why],
    ),
  ),
]

const planned = (
  zone: string,
  sets: readonly DepartedSet[],
  why: string | null,
): readonly PlannedDeparture[] =>
  departedNames(sets).map(({ name, types, untilMs }) => ({
    zone,
    name,
    types,
    keptSeconds: why === null ? untilMs / 1000 : 0,
    why,
  }))
