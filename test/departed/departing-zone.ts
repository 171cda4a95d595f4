// A zone whose file changes again and again, as a server would take it over, and what a client finds at its names.

import type { NameMemory, SharedNames } from '../../src/departed/name-memory.ts'
import { withKeptSets } from '../../src/departed/kept-zone.ts'
import { beginNames, type ZoneDepartures } from '../../src/departed/name-round.ts'
import { keyOfName, parseName } from '../../src/wire/name.ts'
import { typeFromText } from '../../src/wire/rrtype.ts'
import { formatRdata } from '../../src/wire/rdata/format.ts'
import type { Zone } from '../../src/zone/zone.ts'
import { compiledZone } from '../support/compiled-zone.ts'

export const zoneName = 'smtp.example.com'

export interface DepartingZone {
  /** Takes a file over; `seconds`: the time, from an arbitrary moment on. */
  load(text: string, seconds: number, options?: LoadOptions): ZoneDepartures
  /** What the zone has at a name, as text: plain records, or the kind of a steered set. null: no such set. */
  find(name: string, type: string): readonly string[] | null
  zone(): Zone
  memory(): NameMemory
}

interface LoadOptions {
  readonly isDropping?: boolean
  readonly hasSecondaries?: boolean
  readonly shared?: SharedNames
}

export function departingZone(restored: NameMemory = new Map()): DepartingZone {
  let memory = restored
  let served: Zone | null = null
  const zone = (): Zone => {
    if (served === null) throw new Error('nothing is loaded')
    return served
  }
  return {
    load(text, seconds, { isDropping = false, hasSecondaries = false, shared } = {}) {
      const nowMs = seconds * 1000
      const known = {
        memory,
        shared: shared ?? null,
        releaseMs: Math.min(nowMs, shared?.readMs ?? nowMs),
        hasSecondaries,
      }
      const round = beginNames(known, nowMs)
      const compiled = compiledOnce(text)
      served = withKeptSets(compiled, round.depart(zoneName, compiled, isDropping), seconds)
      const { names, departures } = round.close()
      memory = names
      return departures[0] as ZoneDepartures
    },
    find: (name, type) => findSet(zone(), name, type),
    zone,
    memory: () => memory,
  }
}

let last: { readonly text: string; readonly zone: Zone } | null = null

function compiledOnce(text: string): Zone {
  if (last?.text !== text) last = { text, zone: compiledZone(text).zone }
  return last.zone
}

function findSet({ nodes }: Zone, name: string, type: string): readonly string[] | null {
  const number = typeFromText(type) ?? 0
  const parsed = parseName(`${name}.`)
  const set = parsed.kind === 'name' ? nodes.get(keyOfName(parsed.name))?.sets.get(number) : null
  if (!set) return null
  return set.kind === 'plain'
    ? set.rdata.map(({ octets }) => formatRdata(number, octets))
    : [set.kind]
}
