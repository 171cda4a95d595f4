// Sockets that this process did not open: a service manager, or the process that served before, bound them and handed
// them over. Which worker reads which of them.

import type { Endpoint } from '../lib/ip.ts'
import { formatEndpoint } from './endpoint.ts'

export type SocketProtocol = 'udp' | 'tcp'

/** A bound UDP socket, or a TCP socket that listens. */
export interface HandedSocket {
  readonly fd: number
  readonly protocol: SocketProtocol
  readonly endpoint: Endpoint
  /**
   * Another process keeps it open for as long as the service is there, so what is queued in it waits for the next
   * process, and a worker that ends leaves it to others. Else it belongs to the worker that reads it, as one of its own.
   */
  readonly isHeld: boolean
}

/** The sockets that there are, and how several threads come to a descriptor each. */
export interface HandedSockets {
  readonly sockets: readonly HandedSocket[]
  /** Another descriptor of the same socket; throws the errno. */
  readonly duplicate: (fd: number) => number
}

export const noHandedSockets: HandedSockets = {
  sockets: [],
  duplicate: (fd) => fd,
}

export const isSocketOf = (
  socket: HandedSocket,
  protocol: SocketProtocol,
  endpoint: Endpoint,
): boolean =>
  socket.protocol === protocol && formatEndpoint(socket.endpoint) === formatEndpoint(endpoint)

/** The descriptor that a thread takes for itself, and closes: of a socket that is held, a copy. */
export const lend = ({ duplicate }: HandedSockets, { fd, isHeld }: HandedSocket): number =>
  isHeld ? duplicate(fd) : fd

/**
 * Which of `sockets`, all of one endpoint, each of `readers` readers reads. Each socket has a reader, since the kernel
 * spreads queries over all sockets of a port. A reader beyond their number shares one that is held; without one it gets
 * none, and opens its own.
 */
export function distribute(
  sockets: readonly HandedSocket[],
  readers: number,
): readonly (readonly HandedSocket[])[] {
  const held = sockets.filter(({ isHeld }) => isHeld)
  return Array.from({ length: readers }, (_, reader) => {
    const own = sockets.filter((_socket, i) => i % readers === reader)
    const shared = held[reader % held.length]
    return own.length > 0 || shared === undefined ? own : [shared]
  })
}
