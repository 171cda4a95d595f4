// Builds prefix trees from the leaves up. What is alike is stored once: two equal leaves side by side are one leaf,
// and equal nodes are one node. So a leaf is always the widest network of its value.

import type { Network } from './ip.ts'
import { bitAt, isLeaf, leafOf } from './prefix-tree.ts'

export interface PrefixTreeBuilder {
  /** The link to a node of these two, or to what stands for it. */
  node(zero: number, one: number): number
  /** The link to a copy of what is below `link`, at `depth`, in which the whole network has this value. */
  withNetwork(link: number, network: Network, value: number, depth?: number): number
  /** All nodes so far; children come before their parents. */
  links(): Int32Array
}

const noNode = -1

export const createPrefixTreeBuilder = (): PrefixTreeBuilder => new Builder()

class Builder implements PrefixTreeBuilder {
  #links = new Int32Array(1024)
  #count = 0
  /** Open addressing: where the node of two given links stands, or the next free place. */
  #places = new Int32Array(1024).fill(noNode)

  node(zero: number, one: number): number {
    if (zero === one && isLeaf(zero)) return zero
    const at = this.#placeOf(zero, one)
    const known = this.#places[at] as number
    if (known !== noNode) return known
    const fresh = this.#count++
    this.#links[2 * fresh] = zero
    this.#links[2 * fresh + 1] = one
    this.#places[at] = fresh
    if (2 * this.#count === this.#links.length) this.#grow()
    return fresh
  }

  withNetwork(link: number, network: Network, value: number, depth = 0): number {
    if (depth === network.prefixLength) return leafOf(value)
    const zero = isLeaf(link) ? link : (this.#links[2 * link] as number)
    const one = isLeaf(link) ? link : (this.#links[2 * link + 1] as number)
    return bitAt(network.octets, depth) === 0
      ? this.node(this.withNetwork(zero, network, value, depth + 1), one)
      : this.node(zero, this.withNetwork(one, network, value, depth + 1))
  }

  links(): Int32Array {
    return this.#links.subarray(0, 2 * this.#count)
  }

  #placeOf(zero: number, one: number): number {
    const mask = this.#places.length - 1
    for (let at = mixed(zero, one) & mask; ; at = (at + 1) & mask) {
      const node = this.#places[at] as number
      if (node === noNode) return at
      if (this.#links[2 * node] === zero && this.#links[2 * node + 1] === one) return at
    }
  }

  #grow(): void {
    const wider = new Int32Array(this.#links.length * 2)
    wider.set(this.#links)
    this.#links = wider
    this.#places = new Int32Array(this.#places.length * 2).fill(noNode)
    for (let node = 0; node < this.#count; node++) {
      const [zero, one] = [wider[2 * node] as number, wider[2 * node + 1] as number]
      this.#places[this.#placeOf(zero, one)] = node
    }
  }
}

/** Multiplicative hashing; the upper bits are the well-mixed ones. */
function mixed(zero: number, one: number): number {
  const product = Math.imul(Math.imul(zero, 0x9e37_79b1) ^ one, 0x85eb_ca6b)
  return product ^ (product >>> 15)
}
