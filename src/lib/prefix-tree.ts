// Networks as a binary tree over the bits of addresses, in one typed array: small, shared between threads as it is,
// and walked without an allocation.
//
// A link is the index of a node, or the leaf of value v as ~v. Each node has two links: where the next bit is 0, and
// where it is 1. What is below a node may be below others too.

import type { Network } from './ip.ts'

export interface PrefixTree {
  readonly links: Int32Array
  /** Links where IPv4 and where IPv6 addresses start. */
  readonly root4: number
  readonly root6: number
}

export const leafOf = (value: number): number => ~value

export const isLeaf = (link: number): boolean => link < 0

export const valueOf = (leaf: number): number => ~leaf

export const bitAt = (octets: Uint8Array, depth: number): number =>
  ((octets[depth >> 3] as number) >> (7 - (depth & 7))) & 1

export const rootOf = ({ root4, root6 }: PrefixTree, octets: Uint8Array): number =>
  octets.length === 4 ? root4 : root6

/** The value of the network that an address is in. */
export function lookUp(tree: PrefixTree, octets: Uint8Array): number {
  const { links } = tree
  let link = rootOf(tree, octets)
  // No tree is deeper than its addresses have bits: it was built that way.
  for (let depth = 0; link >= 0; depth++) link = links[2 * link + bitAt(octets, depth)] as number
  return ~link
}

/** How long the prefix of that network is. */
export function prefixLengthOf(tree: PrefixTree, octets: Uint8Array): number {
  let link = rootOf(tree, octets)
  let depth = 0
  for (; link >= 0; depth++) link = tree.links[2 * link + bitAt(octets, depth)] as number
  return depth
}

// Builds prefix trees from the leaves up. What is alike is stored once: two equal leaves side by side are one leaf,
// and equal nodes are one node. So a leaf is always the widest network of its value.

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
