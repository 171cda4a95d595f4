// The records of a zone in the order of a transfer (RFC 5936 §2.2, §3): the SOA, everything else once, the SOA again. Names
// below zone cuts are data like any other: glue and occluded names are included.
//
// A steered set is sent as one selection, as the client would be answered now, under the TTL of the zone file: a secondary
// that takes the zone serves that selection to all of its clients. The addresses of targets are sent whole, regardless of
// their health. A set is never left out because of health (law 1 of CONTRIBUTING): where no member is eligible, all are
// sent.
//
// Of a signed zone each authoritative set is followed by its RRSIG records, and each owner in the denial chain by its NSEC
// record (RFC 4035 §2). That lists what was sent, since a secondary denies what it was not given.

import type { OnAllDown, SelectedSet, SteeredSet } from '../../steer/policy.ts'
import { familyOf } from '../../steer/select/select-addresses.ts'
import { select } from '../../steer/select/select.ts'
import type { Steering } from '../../steer/select/steering.ts'
import type { Locus } from '../../steer/selection.ts'
import type { Name } from '../../wire/name.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { RRType } from '../../wire/rrtype.ts'
import { createChainKey, findInChain, putChainKey } from '../../zone/denial-chain.ts'
import type { RRset, Zone, ZoneNode } from '../../zone/zone.ts'
import { rdataOf } from '../add-set.ts'
import type { ZoneSigner } from '../context.ts'
import { nsecSet } from '../signing.ts'

export interface TransferRecord {
  readonly owner: Name
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  readonly rdata: Rdata
}

/** What is transferred, and how. */
interface Transferred {
  readonly zone: Zone
  /** null: the zone is not signed. */
  readonly signer: ZoneSigner | null
  /** Of the client. */
  readonly locus: () => Locus
  readonly steering: Steering
}

/** Yields the records one by one as they are taken, and signs them then, so that no zone is held twice. */
export function* recordsOf(transferred: Transferred): Generator<TransferRecord> {
  const { zone } = transferred
  const apex = zone.nodes.get(zone.apexKey)
  const soa = apex?.sets.get(RRType.SOA)
  if (apex === undefined || soa?.kind !== 'plain') return
  yield* recordsOfSet(zone.apex, soa, soa.rdata)
  yield* recordsOfNode(transferred, apex, true)
  for (const [key, node] of zone.nodes)
    if (key !== zone.apexKey) yield* recordsOfNode(transferred, node, false)
  yield* recordsOfSet(zone.apex, soa, soa.rdata)
}

function* recordsOfNode(
  transferred: Transferred,
  node: ZoneNode,
  isApex: boolean,
): Generator<TransferRecord> {
  const { owner, isDelegation } = node
  const place = placeOf(transferred, owner)
  const types: number[] = []
  for (const set of node.sets.values()) {
    const { type } = set
    const rdata = rdataOfSet(set, transferred)
    if (rdata.length === 0) continue
    // The SOA stands at the beginning and at the end.
    if (type !== RRType.SOA) yield* recordsOfSet(owner, set, rdata)
    if (place === null || (isDelegation && type !== RRType.NS && type !== RRType.DS)) continue
    types.push(type)
    // The NS of a cut are the child's (RFC 4035 §2.2).
    if (!isDelegation || type === RRType.DS) yield* signatures(place.signer, owner, set, rdata)
  }
  if (place === null) return
  const ofKeys = isApex ? [...place.signer.apexSets.values()] : []
  types.push(...ofKeys.map(({ type }) => type), RRType.RRSIG, RRType.NSEC)
  for (const set of [...ofKeys, nsecSet(transferred.zone, place.index, types)]) {
    yield* recordsOfSet(owner, set, set.rdata)
    yield* signatures(place.signer, owner, set, set.rdata)
  }
}

/** Who signs for the owner, and where it is in the chain; null: nobody, since the zone or the owner is not signed. */
function placeOf(
  { zone, signer }: Transferred,
  owner: Name,
): { readonly signer: ZoneSigner; readonly index: number } | null {
  if (signer === null || zone.signing === null) return null
  const key = createChainKey()
  const length = putChainKey(key, owner, 0, owner.length - zone.apex.length)
  const { index, isOwner } = findInChain(zone.signing.chain, key, length)
  return isOwner ? { signer, index } : null
}

type SetHead = Pick<RRset, 'type' | 'ttl'>

function* recordsOfSet(
  owner: Name,
  { type, ttl }: SetHead,
  rdatas: readonly Rdata[],
): Generator<TransferRecord> {
  for (const rdata of rdatas) yield { owner, type, ttl, rdata }
}

function* signatures(
  signer: ZoneSigner,
  owner: Name,
  { type, ttl }: SetHead,
  rdata: readonly Rdata[],
): Generator<TransferRecord> {
  // Over a stream there is no bound that could say no.
  const rrsigs = signer.sign({ owner, type, originalTtl: ttl, rdata }, false) ?? []
  yield* recordsOfSet(owner, { type: RRType.RRSIG, ttl }, rrsigs)
}

function rdataOfSet(set: RRset | SteeredSet, { locus, steering }: Transferred): readonly Rdata[] {
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
