// Turns the tree of a MaxMind database into a prefix tree of values. Every node is visited, once, so that a file that
// would fail later at some address is refused now.

import { specialPurposeNetworks } from '../lib/special-address.ts'
import {
  createPrefixTreeBuilder,
  type PrefixTreeBuilder,
  leafOf,
  type PrefixTree,
} from '../lib/prefix-tree.ts'
import { BadDatabase, type Mmdb } from './mmdb.ts'

/** Maps a record, or null for none, to a value of the tree; 0: unknown. */
export type ValueOf = (record: unknown) => number

const ipv4Depth = 96

/** The prefix tree, in shared memory. Throws BadDatabase where the tree or a record is damaged. */
export function compileTree(mmdb: Mmdb, valueOf: ValueOf): PrefixTree {
  const builder = createPrefixTreeBuilder()
  const walk = new Walk(mmdb, builder, valueOf)
  const root = walk.link(0, 0)
  const root4 = mmdb.bits === 32 ? root : walk.link(ipv4Start(mmdb), ipv4Depth)
  const root6 = mmdb.bits === 32 ? leafOf(0) : root
  const roots = {
    root4: withoutSpecial(builder, root4, 4),
    root6: withoutSpecial(builder, root6, 16),
  }
  const links = new Int32Array(new SharedArrayBuffer(builder.links().byteLength))
  links.set(builder.links())
  return { links, ...roots }
}

/** The node of ::/96, below which IPv4 addresses lie in a database with IPv6 addresses; may be a leaf above it. */
function ipv4Start(mmdb: Mmdb): number {
  let target = 0
  for (let depth = 0; depth < ipv4Depth && target < mmdb.nodeCount; depth++)
    target = mmdb.child(target, 0)
  return target
}

/**
 * The tree without values for special-purpose networks. Databases made from geofeeds place some of them all the same: the
 * shipped one has 192.168.1.1 in Australia. Rules match such clients by `network`.
 */
function withoutSpecial(builder: PrefixTreeBuilder, root: number, octets: 4 | 16): number {
  return specialPurposeNetworks
    .filter((network) => network.octets.length === octets)
    .reduce((link, network) => builder.withNetwork(link, network, 0), root)
}

// Marks of nodes, which no link of a prefix tree can equal: it would need two thousand million values.
const unvisited = -0x8000_0000
const inProgress = -0x7fff_ffff

class Walk {
  readonly #mmdb: Mmdb
  readonly #builder: PrefixTreeBuilder
  readonly #valueOf: ValueOf
  /** By node: its link in the prefix tree, or a mark. */
  readonly #linkOfNode: Int32Array
  /** By node: the longest path to a leaf. */
  readonly #heights: Uint8Array
  /** By target of a link to a record: its value. */
  readonly #values = new Map<number, number>()
  /** The first address of the network being visited. */
  readonly #path: Uint8Array

  constructor(mmdb: Mmdb, builder: PrefixTreeBuilder, valueOf: ValueOf) {
    this.#mmdb = mmdb
    this.#builder = builder
    this.#valueOf = valueOf
    this.#linkOfNode = new Int32Array(mmdb.nodeCount).fill(unvisited)
    this.#heights = new Uint8Array(mmdb.nodeCount)
    this.#path = new Uint8Array(mmdb.bits / 8)
  }

  /** The link of the prefix tree for `target`, a link of the file that is reached after `depth` bits. */
  link(target: number, depth: number): number {
    const { nodeCount, bits } = this.#mmdb
    if (target === nodeCount) return leafOf(0)
    if (target > nodeCount) return leafOf(this.#value(target))
    const link = this.#linkOfNode[target] as number
    if (link === inProgress) throw new BadDatabase('is damaged: its tree leads back into itself')
    if (depth + (this.#heights[target] as number) > bits || depth === bits)
      throw new BadDatabase('is damaged: its tree is deeper than addresses are long')
    return link === unvisited ? this.#node(target, depth) : link
  }

  #node(node: number, depth: number): number {
    const [zero, one] = [this.#mmdb.child(node, 0), this.#mmdb.child(node, 1)]
    this.#linkOfNode[node] = inProgress
    const zeroLink = this.link(zero, depth + 1)
    const bit = 0x80 >> (depth & 7)
    this.#path[depth >> 3] = (this.#path[depth >> 3] as number) | bit
    const oneLink = this.link(one, depth + 1)
    this.#path[depth >> 3] = (this.#path[depth >> 3] as number) & ~bit
    this.#heights[node] = 1 + Math.max(this.#heightOf(zero), this.#heightOf(one))
    return (this.#linkOfNode[node] = this.#builder.node(zeroLink, oneLink))
  }

  #heightOf(target: number): number {
    return target < this.#mmdb.nodeCount ? (this.#heights[target] as number) : 0
  }

  #value(target: number): number {
    let value = this.#values.get(target)
    if (value === undefined) {
      try {
        value = this.#valueOf(this.#mmdb.recordOf(this.#path))
      } catch (error) {
        if (error instanceof BadDatabase) throw error
        throw new BadDatabase(`is damaged: a record cannot be read: ${(error as Error).message}`)
      }
      this.#values.set(target, value)
    }
    return value
  }
}
