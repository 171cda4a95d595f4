// What caused an error of a probe's socket: the target, the path to it, or this host (law 5 of CONTRIBUTING).
//
//   the target, or no answer of it       dead   refused, reset, timed out
//   "unreachable", "not permitted"       dead   if this host can send there: a router on the way says so by ICMP
//                                        self   if it cannot: its own routing table has no way, or forbids it
//   no packet left this host             self   descriptors, ports, buffers, an address family that is off
//   any other error                      self   a fault is taken for local unless known otherwise
//
// Routers and this host cause the same errors. The kernel tells them apart: it looks up the route when a UDP socket is
// connected, and fails where it would not send. Nothing leaves the host, so no router has a part in that answer.

import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

import type { Endpoint } from '../../lib/ip.ts'

interface ConnectionFault {
  readonly kind: 'dead' | 'self'
  readonly reason: string
}

const faults: ReadonlyMap<string, ConnectionFault> = new Map([
  ['ECONNREFUSED', { kind: 'dead', reason: 'connect-refused' }],
  ['ECONNRESET', { kind: 'dead', reason: 'connection-reset' }],
  ['ECONNABORTED', { kind: 'dead', reason: 'connection-reset' }],
  ['EPIPE', { kind: 'dead', reason: 'connection-reset' }],
  ['ETIMEDOUT', { kind: 'dead', reason: 'connect-timeout' }],
  ['EMFILE', { kind: 'self', reason: 'local-descriptors' }],
  ['ENFILE', { kind: 'self', reason: 'local-descriptors' }],
  ['EADDRNOTAVAIL', { kind: 'self', reason: 'local-ports' }],
  ['EADDRINUSE', { kind: 'self', reason: 'local-ports' }],
  ['EAGAIN', { kind: 'self', reason: 'local-ports' }],
  ['ENETDOWN', { kind: 'self', reason: 'local-no-route' }],
  ['EAFNOSUPPORT', { kind: 'self', reason: 'local-no-route' }],
  ['ENOBUFS', { kind: 'self', reason: 'local-buffers' }],
  ['ENOMEM', { kind: 'self', reason: 'local-buffers' }],
  ['EPERM', { kind: 'self', reason: 'local-permission' }],
])

interface WayFault {
  /** Reason of the outcome `dead`: a router on the way caused the error. */
  readonly onTheWay: string
  /** Reason of the outcome `self`: this host caused it. */
  readonly here: string
}

// What Linux makes of ICMP (RFC 792, RFC 1812 §5.2.7) and ICMPv6 (RFC 4443 §3): "communication administratively
// prohibited" is EHOSTUNREACH over IPv4 and EACCES over IPv6, and so are the reject routes of this host.
const wayFaults: ReadonlyMap<string, WayFault> = new Map([
  ['ENETUNREACH', { onTheWay: 'network-unreachable', here: 'local-no-route' }],
  ['EHOSTUNREACH', { onTheWay: 'host-unreachable', here: 'local-no-route' }],
  ['EHOSTDOWN', { onTheWay: 'host-unreachable', here: 'local-no-route' }],
  ['ENONET', { onTheWay: 'host-unreachable', here: 'local-no-route' }],
  ['EACCES', { onTheWay: 'admin-prohibited', here: 'local-permission' }],
  ['ENOPROTOOPT', { onTheWay: 'protocol-unreachable', here: 'local-fault' }],
  ['EPROTO', { onTheWay: 'protocol-unreachable', here: 'local-fault' }],
  ['ENOTSUP', { onTheWay: 'network-unreachable', here: 'local-fault' }],
  ['EOPNOTSUPP', { onTheWay: 'network-unreachable', here: 'local-fault' }],
])

const unreachableReasons: ReadonlySet<string> = new Set(
  [...wayFaults.values()].map(({ onTheWay }) => onTheWay),
)

/** Whether a router on the way can cause the error as well as this host: the kernel has to be asked. */
export const mayComeFromTheWay = (errno: string): boolean => wayFaults.has(errno)

/** Whether an outcome `dead` with this reason rests on ICMP of a router on the path. */
export const isUnreachable = (reason: string): boolean => unreachableReasons.has(reason)

/**
 * Outcome of a socket error by its errno name, such as `ECONNREFUSED`. `canSend`: whether this host can send to the
 * target; false where that was not asked, so that the fault is taken for local.
 */
export function connectionFault(errno: string, canSend = false): ConnectionFault {
  const way = wayFaults.get(errno)
  if (way === undefined) return faults.get(errno) ?? { kind: 'self', reason: 'local-fault' }
  return canSend ? { kind: 'dead', reason: way.onTheWay } : { kind: 'self', reason: way.here }
}

/**
 * Resolves to whether the kernel has a way to the endpoint, from `source` or from the address that it chooses (null).
 * False as well where the kernel cannot be asked, as without descriptors: then the fault is not laid on the network.
 * Never rejects; resolves once the socket is closed.
 */
export function canSendTo({ address, port }: Endpoint, source: string | null): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const finish = (canSend: boolean): void => {
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.close(() => resolve(canSend))
    }
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
    if (source === null) socket.connect(port, address)
    else socket.bind(0, source, () => socket.connect(port, address))
  })
}
