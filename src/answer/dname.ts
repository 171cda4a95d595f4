// DNAME: everything below its owner is an alias to the same labels below its target (RFC 6672 §2.2, §3.1).

import { keyOfOctets } from '../wire/key.ts'
import { isAtOrBelow, maxNameOctets, type Name } from '../wire/name.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { RRset } from '../zone/zone.ts'
import { addSet } from './add-set.ts'
import type { Inquiry } from './inquiry.ts'
import { addEntry, hasEntry } from './plan.ts'

/** Plans the DNAME and the CNAME that follows from it; the name to go on with, or null where there is none. */
export function addDname(
  inquiry: Inquiry,
  owner: Name | null,
  dnameOwner: Name,
  dname: RRset,
): Name | null {
  const { plan, query } = inquiry
  if (!hasEntry(plan, 'answer', dnameOwner, RRType.DNAME))
    addSet(inquiry, 'answer', dnameOwner, dname)
  const name =
    owner ?? query.packet.subarray(query.qnameOffset, query.qnameOffset + query.qnameOctets)
  const target = substitute(name, dnameOwner.length, (dname.rdata[0] as Rdata).octets)
  if (target === null) {
    // RFC 6672 §2.2: YXDOMAIN if the name would exceed 255 octets.
    plan.rcode = Rcode.YXDOMAIN
    return null
  }
  const entry = addEntry(plan, 'answer', owner, RRType.CNAME)
  if (entry === null) return null
  entry.ttl = dname.ttl
  entry.rdata = [{ octets: target, compressible: [0] }]
  return growsForever(dnameOwner, (dname.rdata[0] as Rdata).octets) ? null : target
}

/** A DNAME that leads below itself applies to what it gives, again and again: following it says nothing new. */
const growsForever = (dnameOwner: Name, target: Name): boolean =>
  isAtOrBelow(keyOfOctets(target, 0, target.length), keyOfOctets(dnameOwner, 0, dnameOwner.length))

/** `name` with its last `suffixOctets` replaced by `target`. */
function substitute(name: Name, suffixOctets: number, target: Name): Name | null {
  const prefixOctets = name.length - suffixOctets
  if (prefixOctets + target.length > maxNameOctets) return null
  const substituted = new Uint8Array(prefixOctets + target.length)
  substituted.set(name.subarray(0, prefixOctets))
  substituted.set(target, prefixOctets)
  return substituted
}
