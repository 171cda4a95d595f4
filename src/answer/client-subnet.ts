// EDNS Client Subnet (RFC 7871): the client's network stands for the client where a set is steered, and the answer carries
// its scope.
//
//   source prefix 0         the client wants no location (§7.1.2): the peer's address decides, scope 0
//   a longer source prefix  the network's first address decides; bits beyond /24 and /56 are ignored
//   scope                   the shortest prefix around that address for which steering decides the same
//                           (steer/scope/scope-cache.ts), at most /24 or /56. It may be longer than the source, which
//                           tells the resolver that its network is too wide for the best answer (§7.2.1)
//   no answer records       scope 0: resolvers take negative answers as valid for every client (§7.4)

import type { SelectedSet } from '../steer/policy.ts'
import { dependsOnClient } from '../steer/scope/scope-cache.ts'
import { scopeCap } from '../steer/scope/scope-map.ts'
import type { Locus } from '../steer/selection.ts'
import { subnetHeadOctets } from '../wire/edns.ts'
import type { Query } from '../wire/query.ts'
import type { AnswerContext, Peer } from './context.ts'
import type { Plan } from './plan.ts'

/** Octets of an address that steering uses. */
const usedOctets4 = scopeCap(4) / 8
const usedOctets6 = scopeCap(16) / 8

/** The address of a client subnet, refilled for each query that has one. */
export interface SubnetBuffers {
  readonly v4: Uint8Array
  readonly v6: Uint8Array
}

export const createSubnetBuffers = (): SubnetBuffers => ({
  v4: new Uint8Array(4),
  v6: new Uint8Array(16),
})

/** Whether the query has a network that stands for the client. */
export const hasClientSubnet = ({ options }: Query): boolean => options.sourcePrefixLength > 0

/** Where the client is, by its client subnet or else by the peer's address. */
export function locateClient(
  { locate }: AnswerContext,
  query: Query,
  peer: Peer,
  buffers: SubnetBuffers,
): Locus {
  if (!hasClientSubnet(query)) return locate(peer.octets, peer.family)
  const address = subnetAddress(query, buffers)
  return address === buffers.v4
    ? locate(address, 4, usedOctets4 * 8)
    : locate(address, 6, usedOctets6 * 8)
}

/** The first address of the client subnet, in the buffer of its family. */
export function subnetAddress({ options, packet }: Query, { v4, v6 }: SubnetBuffers): Uint8Array {
  const isIpv4 = options.subnetFamily === 1
  const address = isIpv4 ? v4 : v6
  const used = isIpv4 ? usedOctets4 : usedOctets6
  const present = options.subnetOctets - subnetHeadOctets
  const from = options.subnetOffset + subnetHeadOctets
  for (let i = 0; i < used; i++) address[i] = i < present ? (packet[from + i] as number) : 0
  return address
}

/** Whether it is an IPv4 subnet whose first three octets are all in the packet, at `subnetAt`. */
export const hasNetwork24 = ({ options }: Query): boolean =>
  options.subnetFamily === 1 && options.subnetOctets >= subnetHeadOctets + usedOctets4

/** Offset of the subnet's address in the packet. */
export const subnetAt = ({ options }: Query): number => options.subnetOffset + subnetHeadOctets

/** The scope of a set's answer in bits. Without a scope cache it is as long as the source, which is always safe. */
export function scopeOf(
  set: SelectedSet,
  { octets }: Locus,
  { options }: Query,
  { scopes }: AnswerContext,
): number {
  if (scopes) return scopes.prefixLength(set, octets)
  return dependsOnClient(set) ? Math.min(options.sourcePrefixLength, scopeCap(octets.length)) : 0
}

/** SCOPE PREFIX-LENGTH of the option in the answer: `scope` if the answer has records, else 0. */
export function scopePrefixLength(plan: Plan, scope: number): number {
  const { entries, count, isWritten } = plan
  if (scope === 0) return 0
  return isWritten || (count > 0 && entries[0]?.section === 'answer') ? scope : 0
}
