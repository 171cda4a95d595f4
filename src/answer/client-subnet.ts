// EDNS Client Subnet (RFC 7871) as this server uses it: the client's network stands for the client where a set is
// steered, and comes back with the scope of the answer.
//
//   source prefix 0         the client wants to be nobody (§7.1.2): the peer's address it is
//   answer for everybody    scope 0
//   answer for this client  scope: the source prefix, at most /24 or /56
//
// That scope is the safe one and not the widest: resolvers ask once a network where a wider answer would have done.

import type { Locus } from '../steer/selection.ts'
import { subnetHeadOctets } from '../wire/edns.ts'
import type { EdnsOptions } from '../wire/edns.ts'
import type { Query } from '../wire/query.ts'
import type { AnswerContext, Peer } from './context.ts'

const maxScope4 = 24
const maxScope6 = 56

const address4 = new Uint8Array(4)
const address6 = new Uint8Array(16)

export function locateClient({ locate }: AnswerContext, query: Query, peer: Peer): Locus {
  const { options, packet } = query
  if (options.sourcePrefixLength === 0) return locate(peer.octets, peer.family)
  const address = options.subnetFamily === 1 ? address4 : address6
  const given = options.subnetOctets - subnetHeadOctets
  const from = options.subnetOffset + subnetHeadOctets
  for (let i = 0; i < address.length; i++) address[i] = i < given ? (packet[from + i] as number) : 0
  return locate(address, options.subnetFamily === 1 ? 4 : 6)
}

export const scopePrefixLength = (
  { subnetFamily, sourcePrefixLength }: EdnsOptions,
  dependsOnClient: boolean,
): number =>
  dependsOnClient ? Math.min(sourcePrefixLength, subnetFamily === 1 ? maxScope4 : maxScope6) : 0
