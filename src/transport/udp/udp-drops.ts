// Queries that the kernel dropped because the receive buffers of our sockets were full, from /proc/net/udp (Linux;
// elsewhere always 0).
//
// The kernel counts per socket, and a restarted worker has new sockets. So the increases of each socket are added up.

import { readFileSync } from 'node:fs'

import { parseAddress, type Endpoint } from '../../lib/ip.ts'
import { isWildcard } from '../endpoint.ts'
import { familyOf } from './udp-layout.ts'

type ReadTable = (family: 4 | 6) => string

interface DropCounter {
  /** Reads the kernel's table: queries dropped so far. Never decreases. */
  read(): number
}

export function createDropCounter(
  endpoints: readonly Endpoint[],
  readTable: ReadTable = readProc,
): DropCounter {
  const families = [...new Set(endpoints.map(({ address }) => familyOf(address)))]
  let previous: ReadonlyMap<string, number> = new Map()
  let total = 0
  return {
    read() {
      const sockets = new Map(
        families.flatMap((family) =>
          parseDrops(
            readTable(family),
            endpoints.filter(({ address }) => familyOf(address) === family),
          ),
        ),
      )
      for (const [inode, drops] of sockets) total += Math.max(0, drops - (previous.get(inode) ?? 0))
      previous = sockets
      return total
    },
  }
}

/** The text of the table; empty where there is none (not Linux, no IPv6). */
const readProc: ReadTable = (family) => {
  try {
    return readFileSync(family === 4 ? '/proc/net/udp' : '/proc/net/udp6', 'latin1')
  } catch {
    return ''
  }
}

/**
 * The inode and the drops of each socket that is bound to an endpoint. Columns, after a line of headings:
 * `sl local rem st tx:rx tr:when retransmits uid timeout inode ref pointer drops`.
 */
function parseDrops(table: string, endpoints: readonly Endpoint[]): (readonly [string, number])[] {
  const wanted = endpoints.map(localColumn)
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => wanted.some((text) => local.endsWith(text)))
    .map((fields) => [fields[9] ?? '', Number(fields[12] ?? 0)] as const)
}

/**
 * An endpoint as its column ends: 32-bit words in the machine's byte order, and the port; of a wildcard only the port.
 */
function localColumn({ address, port }: Endpoint): string {
  const portText = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  if (isWildcard(address)) return portText
  const octets = Buffer.from(parseAddress(address)?.octets ?? [])
  for (let at = 0; at < octets.length; at += 4) octets.writeUInt32LE(octets.readUInt32BE(at), at)
  return octets.toString('hex').toUpperCase() + portText
}
