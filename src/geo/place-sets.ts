// For each node of a prefix tree, the set of the values below it, as a bit set. Few sets are distinct, so each is
// stored once. Beyond a limit of distinct sets the set of all values stands in for further ones: a superset, which
// makes scopes narrower than necessary but never wrong.

import { isLeaf, valueOf } from '../lib/prefix-tree.ts'

interface PlaceSets {
  /** By node: the number of its set. */
  readonly setOfNode: Int32Array
  /** The bit sets, `setWords` words each; the sets of one value come first, by value. */
  readonly sets: Int32Array
  readonly setWords: number
}

const maxSets = 1_048_576

/** The sets of all nodes of `links`, in which children come before their parents; values are below `valueCount`. */
export function placeSets(links: Int32Array, valueCount: number): PlaceSets {
  const setWords = Math.max(1, Math.ceil(valueCount / 32))
  const rows = new RowTable(valueCount, setWords)
  const setOfNode = sharedInt32Array(links.length / 2)
  const setOf = (link: number): number =>
    isLeaf(link) ? valueOf(link) : (setOfNode[link] as number)
  for (let node = 0; node < setOfNode.length; node++)
    setOfNode[node] = rows.union(
      setOf(links[2 * node] as number),
      setOf(links[2 * node + 1] as number),
    )
  const words = rows.words()
  const sets = sharedInt32Array(words.length)
  sets.set(words)
  return { setOfNode, sets, setWords }
}

const noRow = -1

/** Distinct bit sets, as rows: first the sets of one value each, then the set of all values, then unions. */
class RowTable {
  readonly #width: number
  readonly #allValues: number
  #words: Int32Array
  #count = 0
  /** A hash table with open addressing: row by its words; `noRow`: an empty bucket. */
  #buckets = new Int32Array(4096).fill(noRow)

  constructor(valueCount: number, width: number) {
    this.#width = width
    this.#words = new Int32Array(4096 * width)
    for (let value = 0; value < valueCount; value++) {
      const word = this.#count * width + (value >> 5)
      this.#words[word] = 1 << (value & 31)
      this.#intern()
    }
    this.#words.fill(-1, this.#count * width, (this.#count + 1) * width)
    this.#allValues = this.#intern()
  }

  words(): Int32Array {
    return this.#words.subarray(0, this.#count * this.#width)
  }

  /** The number of the row that is the union of two rows. */
  union(first: number, second: number): number {
    if (first === second) return first
    const [a, b, to] = [first * this.#width, second * this.#width, this.#count * this.#width]
    for (let i = 0; i < this.#width; i++)
      this.#words[to + i] = (this.#words[a + i] as number) | (this.#words[b + i] as number)
    return this.#intern()
  }

  /** The number of the row that was written behind the others; it is kept there only if no equal row exists. */
  #intern(): number {
    const at = this.#bucketOf(this.#count)
    const existing = this.#buckets[at] as number
    if (existing !== noRow) return existing
    if (this.#count === maxSets) return this.#allValues
    const added = this.#count++
    this.#buckets[at] = added
    if (2 * this.#count === this.#buckets.length) this.#grow()
    return added
  }

  #bucketOf(row: number): number {
    const mask = this.#buckets.length - 1
    for (let at = this.#hash(row) & mask; ; at = (at + 1) & mask) {
      const other = this.#buckets[at] as number
      if (other === noRow || this.#isSame(row, other)) return at
    }
  }

  #hash(row: number): number {
    let hash = 0
    for (let i = row * this.#width; i < (row + 1) * this.#width; i++)
      hash = Math.imul(hash ^ (this.#words[i] as number), 0x9e37_79b1) ^ (hash >>> 15)
    return hash ^ (hash >>> 16)
  }

  #isSame(row: number, other: number): boolean {
    const [a, b] = [row * this.#width, other * this.#width]
    for (let i = 0; i < this.#width; i++)
      if (this.#words[a + i] !== this.#words[b + i]) return false
    return true
  }

  #grow(): void {
    const larger = new Int32Array(this.#words.length * 2)
    larger.set(this.#words)
    this.#words = larger
    this.#buckets = new Int32Array(this.#buckets.length * 2).fill(noRow)
    for (let row = 0; row < this.#count; row++) this.#buckets[this.#bucketOf(row)] = row
  }
}

/** Allocates an array of `words` 32-bit words in shared memory. */
const sharedInt32Array = (words: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(words * 4))
