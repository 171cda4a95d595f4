// The owners of a signed zone in canonical order (RFC 4034 §6.1): the chain of NSEC records, by which a signed zone denies
// names and types (RFC 4035 §3.1.3).
//
// Owners are the authoritative names with sets, zone cuts too. Empty non-terminals, names below a cut and names below a
// DNAME are none.
//
// The chain is static: which types an owner has follows from the zone file alone. Resolvers that deny by what they have
// cached (RFC 8198) can deny nothing that another place or another state of health would bring.
//
// Names are kept as keys whose order as octets is the canonical order of the names, in memory that threads share.
//
//   a key    the labels below the apex from the last to the first, in lower case, a 0 behind each;
//            in a label octet 0 is written 1 1, and octet 1 is written 1 2

import type { SteeredSet } from '../steer/policy.ts'
import { lowerOctet, type Name, type NameKey, parentKey } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import { membersOf } from './policy-members.ts'
import type { DenialChain, RRset, ZoneNode } from './zone.ts'

/** Twice the longest name, since every octet of a label may be written as two; behind it, where labels begin. */
const maxKeyOctets = 512
const maxLabels = 128

/** Room for the key of any name. Its owner creates it once. */
export const createChainKey = (): Uint8Array => new Uint8Array(maxKeyOctets + maxLabels)

/** Builds the chain of a zone. `nodes`: every name of the zone, by its key. */
export function createDenialChain(
  apexKey: NameKey,
  nodes: ReadonlyMap<NameKey, ZoneNode>,
): DenialChain {
  const keys: Uint8Array[] = []
  const hidden = new Map<NameKey, boolean>([[apexKey, false]])
  const key = createChainKey()
  for (const [nameKey, node] of nodes) {
    if (node.sets.size === 0 || isHidden(nameKey, nodes, hidden)) continue
    const { owner } = node
    keys.push(key.slice(0, putChainKey(key, owner, 0, owner.length - apexKey.length)))
  }
  keys.sort((a, b) => Buffer.compare(a, b))
  const offsets = new Int32Array(new SharedArrayBuffer(4 * (keys.length + 1)))
  for (const [i, one] of keys.entries()) offsets[i + 1] = (offsets[i] as number) + one.length
  const octets = new Uint8Array(new SharedArrayBuffer(offsets[keys.length] as number))
  for (const [i, one] of keys.entries()) octets.set(one, offsets[i])
  return { octets, offsets }
}

/** Whether the name is below a zone cut or a DNAME. `known` has the verdict of the apex, and of names looked at before. */
function isHidden(
  key: NameKey,
  nodes: ReadonlyMap<NameKey, ZoneNode>,
  known: Map<NameKey, boolean>,
): boolean {
  const verdict = known.get(key)
  if (verdict !== undefined) return verdict
  const parent = parentKey(key)
  const above = nodes.get(parent)
  const isCut = above !== undefined && (above.isDelegation || above.sets.has(RRType.DNAME))
  const isBelow = isCut || isHidden(parent, nodes, known)
  known.set(key, isBelow)
  return isBelow
}

/**
 * Writes the key of the uncompressed name that begins at `from`, in any case, whose apex begins at `end`; returns the key's
 * length. The key of an ancestor is the beginning of it.
 */
export function putChainKey(
  key: Uint8Array,
  octets: Uint8Array,
  from: number,
  end: number,
): number {
  let labels = 0
  for (let start = from; start < end; start += 1 + (octets[start] as number))
    key[maxKeyOctets + labels++] = start - from
  let at = 0
  let labelEnd = end
  while (labels > 0) {
    const start = from + (key[maxKeyOctets + --labels] as number)
    for (let i = start + 1; i < labelEnd; i++) {
      const octet = lowerOctet(octets[i] as number)
      if (octet < 2) {
        key[at++] = 1
        key[at++] = octet + 1
      } else key[at++] = octet
    }
    key[at++] = 0
    labelEnd = start
  }
  return at
}

/** The name of the owner at `index`, in lower case: the chain is a ring, so that the first one follows the last. */
export function ownerAt({ octets, offsets }: DenialChain, index: number, apex: Name): Name {
  const at = index % (offsets.length - 1)
  const labels: number[][] = [[]]
  for (let i = offsets[at] as number; i < (offsets[at + 1] as number); i++) {
    const octet = octets[i] as number
    if (octet === 0) labels.push([])
    else labels.at(-1)?.push(octet === 1 ? (octets[++i] as number) - 1 : octet)
  }
  labels.pop()
  const prefix = labels.toReversed().flatMap((label) => [label.length, ...label])
  const name = new Uint8Array(prefix.length + apex.length)
  name.set(prefix)
  name.set(apex, prefix.length)
  return name
}

/** Where a name is in a chain: the index of the last owner that is not behind it, which may be the name itself. */
export interface ChainPlace {
  readonly index: number
  readonly isOwner: boolean
}

/** `key`: the first `length` octets are the chain key of the name. */
export function findInChain(chain: DenialChain, key: Uint8Array, length: number): ChainPlace {
  const index = placeInChain(chain, key, length)
  return { index, isOwner: compareKey(chain, index, key, length) === 0 }
}

/** The index alone. The apex comes before all, so that there is always one. */
export function placeInChain(chain: DenialChain, key: Uint8Array, length: number): number {
  let low = 0
  let high = chain.offsets.length - 1
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (compareKey(chain, middle, key, length) <= 0) low = middle
    else high = middle
  }
  return low
}

function compareKey(
  { octets, offsets }: DenialChain,
  index: number,
  key: Uint8Array,
  length: number,
): number {
  const from = offsets[index] as number
  const count = (offsets[index + 1] as number) - from
  const shorter = Math.min(count, length)
  for (let i = 0; i < shorter; i++) {
    const difference = (octets[from + i] as number) - (key[i] as number)
    if (difference !== 0) return difference
  }
  return count - length
}

/**
 * The types that a node's NSEC record lists, but for those of the apex that keys bring: those that it can have for any
 * client, and RRSIG and NSEC. At a zone cut only NS and DS are authoritative here (RFC 4035 §2.3).
 */
export function deniableTypes({ sets, isDelegation }: ZoneNode): readonly number[] {
  const types: number[] = [RRType.RRSIG, RRType.NSEC]
  for (const [type, set] of sets) {
    const isListed = isDelegation ? type === RRType.NS || type === RRType.DS : canBeAnswered(set)
    if (isListed) types.push(type)
  }
  return types.sort((a, b) => a - b)
}

/** False for addresses of a family that no member has: then the set is answered to nobody. */
function canBeAnswered(set: RRset | SteeredSet): boolean {
  switch (set.kind) {
    case 'plain':
    case 'steered-mx':
    case 'steered-srv':
      return true
    case 'target-address':
      return set.target.addresses.some(({ family }) => family === familyOf(set.type))
    case 'steered-address':
    case 'exchange-slot': {
      const members = membersOf(set.policy)
      // Members of weight 0 take no part while others have one.
      const weighted = members.some(({ weight }) => weight > 0)
      return members.some(
        ({ weight, target }) =>
          (weight > 0 || !weighted) &&
          target.addresses.some(({ family }) => family === familyOf(set.type)),
      )
    }
    default:
      return set satisfies never
  }
}

const familyOf = (type: number): 4 | 6 => (type === RRType.A ? 4 : 6)
