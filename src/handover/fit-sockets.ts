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
  /** Not to be used. */
  readonly unfit: readonly UnfitSocket[]
}

interface UnfitSocket {
  readonly socket: HandedSocket
  /** `unusable`: the settings name it, but their transport cannot use it. */
  readonly kind: 'unnamed' | 'unusable'
  /** For the operator. */
  readonly why: string
}

export function fitSockets(sockets: readonly HandedSocket[], wanted: WantedSockets): Fitted {
  const judged = sockets.map((socket) => ({ socket, unfit: judgeSocket(socket, wanted) }))
  return {
    fitting: judged.filter(({ unfit }) => unfit === null).map(({ socket }) => socket),
    unfit: judged.flatMap(({ unfit }) => unfit ?? []),
  }
}

/** null: it fits. */
function judgeSocket(socket: HandedSocket, wanted: WantedSockets): UnfitSocket | null {
  const { protocol, endpoint } = socket
  const endpoints = wanted[protocol]
  const where = `${protocol.toUpperCase()} ${formatEndpoint(endpoint)}`
  if (!endpoints.some((one) => isSocketOf(socket, protocol, one)))
    return {
      socket,
      kind: 'unnamed',
      why: `no setting names ${where}: those for ${protocol.toUpperCase()} are ${endpoints.map(formatEndpoint).join(', ')}`,
    }
  // node:dgram cannot choose the address that an answer leaves from.
  if (wanted.transport === 'dgram' && protocol === 'udp' && isWildcard(endpoint.address))
    return {
      socket,
      kind: 'unusable',
      why: `transport dgram cannot answer on a wildcard (${where}) that it did not open: list addresses, or use mmsg`,
    }
  return null
}

/** Whether an endpoint of the settings has come bound, so that nothing is to be opened for it. */
export const isHanded =
  (sockets: readonly HandedSocket[]) =>
  (protocol: SocketProtocol, endpoint: Endpoint): boolean =>
    sockets.some((socket) => isSocketOf(socket, protocol, endpoint))
