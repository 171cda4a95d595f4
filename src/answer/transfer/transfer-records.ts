// The records of a zone in the order of a transfer (RFC 5936 §2.2, §3): the SOA, everything else once, the SOA again. Names
// below zone cuts are data like any other: glue and occluded names are included.
//
// A steered set is sent as one selection, as the client would be answered now, under the TTL of the zone file: a secondary
// that takes the zone serves that selection to all of its clients. The addresses of targets are sent whole, regardless of
// their health. A set is never left out because of health (law 1 of CONTRIBUTING): where no member is eligible, all are
// sent.

import type { OnAllDown, SteeredSet } from '../../steer/policy.ts'
import { selectAddresses } from '../../steer/select/select-addresses.ts'
import { selectMx } from '../../steer/select/select-mx.ts'
import { selectSrv } from '../../steer/select/select-srv.ts'
import type { Steering } from '../../steer/select/steering.ts'
import type { Locus, Rung } from '../../steer/selection.ts'
import type { Name } from '../../wire/name.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { RRset, Zone, ZoneNode } from '../../zone/zone.ts'
import { srvRdata } from '../add-set.ts'

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
  for (const rdata of rdataOf(set, locus, steering)) yield { owner, type, ttl, rdata }
}

function rdataOf(
  set: RRset | SteeredSet,
  locus: () => Locus,
  steering: Steering,
): readonly Rdata[] {
  switch (set.kind) {
    case 'plain':
      return set.rdata
    case 'steered-mx': {
      const selection = selectMx(failingOpen(set), locus(), steering)
      return selection.kind === 'selected' ? selection.rungs.map(mxRdata) : []
    }
    case 'steered-address': {
      const selection = selectAddresses(failingOpen(set), locus(), steering)
      return selection.kind === 'selected'
        ? selection.addresses.map(({ address }) => address.rdata)
        : []
    }
    case 'steered-srv': {
      const selection = selectSrv(failingOpen(set), locus(), steering)
      return selection.kind === 'selected' ? srvRdata(selection) : []
    }
    case 'target-address': {
      const family = set.type === RRType.A ? 4 : 6
      const ofFamily = set.target.addresses.filter((address) => address.family === family)
      return ofFamily.map((address) => address.rdata)
    }
    default:
      return set satisfies never
  }
}

const failOpen: OnAllDown = { kind: 'all' }

/** The set with `on_all_down: all`. */
const failingOpen = <Set extends Exclude<SteeredSet, { kind: 'target-address' }>>(
  set: Set,
): Set => ({
  ...set,
  policy: { ...set.policy, onAllDown: failOpen },
})

function mxRdata({ preference, target }: Rung): Rdata {
  const octets = new Uint8Array(2 + target.owner.length)
  octets[0] = preference >> 8
  octets[1] = preference
  octets.set(target.owner, 2)
  return { octets, compressible: [2] }
}
