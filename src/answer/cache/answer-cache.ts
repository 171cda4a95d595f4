// The fast path: answers to questions that were asked before, without deciding and encoding them again. They are octet for
// octet those of the slow path (decide.ts, encode.ts): test/property/cached-answers.test.ts compares the two.
//
//   the answer depends on the catalog alone   its message is cached (message-cache.ts), once for all spellings of the qname
//   it is steered                             drawn anew, from the set that the lookup found before (steered-answers.ts)
//   NXDOMAIN, without cut, DNAME or wildcard  the zone's encoded SOA (nxdomain.ts)
//   anything else                             the slow path
//
// The cache is emptied when another catalog is published, and when what is signed has to be signed anew. It does not depend
// on the client, the rate or the options of a query: cookies, limits and the OPT are the same code on both paths.

import { Flag, headerOctets, questionTailOctets } from '../../wire/header.ts'
import type { Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { continueMessage, type MessageWriter } from '../../wire/writer.ts'
import { createNameIndex, type NameIndex } from '../../zone/name-table.ts'
import type { Lookup } from '../../zone/lookup.ts'
import type { Catalog } from '../../zone/zone.ts'
import type { AnswerContext, Signers } from '../context.ts'
import type { Counters } from '../counters.ts'
import { reservedOctets } from '../edns-reply.ts'
import { type Plan, resetPlan } from '../plan.ts'
import { readCatalog, type Transaction } from '../transaction.ts'
import { MessageCache, maxCachedOctets, withoutClientFields } from './message-cache.ts'
import { NxdomainAnswers } from './nxdomain.ts'
import { type FoundSteered, SteeredAnswers } from './steered-answers.ts'

/**
 * What `answer` has done.
 *
 *   written   the message stands in the writer's buffer, up to `writer.at`, without its OPT
 *   planned   the plan is made, and has to be encoded
 *   unknown   nothing: the query takes the slow path
 */
type CacheResult = 'written' | 'planned' | 'unknown'

/**
 * In the message cache, beside a whole message. Beside header and question of a steered answer stands the number of the
 * question (steered-answers.ts).
 */
const wholeMessage = -1

/** Whether the type stands for records of that type: no part of messages, no transfer, no type for several (decide.ts). */
const isOrdinary = (qtype: number): boolean =>
  (qtype < 128 && qtype !== RRType.OPT) || qtype > RRType.ANY

/** Where the octets in use are counted. */
const usedCells = {
  unsigned: ['messageOctets', 'drawnOctets'],
  signed: ['signedMessageOctets', 'signedDrawnOctets'],
} as const

export class AnswerCache {
  readonly #messages = new MessageCache()
  readonly #steered: SteeredAnswers
  readonly #nxdomain = new NxdomainAnswers()
  readonly #counters: Counters
  readonly #holds: keyof typeof usedCells
  readonly #signers: Signers | undefined
  #catalog: Catalog | null = null
  /** Of the signers, when the cache was last emptied. */
  #generation = 0
  #names: NameIndex | null = null

  /** `holds`: whether it is for queries with DO where a zone is signed. */
  constructor(context: AnswerContext, holds: 'unsigned' | 'signed' = 'unsigned') {
    this.#holds = holds
    this.#signers = context.signers
    this.#steered = new SteeredAnswers(context, holds)
    this.#counters = context.counters
  }

  /** `limit`: one past what the whole answer may fill of the writer's buffer. */
  answer(transaction: Transaction, writer: MessageWriter, limit: number): CacheResult {
    const catalog = readCatalog(transaction)
    if (catalog !== this.#catalog || this.#generation !== (this.#signers?.generation() ?? 0))
      this.#use(catalog)
    else if (this.#steered.isFull()) this.#empty(catalog)
    const { query } = transaction
    if (query.qclass !== RRClass.IN) return 'unknown'
    const entry = this.#messages.find(query)
    if (entry < 0) return this.#answerNxdomain(transaction, writer, limit)
    const end = writer.start + this.#messages.octets(entry)
    const recordsLimit = limit - reservedOctets(transaction)
    if (end > recordsLimit || end + 3 > writer.out.length) return 'unknown'
    const steered = this.#messages.value(entry)
    if (steered !== wholeMessage) {
      const steeredEnd = this.#steered.put(transaction, steered, writer, recordsLimit)
      if (steeredEnd < 0) return 'planned'
      this.#messages.spell(query, writer.out, writer.start)
      return finish(writer, query, steeredEnd)
    }
    this.#messages.copy(entry, writer.out, writer.start)
    this.#messages.spell(query, writer.out, writer.start)
    resetPlan(transaction.plan, Rcode.NOERROR)
    return finish(writer, query, end)
  }

  #use(catalog: Catalog): void {
    this.#catalog = catalog
    this.#generation = this.#signers?.generation() ?? 0
    this.#names = null
    this.#clear(catalog)
  }

  #clear(catalog: Catalog): void {
    this.#steered.clear()
    this.#messages.clear(catalog)
    this.#nxdomain.clear()
    this.#countDenials()
    this.#countOctets()
  }

  /** Empties both caches together: steered answers whose question is gone would use up their budget. */
  #empty(catalog: Catalog): void {
    this.#counters.add('messagesEmptied')
    this.#clear(catalog)
  }

  #countDenials(): void {
    if (this.#holds === 'signed') this.#counters.set('denialsKept', this.#nxdomain.denials())
  }

  #countOctets(): void {
    const [messages, drawn] = usedCells[this.#holds]
    this.#counters.set(messages, this.#messages.usedOctets())
    this.#counters.set(drawn, this.#steered.usedOctets())
  }

  #answerNxdomain(transaction: Transaction, writer: MessageWriter, limit: number): CacheResult {
    const { query, plan } = transaction
    if (!isOrdinary(query.qtype)) return 'unknown'
    const names = (this.#names ??= createNameIndex(transaction.catalog))
    const zone = names.nxdomainZone(query.packet, query.qnameOffset)
    if (zone === null) return 'unknown'
    const { out, start } = writer
    const recordsLimit = limit - reservedOctets(transaction)
    const end = this.#nxdomain.put(zone, query, names.encloserAt, out, start, recordsLimit)
    if (end < 0) return 'unknown'
    resetPlan(plan, Rcode.NXDOMAIN)
    return finish(writer, query, end)
  }

  /** Stores an answer that was planned here and has just been encoded. `end`: of its records, before the OPT. */
  storePlanned(transaction: Transaction, writer: MessageWriter, end: number): void {
    this.#steered.storePlanned(transaction, writer, end)
    this.#countOctets()
  }

  /** Stores what the slow path has just answered, where it is worth it. `end`: of its records, before the OPT. */
  store(
    { query, plan, lookup, isStatic, catalog }: Transaction,
    writer: MessageWriter,
    end: number,
  ): void {
    if (query.qclass !== RRClass.IN || !isOrdinary(query.qtype)) return
    if (plan.rcode === Rcode.NXDOMAIN && this.#holds === 'signed')
      this.#storeDenial(query, plan, lookup)
    if (isStatic) {
      const isCacheable = plan.rcode === Rcode.NOERROR && plan.isWhole && plan.count > 0
      if (isCacheable) this.#keep(query, catalog, writer, end - writer.start)
      return
    }
    if (lookup?.kind !== 'found') return
    const { set } = lookup
    if (set.kind === 'plain') return
    const octets = headerOctets + query.qnameOctets + questionTailOctets
    this.#keep(query, catalog, writer, octets, { ...lookup, set })
  }

  /** Keeps the first `octets` of the answer: the whole message, or where it is steered what stands before its records. */
  #keep(
    query: Query,
    catalog: Catalog,
    { out, start }: MessageWriter,
    octets: number,
    steered?: FoundSteered,
  ): void {
    if (octets > maxCachedOctets) return
    if (!this.#messages.hasRoom(octets)) this.#empty(catalog)
    const message = withoutClientFields(out, start, octets, query)
    const value = steered === undefined ? wholeMessage : this.#steered.store(steered)
    this.#messages.store(query, value, message)
    this.#countOctets()
  }

  /** Keeps the denial of a name that was planned, for others at the same places. */
  #storeDenial(query: Query, plan: Plan, lookup: Lookup | null): void {
    if (lookup?.kind !== 'nxdomain' || !plan.isWhole) return
    const names = this.#names
    const zone = names?.nxdomainZone(query.packet, query.qnameOffset) ?? null
    if (names !== null && zone === lookup.zone)
      this.#nxdomain.storeDenial(zone, query, names.encloserAt, plan)
    this.#countDenials()
  }
}

/** Sets ID and RD of the message that ends at `end`. */
function finish(writer: MessageWriter, query: Query, end: number): CacheResult {
  const { out, start } = writer
  out[start] = query.id >> 8
  out[start + 1] = query.id
  if (query.recursionDesired) out[start + 2] = (out[start + 2] as number) | Flag.RD
  continueMessage(writer, end)
  return 'written'
}
