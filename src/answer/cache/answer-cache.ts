// Answers to what was asked before, without deciding and encoding all of it again. Octet for octet the same answers:
// test/property/cached-answers.test.ts compares the two.
//
//   the answer is in the catalog alone       its octets were kept (message-cache.ts)
//   it is steered                            drawn as ever, from the set that was found before (steered-answers.ts)
//   no such name, and nothing in its place   the zone's SOA as it was kept (nxdomain.ts)
//   anything else                            the long way: decide.ts, encode.ts
//
// What was kept is forgotten with the catalog that it was made of. Who asks, how often, and with which options is no
// part of it: cookies, limits and the OPT are the same code on both ways.

import { Flag, headerOctets, questionTailOctets } from '../../wire/header.ts'
import { lowerOctet } from '../../wire/name.ts'
import type { Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { continueMessage, type MessageWriter } from '../../wire/writer.ts'
import { createNameIndex, type NameIndex } from '../../zone/name-table.ts'
import type { Catalog } from '../../zone/zone.ts'
import type { AnswerContext } from '../context.ts'
import { reservedOctets } from '../edns-reply.ts'
import { resetPlan } from '../plan.ts'
import { type Transaction, readCatalog } from '../transaction.ts'
import { withoutClientFields, createMessageCache, maxCachedOctets } from './message-cache.ts'
import { putNxdomain } from './nxdomain.ts'
import { SteeredAnswers } from './steered-answers.ts'

/**
 * written: the message stands in `out`, up to the writer's place, without its OPT. planned: the plan is made, but has to
 * be encoded. unknown: nothing was done.
 */
type CacheResult = 'written' | 'planned' | 'unknown'

/** What the store keeps of a question. */
const Kind = { message: 0, steered: 1 } as const

/** Not a part of messages, no transfer, none of the types that stand for several (decide.ts). */
const isOrdinary = (qtype: number): boolean =>
  (qtype < 128 && qtype !== RRType.OPT) || qtype > RRType.ANY

export class AnswerCache {
  readonly #store = createMessageCache()
  readonly #steered: SteeredAnswers
  #catalog: Catalog | null = null
  #names: NameIndex | null = null

  constructor(context: AnswerContext) {
    this.#steered = new SteeredAnswers(context, this.#store)
  }

  /** `limit`: one past what the whole answer may fill of the writer's buffer. */
  answer(transaction: Transaction, writer: MessageWriter, limit: number): CacheResult {
    const catalog = readCatalog(transaction)
    if (catalog !== this.#catalog) this.#begin(catalog)
    else if (this.#steered.isFull()) this.#forget(catalog)
    const { query } = transaction
    if (query.qclass !== RRClass.IN) return 'unknown'
    const entry = this.#store.find(query)
    if (entry < 0) return this.#answerMissing(transaction, writer, limit)
    const end = writer.start + this.#store.octets(entry)
    const recordsLimit = limit - reservedOctets(transaction)
    if (end > recordsLimit || end + 3 > writer.out.length) return 'unknown'
    if (this.#store.kind(entry) === Kind.steered) {
      const steeredEnd = this.#steered.put(transaction, entry, writer, recordsLimit)
      return steeredEnd < 0 ? 'planned' : finish(writer, query, steeredEnd)
    }
    this.#store.copy(entry, writer.out, writer.start)
    resetPlan(transaction.plan, this.#store.value(entry) as Rcode)
    return finish(writer, query, end)
  }

  #begin(catalog: Catalog): void {
    this.#catalog = catalog
    this.#names = null
    this.#forget(catalog)
  }

  #forget(catalog: Catalog): void {
    this.#steered.forget()
    this.#store.clear(catalog)
  }

  /** A store that emptied itself would leave behind what its questions had led to, and the budget used up. */
  #makeRoom(catalog: Catalog, octets: number): void {
    if (!this.#store.hasRoom(octets)) this.#forget(catalog)
  }

  #answerMissing(transaction: Transaction, writer: MessageWriter, limit: number): CacheResult {
    const { query, plan } = transaction
    if (!isOrdinary(query.qtype)) return 'unknown'
    const names = (this.#names ??= createNameIndex(transaction.catalog))
    const zone = names.nxdomainZone(query.packet, query.qnameOffset)
    if (zone === null) return 'unknown'
    const { out, start } = writer
    const end = putNxdomain(zone, query, out, start, limit - reservedOctets(transaction))
    if (end < 0) return 'unknown'
    resetPlan(plan, Rcode.NXDOMAIN)
    return finish(writer, query, end)
  }

  /** Keeps what the answer just written the long way is worth keeping for. `end`: of its records, before the OPT. */
  learn(
    { query, plan, lookup: found, isStatic: isFixed, catalog }: Transaction,
    writer: MessageWriter,
    end: number,
  ): void {
    const { start, out } = writer
    if (query.qclass !== RRClass.IN || !isOrdinary(query.qtype) || hasCapitals(query)) return
    const octets = isFixed ? end - start : headerOctets + query.qnameOctets + questionTailOctets
    if (isFixed) {
      const isKept = plan.rcode === Rcode.NOERROR && plan.isWhole && plan.count > 0
      if (!isKept || octets > maxCachedOctets) return
      this.#makeRoom(catalog, octets)
      const message = withoutClientFields(out, start, octets, query)
      this.#store.keep(query, { kind: Kind.message, value: plan.rcode, message, at: 0, octets })
      return
    }
    if (found?.kind !== 'found') return
    const { kind } = found.set
    if (kind === 'plain' || kind === 'steered-srv') return
    this.#makeRoom(catalog, octets)
    const message = withoutClientFields(out, start, octets, query)
    message[2] = Flag.QR | Flag.AA
    message[3] = Rcode.NOERROR
    message.fill(0, 6, headerOctets)
    const value = this.#steered.keep(found)
    this.#store.keep(query, { kind: Kind.steered, value, message, at: 0, octets })
  }
}

function finish(writer: MessageWriter, query: Query, end: number): CacheResult {
  const { out, start } = writer
  out[start] = query.id >> 8
  out[start + 1] = query.id
  if (query.recursionDesired) out[start + 2] = (out[start + 2] as number) | Flag.RD
  continueMessage(writer, end)
  return 'written'
}

// Which questions are worth keeping an answer for (answer-cache.ts).

/** Resolvers that capitalise by chance, against forged answers, hardly ever ask in the same letters again. */
function hasCapitals({ packet, qnameOffset, qnameOctets }: Query): boolean {
  for (let i = qnameOffset; i < qnameOffset + qnameOctets; i++)
    if (lowerOctet(packet[i] as number) !== packet[i]) return true
  return false
}
