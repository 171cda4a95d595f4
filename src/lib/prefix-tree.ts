// Networks as a binary tree over the bits of addresses, in one typed array: small, shareable between threads, and
// walked without an allocation.
//
// A link is the index of a node, or ~v for the leaf of value v. Each node has two links: for addresses whose next bit
// is 0, and for those whose next bit is 1. Nodes share subtrees that are equal.

import type { Network } from './ip.ts'

export interface PrefixTree {
  /** Two links for each node: `links[2 * node + bit]`. */
  readonly links: Int32Array
  /** The links at which the walk of an IPv4 and of an IPv6 address starts. */
  readonly root4: number
  readonly root6: number
}

/** The link that is the leaf of a value. */
export const leafOf = (value: number): number => ~value

/** Whether a link is a leaf rather than a node. */
export const isLeaf = (link: number): boolean => link < 0

/** The value that a leaf link (`~value`) encodes. */
export const valueOf = (leaf: number): number => ~leaf

/** Bit `depth` of an address, 0 being the most significant. */
export const bitAt = (octets: Uint8Array, depth: number): number =>
  ((octets[depth >> 3] as number) >> (7 - (depth & 7))) & 1

/** The link at which the walk of an address of 4 or 16 octets starts. */
export const rootOf = ({ root4, root6 }: PrefixTree, octets: Uint8Array): number =>
  octets.length === 4 ? root4 : root6

/** The value of the network that contains an address of 4 or 16 octets. */
export function lookUp(tree: PrefixTree, octets: Uint8Array): number {
  const { links } = tree
  let link = rootOf(tree, octets)
  // Ends within the address: a tree is built no deeper than its addresses have bits.
  for (let depth = 0; link >= 0; depth++) link = links[2 * link + bitAt(octets, depth)] as number
  return ~link
}

/** The prefix length of the network that `lookUp` finds for an address. */
export function prefixLengthOf(tree: PrefixTree, octets: Uint8Array): number {
  let link = rootOf(tree, octets)
  let depth = 0
  for (; link >= 0; depth++) link = tree.links[2 * link + bitAt(octets, depth)] as number
  return depth
}

/**
 * Builds prefix trees from the leaves up and stores equal parts once: two equal leaves side by side become one leaf,
 * and equal nodes are one node. So a leaf is always the widest network of its value.
 */
export interface PrefixTreeBuilder {
  /** The link to a node with these two links: an existing one if there is an equal one, or the leaf if both are it. */
  node(zero: number, one: number): number
  /** The link to a copy of the subtree `link`, which lies at `depth`, in which the whole of `network` has `value`. */
  withNetwork(link: number, network: Network, value: number, depth?: number): number
  /** The links of all nodes so far (see PrefixTree.links); children come before their parents. */
  links(): Int32Array
}

const noNode = -1

export const createPrefixTreeBuilder = (): PrefixTreeBuilder => new Builder()

class Builder implements PrefixTreeBuilder {
  #links = new Int32Array(1024)
  #count = 0
  /** A hash table with open addressing: node by its two links; `noNode`: an empty bucket. */
  #buckets = new Int32Array(1024).fill(noNode)

  node(zero: number, one: number): number {
    if (zero === one && isLeaf(zero)) return zero
    const at = this.#bucketOf(zero, one)
    const known = this.#buckets[at] as number
    if (known !== noNode) return known
    const added = this.#count++
    this.#links[2 * added] = zero
    this.#links[2 * added + 1] = one
    this.#buckets[at] = added
    if (2 * this.#count === this.#links.length) this.#grow()
    return added
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

  #bucketOf(zero: number, one: number): number {
    const mask = this.#buckets.length - 1
    for (let at = hashPair(zero, one) & mask; ; at = (at + 1) & mask) {
      const node = this.#buckets[at] as number
      if (node === noNode) return at
      if (this.#links[2 * node] === zero && this.#links[2 * node + 1] === one) return at
    }
  }

  #grow(): void {
    const larger = new Int32Array(this.#links.length * 2)
    larger.set(this.#links)
    this.#links = larger
    this.#buckets = new Int32Array(this.#buckets.length * 2).fill(noNode)
    for (let node = 0; node < this.#count; node++) {
      const [zero, one] = [larger[2 * node] as number, larger[2 * node + 1] as number]
      this.#buckets[this.#bucketOf(zero, one)] = node
    }
  }
}

/** Multiplicative hashing, whose upper bits are mixed best and therefore folded into the lower ones. */
function hashPair(zero: number, one: number): number {
  const product = Math.imul(Math.imul(zero, 0x9e37_79b1) ^ one, 0x85eb_ca6b)
  return product ^ (product >>> 15)
}
