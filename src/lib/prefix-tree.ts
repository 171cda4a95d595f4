// Networks as a binary tree over the bits of addresses, in one typed array: small, shared between threads as it is,
// and walked without an allocation.
//
// A link is the index of a node, or the leaf of value v as ~v. Each node has two links: where the next bit is 0, and
// where it is 1. What is below a node may be below others too.

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
