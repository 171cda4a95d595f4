// Sets by owner → the nodes of the zone, empty non-terminals included.

import { keyOfName, parentKey, type Name, type NameKey } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { SteeredSet } from '../../steer/policy.ts'
import type { Owners } from './compile-records.ts'
import type { RRset, ZoneNode } from '../zone.ts'

export function buildNodes(owners: Owners, apex: Name): ReadonlyMap<NameKey, ZoneNode> {
  const apexKey = keyOfName(apex)
  const nodes = new Map<NameKey, ZoneNode>()
  const sorted = [...owners.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { owner, key, sets } of sorted) {
    const byType = sets.size > 1 ? [...sets].sort(([a], [b]) => a - b) : sets
    const own = new Map<number, RRset | SteeredSet>()
    for (const [type, { set }] of byType) own.set(type, set)
    nodes.set(key, {
      owner,
      sets: own,
      isDelegation: key !== apexKey && sets.has(RRType.NS),
    })
  }
  for (const { owner, key } of sorted) addAncestors(nodes, owner, key, apexKey)
  return nodes
}

/** A name between a record and the apex exists, though it owns nothing (RFC 8020 §2). */
function addAncestors(
  nodes: Map<NameKey, ZoneNode>,
  owner: Name,
  key: NameKey,
  apexKey: NameKey,
): void {
  let [name, at] = [owner, key]
  while (at !== apexKey) {
    const length = 1 + (name[0] ?? 0)
    at = parentKey(at)
    if (nodes.has(at)) return
    name = name.slice(length)
    nodes.set(at, { owner: name, sets: new Map(), isDelegation: false })
  }
}
