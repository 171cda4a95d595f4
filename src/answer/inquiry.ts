// What one query is decided with: the query, who asked, and each published value as read at its start.
// One record a responder, refilled for every packet.

import type { SelectedSet } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { emptyQuery, type Query } from '../wire/query.ts'
import type { Lookup } from '../zone/lookup.ts'
import type { NameKey } from '../wire/name.ts'
import type { Catalog } from '../zone/zone.ts'
import { noCookie, type ClientCookie } from './client-cookie.ts'
import { hasClientSubnet, locateClient, scopeOf } from './client-subnet.ts'
import type { AnswerContext, Peer } from './context.ts'
import type { ExtendedError } from './extended-error.ts'
import { createPlan, forgetEntries, type Plan } from './plan.ts'
import { createStaleness, type Staleness } from './staleness.ts'

export interface Inquiry {
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
  isCut: boolean
  /** What the catalog has for the name asked for, where that alone makes the answer; null: more went into it. */
  found: Lookup | null
  /** Nothing of chance, health or the client is in the answer. */
  isFixed: boolean
  /** Where the records of the message that was encoded last end, its OPT not among them. */
  recordsEnd: number
}

export const createInquiry = (context: AnswerContext): Inquiry => ({
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
  isCut: false,
  found: null,
  isFixed: true,
  recordsEnd: 0,
})

export function beginInquiry(inquiry: Inquiry, query: Query, peer: Peer): void {
  inquiry.query = query
  inquiry.peer = peer
  inquiry.locus = null
  inquiry.scopePrefixLength = 0
  inquiry.hasFailedOpen = false
  inquiry.usesHealth = false
  inquiry.cookie.verdict = 'none'
  inquiry.extendedError = null
  inquiry.isCut = false
  inquiry.found = null
  inquiry.isFixed = true
}

/** The catalog in force, from now on. */
export function readCatalog(inquiry: Inquiry): Catalog {
  const catalog = inquiry.context.catalog()
  if (catalog !== inquiry.catalog) forgetEntries(inquiry.plan)
  inquiry.catalog = catalog
  return catalog
}

/** Where the client is taken to be, for steering `set`. */
export function locusOf(inquiry: Inquiry, set: SelectedSet): Locus {
  const locus = (inquiry.locus ??= locateClient(inquiry.context, inquiry.query, inquiry.peer))
  if (hasClientSubnet(inquiry.query)) {
    const length = scopeOf(set, locus, inquiry.query, inquiry.context)
    inquiry.scopePrefixLength = Math.max(inquiry.scopePrefixLength, length)
  }
  return locus
}
