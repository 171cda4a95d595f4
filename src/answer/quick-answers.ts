// Answers to what was asked before, without deciding and encoding all of it again. Octet for octet the same answers:
// test/property/quick-answers.test.ts compares the two.
//
//   the answer is in the catalog alone       its octets were kept (question-store.ts)
//   a steered ladder of MX                   drawn as ever, put together of pieces that were kept (ladder-octets.ts)
//   steered addresses, a target's own name   drawn as ever, from the set that was found before; written straight on
//   no such name, and nothing in its place   the zone's SOA as it was kept (negative-octets.ts)
//   anything else                            the long way: decide.ts, encode.ts
//
// What was kept is forgotten with the catalog that it was made of. Who asks, how often, and with which options is no
// part of it: cookies, limits and the OPT are the same code on both ways.

import { Flag, headerOctets, questionTailOctets } from '../wire/header.ts'
import type { Query } from '../wire/query.ts'
import { Rcode } from '../wire/rcode.ts'
import { RRClass } from '../wire/rrtype.ts'
import { continueMessage } from '../wire/writer.ts'
import type { MessageWriter } from '../wire/writer.ts'
import type { Lookup } from '../zone/lookup.ts'
import { createNameIndex } from '../zone/name-index.ts'
import type { NameIndex } from '../zone/name-index.ts'
import type { Catalog } from '../zone/zone.ts'
import type { AnswerContext } from './context.ts'
import { addAdditional } from './additional.ts'
import { addSet } from './add-set.ts'
import type { Added } from './add-set.ts'
import { putAddresses } from './address-octets.ts'
import { bareMessage } from './bare-message.ts'
import { concludeFound } from './decide.ts'
import { reservedOctets } from './edns-reply.ts'
import { extendedErrorOf } from './extended-error.ts'
import { createInquiry, readCatalog } from './inquiry.ts'
import type { Inquiry } from './inquiry.ts'
import { QuestionLadder } from './ladder-octets.ts'
import type { LadderBudget } from './ladder-octets.ts'
import { hasCapitals, isOrdinary } from './ordinary-question.ts'
import { putNegative } from './negative-octets.ts'
import { addPrepared, createPreparedSet } from './prepared-sets.ts'
import type { PreparedSet } from './prepared-sets.ts'
import { forgetEntries, resetPlan } from './plan.ts'
import type { PlanEntry } from './plan.ts'
import { createQuestionStore, maxStoredOctets } from './question-store.ts'

/**
 * written: the message stands in `out`, up to the writer's place, without its OPT. planned: the plan is made, but has to
 * be encoded. unknown: nothing was done.
 */
export type Quick = 'written' | 'planned' | 'unknown'

/** What the store keeps of a question. */
const Kind = { message: 0, steered: 1 } as const

type Found = Extract<Lookup, { kind: 'found' }>

interface SteeredQuestion {
  readonly found: Found
  readonly ladder: QuestionLadder | null
  readonly prepared: PreparedSet
}

/** Steered questions kept at most, as they were asked: letter by letter. With one more all of them are forgotten. */
const maxSteered = 65_536
/** Of these, ladders with whole answers kept. */
const maxWholeLadders = 256
/** Pieces of ladders, one for each question and target. When they are used up, all questions are forgotten. */
const maxPieces = 32_768

const fullBudget = (): LadderBudget => ({ whole: maxWholeLadders, pieces: maxPieces })

export class QuickAnswers {
  /** For pieces of ladders. */
  readonly #alone: Inquiry
  readonly #store = createQuestionStore()
  #steered: SteeredQuestion[] = []
  /** One for each set, however it is asked for. */
  readonly #prepared = new Map<Found['set'], PreparedSet>()
  #budget = fullBudget()
  #catalog: Catalog | null = null
  #names: NameIndex | null = null

  constructor(context: AnswerContext) {
    this.#alone = createInquiry(context)
  }

  /** `limit`: one past what the whole answer may fill of the writer's buffer. */
  answer(inquiry: Inquiry, writer: MessageWriter, limit: number): Quick {
    const catalog = readCatalog(inquiry)
    if (catalog !== this.#catalog) this.#begin(catalog)
    else if (this.#budget.pieces < 0) this.#forget(catalog)
    const { query } = inquiry
    if (query.qclass !== RRClass.IN) return 'unknown'
    const entry = this.#store.find(query)
    if (entry < 0) return this.#answerMissing(inquiry, writer, limit)
    const end = writer.start + this.#store.octets(entry)
    const recordsLimit = limit - reservedOctets(inquiry)
    if (end > recordsLimit || end + 3 > writer.out.length) return 'unknown'
    this.#store.copy(entry, writer.out, writer.start)
    const value = this.#store.value(entry)
    if (this.#store.kind(entry) === Kind.message) {
      resetPlan(inquiry.plan, value as Rcode)
      return finish(writer, query, end)
    }
    const steered = this.#steered[value] as SteeredQuestion
    return steered.ladder === null
      ? this.#answerAddresses(inquiry, writer, steered, recordsLimit)
      : this.#answerLadder(inquiry, writer, steered, recordsLimit)
  }

  #begin(catalog: Catalog): void {
    this.#catalog = catalog
    this.#names = null
    forgetEntries(this.#alone.plan)
    this.#forget(catalog)
  }

  #forget(catalog: Catalog): void {
    this.#steered = []
    this.#prepared.clear()
    this.#budget = fullBudget()
    this.#store.clear(catalog)
  }

  /** A store that emptied itself would leave behind what its questions had led to, and the budget used up. */
  #makeRoom(catalog: Catalog, octets: number): void {
    if (this.#steered.length === maxSteered || !this.#store.hasRoom(octets)) this.#forget(catalog)
  }

  #answerMissing(inquiry: Inquiry, writer: MessageWriter, limit: number): Quick {
    const { query, plan } = inquiry
    if (!isOrdinary(query.qtype)) return 'unknown'
    const names = (this.#names ??= createNameIndex(inquiry.catalog))
    const zone = names.zoneWithout(query.packet, query.qnameOffset)
    if (zone === null) return 'unknown'
    const { out, start } = writer
    const end = putNegative(zone, query, out, start, limit - reservedOctets(inquiry))
    if (end < 0) return 'unknown'
    resetPlan(plan, Rcode.NXDOMAIN)
    return finish(writer, query, end)
  }

  #answerAddresses(
    inquiry: Inquiry,
    writer: MessageWriter,
    question: SteeredQuestion,
    limit: number,
  ): Quick {
    const { plan, query } = inquiry
    const { found } = question
    resetPlan(plan, Rcode.NOERROR)
    plan.authoritative = true
    // Addresses bring nothing with them.
    const added = addSteered(inquiry, question)
    if (added !== 'added') concludeFound(inquiry, found.zone, added)
    note(inquiry)
    const entry = plan.entries[0] as PlanEntry
    if (plan.count !== 1 || entry.section !== 'answer') return 'planned'
    const at = writer.start + headerOctets + query.qnameOctets + questionTailOctets
    const end = putAddresses(entry, writer.out, at, limit)
    if (end < 0) return 'planned'
    writer.out[writer.start + 6] = entry.addresses.length >> 8
    writer.out[writer.start + 7] = entry.addresses.length
    return finish(writer, query, end)
  }

  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #answerLadder(
    inquiry: Inquiry,
    writer: MessageWriter,
    question: SteeredQuestion,
    limit: number,
  ): Quick {
    const { plan, query } = inquiry
    const { found, ladder } = question
    resetPlan(plan, Rcode.NOERROR)
    plan.authoritative = true
    const added = addSteered(inquiry, question)
    const end =
      added === 'added' && ladder !== null
        ? ladder.put(inquiry, found.zone, writer.out, writer.start, limit)
        : -1
    if (end < 0) {
      concludeFound(inquiry, found.zone, added)
      addAdditional(inquiry, found.zone)
    }
    note(inquiry)
    return end < 0 ? 'planned' : finish(writer, query, end)
  }

  #preparedOf(set: Found['set']): PreparedSet {
    let prepared = this.#prepared.get(set)
    if (prepared === undefined) this.#prepared.set(set, (prepared = createPreparedSet()))
    return prepared
  }

  /** Keeps what the answer just written the long way is worth keeping for. `end`: of its records, before the OPT. */
  learn(
    { query, plan, found, isFixed, catalog }: Inquiry,
    writer: MessageWriter,
    end: number,
  ): void {
    const { start, out } = writer
    if (query.qclass !== RRClass.IN || !isOrdinary(query.qtype) || hasCapitals(query)) return
    const octets = isFixed ? end - start : headerOctets + query.qnameOctets + questionTailOctets
    if (isFixed) {
      const isKept = plan.rcode === Rcode.NOERROR && plan.isWhole && plan.count > 0
      if (!isKept || octets > maxStoredOctets) return
      this.#makeRoom(catalog, octets)
      const message = bareMessage(out, start, octets, query)
      this.#store.keep(query, { kind: Kind.message, value: plan.rcode, message, at: 0, octets })
      return
    }
    if (found?.kind !== 'found') return
    const { kind } = found.set
    if (kind === 'plain' || kind === 'steered-srv') return
    this.#makeRoom(catalog, octets)
    const message = bareMessage(out, start, octets, query)
    message[2] = Flag.QR | Flag.AA
    message[3] = Rcode.NOERROR
    message.fill(0, 6, headerOctets)
    const ladder = kind === 'steered-mx' ? new QuestionLadder(this.#alone, this.#budget) : null
    const value = this.#steered.push({ found, ladder, prepared: this.#preparedOf(found.set) }) - 1
    this.#store.keep(query, { kind: Kind.steered, value, message, at: 0, octets })
  }
}

function addSteered(inquiry: Inquiry, { found, prepared }: SteeredQuestion): Added {
  const { set } = found
  const isPrepared =
    (set.kind === 'steered-mx' || set.kind === 'steered-address') &&
    addPrepared(inquiry, set, prepared)
  return isPrepared ? 'added' : addSet(inquiry, 'answer', null, set)
}

function finish(writer: MessageWriter, query: Query, end: number): Quick {
  const { out, start } = writer
  out[start] = query.id >> 8
  out[start + 1] = query.id
  if (query.recursionDesired) out[start + 2] = (out[start + 2] as number) | Flag.RD
  continueMessage(writer, end)
  return 'written'
}

function note(inquiry: Inquiry): void {
  if (inquiry.query.hasOpt) inquiry.extendedError = extendedErrorOf(inquiry)
}
