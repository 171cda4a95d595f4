// A socket's text address as octets. Link-local peers carry a zone id (`fe80::1%eth0`), which is not part of it.

import { type Address, parseAddress } from './ip.ts'

export function peerAddress(text: string): Address | null {
  const zone = text.indexOf('%')
  return parseAddress(zone < 0 ? text : text.slice(0, zone))
}
