// TSIG (RFC 8945) on a server without keys: every key is unknown, so the answer to a signed query is NOTAUTH, with an
// unsigned TSIG that carries BADKEY (§5.2.1, §5.3.2), as NSD and BIND do. The client would ignore an answer without a
// TSIG.

import { recordTailOctets } from './header.ts'
import { maxNameOctets } from './name.ts'
import { readUint16 } from './octets.ts'
import { RRClass, RRType } from './rrtype.ts'
import { patch16, put16, put32, putOctets, rewind } from './writer.ts'
import type { MessageWriter } from './writer.ts'

/** The TSIG error BADKEY. */
const badKey = 17

/**
 * The octets of the fields between the algorithm's name and the MAC (Time Signed, Fudge, MAC Size), and behind the MAC
 * (Original ID, Error, Other Len).
 */
const beforeMacOctets = 10
const afterMacOctets = 6

/**
 * Where the TSIG record of a query stands in its packet. The record is reused for every packet and must not be kept.
 */
export interface Tsig {
  isPresent: boolean
  /** The name of the key, the owner name of the record; it may end in a compression pointer. */
  nameOffset: number
  /** The name of the algorithm, uncompressed. */
  algorithmOffset: number
  /** Time Signed, which follows the name of the algorithm. */
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

/**
 * Reads the record whose owner name starts at `owner` and whose TYPE stands at `tail`; false: it is malformed (§5.1).
 */
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

/** The end of a name that must not be compressed (RFC 8945 §4.2); -1: it is malformed. */
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

/**
 * Appends the unsigned TSIG to the answer and counts it in the header; false: it does not fit, and nothing is written.
 */
export function putBadKey(
  writer: MessageWriter,
  tsig: Tsig,
  packet: Uint8Array,
  messageOffset: number,
): boolean {
  const { at } = writer
  if (!putKeyName(writer, packet, messageOffset, tsig)) {
    rewind(writer, at, writer.table.entries)
    return false
  }
  put16(writer, RRType.TSIG)
  put16(writer, RRClass.ANY)
  put32(writer, 0)
  const algorithmOctets = tsig.timeOffset - tsig.algorithmOffset
  put16(writer, algorithmOctets + beforeMacOctets + afterMacOctets)
  putOctets(writer, packet, tsig.algorithmOffset, tsig.timeOffset)
  // Time Signed and Fudge are copied from the query; without a signature they mean nothing.
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

/** Appends the name of the key, uncompressed; false: it is malformed. Pointers must go strictly backwards. */
function putKeyName(
  writer: MessageWriter,
  packet: Uint8Array,
  messageOffset: number,
  tsig: Tsig,
): boolean {
  const end = tsig.algorithmOffset
  let at = tsig.nameOffset
  let lowest = at
  let octets = 0
  while (at < end) {
    const label = packet[at] as number
    if (label >= 0xc0) {
      at = messageOffset + (readUint16(packet, at) & 0x3fff)
      if (at >= lowest) return false
      lowest = at
      continue
    }
    if (label > 63 || octets + 1 + label > maxNameOctets || at + 1 + label > end) return false
    putOctets(writer, packet, at, at + 1 + label)
    octets += 1 + label
    if (label === 0) return true
    at += 1 + label
  }
  return false
}
