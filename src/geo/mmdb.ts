// A MaxMind DB file (format 2.0) opened to be walked as a whole: its tree as links, its records decoded by the
// `maxmind` package. All that the format promises and a walk relies on is checked here.
//
//   link < nodeCount    a node
//   link = nodeCount    no record for the network
//   link > nodeCount    a record, at an offset behind the tree

import { Reader } from 'maxmind'
import type { Response } from 'maxmind'
import { formatAddress } from '../lib/ip.ts'

/** A file that cannot be used; the message gives the reason and follows the file's name. */
export class BadDatabase extends Error {}

export interface Mmdb {
  /** The type in the metadata, such as `GeoLite2-Country`; at most 100 characters. */
  readonly type: string
  /** When it was built, in seconds since 1970; null: unknown. */
  readonly buildSeconds: number | null
  /** Bits of its addresses: 32, or 128 with IPv4 in ::/96. */
  readonly bits: 32 | 128
  readonly nodeCount: number
  /** The link of a node for the bit `side`. Throws BadDatabase if it leads out of the file. */
  child(node: number, side: 0 | 1): number
  /** The record for an address of 4 or 16 octets; null: none. */
  recordOf(octets: Uint8Array): unknown
}

const separatorOctets = 16
const marker = Buffer.from('\u00ab\u00cd\u00efMaxMind.com', 'latin1')
/** The format's limit on what follows the last record. */
const maxMetadataOctets = 128 * 1024

/** Throws BadDatabase for a file that is no database, is cut short or is damaged. */
export function openMmdb(octets: Buffer): Mmdb {
  if (octets.length === 0) throw new BadDatabase('is empty')
  if (octets[0] === 0x1f && octets[1] === 0x8b)
    throw new BadDatabase('is compressed by gzip, unpack it')
  const tail = Math.max(0, octets.length - maxMetadataOctets)
  const metadataAt = octets.subarray(tail).lastIndexOf(marker)
  if (metadataAt < 0)
    throw new BadDatabase('is no MaxMind database, or cut short: it has no metadata')
  const reader = read(octets)
  const { metadata } = reader
  checkMetadata(metadata)
  const dataOctets = tail + metadataAt - metadata.searchTreeSize - separatorOctets
  if (dataOctets <= 0) throw new BadDatabase('is cut short: its tree is not all there')
  const { nodeCount, recordSize, searchTreeSize } = metadata
  if (octets.subarray(searchTreeSize, searchTreeSize + separatorOctets).some((octet) => octet))
    throw new BadDatabase('is damaged: its tree does not end where it should')
  const lastLink = nodeCount + separatorOctets + dataOctets
  const childOf = childReader(octets, recordSize)
  const seconds = metadata.buildEpoch.getTime() / 1000
  return {
    type: typeOf(metadata),
    buildSeconds: Number.isFinite(seconds) ? seconds : null,
    bits: metadata.ipVersion === 4 ? 32 : 128,
    nodeCount,
    child(node, side) {
      const link = childOf(node, side)
      if (link > nodeCount && (link < nodeCount + separatorOctets || link >= lastLink))
        throw new BadDatabase('is damaged: its tree leads out of the file')
      return link
    },
    recordOf: (address) => reader.get(formatAddress(address)),
  }
}

type Metadata = Reader<Response>['metadata']

function read(octets: Buffer): Reader<Response> {
  // Values that records share are decoded once.
  const decoded = new Map<string | number, unknown>()
  const cache = {
    get: (key: string | number): unknown => decoded.get(key),
    set: (key: string | number, value: unknown): unknown => decoded.set(key, value),
  }
  try {
    return new Reader(octets, { cache })
  } catch (error) {
    throw new BadDatabase(`is no MaxMind database: ${(error as Error).message}`)
  }
}

/** The database type; the metadata of a file need not have the types that the package declares. */
function typeOf({ databaseType }: { readonly databaseType: unknown }): string {
  return typeof databaseType === 'string' ? databaseType.slice(0, 100) : ''
}

function checkMetadata({ binaryFormatMajorVersion, ipVersion, nodeCount }: Metadata): void {
  if (binaryFormatMajorVersion !== 2)
    throw new BadDatabase(`has format ${binaryFormatMajorVersion}, expected 2`)
  if (ipVersion !== 4 && ipVersion !== 6)
    throw new BadDatabase(`has addresses of IP version ${String(ipVersion)}, expected 4 or 6`)
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1)
    throw new BadDatabase(`has ${String(nodeCount)} nodes, expected one at least`)
}

/** Reads a link of a node, by the record size, which the reader has checked to be 24, 28 or 32 bits. */
function childReader(octets: Buffer, recordSize: number): (node: number, side: 0 | 1) => number {
  switch (recordSize) {
    case 24:
      return (node, side) => octets.readUIntBE(6 * node + 3 * side, 3)
    case 28:
      return (node, side) => {
        const at = 7 * node
        const middle = octets[at + 3] as number
        const upper = side === 0 ? middle >> 4 : middle & 0x0f
        return upper * 0x100_0000 + octets.readUIntBE(at + 4 * side, 3)
      }
    default:
      return (node, side) => octets.readUInt32BE(8 * node + 4 * side)
  }
}
