// Sets by owner → the nodes of the zone, empty non-terminals included.

import { keyOfName, parentKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Owners } from './compile-records.ts'
import type { Name, NameKey, ZoneNode } from './zone.ts'

export function buildNodes(owners: Owners, apex: Name): ReadonlyMap<NameKey, ZoneNode> {
  const apexKey = keyOfName(apex)
  const nodes = new Map<NameKey, ZoneNode>()
  for (const { owner, key, sets } of [...owners.values()].sort((a, b) =>
    a.key < b.key ? -1 : 1,
  )) {
    const byType = [...sets].sort(([a], [b]) => a - b)
    nodes.set(key, {
      owner,
      sets: new Map(byType.map(([type, { set }]) => [type, set])),
      isDelegation: key !== apexKey && sets.has(RRType.NS),
    })
  }
  for (const { owner, key } of [...nodes].map(([key, { owner }]) => ({ owner, key }))) {
    addAncestors(nodes, owner, key, apexKey)
  }
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
    name = name.slice(1 + (name[0] ?? 0))
    at = parentKey(at)
    if (nodes.has(at)) return
    nodes.set(at, { owner: name, sets: new Map(), isDelegation: false })
  }
}
