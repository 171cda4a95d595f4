// Where names were written in the message under way, so that later ones can point there (RFC 1035 §4.1.4).
//
// An open-addressed table of suffixes by the hash of their lowered octets; what it finds is compared with the octets
// written, so a collision costs a step and never an answer. A journal of the slots in use makes forgetting exact:
// after a set that did not fit, the names in it must not be pointed to.

const slots = 1024
/** Beyond this many suffixes names are written in full: answers stay right, only longer. */
const maxEntries = 512

export interface CompressionTable {
  /** Offset in the message + 1; 0: free. */
  readonly offsets: Int32Array
  readonly hashes: Int32Array
  readonly journal: Int32Array
  entries: number
}

export const createCompressionTable = (): CompressionTable => ({
  offsets: new Int32Array(slots),
  hashes: new Int32Array(slots),
  journal: new Int32Array(maxEntries),
  entries: 0,
})

/** Forgets everything remembered after there were `entries`. */
export function forgetSince(table: CompressionTable, entries: number): void {
  // Latest first: a slot that a later entry stepped over is never freed before that entry is.
  while (table.entries > entries) {
    table.entries--
    table.offsets[table.journal[table.entries] as number] = 0
  }
}

export function remember(table: CompressionTable, hash: number, offset: number): void {
  // A pointer has 14 bits for its offset.
  if (offset >= 0x4000 || table.entries === maxEntries) return
  let slot = hash & (slots - 1)
  while (table.offsets[slot] !== 0) slot = (slot + 1) & (slots - 1)
  table.offsets[slot] = offset + 1
  table.hashes[slot] = hash
  table.journal[table.entries] = slot
  table.entries++
}

/**
 * The slot that may hold the suffix, looking from `slot` on, or -1: the caller compares the octets and, if they
 * differ, asks again from the next slot.
 */
export function probe(table: CompressionTable, hash: number, from: number): number {
  let slot = from & (slots - 1)
  while (table.offsets[slot] !== 0) {
    if (table.hashes[slot] === hash) return slot
    slot = (slot + 1) & (slots - 1)
  }
  return -1
}
