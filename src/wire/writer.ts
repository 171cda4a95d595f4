// Writes a message into a buffer of the caller, never past `limit`: integers, octets, and names with compression
// (RFC 1035 §4.1.4).
//
// A write that does not fit sets `full` and writes nothing. The caller checks `full` once for each record set, and
// removes one that did not fit with `rewind`. A responder uses one writer for all of its messages.

import { lowerOctet } from './name.ts'
import { readUint16, writeUint16 } from './octets.ts'

/** The state of the message being written. */
export interface MessageWriter {
  out: Uint8Array
  /** Where the message starts in `out`; compression pointers are relative to it. */
  start: number
  /** Where the next octet is written. */
  at: number
  /** One past the last octet of `out` that may be written. */
  limit: number
  /** Whether a write did not fit since the last `beginMessage` or `rewind`. */
  full: boolean
  readonly table: CompressionTable
  /** For the name being written, of at most 127 labels: the offset of each label. */
  readonly labelStarts: Uint8Array
  /** For the name being written: the hash of the suffix that each label starts. */
  readonly suffixHashes: Int32Array
}

export const createWriter = (): MessageWriter => ({
  out: new Uint8Array(0),
  start: 0,
  at: 0,
  limit: 0,
  full: false,
  table: createCompressionTable(),
  labelStarts: new Uint8Array(129),
  suffixHashes: new Int32Array(128),
})

/** Starts a message at `start` of `out`, which may extend up to `limit`. */
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

/** Continues at `at`, behind octets that were written without this writer; their names cannot be pointed to. */
export function continueMessage(writer: MessageWriter, at: number): void {
  writer.at = at
}

/** Removes what was written since the writer was at `at` and its table had `entries` entries. */
export function rewind(writer: MessageWriter, at: number, entries: number): void {
  writer.at = at
  writer.full = false
  truncateTable(writer.table, entries)
}

/** Appends an unsigned 16-bit integer. */
export function put16(writer: MessageWriter, value: number): void {
  if (!hasRoom(writer, 2)) return
  writeUint16(writer.out, writer.at, value)
  writer.at += 2
}

/** Appends an unsigned 32-bit integer. */
export function put32(writer: MessageWriter, value: number): void {
  put16(writer, (value >>> 16) & 0xffff)
  put16(writer, value & 0xffff)
}

/** Overwrites the 16-bit integer at `at`, within what was written before. */
export function patch16(writer: MessageWriter, at: number, value: number): void {
  writeUint16(writer.out, at, value)
}

/** Appends the octets from `from` up to `end`. */
export function putOctets(
  writer: MessageWriter,
  octets: Uint8Array,
  from: number,
  end: number,
): void {
  if (!hasRoom(writer, end - from)) return
  const { out, at } = writer
  // Rdata is short: a loop is faster than `set`, which needs a view.
  for (let i = from; i < end; i++) out[at + i - from] = octets[i] as number
  writer.at = at + end - from
}

/** Whether a name must match in letter case for a pointer to replace it. */
export type CaseRule = 'exact' | 'ignore'

const notFound = -1

/**
 * Appends the uncompressed name at `octets[from]`, with its longest suffix that was written before replaced by a
 * pointer. Returns the length of the uncompressed name. Where case is ignored, the name gets the letters of what it points
 * to (RFC 4343 §4.1).
 */
export function putName(
  writer: MessageWriter,
  octets: Uint8Array,
  from: number,
  rule: CaseRule,
): number {
  const { labelStarts, suffixHashes } = writer
  const labels = scanLabels(writer, octets, from)
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

/** Fills `labelStarts` and `suffixHashes` of the writer for a name. Returns its number of labels, the root label not counted. */
function scanLabels(
  { labelStarts, suffixHashes }: MessageWriter,
  octets: Uint8Array,
  from: number,
): number {
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

/** The offset in the message of a suffix that was written before and equals the one at `octets[at]`; -1: none. */
function findSuffix(
  writer: MessageWriter,
  octets: Uint8Array,
  at: number,
  rule: CaseRule,
  label: number,
): number {
  const hash = writer.suffixHashes[label] as number
  let bucket = findBucket(writer.table, hash, hash)
  while (bucket >= 0) {
    const offset = (writer.table.offsets[bucket] as number) - 1
    const match = matchWritten(writer, offset, octets, at)
    if (match === 'exact' || match === rule) return offset
    bucket = findBucket(writer.table, hash, bucket + 1)
  }
  return notFound
}

const hasRoom = (writer: MessageWriter, octets: number): boolean => {
  if (!writer.full && writer.at + octets <= writer.limit) return true
  writer.full = true
  return false
}

/** How the name written at `offset` of the message matches the one at `octets[at]`; false: it does not. */
function matchWritten(
  writer: MessageWriter,
  offset: number,
  octets: Uint8Array,
  at: number,
): CaseRule | false {
  const { out, start } = writer
  let written = start + offset
  let given = at
  let match: CaseRule = 'exact'
  for (;;) {
    // This ends: the pointers of this writer go strictly backwards.
    while ((out[written] as number) >= 0xc0) written = start + (readUint16(out, written) & 0x3fff)
    const label = out[written] as number
    if (label !== octets[given]) return false
    if (label === 0) return match
    for (let i = 1; i <= label; i++) {
      const a = out[written + i] as number
      const b = octets[given + i] as number
      if (a === b) continue
      if (lowerOctet(a) !== lowerOctet(b)) return false
      match = 'ignore'
    }
    written += 1 + label
    given += 1 + label
  }
}

const buckets = 1024

/** The most suffixes remembered; further names are written in full, which is correct but longer. */
const maxEntries = 512

/**
 * Where suffixes of names were written in the message, for later names to point to: a hash table with open addressing,
 * by the hash of a suffix in lower case. A match is compared with the octets written, so a collision costs a step and
 * no correctness. The journal allows exact removal: names of a record set that did not fit must not be pointed to.
 */
interface CompressionTable {
  /** By bucket: the offset of the suffix in the message + 1; 0: the bucket is empty. */
  readonly offsets: Int32Array
  readonly hashes: Int32Array
  /** The buckets in use, in the order in which they were filled. */
  readonly journal: Int32Array
  entries: number
}

const createCompressionTable = (): CompressionTable => ({
  offsets: new Int32Array(buckets),
  hashes: new Int32Array(buckets),
  journal: new Int32Array(maxEntries),
  entries: 0,
})

/** Removes the suffixes added since the table had `entries` entries. */
function truncateTable(table: CompressionTable, entries: number): void {
  // Latest first, so that a bucket is never emptied while a later entry's search passes over it.
  while (table.entries > entries) {
    table.entries--
    table.offsets[table.journal[table.entries] as number] = 0
  }
}

/** Adds a suffix written at `offset` of the message, if a pointer can reach it and there is room. */
function addSuffix(table: CompressionTable, hash: number, offset: number): void {
  // A pointer has 14 bits for its offset.
  if (offset >= 0x4000 || table.entries === maxEntries) return
  let bucket = hash & (buckets - 1)
  while (table.offsets[bucket] !== 0) bucket = (bucket + 1) & (buckets - 1)
  table.offsets[bucket] = offset + 1
  table.hashes[bucket] = hash
  table.journal[table.entries] = bucket
  table.entries++
}

/**
 * The first bucket from `from` on whose suffix has this hash, or -1. The caller compares the octets and, if they
 * differ, continues from the next bucket.
 */
function findBucket(table: CompressionTable, hash: number, from: number): number {
  let bucket = from & (buckets - 1)
  while (table.offsets[bucket] !== 0) {
    if (table.hashes[bucket] === hash) return bucket
    bucket = (bucket + 1) & (buckets - 1)
  }
  return -1
}
