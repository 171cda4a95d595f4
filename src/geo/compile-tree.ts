// The tree of a MaxMind database → a prefix tree of its values. All of it is walked, each node once, so that a file
// that would fail at some address later is refused now.

import { parseNetwork } from '../lib/ip.ts'
import {
  createPrefixTreeBuilder,
  type PrefixTreeBuilder,
  leafOf,
  type PrefixTree,
} from '../lib/prefix-tree.ts'
import { BadDatabase, type Mmdb } from './mmdb.ts'

/** Record → value of the tree; 0 is for nothing known. */
export type ValueOf = (record: unknown) => number

const ipv4Depth = 96

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

function ipv4Start(mmdb: Mmdb): number {
  let target = 0
  for (let depth = 0; depth < ipv4Depth && target < mmdb.nodeCount; depth++)
    target = mmdb.child(target, 0)
  return target
}

function withoutSpecial(builder: PrefixTreeBuilder, root: number, octets: 4 | 16): number {
  return specialPurposeNetworks
    .filter((network) => network.octets.length === octets)
    .reduce((link, network) => builder.withNetwork(link, network, 0), root)
}

// Links of a prefix tree are never so low: it would have two thousand million values.
const unseen = -0x8000_0000

const underWay = -0x7fff_ffff

class Walk {
  readonly #mmdb: Mmdb
  readonly #builder: PrefixTreeBuilder
  readonly #valueOf: ValueOf
  /** Node → its link in the new tree. */
  readonly #seen: Int32Array
  /** Node → longest way to a leaf. */
  readonly #heights: Uint8Array
  readonly #values = new Map<number, number>()
  readonly #path: Uint8Array

  constructor(mmdb: Mmdb, builder: PrefixTreeBuilder, valueOf: ValueOf) {
    this.#mmdb = mmdb
    this.#builder = builder
    this.#valueOf = valueOf
    this.#seen = new Int32Array(mmdb.nodeCount).fill(unseen)
    this.#heights = new Uint8Array(mmdb.nodeCount)
    this.#path = new Uint8Array(mmdb.bits / 8)
  }

  /** The link of the new tree for one of the file, of which the path has `depth` bits. */
  link(target: number, depth: number): number {
    const { nodeCount, bits } = this.#mmdb
    if (target === nodeCount) return leafOf(0)
    if (target > nodeCount) return leafOf(this.#value(target))
    const seen = this.#seen[target] as number
    if (seen === underWay) throw new BadDatabase('is damaged: its tree leads back into itself')
    if (depth + (this.#heights[target] as number) > bits || depth === bits)
      throw new BadDatabase('is damaged: its tree is deeper than addresses are long')
    return seen === unseen ? this.#node(target, depth) : seen
  }

  #node(node: number, depth: number): number {
    const [zero, one] = [this.#mmdb.child(node, 0), this.#mmdb.child(node, 1)]
    this.#seen[node] = underWay
    const zeroLink = this.link(zero, depth + 1)
    const bit = 0x80 >> (depth & 7)
    this.#path[depth >> 3] = (this.#path[depth >> 3] as number) | bit
    const oneLink = this.link(one, depth + 1)
    this.#path[depth >> 3] = (this.#path[depth >> 3] as number) & ~bit
    this.#heights[node] = 1 + Math.max(this.#heightOf(zero), this.#heightOf(one))
    return (this.#seen[node] = this.#builder.node(zeroLink, oneLink))
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

// Addresses that are of no country: private, loopback, link-local, documentation, multicast and the like
// (IANA special-purpose registries, RFC 6890). Databases made of geofeeds place some of them all the same:
// the shipped one has 192.168.1.1 in Australia. Rules reach such clients by `network`.

const texts = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
  192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b:1::/48 100::/64 2001:2::/48 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7 fe80::/10 ff00::/8`

export const specialPurposeNetworks: readonly {
  readonly octets: Uint8Array
  readonly prefixLength: number
}[] = texts.split(/\s+/).map((text) => {
  const network = parseNetwork(text)
  if (network.kind === 'bad') throw new Error(network.why) // a slip in the list above, seen by any test
  return network
})
