// Endpoints to listen on: their text, their socket options, whether they are free, and advice when a bind fails.

import { createSocket, type SocketOptions } from 'node:dgram'
import { createServer } from 'node:net'
import type { Endpoint } from '../lib/ip.ts'

/** `192.0.2.1:53` or `[2001:db8::1]:53`. */
export const formatEndpoint = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** The socket type of node:dgram for an address. */
export const udpTypeOf = (address: string): 'udp4' | 'udp6' =>
  address.includes(':') ? 'udp6' : 'udp4'

/**
 * The options of a node:dgram socket for an address. `::` receives IPv6 only, so that 0.0.0.0 can be bound beside it;
 * an IPv4 socket would reject that option.
 */
export const udpOptionsOf = (address: string): SocketOptions =>
  address.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' }

/** `taken`: the first endpoint that cannot be bound, with the errno. */
type BindCheck =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'taken'
      readonly endpoint: Endpoint
      readonly protocol: 'UDP' | 'TCP'
      readonly code: string
    }

/**
 * Binds every endpoint once without SO_REUSEPORT and releases it again. The workers share their ports, and a shared
 * bind succeeds beside another server of the same user: each would then receive half of the queries.
 * `endpoints` are bound for UDP and TCP, `tcpOnly` for TCP.
 */
export async function checkEndpoints(
  endpoints: readonly Endpoint[],
  tcpOnly: readonly Endpoint[] = [],
): Promise<BindCheck> {
  for (const endpoint of endpoints) {
    const udp = await tryUdp(endpoint)
    if (udp) return { kind: 'taken', endpoint, protocol: 'UDP', code: udp }
  }
  for (const endpoint of [...endpoints, ...tcpOnly]) {
    const tcp = await tryTcp(endpoint)
    if (tcp) return { kind: 'taken', endpoint, protocol: 'TCP', code: tcp }
  }
  return { kind: 'free' }
}

const errorCode = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message

/** Binds and closes a UDP socket: null, or the errno. */
const tryUdp = ({ address, port }: Endpoint): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = createSocket(udpOptionsOf(address))
    socket.once('error', (error) => {
      socket.close()
      resolve(errorCode(error))
    })
    socket.bind(port, address, () => socket.close(() => resolve(null)))
  })

/** Binds and closes a TCP socket: null, or the errno. */
const tryTcp = ({ address, port }: Endpoint): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(errorCode(error)))
    server.listen({ port, host: address, ipv6Only: true, exclusive: true }, () =>
      server.close(() => resolve(null)),
    )
  })

/** What an operator can do about an address that could not be bound; an errno without advice is returned as it is. */
export function bindAdvice(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another server holds it (EADDRINUSE); stop that one, or choose another address or port'
    case 'EACCES':
      return 'not permitted (EACCES); a port below 1024 needs CAP_NET_BIND_SERVICE'
    case 'EADDRNOTAVAIL':
      return 'no interface of this host has that address (EADDRNOTAVAIL)'
    default:
      return code
  }
}
