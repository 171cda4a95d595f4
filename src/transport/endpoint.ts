// Endpoints to listen on: their text, their socket options, whether they are free, and advice when a bind fails.

import type { SocketOptions } from 'node:dgram'
import { networkInterfaces } from 'node:os'
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

export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::'

/** A wildcard endpoint at which no client can ask: this host has no such family, or no address of it at the moment. */
export interface UnavailableEndpoint {
  readonly endpoint: Endpoint
  /** The errno of `bind`; null: it can be bound, and is reached as soon as an interface has an address of its family. */
  readonly code: string | null
}

/** `taken`: the first endpoint that cannot be bound, with the errno. */
type BindCheck =
  | { readonly kind: 'free'; readonly unavailable: readonly UnavailableEndpoint[] }
  | {
      readonly kind: 'taken'
      readonly endpoint: Endpoint
      readonly protocol: 'UDP' | 'TCP'
      readonly code: string
    }

/** Errors of `bind` for the wildcard address of a family that this host does not have. */
const missingFamilyCodes: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

/**
 * Binds every endpoint once without SO_REUSEPORT and releases it again. The workers share their ports, and a shared
 * bind succeeds beside another server of the same user: each would then receive half of the queries.
 * `endpoints` are bound for UDP and TCP, `tcpOnly` for TCP. A wildcard of a family that this host lacks is not taken
 * but unavailable: `[::]` asks for what there is, and an address that is named for that one. Where a socket has come
 * bound (`isHanded`), nothing is tried.
 */
export async function checkEndpoints(
  endpoints: readonly Endpoint[],
  tcpOnly: readonly Endpoint[] = [],
  isHanded: (protocol: 'udp' | 'tcp', endpoint: Endpoint) => boolean = () => false,
): Promise<BindCheck> {
  const unavailable = new Map<Endpoint, string>()
  const isMissing = (endpoint: Endpoint, code: string): boolean => {
    if (!isWildcard(endpoint.address) || !missingFamilyCodes.includes(code)) return false
    unavailable.set(endpoint, code)
    return true
  }
  for (const endpoint of endpoints) {
    const udp = isHanded('udp', endpoint) ? null : await tryUdp(endpoint)
    if (udp && !isMissing(endpoint, udp))
      return { kind: 'taken', endpoint, protocol: 'UDP', code: udp }
  }
  for (const endpoint of [...endpoints, ...tcpOnly]) {
    const tcp = isHanded('tcp', endpoint) ? null : await tryTcp(endpoint)
    if (tcp && !isMissing(endpoint, tcp))
      return { kind: 'taken', endpoint, protocol: 'TCP', code: tcp }
  }
  const withoutAddress = [...endpoints, ...tcpOnly]
    .filter((endpoint) => !unavailable.has(endpoint) && !hasAddressFor(endpoint))
    .map((endpoint) => ({ endpoint, code: null }))
  const missing = [...unavailable].map(([endpoint, code]) => ({ endpoint, code }))
  return { kind: 'free', unavailable: [...missing, ...withoutAddress] }
}

/** Whether a client could ask there: for a wildcard, whether an interface has an address of its family. */
export function hasAddressFor({ address }: Endpoint): boolean {
  if (!isWildcard(address)) return true
  const family = address === '::' ? 'IPv6' : 'IPv4'
  const interfaces = Object.values(networkInterfaces())
  return interfaces.some((addresses) => addresses?.some((entry) => entry.family === family))
}

const errorCode = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message

// The modules of Node are taken where they are used: a worker of kind `mmsg` needs this file, and neither of them.

/** Binds and closes a UDP socket: null, or the errno. */
const tryUdp = ({ address, port }: Endpoint): Promise<string | null> =>
  new Promise((resolve) => {
    const { createSocket } = process.getBuiltinModule('node:dgram')
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
    const server = process.getBuiltinModule('node:net').createServer()
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
