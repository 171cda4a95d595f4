// Class CHAOS: identity and version of the server as TXT records (RFC 4892). Any other name or type of the class is
// REFUSED, and so is what the operator has turned off.

import { Rcode } from '../wire/rcode.ts'
import { RRType } from '../wire/rrtype.ts'
import type { NameKey } from '../wire/name.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import type { ServerIdentity } from './context.ts'
import type { Transaction } from './transaction.ts'
import { addEntry, resetPlan } from './plan.ts'

/** The TXT rdata of each name. */
export type ChaosTexts = ReadonlyMap<NameKey, readonly Rdata[]>

export function createChaos({ chaosIdentity, chaosVersion }: ServerIdentity): ChaosTexts {
  const texts = new Map<NameKey, readonly Rdata[]>()
  const put = (names: readonly string[], text: string | null): void => {
    if (text !== null) for (const name of names) texts.set(name, [textRdata(text)])
  }
  put(['\x02id\x06server\0', '\x08hostname\x04bind\0'], chaosIdentity)
  put(['\x07version\x06server\0', '\x07version\x04bind\0'], chaosVersion)
  return texts
}

const maxTextOctets = 255

function textRdata(text: string): Rdata {
  const octets = new TextEncoder().encode(text).subarray(0, maxTextOctets)
  return { octets: Uint8Array.of(octets.length, ...octets), compressible: [] }
}

/** Plans the answer to a query of class CHAOS. */
export function decideChaos({ plan, query }: Transaction, texts: ChaosTexts): void {
  const rdata = texts.get(query.key)
  const isText = query.qtype === RRType.TXT || query.qtype === RRType.ANY
  resetPlan(plan, rdata !== undefined && isText ? Rcode.NOERROR : Rcode.REFUSED)
  if (rdata === undefined || !isText) return
  plan.authoritative = true
  const entry = addEntry(plan, 'answer', null, RRType.TXT)
  // TTL 0: with anycast, the next query may reach another instance.
  if (entry !== null) entry.rdata = rdata
}
