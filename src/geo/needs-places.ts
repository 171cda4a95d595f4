// Whether any rule asks where clients are. GeoIP databases are opened only then.

import type { Catalog } from '../zone/zone.ts'
import type { Policy } from '../steer/policy.ts'

export function needsPlaces(catalog: Catalog): boolean {
  for (const zone of catalog.zones.values())
    for (const node of zone.nodes.values())
      for (const set of node.sets.values())
        if ('policy' in set && hasPlaceCondition(set.policy)) return true
  return false
}

const hasPlaceCondition = (policy: Policy): boolean =>
  policy.rules.some(
    ({ when }) => when !== null && !!(when.continents ?? when.countries ?? when.asns),
  )
