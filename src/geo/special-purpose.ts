// Addresses that are of no country: private, loopback, link-local, documentation, multicast and the like
// (IANA special-purpose registries, RFC 6890). Databases made of geofeeds place some of them all the same:
// the shipped one has 192.168.1.1 in Australia. Rules reach such clients by `network`.

import { parseNetwork } from '../lib/ip.ts'

const texts = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
  192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b:1::/48 100::/64 2001:2::/48 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7 fe80::/10 ff00::/8`

export const specialPurposeNetworks: readonly {
  readonly octets: Uint8Array
  readonly prefixLength: number
}[] = texts.split(/\s+/).map((text) => {
  const network = parseNetwork(text)
  if (network.kind === 'bad') throw new Error(network.why) // a slip in the list above, seen by any test
  return network
})
