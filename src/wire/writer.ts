// Writes one message: numbers, octets and names with compression, into a buffer of the caller's, never past `limit`.
//
// A write that does not fit sets `full` and writes nothing; the caller looks once a record set and takes it back
// with `rewind`. One writer serves all messages of a responder.

import { lowerOctet } from './name.ts'
import { readUint16, writeUint16 } from './octets.ts'

export interface MessageWriter {
  out: Uint8Array
  /** Where the message starts in `out`; pointers count from here. */
  start: number
  at: number
  /** One past the last octet of `out` that may be written. */
  limit: number
  full: boolean
  readonly table: CompressionTable
}

export const createWriter = (): MessageWriter => ({
  out: new Uint8Array(0),
  start: 0,
  at: 0,
  limit: 0,
  full: false,
  table: createCompressionTable(),
})

export function beginMessage(
  writer: MessageWriter,
  out: Uint8Array,
  start: number,
  limit: number,
): void {
  writer.out = out
  writer.start = start
  writer.at = start
  writer.limit = limit
  writer.full = false
  truncateTable(writer.table, 0)
}

/** Goes on at `at`, behind what others have written; names in that are not known here. */
export function continueMessage(writer: MessageWriter, at: number): void {
  writer.at = at
}

/** Back to where the message had reached `at` and the table `entries`. */
export function rewind(writer: MessageWriter, at: number, entries: number): void {
  writer.at = at
  writer.full = false
  truncateTable(writer.table, entries)
}

export function put16(writer: MessageWriter, value: number): void {
  if (!hasRoom(writer, 2)) return
  writeUint16(writer.out, writer.at, value)
  writer.at += 2
}

export function put32(writer: MessageWriter, value: number): void {
  put16(writer, (value >>> 16) & 0xffff)
  put16(writer, value & 0xffff)
}

/** The 16 bits at `at`, which were left free before. */
export function patch16(writer: MessageWriter, at: number, value: number): void {
  writeUint16(writer.out, at, value)
}

export function putOctets(
  writer: MessageWriter,
  octets: Uint8Array,
  from: number,
  end: number,
): void {
  if (!hasRoom(writer, end - from)) return
  const { out, at } = writer
  // Rdata is short: a loop beats the call and the view that `set` needs.
  for (let i = from; i < end; i++) out[at + i - from] = octets[i] as number
  writer.at = at + end - from
}

/** How far letters must agree before a name may be replaced by a pointer. */
type CaseRule = 'exact' | 'ignore'

/** Where the labels of the name being written start, and the hash of the suffix from there. A name has at most 127. */
const labelStarts = new Uint8Array(129)

const suffixHashes = new Int32Array(128)

const notFound = -1

/**
 * A name, its longest suffix that was written before replaced by a pointer: returns its octets in `octets`.
 * Owner names ignore case (RFC 4343 §4.1); names within rdata keep theirs exactly.
 */
export function putName(
  writer: MessageWriter,
  octets: Uint8Array,
  from: number,
  rule: CaseRule,
): number {
  const labels = scanLabels(octets, from)
  const nameOctets = (labelStarts[labels] as number) + 1
  let target = notFound
  let written = 0
  while (written < labels) {
    target = findSuffix(writer, octets, from + (labelStarts[written] as number), rule, written)
    if (target !== notFound) break
    written++
  }
  const headOctets = labelStarts[written] as number
  const base = writer.at - writer.start
  if (!hasRoom(writer, headOctets + (target === notFound ? 1 : 2))) return nameOctets
  putOctets(writer, octets, from, from + headOctets)
  if (target === notFound) writer.out[writer.at++] = 0
  else put16(writer, 0xc000 | target)
  for (let i = 0; i < written; i++)
    addSuffix(writer.table, suffixHashes[i] as number, base + (labelStarts[i] as number))
  return nameOctets
}

/** Fills `labelStarts` and `suffixHashes`; the count of labels without the root's. */
function scanLabels(octets: Uint8Array, from: number): number {
  let labels = 0
  let at = from
  while (octets[at] !== 0 && labels < suffixHashes.length) {
    labelStarts[labels++] = at - from
    at += 1 + (octets[at] as number)
  }
  labelStarts[labels] = at - from
  let hash = 0x811c9dc5 | 0
  for (let label = labels - 1; label >= 0; label--) {
    const end = from + (labelStarts[label + 1] as number)
    for (let i = from + (labelStarts[label] as number); i < end; i++)
      hash = Math.imul(hash ^ lowerOctet(octets[i] as number), 0x01000193)
    suffixHashes[label] = hash
  }
  return labels
}

/** Offset in the message of the suffix whose labels start at `octets[at]`. */
function findSuffix(
  writer: MessageWriter,
  octets: Uint8Array,
  at: number,
  rule: CaseRule,
  label: number,
): number {
  const hash = suffixHashes[label] as number
  let slot = findBucket(writer.table, hash, hash)
  while (slot >= 0) {
    const offset = (writer.table.offsets[slot] as number) - 1
    const likeness = matchWritten(writer, offset, octets, at)
    if (likeness === 'exact' || likeness === rule) return offset
    slot = findBucket(writer.table, hash, slot + 1)
  }
  return notFound
}

const hasRoom = (writer: MessageWriter, octets: number): boolean => {
  if (!writer.full && writer.at + octets <= writer.limit) return true
  writer.full = true
  return false
}

/** How the name written at `offset` of the message is like the one in `octets`; false: not at all. */
function matchWritten(
  writer: MessageWriter,
  offset: number,
  octets: Uint8Array,
  at: number,
): CaseRule | false {
  const { out, start } = writer
  let there = start + offset
  let here = at
  let likeness: CaseRule = 'exact'
  for (;;) {
    // Ends: our own pointers go strictly backwards.
    while ((out[there] as number) >= 0xc0) there = start + (readUint16(out, there) & 0x3fff)
    const label = out[there] as number
    if (label !== octets[here]) return false
    if (label === 0) return likeness
    for (let i = 1; i <= label; i++) {
      const a = out[there + i] as number
      const b = octets[here + i] as number
      if (a === b) continue
      if (lowerOctet(a) !== lowerOctet(b)) return false
      likeness = 'ignore'
    }
    there += 1 + label
    here += 1 + label
  }
}

// Where names were written in the message under way, so that later ones can point there (RFC 1035 §4.1.4).
//
// An open-addressed table of suffixes by the hash of their lowered octets; what it finds is compared with the octets
// written, so a collision costs a step and never an answer. A journal of the slots in use makes forgetting exact:
// after a set that did not fit, the names in it must not be pointed to.

const buckets = 1024

/** Beyond this many suffixes names are written in full: answers stay right, only longer. */
const maxEntries = 512

interface CompressionTable {
  /** Offset in the message + 1; 0: free. */
  readonly offsets: Int32Array
  readonly hashes: Int32Array
  readonly journal: Int32Array
  entries: number
}

const createCompressionTable = (): CompressionTable => ({
  offsets: new Int32Array(buckets),
  hashes: new Int32Array(buckets),
  journal: new Int32Array(maxEntries),
  entries: 0,
})

/** Forgets everything remembered after there were `entries`. */
function truncateTable(table: CompressionTable, entries: number): void {
  // Latest first: a slot that a later entry stepped over is never freed before that entry is.
  while (table.entries > entries) {
    table.entries--
    table.offsets[table.journal[table.entries] as number] = 0
  }
}

function addSuffix(table: CompressionTable, hash: number, offset: number): void {
  // A pointer has 14 bits for its offset.
  if (offset >= 0x4000 || table.entries === maxEntries) return
  let slot = hash & (buckets - 1)
  while (table.offsets[slot] !== 0) slot = (slot + 1) & (buckets - 1)
  table.offsets[slot] = offset + 1
  table.hashes[slot] = hash
  table.journal[table.entries] = slot
  table.entries++
}

/**
 * The slot that may hold the suffix, looking from `slot` on, or -1: the caller compares the octets and, if they
 * differ, asks again from the next slot.
 */
function findBucket(table: CompressionTable, hash: number, from: number): number {
  let slot = from & (buckets - 1)
  while (table.offsets[slot] !== 0) {
    if (table.hashes[slot] === hash) return slot
    slot = (slot + 1) & (buckets - 1)
  }
  return -1
}
