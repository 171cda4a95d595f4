// A UDP socket of the mmsg transport: made and closed by the control thread, bound and read by a worker.
//
// The kernel knows nothing of threads: a socket whose worker died would keep its share of the port, and nobody
// would read it. So whoever outlives the worker makes the socket and closes it; it is bound only when the worker
// is about to read it.

import type { Endpoint } from '../../lib/ip.ts'
import { Af, familyOf, isWildcard, socketAddress } from './udp-layout.ts'
import { type Libc, systemError } from './udp-libc.ts'

/** Crosses to the worker at its birth. */
export interface MmsgSocket {
  readonly fd: number
  readonly endpoint: Endpoint
  readonly family: 4 | 6
  /** Bound to any address, so each answer says which one it leaves from. */
  readonly isWildcard: boolean
  /** What the kernel gave of `wantedReceiveOctets`. */
  readonly receiveOctets: number
}

/** Holds a burst of a tenth of a second at 100,000 queries a second, each of which the kernel counts as 768 octets. */
export const wantedReceiveOctets: number = 4 * 1024 * 1024
const wantedSendOctets = 1024 * 1024

/** How long a read waits at most: by then the worker looks for mail. */
export const receiveTimeoutMs = 100

const datagramCloexec = 2 | 0o2000000
const Level = { socket: 1, ip: 0, ipv6: 41 } as const
const So = { sendBuffer: 7, receiveBuffer: 8, reusePort: 15, receiveTimeout: 20 } as const
const Ip = { packetInfo: 8, mtuDiscover: 10 } as const
const Ipv6 = { mtuDiscover: 23, v6only: 26, receivePacketInfo: 49 } as const
/** Forged ICMP messages must not make us cut answers in fragments that others can spoof. */
const omitMtuDiscovery = 5

export function openSocket(libc: Libc, endpoint: Endpoint): MmsgSocket {
  const family = familyOf(endpoint.address)
  const fd = libc.socket(family === 4 ? Af.inet : Af.inet6, datagramCloexec, 0)
  if (fd < 0) throw systemError('socket', libc.errno())
  try {
    const receiveOctets = configure(libc, fd, endpoint.address)
    return { fd, endpoint, family, isWildcard: isWildcard(endpoint.address), receiveOctets }
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

export function bindSocket(libc: Libc, { fd, endpoint }: MmsgSocket): void {
  const name = socketAddress(endpoint)
  if (libc.bind(fd, name, name.length) !== 0) throw systemError('bind', libc.errno())
}

function configure(libc: Libc, fd: number, address: string): number {
  const must = (level: number, name: number, value: number): void => {
    if (!setNumber(libc, fd, [level, name, value])) throw systemError('setsockopt', libc.errno())
  }
  must(Level.socket, So.reusePort, 1)
  const isV4 = familyOf(address) === 4
  // `::` is IPv6 alone, so that 0.0.0.0 can stand beside it.
  if (!isV4) must(Level.ipv6, Ipv6.v6only, 1)
  if (isWildcard(address)) {
    if (isV4) must(Level.ip, Ip.packetInfo, 1)
    else must(Level.ipv6, Ipv6.receivePacketInfo, 1)
  }
  setTimeout(libc, fd, receiveTimeoutMs)
  // Wishes, which a kernel may not know or may cut down.
  const discover = isV4 ? [Level.ip, Ip.mtuDiscover] : [Level.ipv6, Ipv6.mtuDiscover]
  setNumber(libc, fd, [discover[0] as number, discover[1] as number, omitMtuDiscovery])
  setNumber(libc, fd, [Level.socket, So.sendBuffer, wantedSendOctets])
  setNumber(libc, fd, [Level.socket, So.receiveBuffer, wantedReceiveOctets])
  return receiveOctetsOf(libc, fd)
}

function setNumber(
  libc: Libc,
  fd: number,
  [level, name, value]: readonly [level: number, name: number, value: number],
): boolean {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setInt32(0, value, true)
  return libc.setsockopt(fd, level, name, octets, 4) === 0
}

/** struct timeval: seconds and microseconds, eight octets each. */
function setTimeout(libc: Libc, fd: number, timeoutMs: number): void {
  const octets = new Uint8Array(16)
  new DataView(octets.buffer).setUint32(8, timeoutMs * 1000, true)
  if (libc.setsockopt(fd, Level.socket, So.receiveTimeout, octets, 16) !== 0)
    throw systemError('setsockopt', libc.errno())
}

/** The kernel doubles what it grants, for its own needs, and tells the double. */
function receiveOctetsOf(libc: Libc, fd: number): number {
  const value = new Uint8Array(4)
  const length = Uint8Array.of(4, 0, 0, 0)
  if (libc.getsockopt(fd, Level.socket, So.receiveBuffer, value, length) !== 0) return 0
  return new DataView(value.buffer).getUint32(0, true) / 2
}
