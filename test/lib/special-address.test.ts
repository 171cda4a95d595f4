import { expect, test } from 'vitest'

import { parseAddress } from '../../src/lib/ip.ts'
import { specialPurposeOf } from '../../src/lib/special-address.ts'

test.each([
  ['8.8.8.8', null],
  ['9.255.255.255', null],
  ['10.0.0.0', 'private (RFC 1918)'],
  ['10.255.255.255', 'private (RFC 1918)'],
  ['11.0.0.0', null],
  ['100.63.255.255', null],
  ['100.64.0.0', 'shared behind a NAT of a provider (RFC 6598)'],
  ['100.128.0.0', null],
  ['127.1.2.3', 'loopback'],
  ['172.15.255.255', null],
  ['172.31.255.255', 'private (RFC 1918)'],
  ['172.32.0.0', null],
  ['192.0.1.0', null],
  ['192.0.2.1', 'for documentation (RFC 5737)'],
  ['192.168.1.1', 'private (RFC 1918)'],
  ['223.255.255.255', null],
  ['239.255.255.255', 'multicast (RFC 5771)'],
  ['255.255.255.255', 'reserved (RFC 1112)'],
  ['::1', 'loopback'],
  ['::2', 'of no use any more (RFC 4291)'],
  ['::1:0:0', null],
  ['2001:db7:ffff::', null],
  ['2001:db8:ffff::1', 'for documentation (RFC 3849)'],
  ['2001:4860:4860::8888', null],
  ['fbff::', null],
  ['fd00::1', 'private (RFC 4193)'],
  ['fe80::1', 'link-local (RFC 4291)'],
  ['fec0::1', null],
  ['ff02::1', 'multicast (RFC 4291)'],
])('%s: %s', (text, what) => {
  const address = parseAddress(text)
  expect(address && specialPurposeOf(address.octets)).toBe(what)
})
