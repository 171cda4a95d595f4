// Whether any rule depends on the place of clients: only then are GeoIP databases opened.

import type { Catalog } from '../zone/zone.ts'
import type { Policy } from '../steer/policy.ts'

/** Whether a rule of any steered set has a condition on continents, countries or ASNs. */
export function needsPlaces(catalog: Catalog): boolean {
  for (const zone of catalog.zones.values())
    for (const node of (zone.steered ?? zone.nodes).values())
      for (const set of node.sets.values())
        if ('policy' in set && hasPlaceCondition(set.policy)) return true
  return false
}

const hasPlaceCondition = (policy: Policy): boolean =>
  policy.rules.some(
    ({ when }) => when !== null && !!(when.continents ?? when.countries ?? when.asns),
  )
