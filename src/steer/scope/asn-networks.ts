// The networks announced by the ASNs that rules name. Finding them takes a walk over the whole ASN database, so one walk
// serves all rules of a catalog, and only for ASNs that no earlier walk collected.

import { isLeaf, valueOf } from '../../lib/prefix-tree.ts'
import type { AsnTree } from './place-networks.ts'
import type { Network } from '../../lib/ip.ts'
import type { Policy } from '../policy.ts'

export interface AsnNetworks {
  /** Collects the networks of all ASNs named by these policies; at most one walk over the database. */
  collect(policies: Iterable<Policy>): void
  /** The networks of a collected ASN; empty for one that was not collected or has no network. */
  of(asn: number): readonly Network[]
}

/** `tree`: the ASN database; null where there is none, and no ASN has networks. */
export function createAsnNetworks(tree: AsnTree | null): AsnNetworks {
  const collected = new Map<number, Network[]>()
  return {
    collect(policies) {
      const wanted = new Map<number, Network[]>()
      for (const { rules } of policies)
        for (const { when } of rules)
          for (const asn of when?.asns ?? []) if (!collected.has(asn)) wanted.set(asn, [])
      if (wanted.size === 0) return
      if (tree) walk(tree, wanted)
      for (const [asn, networks] of wanted) collected.set(asn, networks)
    },
    of: (asn) => collected.get(asn) ?? [],
  }
}

/** Appends each network of the tree to its ASN's list, for the ASNs that are keys of `wanted`. */
function walk(tree: AsnTree, wanted: ReadonlyMap<number, Network[]>): void {
  for (const octets of [4, 16]) {
    const path = new Uint8Array(octets)
    const descend = (link: number, depth: number): void => {
      if (isLeaf(link)) {
        const asn = tree.asns[valueOf(link)] as number
        wanted.get(asn)?.push({ octets: path.slice(), prefixLength: depth })
        return
      }
      const [octet, bit] = [depth >> 3, 0x80 >> (depth & 7)]
      descend(tree.links[2 * link] as number, depth + 1)
      path[octet] = (path[octet] as number) | bit
      descend(tree.links[2 * link + 1] as number, depth + 1)
      path[octet] &= ~bit
    }
    descend(octets === 4 ? tree.root4 : tree.root6, 0)
  }
}
