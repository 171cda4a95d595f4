// What one query is decided with: the query, who asked, and each published value as read at its start.
// One record a responder, refilled for every packet.

import type { Locus } from '../steer/selection.ts'
import { emptyQuery } from '../wire/query.ts'
import type { Query } from '../wire/query.ts'
import type { Catalog, NameKey } from '../zone/zone.ts'
import type { AnswerContext, Peer } from './context.ts'
import { createPlan } from './plan.ts'
import type { Plan } from './plan.ts'

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
}

export const createInquiry = (context: AnswerContext): Inquiry => ({
  context,
  plan: createPlan(),
  query: emptyQuery(),
  peer: { family: 4, octets: new Uint8Array(4), port: 0, transport: 'udp' },
  catalog: { zones: new Map(), generation: -1 },
  visited: [],
  locus: null,
})

export function locusOf(inquiry: Inquiry): Locus {
  const { context, peer } = inquiry
  inquiry.locus ??= context.locate(peer.octets, peer.family)
  return inquiry.locus
}
