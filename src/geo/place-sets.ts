// Node of a prefix tree → the set of values below it, as rows of bits. Few sets are distinct, so each is kept once.
// Beyond a bound, sets are taken as the set of everything: what holds for a set then holds all the more.

import { isLeaf, valueOf } from '../lib/prefix-tree.ts'

interface PlaceSets {
  readonly setOfNode: Int32Array
  readonly sets: Int32Array
  readonly setWords: number
}

const maxSets = 1_048_576

/** Over values below `valueCount`; children come before their parents in `links`. */
export function placeSets(links: Int32Array, valueCount: number): PlaceSets {
  const setWords = Math.max(1, Math.ceil(valueCount / 32))
  const rows = new RowTable(valueCount, setWords)
  const setOfNode = shared(links.length / 2)
  const setOf = (link: number): number =>
    isLeaf(link) ? valueOf(link) : (setOfNode[link] as number)
  for (let node = 0; node < setOfNode.length; node++)
    setOfNode[node] = rows.union(
      setOf(links[2 * node] as number),
      setOf(links[2 * node + 1] as number),
    )
  const words = rows.words()
  const sets = shared(words.length)
  sets.set(words)
  return { setOfNode, sets, setWords }
}

const noRow = -1

/** First the sets of one value each, then the set of all, then what comes up. */
class RowTable {
  readonly #width: number
  readonly #everything: number
  #words: Int32Array
  #count = 0
  /** Open addressing: where the row of some words is, or the next free place. */
  #places = new Int32Array(4096).fill(noRow)

  constructor(valueCount: number, width: number) {
    this.#width = width
    this.#words = new Int32Array(4096 * width)
    for (let value = 0; value < valueCount; value++) {
      const word = this.#count * width + (value >> 5)
      this.#words[word] = 1 << (value & 31)
      this.#keep()
    }
    this.#words.fill(-1, this.#count * width, (this.#count + 1) * width)
    this.#everything = this.#keep()
  }

  words(): Int32Array {
    return this.#words.subarray(0, this.#count * this.#width)
  }

  union(one: number, other: number): number {
    if (one === other) return one
    const [a, b, to] = [one * this.#width, other * this.#width, this.#count * this.#width]
    for (let i = 0; i < this.#width; i++)
      this.#words[to + i] = (this.#words[a + i] as number) | (this.#words[b + i] as number)
    return this.#keep()
  }

  /** The number of the row that was written behind the others; it stays there only if it is new. */
  #keep(): number {
    const at = this.#placeOf(this.#count)
    const known = this.#places[at] as number
    if (known !== noRow) return known
    if (this.#count === maxSets) return this.#everything
    const fresh = this.#count++
    this.#places[at] = fresh
    if (2 * this.#count === this.#places.length) this.#grow()
    return fresh
  }

  #placeOf(row: number): number {
    const mask = this.#places.length - 1
    for (let at = this.#hash(row) & mask; ; at = (at + 1) & mask) {
      const other = this.#places[at] as number
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
    const wider = new Int32Array(this.#words.length * 2)
    wider.set(this.#words)
    this.#words = wider
    this.#places = new Int32Array(this.#places.length * 2).fill(noRow)
    for (let row = 0; row < this.#count; row++) this.#places[this.#placeOf(row)] = row
  }
}

const shared = (words: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(words * 4))
