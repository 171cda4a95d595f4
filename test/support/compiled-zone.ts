// A zone file's text → its zone, as a load would make it, with slots, rows and indices numbered from 1.

import { readZone } from '../../src/zonefile/load-zones.ts'
import { compileZone, type CompiledTarget } from '../../src/zone/compile/compile.ts'
import type { Zone } from '../../src/zone/zone.ts'

export interface ReadyZone {
  readonly zone: Zone
  readonly targets: readonly CompiledTarget[]
}

export function compiledZone(text: string): ReadyZone {
  const read = readZone('zone.yaml', new TextEncoder().encode(text))
  if (!read.source || read.problems.length > 0)
    throw new Error(JSON.stringify([read.diagnostics, read.problems]))
  const places = new Map<string, number>()
  const placeOf = (key: string): number => {
    const place = places.get(key) ?? places.size + 1
    places.set(key, place)
    return place
  }
  const { zone, targets, problems } = compileZone({
    source: read.source,
    serial: 1,
    takeSlot: (address, target, probe) => placeOf(`${address.text} ${target} ${probe}`),
    takeRow: (pool, target) => placeOf(`${pool} ${target}`),
    takeTargetIndex: placeOf,
  })
  if (!zone) throw new Error(JSON.stringify(problems))
  return { zone, targets }
}
