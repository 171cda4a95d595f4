// Answers to steered questions that were asked before: drawn as ever, from the set that was found then.
//
//   those who were drawn were drawn before     the whole answer was kept (drawn-messages.ts)
//   addresses, a target's own name             written straight on (address-answer.ts)
//   a ladder of MX                             put together of pieces that were kept (ladder-answer.ts)

import {
  outcomeCode,
  type DrawOutcome,
  outcomeAt,
  drawPrepared,
  outcomeIndexAt,
  uint31Of,
} from '../../steer/draw/outcomes.ts'
import { Rcode } from '../../wire/rcode.ts'
import type { MessageWriter } from '../../wire/writer.ts'
import type { Lookup } from '../../zone/lookup.ts'
import { addSet } from '../add-set.ts'
import { addAdditional } from '../additional.ts'
import type { AnswerContext } from '../context.ts'
import { concludeFound } from '../decide.ts'
import { forgetEntries, resetPlan } from '../plan.ts'
import {
  createTransaction,
  extendedErrorOf,
  type Transaction,
  hasExtendedError,
} from '../transaction.ts'
import { putAddressAnswer } from './address-answer.ts'
import { type DrawnMessage, DrawnMessages, HitRatio } from './drawn-messages.ts'
import { LadderAnswer } from './ladder-answer.ts'
import { maxCachedOctets, type MessageCache } from './message-cache.ts'
import { addDrawn, counterCells, PreparedSet, type SetDraw } from './prepared-sets.ts'
import type { OutcomeIndex } from './outcome-index.ts'

/** Questions kept at most, as they were asked: letter by letter. */
const maxQuestions = 65_536

/** Pieces of ladders, one for each question and target. */
const maxPieces = 32_768

/** Of all repertoires, four octets each: 2,000 ladders of four, or 500 samples. */
const maxCells = 1 << 20

/** Whether an answer that ends there is worth keeping whole. */
const isKeepable = ({ start }: MessageWriter, end: number): boolean =>
  end >= 0 && end - start <= maxCachedOctets

const isRecurring = ({ prepared, recurrence }: SteeredQuestion): boolean =>
  prepared !== null && prepared.isRecurring && recurrence.isWorthwhile()

export class SteeredAnswers {
  /** Has header and question of each. */
  readonly #store: MessageCache
  /** For pieces of ladders. */
  readonly #alone: Transaction
  readonly #point: () => number
  readonly #budget = { pieces: maxPieces, cells: maxCells }
  #questions: SteeredQuestion[] = []
  #number = 0
  /** One for each set, however it is asked for. */
  readonly #prepared = new Map<Found['set'], PreparedSet>()
  readonly #drawn = new DrawnMessages()

  constructor(context: AnswerContext, store: MessageCache) {
    this.#alone = createTransaction(context)
    this.#store = store
    this.#point = context.randomUint31 ?? (() => uint31Of(context.random()))
  }

  forget(): void {
    this.#questions = []
    this.#prepared.clear()
    this.#budget.pieces = maxPieces
    this.#budget.cells = maxCells
    this.#drawn.clear()
    forgetEntries(this.#alone.plan)
  }

  /** Nothing more can be kept unless all is forgotten. */
  isFull(): boolean {
    return this.#questions.length === maxQuestions || this.#budget.pieces < 0
  }

  /** The value by which the store is to know the question. */
  keep(found: Found): number {
    const { set } = found
    const number = ++this.#number
    const ladder = set.kind === 'steered-mx' ? new LadderAnswer(this.#alone, this.#budget) : null
    const prepared = this.#preparedOf(set)
    const recurrence = new HitRatio()
    return this.#questions.push({ number, found, ladder, prepared, recurrence }) - 1
  }

  #preparedOf(set: Found['set']): PreparedSet | null {
    if (set.kind !== 'steered-mx' && set.kind !== 'steered-address') return null
    if (set.sticky) return null
    const { scopes } = this.#alone.context
    let prepared = this.#prepared.get(set)
    if (prepared === undefined)
      this.#prepared.set(set, (prepared = new PreparedSet(set, scopes, this.#budget)))
    return prepared
  }

  /** Answers the question in the store's `entry`: where the answer ends; -1: it is planned, and to be encoded. */
  put(transaction: Transaction, entry: number, writer: MessageWriter, limit: number): number {
    const question = this.#questions[this.#store.value(entry)] as SteeredQuestion
    const { plan } = transaction
    resetPlan(plan, Rcode.NOERROR)
    plan.authoritative = true
    const draw = question.prepared === null ? null : question.prepared.drawFor(transaction)
    const end =
      draw === null
        ? this.#putSelected(transaction, question, entry, writer, limit)
        : this.#putDrawn(transaction, question, draw, entry, writer, limit)
    if (transaction.query.hasOpt && (end < 0 || hasExtendedError(transaction)))
      transaction.extendedError = extendedErrorOf(transaction)
    return end
  }

  /** Steered the long way. */
  #putSelected(
    transaction: Transaction,
    question: SteeredQuestion,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    const { set, zone } = question.found
    this.#store.copy(entry, writer.out, writer.start)
    const added = addSet(transaction, 'answer', null, set)
    if (added === 'added') return putRecords(transaction, question, writer, limit)
    concludeFound(transaction, zone, added)
    if (question.ladder !== null) addAdditional(transaction, zone)
    return -1
  }

  #putDrawn(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    transaction.usesHealth = true
    const { number } = question
    const { lifetime } = this.#drawn
    const repertoire = draw.repertoire ?? (question.prepared as PreparedSet).repertoireOf(draw)
    if (repertoire === null)
      return this.#putStepwise(transaction, question, draw, entry, writer, limit)
    const point = repertoire.draw(this.#point)
    if (repertoire.isOf(number, lifetime)) {
      const known = repertoire.entryAt(point) - 1
      const end = this.#putKnown(transaction, draw, known, writer, limit)
      if (end >= 0) return end
    }
    return this.#putOrder(transaction, question, draw, repertoire, point, entry, writer, limit)
  }

  /** By the order that the point leads to. */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putOrder(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    repertoire: OutcomeIndex,
    point: number,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    const { orders } = repertoire
    const order = outcomeIndexAt(orders, point)
    const isOwn = repertoire.take(question.number, this.#drawn.lifetime)
    const known = isOwn
      ? repertoire.entryOf(order) - 1
      : this.#drawn.find(question.number, draw.draw.number, order + 1)
    const knownEnd = this.#putKnown(transaction, draw, known, writer, limit)
    if (knownEnd >= 0) return knownEnd
    const drawing = outcomeAt(orders, order)
    const end = this.#putChosen(transaction, question, draw, drawing, entry, writer, limit)
    if (known >= 0 || !isKeepable(writer, end)) return end
    const answer = this.#answerOf(draw, drawing, writer, end)
    if (isOwn) repertoire.keep(order, this.#drawn.add(answer))
    else this.#drawn.keep(question.number, draw.draw.number, order + 1, answer)
    return end
  }

  /** What more than one random number decides, or can come to too much to have it all. */
  #putStepwise(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    const drawing = drawPrepared(draw.draw, transaction.context.random)
    const code = outcomeCode(drawing)
    const mayRecur = code !== 0 && isRecurring(question)
    const known = mayRecur ? this.#drawn.find(question.number, draw.draw.number, code) : -1
    if (mayRecur) question.recurrence.note(known >= 0)
    const knownEnd = this.#putKnown(transaction, draw, known, writer, limit)
    if (knownEnd >= 0) return knownEnd
    const end = this.#putChosen(transaction, question, draw, drawing, entry, writer, limit)
    if (mayRecur && known < 0 && isKeepable(writer, end)) {
      const answer = this.#answerOf(draw, drawing, writer, end)
      this.#drawn.keep(question.number, draw.draw.number, code, answer)
    }
    return end
  }

  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putChosen(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    drawing: DrawOutcome,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    this.#store.copy(entry, writer.out, writer.start)
    addDrawn(transaction, draw, drawing)
    return putRecords(transaction, question, writer, limit)
  }

  #answerOf(
    draw: SetDraw,
    drawing: DrawOutcome,
    { out, start }: MessageWriter,
    end: number,
  ): DrawnMessage {
    const pairs = counterCells(this.#alone.context.counters.answerCounts, draw, drawing)
    return { message: out, start, octets: end - start, pairs }
  }

  /** -1: it is not known, or does not fit. */
  #putKnown(
    transaction: Transaction,
    { ttlMs }: SetDraw,
    known: number,
    { out, start }: MessageWriter,
    limit: number,
  ): number {
    if (known < 0) return -1
    const end = start + this.#drawn.octets(known)
    if (end > limit || end + 3 > out.length) return -1
    const { context, plan } = transaction
    const untilMs = context.clock.wallMs() + ttlMs
    plan.isWritten = true
    return this.#drawn.copy(known, out, start, context.counters.answerCounts, untilMs)
  }
}

// A question that leads to a steered set: what was found for it, and its records behind header and question.

type Found = Extract<Lookup, { kind: 'found' }>

interface SteeredQuestion {
  /** No other question ever has it. */
  readonly number: number
  readonly found: Found
  readonly ladder: LadderAnswer | null
  /** null: nothing is drawn by weight for its set. */
  readonly prepared: PreparedSet | null
  readonly recurrence: HitRatio
}

/** What was added to the plan, behind header and question that are there; -1 with all that belongs to it planned. */
function putRecords(
  transaction: Transaction,
  { found, ladder }: SteeredQuestion,
  writer: MessageWriter,
  limit: number,
): number {
  if (ladder === null) return putAddressAnswer(transaction, writer, limit)
  const end = ladder.put(transaction, found.zone, writer.out, writer.start, limit)
  if (end < 0) addAdditional(transaction, found.zone)
  return end
}
