// All octets of a zone's names and records in one piece of memory, each name and each rdata a view of it. A typed array
// with memory of its own costs some two hundred octets, and a worker that is told of a zone would make each of them
// again: of 100,000 records that is most of the time that it takes, and half of the memory.

import type { SteeredSet } from '../steer/policy.ts'
import type { Rdata, RRset, ZoneNode } from './zone.ts'

type Nodes = ReadonlyMap<string, ZoneNode>
type AnySet = RRset | SteeredSet

/** The same nodes. Steered sets stay as they are: there are few of them, and others point to what they hold. */
export function packOctets(nodes: Nodes): Nodes {
  const arena = new Uint8Array(octetsOf(nodes))
  let used = 0
  const pack = (octets: Uint8Array): Uint8Array => {
    arena.set(octets, used)
    return arena.subarray(used, (used += octets.length))
  }
  const packRdata = ({ octets, compressible }: Rdata): Rdata => ({
    octets: pack(octets),
    compressible: compressible.length === 0 ? nothing : compressible,
  })
  const packSet = (set: AnySet): AnySet =>
    set.kind === 'plain' ? { ...set, rdata: set.rdata.map(packRdata) } : set
  const packed = new Map<string, ZoneNode>()
  for (const [key, { owner, sets, isDelegation }] of nodes) {
    const own = new Map<number, AnySet>()
    for (const [type, set] of sets) own.set(type, packSet(set))
    packed.set(key, { owner: pack(owner), sets: own, isDelegation })
  }
  return packed
}

/** One for all: a clone keeps it one. */
const nothing: readonly number[] = []

function octetsOf(nodes: Nodes): number {
  let octets = 0
  for (const { owner, sets } of nodes.values()) {
    octets += owner.length
    for (const set of sets.values())
      if (set.kind === 'plain') for (const rdata of set.rdata) octets += rdata.octets.length
  }
  return octets
}
