// The name under which an address is looked up in a tree of addresses: in-addr.arpa and ip6.arpa (RFC 1035 §3.5,
// RFC 3596 §2.5), or a DNS list (RFC 5782 §2.1, §2.4).

import type { Address } from '../lib/ip.ts'

export const reverseName = (address: Address): string =>
  address.family === 4 ? nameBelow(address, 'in-addr.arpa') : nameBelow(address, 'ip6.arpa')

export function nameBelow({ family, octets }: Address, tree: string): string {
  const labels =
    family === 4
      ? [...octets].map(String)
      : [...octets].flatMap((octet) => [(octet >> 4).toString(16), (octet & 15).toString(16)])
  return [...labels.toReversed(), tree].join('.')
}
