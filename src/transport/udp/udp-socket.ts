// A UDP socket of the mmsg transport: opened and closed by the control thread, bound and read by a worker.
//
// Sockets belong to the process, not to a thread: the socket of a worker that died would keep its share of the port's
// queries, and they would stay unread. So the control thread, which outlives workers, opens and closes the socket; it
// is bound only when the worker is about to read it.

import type { Endpoint } from '../../lib/ip.ts'
import { isWildcard } from '../endpoint.ts'
import type { HandedSocket } from '../handed-socket.ts'
import { Af, familyOf, socketAddress } from './udp-layout.ts'
import { type Libc, makeBlocking, systemError } from './udp-libc.ts'

/** An open socket, as it is passed to its worker. */
export interface MmsgSocket {
  readonly fd: number
  readonly endpoint: Endpoint
  readonly family: 4 | 6
  /** Bound to any address: each answer has to name the address that it leaves from. */
  readonly isWildcard: boolean
  /** The receive buffer that the kernel granted, of `wantedReceiveOctets`. */
  readonly receiveOctets: number
  /** It came bound, from the service manager or the process before: see handed-socket.ts. */
  readonly isBound: boolean
  /** Stays open when its worker ends: another process has it too, and siblings may read it. */
  readonly isHeld: boolean
}

/**
 * The receive buffer to request. The kernel grants twice as much and counts each query as 768 octets: enough for a
 * burst of 100 ms at 100,000 queries a second.
 */
export const wantedReceiveOctets: number = 4 * 1024 * 1024
const wantedSendOctets = 1024 * 1024

/** The longest time that a receive call blocks, and so that a message to a busy worker waits. */
const receiveTimeoutMs = 100

const datagramCloexec = 2 | 0o2000000
const Level = { socket: 1, ip: 0, ipv6: 41 } as const
const So = { sendBuffer: 7, receiveBuffer: 8, reusePort: 15, receiveTimeout: 20 } as const
const Ip = { packetInfo: 8, mtuDiscover: 10 } as const
const Ipv6 = { mtuDiscover: 23, v6only: 26, receivePacketInfo: 49 } as const
/** IP_PMTUDISC_OMIT: forged ICMP messages must not make the kernel fragment answers, as fragments can be spoofed. */
const omitMtuDiscovery = 5

/** Opens a socket with all its options, not yet bound. Throws the errno of the call that failed. */
export function openSocket(libc: Libc, endpoint: Endpoint): MmsgSocket {
  const family = familyOf(endpoint.address)
  const fd = libc.socket(family === 4 ? Af.inet : Af.inet6, datagramCloexec, 0)
  if (fd < 0) throw systemError('socket', libc.errno())
  try {
    const receiveOctets = configure(libc, fd, endpoint.address)
    return {
      fd,
      endpoint,
      family,
      isWildcard: isWildcard(endpoint.address),
      receiveOctets,
      isBound: false,
      isHeld: false,
    }
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

/** Sets the options of a socket that came bound, as `openSocket` does. Throws the errno of a required option. */
export function adoptSocket(libc: Libc, { fd, endpoint, isHeld }: HandedSocket): MmsgSocket {
  const { address } = endpoint
  makeBlocking(libc, fd)
  const receiveOctets = setOptions(libc, fd, address)
  const family = familyOf(address)
  return {
    fd,
    endpoint,
    family,
    isWildcard: isWildcard(address),
    receiveOctets,
    isBound: true,
    isHeld,
  }
}

/** Binds the socket to its endpoint, which starts it receiving; not one that came bound. Throws the bind's errno. */
export function bindSocket(libc: Libc, { fd, endpoint, isBound }: MmsgSocket): void {
  if (isBound) return
  const name = socketAddress(endpoint)
  if (libc.bind(fd, name, name.length) !== 0) throw systemError('bind', libc.errno())
}

/** Sets the options: the receive buffer granted. Throws the errno of a required option. */
function configure(libc: Libc, fd: number, address: string): number {
  requireOption(libc, fd, [Level.socket, So.reusePort, 1])
  // `::` receives IPv6 only, so that 0.0.0.0 can be bound beside it.
  if (familyOf(address) === 6) requireOption(libc, fd, [Level.ipv6, Ipv6.v6only, 1])
  return setOptions(libc, fd, address)
}

/** Sets those options that can still be set when the socket is bound. */
function setOptions(libc: Libc, fd: number, address: string): number {
  const isV4 = familyOf(address) === 4
  if (isWildcard(address))
    requireOption(
      libc,
      fd,
      isV4 ? [Level.ip, Ip.packetInfo, 1] : [Level.ipv6, Ipv6.receivePacketInfo, 1],
    )
  setTimeout(libc, fd, receiveTimeoutMs)
  // Optional: a kernel may not support these, or grant less.
  const discover = isV4 ? [Level.ip, Ip.mtuDiscover] : [Level.ipv6, Ipv6.mtuDiscover]
  setNumber(libc, fd, [discover[0] as number, discover[1] as number, omitMtuDiscovery])
  setNumber(libc, fd, [Level.socket, So.sendBuffer, wantedSendOctets])
  setNumber(libc, fd, [Level.socket, So.receiveBuffer, wantedReceiveOctets])
  return receiveOctetsOf(libc, fd)
}

type NumberOption = readonly [level: number, name: number, value: number]

function requireOption(libc: Libc, fd: number, option: NumberOption): void {
  if (!setNumber(libc, fd, option)) throw systemError('setsockopt', libc.errno())
}

function setNumber(libc: Libc, fd: number, [level, name, value]: NumberOption): boolean {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setInt32(0, value, true)
  return libc.setsockopt(fd, level, name, octets, 4) === 0
}

/** Sets a receive timeout below one second: a struct timeval has seconds and microseconds of eight octets each. */
function setTimeout(libc: Libc, fd: number, timeoutMs: number): void {
  const octets = new Uint8Array(16)
  new DataView(octets.buffer).setUint32(8, timeoutMs * 1000, true)
  if (libc.setsockopt(fd, Level.socket, So.receiveTimeout, octets, 16) !== 0)
    throw systemError('setsockopt', libc.errno())
}

/** The receive buffer granted, in octets; 0 if unknown. The kernel reports twice as much, for its own bookkeeping. */
function receiveOctetsOf(libc: Libc, fd: number): number {
  const value = new Uint8Array(4)
  const length = Uint8Array.of(4, 0, 0, 0)
  if (libc.getsockopt(fd, Level.socket, So.receiveBuffer, value, length) !== 0) return 0
  return new DataView(value.buffer).getUint32(0, true) / 2
}

// A thread that waits in the kernel for queries learns by no event that there is a message for it. So the control thread
// gives it an eventfd(2), to wait for as well: it is readable from a `wakeUp` to the next `clearWakeup`.

const counterOctets = 8
const [nonblockingFlag, cloexecFlag] = [0o4000, 0o2000000]
const one = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)

/** Opens an eventfd. Throws the errno. */
export function openWakeup(libc: Libc): number {
  const fd = libc.eventfd(0, nonblockingFlag | cloexecFlag)
  if (fd < 0) throw systemError('eventfd', libc.errno())
  return fd
}

/** Makes the eventfd readable. It never blocks: a counter that cannot be raised is not 0. */
export function wakeUp(libc: Libc, fd: number): void {
  libc.write(fd, one, counterOctets)
}

export function clearWakeup(libc: Libc, fd: number): void {
  libc.read(fd, new Uint8Array(counterOctets), counterOctets)
}
