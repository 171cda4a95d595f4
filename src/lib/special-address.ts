// Addresses that mean nothing on the Internet at large, by the registries of special-purpose addresses that IANA keeps
// (RFC 6890): what is not globally reachable. Multicast groups are no hosts.

import { type Network, networkContains, parseNetwork } from './ip.ts'

/** What each network is for, in words that fit behind "is". The first that has an address counts. */
const rows: readonly (readonly [network: string, what: string])[] = [
  ['0.0.0.0/8', 'of this network (RFC 791)'],
  ['10.0.0.0/8', 'private (RFC 1918)'],
  ['100.64.0.0/10', 'shared behind a NAT of a provider (RFC 6598)'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local (RFC 3927)'],
  ['172.16.0.0/12', 'private (RFC 1918)'],
  ['192.0.0.0/24', 'for protocols (RFC 6890)'],
  ['192.0.2.0/24', 'for documentation (RFC 5737)'],
  ['192.168.0.0/16', 'private (RFC 1918)'],
  ['198.18.0.0/15', 'for benchmarks (RFC 2544)'],
  ['198.51.100.0/24', 'for documentation (RFC 5737)'],
  ['203.0.113.0/24', 'for documentation (RFC 5737)'],
  ['224.0.0.0/4', 'multicast (RFC 5771)'],
  ['240.0.0.0/4', 'reserved (RFC 1112)'],
  ['::1/128', 'loopback'],
  ['::/96', 'of no use any more (RFC 4291)'],
  ['64:ff9b:1::/48', 'for translation within a network (RFC 8215)'],
  ['100::/64', 'for traffic that is discarded (RFC 6666)'],
  ['2001:2::/48', 'for benchmarks (RFC 5180)'],
  ['2001:db8::/32', 'for documentation (RFC 3849)'],
  ['3fff::/20', 'for documentation (RFC 9637)'],
  ['5f00::/16', 'of segment routing (RFC 9602)'],
  ['fc00::/7', 'private (RFC 4193)'],
  ['fe80::/10', 'link-local (RFC 4291)'],
  ['ff00::/8', 'multicast (RFC 4291)'],
]

const networks = rows.map(([text, what]) => {
  const network = parseNetwork(text)
  if (network.kind === 'bad') throw new Error(network.why) // a typing error in the list above, found by any test
  return { network, what }
})

/** They belong to no country, and to nobody's network. */
export const specialPurposeNetworks: readonly Network[] = networks.map(({ network }) => network)

/** What an address of 4 or 16 octets is that is not reachable from everywhere, such as `private (RFC 1918)`; else null. */
export const specialPurposeOf = (octets: Uint8Array): string | null =>
  networks.find(({ network }) => networkContains(network, octets))?.what ?? null
