// EDNS Client Subnet (RFC 7871) as this server uses it: the client's network stands for the client where a set is
// steered, and comes back with the scope of the answer.
//
//   source prefix 0        the client wants to be nobody (§7.1.2): the peer's own address decides, scope 0
//   a longer one           the network's first address decides; beyond /24 and /56 it is not looked at
//   scope                  the shortest prefix around that address for which steering decides the same (steer/scope/scope-cache.ts),
//                          at most /24 or /56. It may be longer than the source: so the resolver learns that the
//                          network it told of was too wide to choose well for (§7.2.1)
//   nothing in the answer  scope 0: resolvers take negative answers as being for everybody (§7.4)

import type { SelectedSet } from '../steer/policy.ts'
import { scopeCap } from '../steer/scope/scope-map.ts'
import { dependsOnClient } from '../steer/scope/scope-cache.ts'
import type { Locus } from '../steer/selection.ts'
import { subnetHeadOctets } from '../wire/edns.ts'
import type { Query } from '../wire/query.ts'
import type { AnswerContext, Peer } from './context.ts'
import type { Plan } from './plan.ts'

const address4 = new Uint8Array(4)
const address6 = new Uint8Array(16)
const octets4 = scopeCap(4) / 8
const octets6 = scopeCap(16) / 8

/** Whether a network stands for the client. */
export const hasClientSubnet = ({ options }: Query): boolean => options.sourcePrefixLength > 0

export function locateClient({ locate }: AnswerContext, query: Query, peer: Peer): Locus {
  if (!hasClientSubnet(query)) return locate(peer.octets, peer.family)
  const address = subnetAddress(query)
  return address === address4 ? locate(address, 4, octets4 * 8) : locate(address, 6, octets6 * 8)
}

/** The address that stands for a client subnet. Refilled by every call. */
export function subnetAddress({ options, packet }: Query): Uint8Array {
  const isIpv4 = options.subnetFamily === 1
  const address = isIpv4 ? address4 : address6
  const wanted = isIpv4 ? octets4 : octets6
  const given = options.subnetOctets - subnetHeadOctets
  const from = options.subnetOffset + subnetHeadOctets
  for (let i = 0; i < wanted; i++) address[i] = i < given ? (packet[from + i] as number) : 0
  return address
}

/** Whether it is an IPv4 subnet with all octets that are looked at in the packet, from `subnetAt` on. */
export const hasNetwork24 = ({ options }: Query): boolean =>
  options.subnetFamily === 1 && options.subnetOctets >= subnetHeadOctets + octets4

export const subnetAt = ({ options }: Query): number => options.subnetOffset + subnetHeadOctets

/** Without scopes: as long as the source, which is always safe. */
export function scopeOf(
  set: SelectedSet,
  { octets }: Locus,
  { options }: Query,
  { scopes }: AnswerContext,
): number {
  if (scopes) return scopes.prefixLength(set, octets)
  return dependsOnClient(set) ? Math.min(options.sourcePrefixLength, scopeCap(octets.length)) : 0
}

/** What the option says at last, of sets that are decided alike for so long a prefix. */
export function scopePrefixLength(plan: Plan, decidedAlike: number): number {
  const { entries, count, isWritten } = plan
  if (decidedAlike === 0) return 0
  return isWritten || (count > 0 && entries[0]?.section === 'answer') ? decidedAlike : 0
}
