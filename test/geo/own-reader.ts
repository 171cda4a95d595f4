// A second reader of MaxMind databases, for tests only and as plain as the format allows: it walks one address bit by
// bit, and extracts country codes from the flat form. It shares no code with the readers in use.

export interface OwnReader {
  readonly nodeCount: number
  /** The offset of the record in the file and the prefix length of its network; 0: none. */
  find(bits: string): { readonly at: number; readonly prefixLength: number }
  /** The two letters of `{ country_code: "DE" }`. */
  countryCode(at: number): string
}

const marker = Buffer.from('\u00ab\u00cd\u00efMaxMind.com', 'latin1')

/** Record size 24 only. */
export function readFlatCountries(file: Buffer): OwnReader {
  const metadata = file.subarray(file.lastIndexOf(marker) + marker.length)
  const nodeCount = numberOf(metadata, 'node_count')
  if (numberOf(metadata, 'record_size') !== 24) throw new Error('not of record size 24')
  const dataAt = nodeCount * 6 + 16
  return {
    nodeCount,
    find(bits) {
      let node = 0
      for (let i = 0; i < bits.length; i++) {
        const at = node * 6 + (bits[i] === '1' ? 3 : 0)
        node = ((file[at] ?? 0) << 16) | ((file[at + 1] ?? 0) << 8) | (file[at + 2] ?? 0)
        if (node === nodeCount) return { at: 0, prefixLength: i + 1 }
        if (node > nodeCount) return { at: dataAt + node - nodeCount - 16, prefixLength: i + 1 }
      }
      throw new Error('the tree is deeper than the address')
    },
    countryCode(at) {
      // A map of one pair; its key in place or by a pointer; a string of two octets.
      if (file[at] !== 0xe1) throw new Error('no map of one pair')
      const control = file[at + 1] ?? 0
      const [key, valueAt] =
        control >> 5 === 1 ? followed(file, dataAt, at + 1) : textAt(file, at + 1)
      if (key !== 'country_code') throw new Error(`another key: ${key}`)
      const isPointer = (file[valueAt] ?? 0) >> 5 === 1
      return (isPointer ? followed(file, dataAt, valueAt) : textAt(file, valueAt))[0]
    },
  }
}

function textAt(file: Buffer, at: number): [string, number] {
  const size = (file[at] ?? 0) & 31
  if ((file[at] ?? 0) >> 5 !== 2 || size > 28) throw new Error('no short text')
  return [file.toString('latin1', at + 1, at + 1 + size), at + 1 + size]
}

function followed(file: Buffer, dataAt: number, at: number): [string, number] {
  const control = file[at] ?? 0
  const size = (control >> 3) & 3
  const next = (i: number): number => file[at + i] ?? 0
  switch (size) {
    case 0:
      return [textAt(file, dataAt + ((control & 7) << 8) + next(1))[0], at + 2]
    case 1: {
      const target = 2048 + ((control & 7) << 16) + (next(1) << 8) + next(2)
      return [textAt(file, dataAt + target)[0], at + 3]
    }
    default:
      throw new Error('a farther pointer than expected')
  }
}

function numberOf(metadata: Buffer, key: string): number {
  const at = metadata.indexOf(key) + key.length
  const size = (metadata[at] ?? 0) & 31
  // An extended type has its number in a second octet.
  return metadata.readUIntBE(at + ((metadata[at] ?? 0) >> 5 === 0 ? 2 : 1), size)
}
