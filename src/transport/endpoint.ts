// Where we listen, and whether somebody else already does.

import { createSocket, type SocketOptions } from 'node:dgram'
import { createServer } from 'node:net'
import type { Endpoint } from '../lib/ip.ts'

export const formatEndpoint = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

export const udpTypeOf = (address: string): 'udp4' | 'udp6' =>
  address.includes(':') ? 'udp6' : 'udp4'

/** `::` is IPv6 alone, so that 0.0.0.0 can stand beside it. On an IPv4 socket the option would be an error. */
export const udpOptionsOf = (address: string): SocketOptions =>
  address.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' }

type BindCheck =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'taken'
      readonly endpoint: Endpoint
      readonly protocol: 'UDP' | 'TCP'
      readonly code: string
    }

/**
 * Binds every endpoint once without SO_REUSEPORT and lets go again. The workers share their ports, and a
 * shared bind succeeds beside another server of the same user: both would then answer half of the queries.
 */
export async function checkEndpoints(
  endpoints: readonly Endpoint[],
  ofTcpAlone: readonly Endpoint[] = [],
): Promise<BindCheck> {
  for (const endpoint of endpoints) {
    const udp = await tryUdp(endpoint)
    if (udp) return { kind: 'taken', endpoint, protocol: 'UDP', code: udp }
  }
  for (const endpoint of [...endpoints, ...ofTcpAlone]) {
    const tcp = await tryTcp(endpoint)
    if (tcp) return { kind: 'taken', endpoint, protocol: 'TCP', code: tcp }
  }
  return { kind: 'free' }
}

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message

const tryUdp = ({ address, port }: Endpoint): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = createSocket(udpOptionsOf(address))
    socket.once('error', (error) => {
      socket.close()
      resolve(codeOf(error))
    })
    socket.bind(port, address, () => socket.close(() => resolve(null)))
  })

const tryTcp = ({ address, port }: Endpoint): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(codeOf(error)))
    server.listen({ port, host: address, ipv6Only: true, exclusive: true }, () =>
      server.close(() => resolve(null)),
    )
  })

// What an operator can do about an address that could not be bound.

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
