// Datagrams that come through a proxy: each starts with a PROXY header. The answer goes back to the proxy as plain DNS.

import type { Peer, Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import type { Network } from '../../lib/ip.ts'
import { isListed } from '../../lib/network-list.ts'
import { readProxyHeader } from './proxy-protocol.ts'

/** `respond` for the client that the header names; what does not come from a listed proxy gets silence. */
export function respondThroughProxy(
  respond: Respond,
  from: readonly Network[],
  counters: Counters,
): Respond {
  const client: Peer = { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' }
  // oxlint-disable-next-line max-params -- the shape of Respond
  return (packet, offset, length, proxy, out, outOffset) => {
    if (!isListed(from, proxy.octets)) return refuse(counters, 'proxyUnlisted')
    const header = readProxyHeader(packet, offset, offset + length)
    if (header.kind === 'short' || header.kind === 'bad' || header.octets > length)
      return refuse(counters, 'proxyMalformed')
    let peer = proxy
    if (header.kind === 'proxied') {
      client.family = header.client.family
      client.octets = header.client.octets
      client.port = header.port
      peer = client
    }
    const { octets } = header
    return respond(packet, offset + octets, length - octets, peer, out, outOffset)
  }
}

function refuse(counters: Counters, why: 'proxyUnlisted' | 'proxyMalformed'): 0 {
  counters.add(why)
  return 0
}
