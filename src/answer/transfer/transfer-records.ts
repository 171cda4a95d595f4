// The records of a zone in the order of a transfer (RFC 5936 §2.2, §3): the SOA, everything else once, the SOA again. Names
// below zone cuts are data like any other: glue and occluded names are included.
//
// A steered set is sent as one selection, as the client would be answered now, under the TTL of the zone file: a secondary
// that takes the zone serves that selection to all of its clients. The addresses of targets are sent whole, regardless of
// their health. A set is never left out because of health (law 1 of CONTRIBUTING): where no member is eligible, all are
// sent.

import type { OnAllDown, SelectedSet, SteeredSet } from '../../steer/policy.ts'
import { familyOf } from '../../steer/select/select-addresses.ts'
import type { Steering } from '../../steer/select/steering.ts'
import type { Locus } from '../../steer/selection.ts'
import type { Name } from '../../wire/name.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { RRset, Zone, ZoneNode } from '../../zone/zone.ts'
import { rdataOf, select } from '../add-set.ts'

export interface TransferRecord {
  readonly owner: Name
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  readonly rdata: Rdata
}

/** Yields the records one by one as they are taken, so that no zone is held twice. `locus`: of the client. */
export function* recordsOf(
  zone: Zone,
  locus: () => Locus,
  steering: Steering,
): Generator<TransferRecord> {
  const apex = zone.nodes.get(zone.apexKey)
  const soa = apex?.sets.get(RRType.SOA)
  if (apex === undefined || soa?.kind !== 'plain') return
  yield* recordsOfSet(zone.apex, soa, locus, steering)
  yield* recordsOfNode(apex, locus, steering)
  for (const [key, node] of zone.nodes)
    if (key !== zone.apexKey) yield* recordsOfNode(node, locus, steering)
  yield* recordsOfSet(zone.apex, soa, locus, steering)
}

function* recordsOfNode(
  node: ZoneNode,
  locus: () => Locus,
  steering: Steering,
): Generator<TransferRecord> {
  for (const set of node.sets.values())
    if (set.type !== RRType.SOA) yield* recordsOfSet(node.owner, set, locus, steering)
}

function* recordsOfSet(
  owner: Name,
  set: RRset | SteeredSet,
  locus: () => Locus,
  steering: Steering,
): Generator<TransferRecord> {
  const { type, ttl } = set
  for (const rdata of rdataOfSet(set, locus, steering)) yield { owner, type, ttl, rdata }
}

function rdataOfSet(
  set: RRset | SteeredSet,
  locus: () => Locus,
  steering: Steering,
): readonly Rdata[] {
  if (set.kind === 'plain') return set.rdata
  if (set.kind === 'target-address') {
    const family = familyOf(set.type)
    const ofFamily = set.target.addresses.filter((address) => address.family === family)
    return ofFamily.map((address) => address.rdata)
  }
  const selection = select(failingOpen(set), locus(), steering)
  return selection.kind === 'selected' ? rdataOf(selection) : []
}

const failOpen: OnAllDown = { kind: 'all' }

/** The set with `on_all_down: all`. */
const failingOpen = (set: SelectedSet): SelectedSet => ({
  ...set,
  policy: { ...set.policy, onAllDown: failOpen },
})
