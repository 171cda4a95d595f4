// Asks as a client would, without an answer being given: what was decided, by the code that decides. Nothing is
// counted, and nobody is limited.

import type { AnswerContext, Locate } from '../answer/context.ts'
import type { Counters } from '../answer/counters.ts'
import { locateClient, scopePrefixLength } from '../answer/client-subnet.ts'
import { decide } from '../answer/decide.ts'
import { beginTransaction, createTransaction } from '../answer/transaction.ts'
import type { PlanEntry } from '../answer/plan.ts'
import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
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
  readonly locate: Locate
  /** By the same databases. */
  readonly scopes: Scopes
}

export interface DryRunResult {
  readonly rcode: Rcode
  /** From the name that was asked for to the one that was answered from. */
  readonly steps: readonly Step[]
  /** null: nothing was steered. */
  readonly found: SteeredFound | null
  readonly locus: Locus
  /** What is told of a client subnet; it is meaningless without one. */
  readonly scopePrefixLength: number
  /** Good until the next question. */
  readonly entries: readonly PlanEntry[]
}

/** One for many questions. */
export function createDryRun(
  world: DryRunContext,
  random: Random,
): (question: Question) => DryRunResult {
  const context: AnswerContext = {
    ...world,
    catalog: () => world.catalog,
    random,
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
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
      locus: { ...locateClient(context, query, peer) },
      scopePrefixLength: scopePrefixLength(plan, transaction.scopePrefixLength),
    }
  }
}

type QueryDecoded = Exclude<ReturnType<ReturnType<typeof createQueryDecoder>>, { kind: 'drop' }>

/** Our own packet is no response, and long enough. */
const decodedQuery = (decoded: ReturnType<ReturnType<typeof createQueryDecoder>>): QueryDecoded =>
  decoded as QueryDecoded

const noCounters: Counters = {
  buffer: new SharedArrayBuffer(0),
  add() {},
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
