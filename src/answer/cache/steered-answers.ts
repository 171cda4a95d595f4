// Answers to steered questions that were asked before: drawn anew, from the set that the lookup found then.
//
//   the draw has an outcome that it had before   the whole message was cached (drawn-messages.ts)
//   addresses, a target's own name               written directly (address-answer.ts)
//   a ladder of MX                               put together from cached fragments (ladder-answer.ts)

import {
  createDrawScratch,
  type DrawOutcome,
  drawPrepared,
  outcomeAt,
  outcomeCode,
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
  hasExtendedError,
  type Transaction,
} from '../transaction.ts'
import { putAddressAnswer } from './address-answer.ts'
import { type DrawnMessage, DrawnMessages, HitRatio } from './drawn-messages.ts'
import { createLadderScratch, LadderAnswer, type LadderScratch } from './ladder-answer.ts'
import { maxCachedOctets, type MessageCache } from './message-cache.ts'
import type { OutcomeIndex } from './outcome-index.ts'
import {
  addDrawn,
  counterCells,
  createDrawnRecords,
  PreparedSet,
  type SetDraw,
} from './prepared-sets.ts'

/** Questions cached at most. */
const maxQuestions = 65_536

/** Fragments of ladders, one for each question and target. */
const maxFragments = 32_768

/** Words of all outcome indexes, four octets each: 2,000 ladders of four, or 500 samples. */
const maxIndexWords = 1 << 20

/** Whether a message that ends at `end` can be cached. */
const isCacheable = ({ start }: MessageWriter, end: number): boolean =>
  end >= 0 && end - start <= maxCachedOctets

const isRecurring = ({ prepared, hitRatio }: SteeredQuestion): boolean =>
  prepared !== null && prepared.isRecurring && hitRatio.isWorthCaching()

type Found = Extract<Lookup, { kind: 'found' }>

interface SteeredQuestion {
  /** Identifies the question, also among those of emptied caches. */
  readonly number: number
  readonly found: Found
  /** null: the set is not of MX records. */
  readonly ladder: LadderAnswer | null
  /** null: the set's draws cannot be prepared. */
  readonly prepared: PreparedSet | null
  readonly hitRatio: HitRatio
}

export class SteeredAnswers {
  /** Holds header and question of each steered answer. */
  readonly #messages: MessageCache
  readonly #context: AnswerContext
  readonly #ladderScratch: LadderScratch
  readonly #drawScratch = createDrawScratch()
  readonly #records = createDrawnRecords()
  readonly #randomUint31: () => number
  readonly #shared = { fragments: maxFragments, words: maxIndexWords, draws: 0 }
  #questions: SteeredQuestion[] = []
  #number = 0
  /** One for each set, whichever name it is asked by. */
  readonly #prepared = new Map<Found['set'], PreparedSet>()
  readonly #drawn = new DrawnMessages()

  constructor(context: AnswerContext, messages: MessageCache) {
    this.#context = context
    this.#ladderScratch = createLadderScratch(createTransaction(context))
    this.#messages = messages
    this.#randomUint31 = context.randomUint31 ?? (() => uint31Of(context.random()))
  }

  clear(): void {
    this.#questions = []
    this.#prepared.clear()
    this.#shared.fragments = maxFragments
    this.#shared.words = maxIndexWords
    this.#drawn.clear()
    forgetEntries(this.#ladderScratch.transaction.plan)
  }

  /** Nothing more can be cached before `clear`. */
  isFull(): boolean {
    return this.#questions.length === maxQuestions || this.#shared.fragments < 0
  }

  /** Stores what a question's lookup found; returns the value that the message cache is to hold for it. */
  store(found: Found): number {
    const { set } = found
    const number = ++this.#number
    const ladder =
      set.kind === 'steered-mx' ? new LadderAnswer(this.#ladderScratch, this.#shared) : null
    const prepared = this.#preparedOf(set)
    const hitRatio = new HitRatio()
    return this.#questions.push({ number, found, ladder, prepared, hitRatio }) - 1
  }

  #preparedOf(set: Found['set']): PreparedSet | null {
    if (set.kind !== 'steered-mx' && set.kind !== 'steered-address') return null
    if (set.sticky) return null
    let prepared = this.#prepared.get(set)
    if (prepared === undefined) {
      prepared = new PreparedSet(set, this.#context.scopes, this.#shared)
      this.#prepared.set(set, prepared)
    }
    return prepared
  }

  /**
   * Answers the question in the message cache's `entry`. Returns the offset of the answer's end; -1: it is planned, and has
   * to be encoded. In the methods below as well.
   */
  put(transaction: Transaction, entry: number, writer: MessageWriter, limit: number): number {
    const question = this.#questions[this.#messages.value(entry)] as SteeredQuestion
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

  /** Selects as the slow path does. */
  #putSelected(
    transaction: Transaction,
    question: SteeredQuestion,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    const { set, zone } = question.found
    this.#messages.copy(entry, writer.out, writer.start)
    const added = addSet(transaction, 'answer', null, set)
    if (added === 'added') return putRecords(transaction, question, writer, limit)
    concludeFound(transaction, zone, added)
    if (question.ladder !== null) addAdditional(transaction, zone)
    return -1
  }

  /** By a prepared draw: the cached message of its outcome, if its index has one. */
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
    const index = draw.outcomeIndex ?? (question.prepared as PreparedSet).outcomeIndexOf(draw)
    if (index === null) return this.#putStepwise(transaction, question, draw, entry, writer, limit)
    const uint31 = index.draw(this.#randomUint31)
    if (index.isOwnedBy(number, lifetime)) {
      const cached = index.entryAt(uint31) - 1
      const end = this.#putCached(transaction, draw, cached, writer, limit)
      if (end >= 0) return end
    }
    return this.#putOutcome(transaction, question, draw, index, uint31, entry, writer, limit)
  }

  /** By the outcome that the random number leads to; caches the message that it writes. */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putOutcome(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    index: OutcomeIndex,
    uint31: number,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    const { outcomes } = index
    const outcome = outcomeIndexAt(outcomes, uint31)
    const isOwn = index.claim(question.number, this.#drawn.lifetime)
    const cached = isOwn
      ? index.entryOf(outcome) - 1
      : this.#drawn.find(question.number, draw.number, outcome + 1)
    const cachedEnd = this.#putCached(transaction, draw, cached, writer, limit)
    if (cachedEnd >= 0) return cachedEnd
    const drawn = outcomeAt(this.#drawScratch, outcomes, outcome)
    const end = this.#putNew(transaction, question, draw, drawn, entry, writer, limit)
    if (cached >= 0 || !isCacheable(writer, end)) return end
    const message = this.#messageOf(draw, drawn, writer, end)
    if (isOwn) index.set(outcome, this.#drawn.add(message))
    else this.#drawn.store(question.number, draw.number, outcome + 1, message)
    return end
  }

  /** By a draw without an index: it takes several random numbers, or has too many outcomes. */
  #putStepwise(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    const outcome = drawPrepared(this.#drawScratch, draw.draw, transaction.steering.random)
    const code = outcomeCode(outcome)
    const mayRecur = code !== 0 && isRecurring(question)
    const cached = mayRecur ? this.#drawn.find(question.number, draw.number, code) : -1
    if (mayRecur) question.hitRatio.note(cached >= 0)
    const cachedEnd = this.#putCached(transaction, draw, cached, writer, limit)
    if (cachedEnd >= 0) return cachedEnd
    const end = this.#putNew(transaction, question, draw, outcome, entry, writer, limit)
    if (mayRecur && cached < 0 && isCacheable(writer, end)) {
      const message = this.#messageOf(draw, outcome, writer, end)
      this.#drawn.store(question.number, draw.number, code, message)
    }
    return end
  }

  /** Plans and writes an outcome whose message is not cached. */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putNew(
    transaction: Transaction,
    question: SteeredQuestion,
    draw: SetDraw,
    outcome: DrawOutcome,
    entry: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    this.#messages.copy(entry, writer.out, writer.start)
    addDrawn(transaction, draw, outcome, this.#records)
    return putRecords(transaction, question, writer, limit)
  }

  #messageOf(
    draw: SetDraw,
    outcome: DrawOutcome,
    { out, start }: MessageWriter,
    end: number,
  ): DrawnMessage {
    const cells = counterCells(this.#context.counters.answerCounts, draw, outcome)
    return { message: out, start, octets: end - start, cells }
  }

  /** Copies the message of an entry of the drawn messages; -1: there is none (`cached` -1), or it does not fit. */
  #putCached(
    transaction: Transaction,
    { ttlMs }: SetDraw,
    cached: number,
    { out, start }: MessageWriter,
    limit: number,
  ): number {
    if (cached < 0) return -1
    const end = start + this.#drawn.octets(cached)
    if (end > limit || end + 3 > out.length) return -1
    const { context, plan } = transaction
    const untilMs = context.clock.wallMs() + ttlMs
    plan.isWritten = true
    return this.#drawn.copy(cached, out, start, context.counters.answerCounts, untilMs)
  }
}

/**
 * Writes what was added to the plan, behind the header and question in the writer's buffer. Where it returns -1, the plan
 * has the additional records too.
 */
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
