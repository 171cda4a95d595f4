// The state of one query while it is answered: the query, its peer, and each published value as read at the start. A
// responder has one record, refilled for every packet.

import type { SelectedSet } from '../steer/policy.ts'
import { createSteering, type Steering } from '../steer/select/steering.ts'
import type { Locus } from '../steer/selection.ts'
import { Opcode } from '../wire/header.ts'
import type { NameKey } from '../wire/name.ts'
import { emptyQuery, type Query } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'
import { createLabelStarts, type LabelStarts, type Lookup } from '../zone/lookup.ts'
import { createChainKey } from '../zone/denial-chain.ts'
import type { Catalog, Zone } from '../zone/zone.ts'
import { type ClientCookie, noCookie } from './client-cookie.ts'
import {
  createSubnetBuffers,
  hasClientSubnet,
  locateClient,
  scopeOf,
  type SubnetBuffers,
} from './client-subnet.ts'
import type { AnswerContext, Peer } from './context.ts'
import { createPlan, forgetEntries, type Plan } from './plan.ts'

export interface Transaction {
  readonly context: AnswerContext
  readonly steering: Steering
  readonly plan: Plan
  query: Query
  peer: Peer
  catalog: Catalog
  /** The names whose aliases were followed. */
  readonly visited: NameKey[]
  /** Working memory of lookups in zones. */
  readonly labelStarts: LabelStarts
  /** Names of the answer that were expanded from wildcards, still to be proven (signing.ts). */
  readonly expanded: { readonly zone: Zone; readonly key: NameKey }[]
  /** Working memory of searches in denial chains. */
  readonly chainKey: Uint8Array
  /** Where the client is; null until the first steered set needs it. */
  locus: Locus | null
  /** The client subnet's address, filled when it is needed. */
  readonly subnet: SubnetBuffers
  /** For a client subnet: the longest scope of the steered sets used so far, in bits. */
  scopePrefixLength: number
  /** A steered set of the answer has every target, because none was eligible. */
  hasFailedOpen: boolean
  /** A steered set is in the answer, which is therefore only as good as the health data. */
  usesHealth: boolean
  readonly staleness: Staleness
  readonly cookie: ClientCookie
  extendedError: ExtendedError | null
  unsigned: Unsigned | null
  /** Cut short by the rate limit: header, question and the cookie alone, with TC or BADCOOKIE. */
  isSlipped: boolean
  /** What the catalog has for the qname, where the answer depends on that alone; null: also on other names. */
  lookup: Lookup | null
  /** The records do not depend on randomness, health, the client, or the letters of the qname. */
  isStatic: boolean
  /** Offset of the end of the records of the message last encoded, its OPT not included. */
  recordsEnd: number
}

/**
 * Why signatures that the answer needs are missing; null: none are.
 *
 *   refused    too many were made of late: it is cut short to TC, to ask again over TCP
 *   no-time    the time to sign by is not known: SERVFAIL
 *   lapsed     those that there are have expired: SERVFAIL
 */
type Unsigned = 'refused' | 'no-time' | 'lapsed'

export const createTransaction = (context: AnswerContext): Transaction => ({
  context,
  steering: createSteering(context),
  plan: createPlan(),
  query: emptyQuery(),
  peer: { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' },
  catalog: { zones: new Map(), generation: -1 },
  visited: [],
  labelStarts: createLabelStarts(),
  expanded: [],
  chainKey: createChainKey(),
  locus: null,
  subnet: createSubnetBuffers(),
  scopePrefixLength: 0,
  hasFailedOpen: false,
  usesHealth: false,
  staleness: createStaleness(),
  cookie: noCookie(),
  extendedError: null,
  unsigned: null,
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
  transaction.unsigned = null
  transaction.isSlipped = false
  transaction.lookup = null
  transaction.isStatic = true
  // An assignment to `length` takes as long as a good part of an answer.
  if (transaction.expanded.length > 0) transaction.expanded.length = 0
}

/** Reads the catalog in force for this transaction. */
export function readCatalog(transaction: Transaction): Catalog {
  const catalog = transaction.context.catalog()
  if (catalog !== transaction.catalog) forgetEntries(transaction.plan)
  transaction.catalog = catalog
  return catalog
}

/** Where the client is: of its client subnet if the query has one, else of the peer. Located once a query. */
export const clientLocus = (transaction: Transaction): Locus =>
  (transaction.locus ??= locateClient(
    transaction.context,
    transaction.query,
    transaction.peer,
    transaction.subnet,
  ))

/** The client's locus, for steering `set`: its scope becomes part of the answer's. */
export function locusOf(transaction: Transaction, set: SelectedSet): Locus {
  const locus = clientLocus(transaction)
  if (hasClientSubnet(transaction.query))
    noteScope(transaction, scopeOf(set, locus, transaction.query, transaction.context))
  return locus
}

/** Extends the answer's scope to a set's scope of `length` bits, if that is longer. */
export function noteScope(transaction: Transaction, length: number): void {
  if (length > transaction.scopePrefixLength) transaction.scopePrefixLength = length
}

// Extended DNS Errors (RFC 8914), for people who look at an answer with dig.
//
//   REFUSED   transfer, NOTIFY, UPDATE, CHAOS    18 Prohibited
//             a name outside of our zones        20 Not Authoritative; for NOTIFY and UPDATE as NOTAUTH
//   SERVFAIL  `on_all_down: servfail`            0 Other, with a text
//             no time to sign by                 14 Not Ready, with a text
//   FORMERR   QTYPE NXNAME                       30 Invalid Query Type (RFC 9824 §3.5)
//   NOERROR   failed open                        0 Other, with a text: the records look like those of any answer
//             health data is stale               3 Stale Answer

interface ExtendedError {
  /** INFO-CODE. */
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

const signingErrors: Readonly<Record<Unsigned, ExtendedError | null>> = {
  refused: null,
  'no-time': errorOf(14, 'the clock of this server is not right yet'),
  lapsed: errorOf(7, 'the signatures of DNSKEY, made offline, have run out'),
}

const invalidType = errorOf(30)

const staleHealth = errorOf(3, 'health is not kept up to date')

/** Whether a NOERROR answer has an extended error. */
export const hasExtendedError = ({
  hasFailedOpen,
  usesHealth,
  staleness,
  context,
}: Transaction): boolean => hasFailedOpen || (usesHealth && isStale(staleness, context))

/** The extended error of the planned answer; null: none. */
export function extendedErrorOf(transaction: Transaction): ExtendedError | null {
  const { plan, query } = transaction
  switch (plan.rcode) {
    case Rcode.NOERROR:
      if (!hasExtendedError(transaction)) return null
      return transaction.hasFailedOpen ? failedOpen : staleHealth
    case Rcode.SERVFAIL:
      return transaction.unsigned === null ? failedShut : signingErrors[transaction.unsigned]
    case Rcode.FORMERR:
      return query.qtype === RRType.NXNAME ? invalidType : null
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

// Stale health: when the control thread stops, answers stay as they were, and so should say that they are stale, because
// the metrics are that thread's too.
//
// The control thread counts heartbeats. A worker notes when it last saw a new one, by its own clock, because the clocks of
// two threads have no common start. A worker that was idle notices a stopped thread one query late.

/** Thirty missed heartbeats. */
export const staleAfterMs = 30_000

interface Staleness {
  /** Heartbeats at the last look, and when that number was first seen (monotonic milliseconds). */
  beats: number
  seenMs: number
}

const createStaleness = (): Staleness => ({ beats: 0, seenMs: 0 })

function isStale(staleness: Staleness, { health, clock }: AnswerContext): boolean {
  const beats = health.beats()
  // Without a control thread, in tests and tools, there are no heartbeats.
  if (beats === 0) return false
  const nowMs = clock.monotonicMs()
  if (beats === staleness.beats) return nowMs - staleness.seenMs > staleAfterMs
  staleness.beats = beats
  staleness.seenMs = nowMs
  return false
}
