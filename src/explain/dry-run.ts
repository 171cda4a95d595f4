// A dry run of one query: the decision that the answering path would make, made by the same code.
// No answer is encoded or sent, no counter moves, and rate limits and cookies do not apply.

import type { AnswerContext, Locate } from '../answer/context.ts'
import type { Counters } from '../answer/counters.ts'
import { scopePrefixLength } from '../answer/client-subnet.ts'
import { decide } from '../answer/decide.ts'
import { beginTransaction, clientLocus, createTransaction } from '../answer/transaction.ts'
import type { PlanEntry } from '../answer/plan.ts'
import type { HealthReader } from '../health/table.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Scopes } from '../steer/scope/scope-cache.ts'
import type { Locus } from '../steer/selection.ts'
import { createQueryDecoder } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import type { Catalog } from '../zone/zone.ts'
import { type Question, questionPacket } from './question.ts'
import { type Step, type SteeredFound, lookupSteps } from './lookup-steps.ts'

export interface DryRunContext {
  readonly catalog: Catalog
  readonly health: HealthReader
  /** Its wall clock is the time of the query. */
  readonly clock: Pick<Clock, 'wallMs'>
  readonly locate: Locate
  /** Of the same GeoIP databases as `locate`. */
  readonly scopes: Scopes
}

export interface DryRunResult {
  readonly rcode: Rcode
  /** From the qname over aliases to the name that the answer is from. */
  readonly steps: readonly Step[]
  /** The set that steering decided; null: nothing in the answer is steered. */
  readonly found: SteeredFound | null
  readonly locus: Locus
  /** Of the client subnet option in the answer (RFC 7871); meaningless if the question has none. */
  readonly scopePrefixLength: number
  /** Entries of the plan; valid until the next run. */
  readonly entries: readonly PlanEntry[]
}

/** The returned function can be called any number of times. */
export function createDryRun(
  world: DryRunContext,
  random: Random,
): (question: Question) => DryRunResult {
  const context: AnswerContext = {
    ...world,
    catalog: () => world.catalog,
    random,
    clock: { wallMs: () => world.clock.wallMs(), monotonicMs: () => 0 },
    counters: noCounters,
    maxUdpOctets: 1232,
    identity: { nsid: null, chaosIdentity: null, chaosVersion: null },
    cookies: null,
    limiter: null,
    tcpIdleMs: () => 0,
  }
  const transaction = createTransaction(context)
  const decode = createQueryDecoder()
  return (question) => {
    const packet = questionPacket(question)
    const { kind, query } = decodedQuery(decode(packet, 0, packet.length))
    const octets = question.peer
    const family = octets.length === 4 ? 4 : 6
    const peer = { family, octets, port: 53, transport: 'udp' } as const
    beginTransaction(transaction, query, peer)
    transaction.catalog = world.catalog
    if (kind === 'query') decide(transaction)
    const { plan } = transaction
    const entries = plan.entries.slice(0, plan.count)
    const { steps, found } = lookupSteps(world.catalog, question, entries)
    return {
      rcode: kind === 'query' ? plan.rcode : Rcode.FORMERR,
      steps,
      found,
      entries,
      locus: { ...clientLocus(transaction) },
      scopePrefixLength: scopePrefixLength(plan, transaction.scopePrefixLength),
    }
  }
}

type QueryDecoded = Exclude<ReturnType<ReturnType<typeof createQueryDecoder>>, { kind: 'drop' }>

/** A packet of questionPacket is a query of full length, so the decoder never drops it. */
const decodedQuery = (decoded: ReturnType<ReturnType<typeof createQueryDecoder>>): QueryDecoded =>
  decoded as QueryDecoded

const noCounters: Counters = {
  buffer: new SharedArrayBuffer(0),
  increase() {},
  add() {},
  set() {},
  query() {},
  rcode() {},
  answerCounts: {
    add() {},
    addPairs() {},
    cells: () => null,
    count: () => 0,
    exposedUntilMs: () => 0,
  },
  read: () => {
    throw new Error('nothing is counted here')
  },
}
