// The records of a zone as a transfer tells them (RFC 5936 §2.2, §3): the SOA, everything else once, the SOA again.
// Names below cuts are data like any other: glue and what is occluded go along.
//
// A steered set is one selection, as the asker would be answered now, under the TTL of the zone file: whoever takes
// the zone from us serves that selection to everybody. Addresses of targets are told whole, whatever their health.
// A set never stays away for its health (design §1, law 1): where nobody is eligible everybody is told.

import type { OnAllDown, SteeredSet } from '../../steer/policy.ts'
import { selectAddresses } from '../../steer/select/select-addresses.ts'
import { selectMx } from '../../steer/select/select-mx.ts'
import { selectSrv } from '../../steer/select/select-srv.ts'
import type { Locus, Rung, SteerContext } from '../../steer/selection.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { Name } from '../../wire/name.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import type { RRset, Zone, ZoneNode } from '../../zone/zone.ts'
import { srvRdata } from '../add-set.ts'

export interface TransferRecord {
  readonly owner: Name
  readonly type: number
  readonly ttl: number
  readonly rdata: Rdata
}

/** Made one by one, as they are taken: no zone is held twice. */
export function* recordsOf(
  zone: Zone,
  locus: () => Locus,
  context: SteerContext,
): Generator<TransferRecord> {
  const apex = zone.nodes.get(zone.apexKey)
  const soa = apex?.sets.get(RRType.SOA)
  if (apex === undefined || soa?.kind !== 'plain') return
  yield* recordsOfSet(zone.apex, soa, locus, context)
  yield* recordsOfNode(apex, locus, context)
  for (const [key, node] of zone.nodes)
    if (key !== zone.apexKey) yield* recordsOfNode(node, locus, context)
  yield* recordsOfSet(zone.apex, soa, locus, context)
}

function* recordsOfNode(
  node: ZoneNode,
  locus: () => Locus,
  context: SteerContext,
): Generator<TransferRecord> {
  for (const set of node.sets.values())
    if (set.type !== RRType.SOA) yield* recordsOfSet(node.owner, set, locus, context)
}

function* recordsOfSet(
  owner: Name,
  set: RRset | SteeredSet,
  locus: () => Locus,
  context: SteerContext,
): Generator<TransferRecord> {
  const { type, ttl } = set
  for (const rdata of rdataOf(set, locus, context)) yield { owner, type, ttl, rdata }
}

function rdataOf(
  set: RRset | SteeredSet,
  locus: () => Locus,
  context: SteerContext,
): readonly Rdata[] {
  switch (set.kind) {
    case 'plain':
      return set.rdata
    case 'steered-mx': {
      const selection = selectMx(neverFailing(set), locus(), context)
      return selection.kind === 'selected' ? selection.rungs.map(mxRdata) : []
    }
    case 'steered-address': {
      const selection = selectAddresses(neverFailing(set), locus(), context)
      return selection.kind === 'selected'
        ? selection.addresses.map(({ address }) => address.rdata)
        : []
    }
    case 'steered-srv': {
      const selection = selectSrv(neverFailing(set), locus(), context)
      return selection.kind === 'selected'
        ? selection.choices.map((choice) => srvRdata(set, choice))
        : []
    }
    case 'target-address': {
      const family = set.type === RRType.A ? 4 : 6
      const mine = set.target.addresses.filter((address) => address.family === family)
      return mine.map((address) => address.rdata)
    }
    default:
      return set satisfies never
  }
}

const everybody: OnAllDown = { kind: 'all' }

const neverFailing = <Set extends Exclude<SteeredSet, { kind: 'target-address' }>>(
  set: Set,
): Set => ({
  ...set,
  policy: { ...set.policy, onAllDown: everybody },
})

function mxRdata({ preference, target }: Rung): Rdata {
  const octets = new Uint8Array(2 + target.owner.length)
  octets[0] = preference >> 8
  octets[1] = preference
  octets.set(target.owner, 2)
  return { octets, compressible: [2] }
}
