// What NSEC records prove (RFC 4034 §4, RFC 4035 §5.4, RFC 4592, RFC 6840 §4).

import { type Rr, nameAt } from './message.ts'
import { type Labels, commonAncestor, compareNames, isBelow, isSameName } from './names.ts'

export interface Denial {
  readonly owner: Labels
  readonly next: Labels
  readonly types: ReadonlySet<number>
}

export type DenialFlaw =
  | 'bitmap is malformed'
  | 'bitmap lacks NSEC or RRSIG'
  | 'name is not denied'
  | 'wildcard is not denied'
  | 'name exists'
  | 'type exists'
  | 'alias exists'
  | 'name is delegated'
  | 'closer name exists'

/** A proof that holds, or why there is none. */
export type Proof =
  | { readonly kind: 'proven' }
  | { readonly kind: 'flawed'; readonly flaw: DenialFlaw }

const [ns, cname, soa, dname, ds, rrsig, nsec, any] = [2, 5, 6, 39, 43, 46, 47, 255] as const
const proven: Proof = { kind: 'proven' }
const flawed = (flaw: DenialFlaw): Proof => ({ kind: 'flawed', flaw })

/** Null where the bitmap breaks RFC 4034 §4.1.2. */
export function parseDenial({ owner, rdata }: Rr): Denial | null {
  const { labels: next, next: start } = nameAt(rdata, 0, false)
  const types = new Set<number>()
  let lastWindow = -1
  for (let at = start; at < rdata.length;) {
    const window = rdata.readUInt8(at)
    const length = at + 1 < rdata.length ? rdata.readUInt8(at + 1) : 0
    const end = at + 2 + length
    if (window <= lastWindow || length < 1 || length > 32 || end > rdata.length) return null
    if (rdata[end - 1] === 0) return null
    for (let bit = 0; bit < length * 8; bit++)
      if (((rdata[at + 2 + (bit >> 3)] as number) & (0x80 >> (bit & 7))) !== 0)
        types.add(window * 256 + bit)
    lastWindow = window
    at = end
  }
  return { owner, next, types }
}

/** A set that exists at the name itself: what no NSEC of that name can lack. */
export const hasOwnTypes = ({ types }: Denial): boolean => types.has(nsec) && types.has(rrsig)

const isCut = ({ types }: Denial): boolean => types.has(ns) && !types.has(soa)

const matching = (denials: readonly Denial[], name: Labels): Denial | undefined =>
  denials.find(({ owner }) => isSameName(owner, name))

/** Whether the name lies between owner and next, and what lies below the owner is not another zone's to deny. */
export function covers(denial: Denial, name: Labels): boolean {
  const { owner, next } = denial
  if (isBelow(name, owner) && (isCut(denial) || denial.types.has(dname))) return false
  if (compareNames(owner, name) >= 0) return false
  // The last one leads back to the apex, and denies nothing outside of it.
  return compareNames(next, owner) <= 0 ? isBelow(name, next) : compareNames(name, next) < 0
}

/** Covered, and no empty non-terminal. */
const coveringGap = (denials: readonly Denial[], name: Labels): Denial | undefined =>
  denials.find((denial) => covers(denial, name) && !isBelow(denial.next, name))

const isEmptyNonTerminal = (denials: readonly Denial[], name: Labels): boolean =>
  denials.some((denial) => covers(denial, name) && isBelow(denial.next, name))

/** The longest ancestor of a covered name that exists. */
function closestEncloser({ owner, next }: Denial, name: Labels): Labels {
  const [a, b] = [commonAncestor(name, owner), commonAncestor(name, next)]
  return a.length >= b.length ? a : b
}

/** That neither the name exists nor a wildcard that it could be expanded from. */
export function proveNoName(denials: readonly Denial[], name: Labels): Proof {
  if (matching(denials, name) || isEmptyNonTerminal(denials, name)) return flawed('name exists')
  const gap = coveringGap(denials, name)
  if (gap === undefined) return flawed('name is not denied')
  const wildcard = ['*', ...closestEncloser(gap, name)]
  if (matching(denials, wildcard) || isEmptyNonTerminal(denials, wildcard))
    return flawed('name exists')
  return coveringGap(denials, wildcard) ? proven : flawed('wildcard is not denied')
}

/** That the name exists, or a wildcard that it is expanded from, without the type. `apex`: that of the zone. */
export function proveNoData(
  denials: readonly Denial[],
  name: Labels,
  type: number,
  apex: Labels,
): Proof {
  const exact = matching(denials, name)
  if (exact !== undefined) return lacks(exact, type, apex)
  if (isEmptyNonTerminal(denials, name)) return proven
  const gap = coveringGap(denials, name)
  if (gap === undefined) return flawed('name is not denied')
  const wildcard = ['*', ...closestEncloser(gap, name)]
  if (isEmptyNonTerminal(denials, wildcard)) return proven
  const source = matching(denials, wildcard)
  return source === undefined ? flawed('wildcard is not denied') : lacks(source, type, apex)
}

function lacks(denial: Denial, type: number, apex: Labels): Proof {
  if (denial.types.has(type) || type === any) return flawed('type exists')
  if (denial.types.has(cname)) return flawed('alias exists')
  // Above a cut the parent speaks of DS alone; at an apex the child may not (RFC 6840 §4.1, §4.4).
  if (type !== ds && isCut(denial)) return flawed('name is delegated')
  if (type === ds && denial.types.has(soa) && !isSameName(denial.owner, apex))
    return flawed('name is delegated')
  return proven
}

/** That a name which a wildcard was expanded to has no closer match (RFC 4035 §5.3.4). */
export function proveExpansion(
  denials: readonly Denial[],
  name: Labels,
  encloserLabels: number,
): Proof {
  if (matching(denials, name) || isEmptyNonTerminal(denials, name)) return flawed('name exists')
  const gap = coveringGap(denials, name)
  if (gap === undefined) return flawed('name is not denied')
  return closestEncloser(gap, name).length === encloserLabels
    ? proven
    : flawed('closer name exists')
}

/** That a delegation has no DS (RFC 4035 §5.2). */
export function proveInsecure(denials: readonly Denial[], cut: Labels): Proof {
  const exact = matching(denials, cut)
  if (exact === undefined) return flawed('name is not denied')
  if (exact.types.has(ds)) return flawed('type exists')
  return isCut(exact) ? proven : flawed('name is delegated')
}
