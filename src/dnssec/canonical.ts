// Canonical forms for signatures (RFC 4034 §6): names in lower case, those in rdata too for the types that RFC 4034 §6.2 lists
// (without NSEC, RFC 6840 §5.1), and the records of a set in the order of their rdata.

import { lowerOctet, type Name } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRType } from '../wire/rrtype.ts'

/** Writes a name in lower case at `at`; where it ends. */
export function writeCanonicalName(octets: Uint8Array, at: number, name: Name): number {
  for (let i = 0; i < name.length; i++) octets[at + i] = lowerOctet(name[i] as number)
  return at + name.length
}

/** Where names are in rdata of a type: so many octets before the first one, and how many follow each other. */
interface NamesInRdata {
  readonly skip: number
  readonly count: number
}

const at = (skip: number, count: number): NamesInRdata => ({ skip, count })

/** MD, MF, MB, MG, MR, MINFO, RT and PX, which have no mnemonic here, can be in a zone by the form of RFC 3597. */
const namesByType: ReadonlyMap<number, NamesInRdata> = new Map([
  [RRType.NS, at(0, 1)],
  [3, at(0, 1)],
  [4, at(0, 1)],
  [RRType.CNAME, at(0, 1)],
  [RRType.SOA, at(0, 2)],
  [7, at(0, 1)],
  [8, at(0, 1)],
  [9, at(0, 1)],
  [RRType.PTR, at(0, 1)],
  [14, at(0, 2)],
  [RRType.MX, at(2, 1)],
  [RRType.RP, at(0, 2)],
  [RRType.AFSDB, at(2, 1)],
  [21, at(2, 1)],
  [26, at(2, 2)],
  [RRType.SRV, at(6, 1)],
  [RRType.KX, at(2, 1)],
  [RRType.DNAME, at(0, 1)],
])

/** Octets before the three character strings of NAPTR, which its name follows (RFC 3403 §4.1). */
const naptrHeadOctets = 4
const naptrStrings = 3

/** The canonical form of valid rdata: itself where nothing in it changes. */
function canonicalRdata(type: number, octets: Uint8Array): Uint8Array {
  if (type === RRType.NAPTR) {
    let skip = naptrHeadOctets
    for (let string = 0; string < naptrStrings; string++) skip += 1 + (octets[skip] ?? 0)
    return lowerNames(octets, skip, 1)
  }
  const names = namesByType.get(type)
  return names === undefined ? octets : lowerNames(octets, names.skip, names.count)
}

/** A copy with `count` names from `from` on in lower case. Length octets stay as they are. */
function lowerNames(octets: Uint8Array, from: number, count: number): Uint8Array {
  const lowered = octets.slice()
  let left = count
  let at = from
  while (left > 0 && at < octets.length) {
    const length = octets[at] as number
    const end = Math.min(at + 1 + length, octets.length)
    for (let i = at + 1; i < end; i++) lowered[i] = lowerOctet(octets[i] as number)
    if (length === 0) left--
    at = end
  }
  return lowered
}

/** The canonical rdata of a set in canonical order, without duplicates (RFC 4034 §6.3). */
export function canonicalRdatas(type: number, rdata: readonly Rdata[]): readonly Uint8Array[] {
  if (rdata.length === 1) return [canonicalRdata(type, (rdata[0] as Rdata).octets)]
  const sorted = rdata
    .map(({ octets }) => canonicalRdata(type, octets))
    .sort((a, b) => Buffer.compare(a, b))
  return sorted.filter(
    (octets, i) => i === 0 || Buffer.compare(octets, sorted[i - 1] as Uint8Array) !== 0,
  )
}
