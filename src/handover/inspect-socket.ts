// What a descriptor is: asked of the kernel, not believed of whoever handed it over.

import { readdirSync, readlinkSync } from 'node:fs'

import { formatAddress } from '../lib/ip.ts'
import type { HandedSocket, SocketProtocol } from '../transport/handed-socket.ts'
import { Af, layoutOf } from '../transport/udp/udp-layout.ts'
import type { Libc } from '../transport/udp/udp-libc.ts'

export type Inspected =
  | { readonly kind: 'socket'; readonly socket: Omit<HandedSocket, 'isHeld'> }
  | { readonly kind: 'unusable'; readonly why: string }

const Level = { socket: 1, ipv6: 41 } as const
const So = { type: 3, acceptsConnections: 30 } as const
const v6only = 26
const protocolOf: ReadonlyMap<number | null, SocketProtocol> = new Map([
  [1, 'tcp'],
  [2, 'udp'],
])
const nameOctets = 128

const unusable = (why: string): Inspected => ({ kind: 'unusable', why })

/** A bound UDP socket or a listening TCP socket of IPv4 or IPv6, or why it is none. */
export function inspectSocket(libc: Libc, fd: number): Inspected {
  const protocol = protocolOf.get(optionOf(libc, fd, Level.socket, So.type))
  if (protocol === undefined) return unusable('it is no socket for datagrams or streams')
  const name = new Uint8Array(nameOctets)
  if (libc.getsockname(fd, name, Uint8Array.of(nameOctets, 0, 0, 0)) !== 0)
    return unusable('it has no address')
  const view = new DataView(name.buffer)
  const family = view.getUint16(0, true)
  if (family !== Af.inet && family !== Af.inet6) return unusable('it is not of IPv4 or IPv6')
  const port = view.getUint16(2)
  if (port === 0) return unusable('it is not bound')
  if (protocol === 'tcp' && optionOf(libc, fd, Level.socket, So.acceptsConnections) !== 1)
    return unusable('it does not listen; with systemd, Accept= has to be no')
  const { addressAt, addressOctets } = layoutOf[family === Af.inet ? 4 : 6]
  const address = formatAddress(name.slice(addressAt, addressAt + addressOctets))
  if (address === '::' && optionOf(libc, fd, Level.ipv6, v6only) !== 1)
    return unusable(
      `[::]:${port} takes IPv4 too, and 0.0.0.0 is a socket of its own; with systemd: BindIPv6Only=ipv6-only`,
    )
  return { kind: 'socket', socket: { fd, protocol, endpoint: { address, port } } }
}

/** An integer option; null if the descriptor has none. */
function optionOf(libc: Libc, fd: number, level: number, name: number): number | null {
  const value = new Uint8Array(4)
  if (libc.getsockopt(fd, level, name, value, Uint8Array.of(4, 0, 0, 0)) !== 0) return null
  return new DataView(value.buffer).getInt32(0, true)
}

const descriptorsFolder = '/proc/self/fd'

/** An open socket of this process, and the number by which the kernel tells sockets apart: copies have the same. */
export interface OwnSocket extends Omit<HandedSocket, 'isHeld'> {
  readonly inode: string
}

/** Every socket of this process, of any of its threads, that is bound or listens. Each once, whatever copies there are. */
export function ownSockets(libc: Libc): readonly OwnSocket[] {
  const found = new Map<string, OwnSocket>()
  for (const name of readdirSync(descriptorsFolder)) {
    const fd = Number(name)
    const inode = inodeOf(fd)
    if (inode === null || found.has(inode)) continue
    const inspected = inspectSocket(libc, fd)
    if (inspected.kind === 'socket') found.set(inode, { ...inspected.socket, inode })
  }
  return [...found.values()]
}

/** null: the descriptor is no socket, or it is gone. */
export function inodeOf(fd: number): string | null {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${descriptorsFolder}/${fd}`))?.[1] ?? null
  } catch {
    return null
  }
}
