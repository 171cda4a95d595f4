// Whether sockets that came bound are those that the settings name.

import type { Endpoint } from '../lib/ip.ts'
import { formatEndpoint, isWildcard } from '../transport/endpoint.ts'
import { type HandedSocket, isSocketOf, type SocketProtocol } from '../transport/handed-socket.ts'

/** What the settings name, for each protocol, and how UDP is read. */
export interface WantedSockets {
  readonly udp: readonly Endpoint[]
  readonly tcp: readonly Endpoint[]
  readonly transport: 'mmsg' | 'dgram'
}

interface Fitted {
  readonly fitting: readonly HandedSocket[]
  /** Not to be used; `why` is for the operator. */
  readonly unfit: readonly { readonly socket: HandedSocket; readonly why: string }[]
}

export function fitSockets(sockets: readonly HandedSocket[], wanted: WantedSockets): Fitted {
  const judged = sockets.map((socket) => ({ socket, why: whyUnfit(socket, wanted) }))
  return {
    fitting: judged.filter(({ why }) => why === null).map(({ socket }) => socket),
    unfit: judged.flatMap(({ socket, why }) => (why === null ? [] : [{ socket, why }])),
  }
}

function whyUnfit(socket: HandedSocket, wanted: WantedSockets): string | null {
  const { protocol, endpoint } = socket
  const endpoints = wanted[protocol]
  const where = `${protocol.toUpperCase()} ${formatEndpoint(endpoint)}`
  if (!endpoints.some((one) => isSocketOf(socket, protocol, one)))
    return `no setting names ${where}: those for ${protocol.toUpperCase()} are ${endpoints.map(formatEndpoint).join(', ')}`
  // node:dgram cannot choose the address that an answer leaves from.
  if (wanted.transport === 'dgram' && protocol === 'udp' && isWildcard(endpoint.address))
    return `transport dgram cannot answer on a wildcard (${where}) that it did not open: list addresses, or use mmsg`
  return null
}

/** Whether an endpoint of the settings has come bound, so that nothing is to be opened for it. */
export const isHanded =
  (sockets: readonly HandedSocket[]) =>
  (protocol: SocketProtocol, endpoint: Endpoint): boolean =>
    sockets.some((socket) => isSocketOf(socket, protocol, endpoint))
