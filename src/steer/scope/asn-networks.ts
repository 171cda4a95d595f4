// The networks of the ASNs that rules name, found by walking all of the database: once for all rules of a catalog,
// and only for ASNs that were not looked for before.

import { isLeaf, valueOf } from '../../lib/prefix-tree.ts'
import type { AsnTree } from './place-networks.ts'
import type { Network } from '../../lib/ip.ts'
import type { Policy } from '../policy.ts'

export interface AsnNetworks {
  /** Finds what these policies need, in one walk. */
  collect(policies: Iterable<Policy>): void
  of(asn: number): readonly Network[]
}

export function createAsnNetworks(tree: AsnTree | null): AsnNetworks {
  const known = new Map<number, Network[]>()
  return {
    collect(policies) {
      const wanted = new Map<number, Network[]>()
      for (const { rules } of policies)
        for (const { when } of rules)
          for (const asn of when?.asns ?? []) if (!known.has(asn)) wanted.set(asn, [])
      if (wanted.size === 0) return
      if (tree) walk(tree, wanted)
      for (const [asn, networks] of wanted) known.set(asn, networks)
    },
    of: (asn) => known.get(asn) ?? [],
  }
}

function walk(tree: AsnTree, wanted: ReadonlyMap<number, Network[]>): void {
  for (const octets of [4, 16]) {
    const path = new Uint8Array(octets)
    const descend = (link: number, depth: number): void => {
      if (isLeaf(link)) {
        const asn = tree.asns[valueOf(link)] as number
        wanted.get(asn)?.push({ octets: path.slice(), prefixLength: depth })
        return
      }
      const [at, bit] = [depth >> 3, 0x80 >> (depth & 7)]
      descend(tree.links[2 * link] as number, depth + 1)
      path[at] = (path[at] as number) | bit
      descend(tree.links[2 * link + 1] as number, depth + 1)
      path[at] &= ~bit
    }
    descend(octets === 4 ? tree.root4 : tree.root6, 0)
  }
}
