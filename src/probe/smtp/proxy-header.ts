// The PROXY protocol header that a probe sends to an MTA that expects one, filled from the names of its own
// socket: true, so that the MTA logs and limits the prober by its real address.
//
// Version 2 says PROXY and not LOCAL: LOCAL is made for health checks, but enough receivers hang up on it
// (HAProxy has `pp2-never-send-local` for their sake), while all of them take PROXY with true addresses.

import { parseAddress } from '../../lib/ip.ts'

export interface SocketName {
  readonly address: string
  readonly port: number
}

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
const versionAndProxy = 0x21
const streamOver = { 4: 0x11, 6: 0x21 }

/** null: the names are no addresses of one family. */
export function proxyHeader(
  version: 'v1' | 'v2',
  source: SocketName,
  destination: SocketName,
): Uint8Array | null {
  const from = parseAddress(source.address)
  const to = parseAddress(destination.address)
  if (!from || !to || from.family !== to.family) return null
  if (version === 'v1') {
    const words = [source.address, destination.address, source.port, destination.port].join(' ')
    return new TextEncoder().encode(`PROXY TCP${from.family} ${words}\r\n`)
  }
  const block = [...from.octets, ...to.octets, ...port(source.port), ...port(destination.port)]
  const head = [...signature, versionAndProxy, streamOver[from.family], 0, block.length]
  return Uint8Array.from([...head, ...block])
}

const port = (number: number): readonly number[] => [number >> 8, number & 255]
