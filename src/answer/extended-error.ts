// Extended DNS Errors (RFC 8914): what someone who looks at an answer with dig should know of it.
//
//   REFUSED   transfer, NOTIFY, UPDATE, CHAOS    18 Prohibited
//             a name of no zone of ours          20 Not Authoritative; for NOTIFY and UPDATE as NOTAUTH
//   SERVFAIL  asked for by the zone              0, and says so
//   NOERROR   everybody, since nobody is up      0, and says so: the answer alone looks like any other
//             by health that nobody keeps        3 Stale Answer

import { Opcode } from '../wire/header.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import type { Inquiry } from './inquiry.ts'
import { isStale } from './staleness.ts'

export interface ExtendedError {
  readonly code: number
  /** EXTRA-TEXT, UTF-8. */
  readonly text: Uint8Array
}

const errorOf = (code: number, text = ''): ExtendedError => ({
  code,
  text: new TextEncoder().encode(text),
})

const prohibited = errorOf(18)
const notAuthoritative = errorOf(20)
const failedOpen = errorOf(0, 'no target is up: all are answered')
const failedShut = errorOf(0, 'no target is up: SERVFAIL as configured')

const staleHealth = errorOf(3, 'health is not kept up to date')

/** Whether there is something to say of an answer that is no error. */
export const isNoteworthy = ({ hasFailedOpen, usesHealth, staleness, context }: Inquiry): boolean =>
  hasFailedOpen || (usesHealth && isStale(staleness, context))

/** What there is to say of the plan. */
export function extendedErrorOf(inquiry: Inquiry): ExtendedError | null {
  const { plan, query } = inquiry
  switch (plan.rcode) {
    case Rcode.NOERROR:
      if (!isNoteworthy(inquiry)) return null
      return inquiry.hasFailedOpen ? failedOpen : staleHealth
    case Rcode.SERVFAIL:
      return failedShut
    case Rcode.REFUSED:
      return isProhibited(query.opcode, query.qtype, query.qclass) ? prohibited : notAuthoritative
    case Rcode.NOTAUTH:
      return query.tsig.isPresent ? null : notAuthoritative
    default:
      return null
  }
}

const isProhibited = (opcode: number, qtype: number, qclass: number): boolean =>
  opcode !== Opcode.QUERY || qclass === RRClass.CH || qtype === RRType.AXFR || qtype === RRType.IXFR
