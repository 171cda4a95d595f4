// A zone with the sets that have left it and are kept, as plain records: of them the answering path, transfers and the
// chain of denial know nothing.

import { createDenialChain } from '../zone/denial-chain.ts'
import { addAncestors } from '../zone/compile/compile.ts'
import { apexWithSerial, soaWithSerial } from '../zone/packed-catalog.ts'
import type { RRset, Zone, ZoneNode } from '../zone/zone.ts'
import { keyOfName, type NameKey, parseName, rootName } from '../wire/name.ts'
import { parseRdata } from '../wire/rdata/parse.ts'
import type { DepartedSet } from './name-memory.ts'

/** `kept`: as `departures` returns them. What does not parse is left out. `serial`: that of the zone with them. */
export function withKeptSets(zone: Zone, kept: readonly DepartedSet[], serial: number): Zone {
  const nodes = new Map(zone.nodes)
  const added: ZoneNode[] = []
  for (const set of kept) {
    const owner = parseName(set.owner)
    const records = rrsetOf(set)
    if (owner.kind === 'bad' || records === null) continue
    const key = keyOfName(owner.name)
    const node = nodes.get(key) ?? { owner: owner.name, sets: new Map(), isDelegation: false }
    const joined = { ...node, sets: withSet(node, records) }
    nodes.set(key, joined)
    added.push(joined)
  }
  for (const { owner } of added) addAncestors(nodes, owner, keyOfName(owner), zone.apexKey)
  const apex = nodes.get(zone.apexKey)
  if (apex) nodes.set(zone.apexKey, apexWithSerial(apex, serial))
  const negativeSoa = soaWithSerial(zone.negativeSoa, serial)
  return { ...zone, serial, negativeSoa, nodes, signing: signingOf(zone, nodes) }
}

const signingOf = (
  { signing, apexKey }: Zone,
  nodes: ReadonlyMap<NameKey, ZoneNode>,
): Zone['signing'] => signing && { ...signing, chain: createDenialChain(apexKey, nodes) }

function rrsetOf({ type, ttl, rdata }: DepartedSet): RRset | null {
  const records = rdata.flatMap((text) => {
    const parsed = parseRdata(type, text, rootName)
    return parsed.kind === 'rdata' ? [parsed.rdata] : []
  })
  return records.length === 0 ? null : { kind: 'plain', type, ttl, rdata: records }
}

/** By type in order. Records of TLSA join those that are there. */
function withSet(node: ZoneNode, set: RRset): ZoneNode['sets'] {
  const there = node.sets.get(set.type)
  const joined = there?.kind === 'plain' ? { ...there, rdata: [...there.rdata, ...set.rdata] } : set
  return new Map([...node.sets, [set.type, joined] as const].sort(([a], [b]) => a - b))
}
