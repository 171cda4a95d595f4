// Queries that the kernel dropped since our receive buffers were full, out of /proc/net/udp (Linux; elsewhere none).
//
// The kernel counts for each socket and forgets with it, and a restarted worker has new ones. So the sum goes on
// from what was last seen of each.

import { readFileSync } from 'node:fs'

import { parseAddress, type Endpoint } from '../../lib/ip.ts'
import { familyOf, isWildcard } from './udp-layout.ts'

type ReadTable = (family: 4 | 6) => string

interface DropCounter {
  /** Since it was created; never goes back. */
  read(): number
}

export function createDropCounter(
  endpoints: readonly Endpoint[],
  readTable: ReadTable = readProc,
): DropCounter {
  const families = [...new Set(endpoints.map(({ address }) => familyOf(address)))]
  let seen: ReadonlyMap<string, number> = new Map()
  let total = 0
  return {
    read() {
      const sockets = new Map(
        families.flatMap((family) =>
          socketsOf(
            readTable(family),
            endpoints.filter(({ address }) => familyOf(address) === family),
          ),
        ),
      )
      for (const [inode, drops] of sockets) total += Math.max(0, drops - (seen.get(inode) ?? 0))
      seen = sockets
      return total
    },
  }
}

/** A host without IPv6, or not Linux: no table, no drops known. */
const readProc: ReadTable = (family) => {
  try {
    return readFileSync(family === 4 ? '/proc/net/udp' : '/proc/net/udp6', 'latin1')
  } catch {
    return ''
  }
}

/** `sl local rem st tx:rx tr:when retransmits uid timeout inode ref pointer drops`, after a line of headings. */
function socketsOf(table: string, endpoints: readonly Endpoint[]): (readonly [string, number])[] {
  const wanted = endpoints.map(localText)
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => wanted.some((text) => local.endsWith(text)))
    .map((fields) => [fields[9] ?? '', Number(fields[12] ?? 0)] as const)
}

/** The address as words in the order of the machine, and the port. Of a wildcard the port alone. */
function localText({ address, port }: Endpoint): string {
  const portText = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  if (isWildcard(address)) return portText
  const octets = Buffer.from(parseAddress(address)?.octets ?? [])
  for (let at = 0; at < octets.length; at += 4) octets.writeUInt32LE(octets.readUInt32BE(at), at)
  return octets.toString('hex').toUpperCase() + portText
}
