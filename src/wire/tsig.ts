// TSIG (RFC 8945) as a server without keys meets it: no key is known, so the answer is NOTAUTH with an unsigned TSIG
// that says BADKEY (§5.2.1, §5.3.2), as NSD and BIND do. To answer as if it were not there would be to lie about it.

import { recordTailOctets } from './header.ts'
import { maxNameOctets } from './name.ts'
import { readUint16 } from './octets.ts'
import { RRClass, RRType } from './rrtype.ts'
import { patch16, put16, put32, putOctets, rewind } from './writer.ts'
import type { MessageWriter } from './writer.ts'

const badKey = 17

/** Fields after the algorithm's name: time (6), fudge, MAC size; and after the MAC: original ID, error, other length. */
const beforeMacOctets = 10
const afterMacOctets = 6

/** Where a query's TSIG lies in its packet. One record is refilled for every packet. */
export interface Tsig {
  isPresent: boolean
  /** The key's name, as it stands there: it may end in a pointer. */
  nameOffset: number
  algorithmOffset: number
  /** One past the algorithm's name: the time signed. */
  timeOffset: number
  originalIdOffset: number
}

export const emptyTsig = (): Tsig => ({
  isPresent: false,
  nameOffset: 0,
  algorithmOffset: 0,
  timeOffset: 0,
  originalIdOffset: 0,
})

/** The record whose owner starts at `owner` and whose TYPE stands at `tail`; false: malformed (§5.1). */
export function readTsig(
  tsig: Tsig,
  packet: Uint8Array,
  owner: number,
  tail: number,
  end: number,
): boolean {
  if (readUint16(packet, tail + 2) !== RRClass.ANY) return false
  if (readUint16(packet, tail + 4) !== 0 || readUint16(packet, tail + 6) !== 0) return false
  const algorithm = tail + recordTailOctets
  const time = skipUncompressedName(packet, algorithm, end)
  if (time < 0 || time + beforeMacOctets > end) return false
  const afterMac = time + beforeMacOctets + readUint16(packet, time + 8)
  if (afterMac + afterMacOctets > end) return false
  if (afterMac + afterMacOctets + readUint16(packet, afterMac + 4) !== end) return false
  tsig.isPresent = true
  tsig.nameOffset = owner
  tsig.algorithmOffset = algorithm
  tsig.timeOffset = time
  tsig.originalIdOffset = afterMac
  return true
}

/** The end of a name that must not be compressed (RFC 8945 §4.2), or -1. */
function skipUncompressedName(packet: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && at - from < maxNameOctets) {
    const label = packet[at] as number
    if (label > 63) return -1
    at += 1 + label
    if (label === 0) return at
  }
  return -1
}

/** Where key names are put together. */
const keyName = new Uint8Array(maxNameOctets)

/** Appends the unsigned TSIG; false where it does not fit, and nothing is written. */
export function putBadKey(
  writer: MessageWriter,
  tsig: Tsig,
  packet: Uint8Array,
  messageOffset: number,
): boolean {
  const { at } = writer
  const nameOctets = expandKeyName(packet, messageOffset, tsig)
  if (nameOctets < 0) return false
  putOctets(writer, keyName, 0, nameOctets)
  put16(writer, RRType.TSIG)
  put16(writer, RRClass.ANY)
  put32(writer, 0)
  const algorithmOctets = tsig.timeOffset - tsig.algorithmOffset
  put16(writer, algorithmOctets + beforeMacOctets + afterMacOctets)
  putOctets(writer, packet, tsig.algorithmOffset, tsig.timeOffset)
  // Time signed and fudge are the query's: unsigned, they promise nothing.
  putOctets(writer, packet, tsig.timeOffset, tsig.timeOffset + 8)
  put16(writer, 0)
  putOctets(writer, packet, tsig.originalIdOffset, tsig.originalIdOffset + 2)
  put16(writer, badKey)
  put16(writer, 0)
  if (writer.full) {
    rewind(writer, at, writer.table.entries)
    return false
  }
  const countAt = writer.start + 10
  patch16(writer, countAt, readUint16(writer.out, countAt) + 1)
  return true
}

/** Fills `keyName` with the key's name, its pointers followed strictly backwards; its octets, or -1. */
function expandKeyName(packet: Uint8Array, messageOffset: number, tsig: Tsig): number {
  const end = tsig.algorithmOffset
  let at = tsig.nameOffset
  let lowest = at
  let octets = 0
  while (at < end) {
    const label = packet[at] as number
    if (label >= 0xc0) {
      at = messageOffset + (readUint16(packet, at) & 0x3fff)
      if (at >= lowest) return -1
      lowest = at
      continue
    }
    if (label > 63 || octets + 1 + label > maxNameOctets || at + 1 + label > end) return -1
    for (let i = 0; i <= label; i++) keyName[octets + i] = packet[at + i] as number
    octets += 1 + label
    if (label === 0) return octets
    at += 1 + label
  }
  return -1
}
