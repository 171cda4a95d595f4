// What one query is decided with: the query, who asked, and each published value as read at its start.
// One record a responder, refilled for every packet.

import type { SelectedSet } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { Opcode } from '../wire/header.ts'
import type { NameKey } from '../wire/name.ts'
import { emptyQuery, type Query } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import type { Lookup } from '../zone/lookup.ts'
import type { Catalog } from '../zone/zone.ts'
import { type ClientCookie, noCookie } from './client-cookie.ts'
import { hasClientSubnet, locateClient, scopeOf } from './client-subnet.ts'
import type { AnswerContext, Peer } from './context.ts'
import { createPlan, forgetEntries, type Plan } from './plan.ts'

export interface Transaction {
  readonly context: AnswerContext
  readonly plan: Plan
  query: Query
  peer: Peer
  catalog: Catalog
  /** The names whose aliases were followed. */
  readonly visited: NameKey[]
  /** Where the client is taken to be; found when the first steered set needs it. */
  locus: Locus | null
  /** Of a client subnet: how long a prefix around the client all steered sets are decided alike for. */
  scopePrefixLength: number
  /** A steered set of the answer holds every target, since none was eligible. */
  hasFailedOpen: boolean
  /** A steered set is in the answer: it is as good as the health it went by. */
  usesHealth: boolean
  readonly staleness: Staleness
  readonly cookie: ClientCookie
  extendedError: ExtendedError | null
  /** Nothing but header, question and what EDNS cannot do without; the header says TC. */
  isSlipped: boolean
  /** What the catalog has for the name asked for, where that alone makes the answer; null: more went into it. */
  lookup: Lookup | null
  /** Nothing of chance, health or the client is in the answer. */
  isStatic: boolean
  /** Where the records of the message that was encoded last end, its OPT not among them. */
  recordsEnd: number
}

export const createTransaction = (context: AnswerContext): Transaction => ({
  context,
  plan: createPlan(),
  query: emptyQuery(),
  peer: { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' },
  catalog: { zones: new Map(), generation: -1 },
  visited: [],
  locus: null,
  scopePrefixLength: 0,
  hasFailedOpen: false,
  usesHealth: false,
  staleness: createStaleness(),
  cookie: noCookie(),
  extendedError: null,
  isSlipped: false,
  lookup: null,
  isStatic: true,
  recordsEnd: 0,
})

export function beginTransaction(transaction: Transaction, query: Query, peer: Peer): void {
  transaction.query = query
  transaction.peer = peer
  transaction.locus = null
  transaction.scopePrefixLength = 0
  transaction.hasFailedOpen = false
  transaction.usesHealth = false
  transaction.cookie.verdict = 'none'
  transaction.extendedError = null
  transaction.isSlipped = false
  transaction.lookup = null
  transaction.isStatic = true
}

/** The catalog in force, from now on. */
export function readCatalog(transaction: Transaction): Catalog {
  const catalog = transaction.context.catalog()
  if (catalog !== transaction.catalog) forgetEntries(transaction.plan)
  transaction.catalog = catalog
  return catalog
}

/** Where the client is taken to be, for steering `set`. */
export function locusOf(transaction: Transaction, set: SelectedSet): Locus {
  const locus = (transaction.locus ??= locateClient(
    transaction.context,
    transaction.query,
    transaction.peer,
  ))
  if (hasClientSubnet(transaction.query)) {
    const length = scopeOf(set, locus, transaction.query, transaction.context)
    transaction.scopePrefixLength = Math.max(transaction.scopePrefixLength, length)
  }
  return locus
}

// Extended DNS Errors (RFC 8914): what someone who looks at an answer with dig should know of it.
//
//   REFUSED   transfer, NOTIFY, UPDATE, CHAOS    18 Prohibited
//             a name of no zone of ours          20 Not Authoritative; for NOTIFY and UPDATE as NOTAUTH
//   SERVFAIL  asked for by the zone              0, and says so
//   NOERROR   everybody, since nobody is up      0, and says so: the answer alone looks like any other
//             by health that nobody keeps        3 Stale Answer

interface ExtendedError {
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
export const hasExtendedError = ({
  hasFailedOpen,
  usesHealth,
  staleness,
  context,
}: Transaction): boolean => hasFailedOpen || (usesHealth && isStale(staleness, context))

/** What there is to say of the plan. */
export function extendedErrorOf(transaction: Transaction): ExtendedError | null {
  const { plan, query } = transaction
  switch (plan.rcode) {
    case Rcode.NOERROR:
      if (!hasExtendedError(transaction)) return null
      return transaction.hasFailedOpen ? failedOpen : staleHealth
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

// Whether the health that answers go by is still kept: a control thread in trouble leaves answers as they are, and
// someone who looks at one should see it (transaction.ts), the more so since the metrics are that thread's.
//
// The control thread beats; a worker notes when it last saw a new beat, by its own clock, since two threads' clocks
// have no common start. Who was not asked for a while learns it one question later.

/** Thirty beats missed. */
export const staleAfterMs = 30_000

interface Staleness {
  beats: number
  seenMs: number
}

const createStaleness = (): Staleness => ({ beats: 0, seenMs: 0 })

function isStale(staleness: Staleness, { health, clock }: AnswerContext): boolean {
  const beats = health.beats()
  // Nobody beats where a test or a tool holds the table.
  if (beats === 0) return false
  const nowMs = clock.monotonicMs()
  if (beats === staleness.beats) return nowMs - staleness.seenMs > staleAfterMs
  staleness.beats = beats
  staleness.seenMs = nowMs
  return false
}
