// Answers to steered questions that were asked before, from the set that the lookup found then.
//
//   one of the outcomes is drawn (set-outcomes.ts)   its whole message is copied (drawn-messages.ts), once it was made
//   there are no outcomes                            selected as the slow path does
//
// What has to be made is planned, and encoded by the caller.

import type { Random } from '../../lib/clock.ts'
import { Rcode } from '../../wire/rcode.ts'
import type { MessageWriter } from '../../wire/writer.ts'
import type { Lookup } from '../../zone/lookup.ts'
import { addSelectedAddresses, addSelectedMx, addSet, noteFailedOpen } from '../add-set.ts'
import { addAdditional } from '../additional.ts'
import type { AnswerContext } from '../context.ts'
import { concludeFound } from '../decide.ts'
import { resetPlan } from '../plan.ts'
import { extendedErrorOf, hasExtendedError, type Transaction } from '../transaction.ts'
import { DrawnMessages } from './drawn-messages.ts'
import { maxCachedOctets, type MessageCache, withoutClientFields } from './message-cache.ts'
import {
  counterCells,
  drawOutcome,
  Enumeration,
  type OutcomeSet,
  type RuleOutcomes,
  type Selected,
  SetOutcomes,
} from './set-outcomes.ts'

/** Questions cached at most. */
const maxQuestions = 65_536

/** Selections of all sets together, about 400 octets each. */
const maxSelections = 1 << 16

/** Messages that all questions together may refer to, four octets each. */
const maxMessages = 1 << 20

type Found = Extract<Lookup, { kind: 'found' }>

interface SteeredQuestion {
  readonly found: Found
  /** null: the set has none, or is not of a kind that has. */
  readonly set: OutcomeSet | null
  readonly outcomes: SetOutcomes | null
  /** By rule. */
  readonly messages: (OutcomeMessages | undefined)[]
}

/** The messages of a question's outcomes. */
interface OutcomeMessages {
  readonly of: RuleOutcomes
  /** That of the arena in which they lie. */
  readonly lifetime: number
  /** By the index of a selection: its entry + 1; 0: none. */
  readonly entries: Int32Array
}

/** An outcome whose message is about to be encoded. */
interface PendingMessage {
  readonly messages: OutcomeMessages
  readonly set: OutcomeSet
  readonly index: number
}

export class SteeredAnswers {
  /** Holds header and question of each steered answer. */
  readonly #messages: MessageCache
  readonly #context: AnswerContext
  readonly #random: Random
  readonly #enumeration: Enumeration
  readonly #budget = { selections: maxSelections }
  #messagesLeft = maxMessages
  #questions: SteeredQuestion[] = []
  /** One for each set, whichever name it is asked by. */
  readonly #outcomes = new Map<OutcomeSet, SetOutcomes>()
  readonly #drawn = new DrawnMessages()
  #pending: PendingMessage | null = null

  constructor(context: AnswerContext, messages: MessageCache) {
    this.#context = context
    this.#messages = messages
    this.#random = context.random
    this.#enumeration = new Enumeration(context.health)
  }

  clear(): void {
    this.#questions = []
    this.#outcomes.clear()
    this.#budget.selections = maxSelections
    this.#messagesLeft = maxMessages
    this.#drawn.clear()
    this.#pending = null
  }

  /** Nothing more can be cached before `clear`. */
  isFull(): boolean {
    return this.#questions.length === maxQuestions || this.#messagesLeft < 0
  }

  /** Stores what a question's lookup found; returns the value that the message cache is to hold for it. */
  store(found: Found): number {
    const { set } = found
    const outcomeSet = hasOutcomes(set) ? set : null
    const outcomes = outcomeSet && this.#outcomesOf(outcomeSet)
    return this.#questions.push({ found, set: outcomeSet, outcomes, messages: [] }) - 1
  }

  #outcomesOf(set: OutcomeSet): SetOutcomes {
    let outcomes = this.#outcomes.get(set)
    if (outcomes === undefined) {
      outcomes = new SetOutcomes(set, this.#context.scopes, this.#enumeration, this.#budget)
      this.#outcomes.set(set, outcomes)
    }
    return outcomes
  }

  /**
   * Answers the question in the message cache's `entry`. Returns the offset of the answer's end; -1: it is planned, and has
   * to be encoded. In the methods below as well.
   */
  put(transaction: Transaction, entry: number, writer: MessageWriter, limit: number): number {
    const question = this.#questions[this.#messages.value(entry)] as SteeredQuestion
    const { plan } = transaction
    this.#pending = null
    resetPlan(plan, Rcode.NOERROR)
    plan.authoritative = true
    const outcomes = question.outcomes === null ? null : question.outcomes.outcomesFor(transaction)
    const end =
      outcomes === null
        ? this.#planSelected(transaction, question)
        : this.#putDrawn(transaction, question, outcomes, writer, limit)
    if (transaction.query.hasOpt && (end < 0 || hasExtendedError(transaction)))
      transaction.extendedError = extendedErrorOf(transaction)
    return end
  }

  /** Selects as the slow path does. */
  #planSelected(transaction: Transaction, { found: { set, zone } }: SteeredQuestion): number {
    concludeFound(transaction, zone, addSet(transaction, 'answer', null, set))
    addAdditional(transaction, zone)
    return -1
  }

  /** The cached message of one of the outcomes, or what is to become of it. */
  #putDrawn(
    transaction: Transaction,
    question: SteeredQuestion,
    outcomes: RuleOutcomes,
    { out, start }: MessageWriter,
    limit: number,
  ): number {
    transaction.usesHealth = true
    const index = drawOutcome(outcomes, this.#random)
    const known = question.messages[outcomes.rule]
    if (known === undefined || known.of !== outcomes || known.lifetime !== this.#drawn.lifetime)
      return this.#planOutcome(transaction, question, outcomes, index)
    const cached = (known.entries[index] as number) - 1
    const end = cached < 0 ? -1 : start + this.#drawn.octets(cached)
    if (end < 0 || end > limit || end + 3 > out.length)
      return this.#planOutcome(transaction, question, outcomes, index)
    const { context, plan } = transaction
    plan.isWritten = true
    if (this.#drawn.hasFailedOpen(cached)) noteFailedOpen(transaction)
    return this.#drawn.copy(
      cached,
      out,
      start,
      context.counters.answerCounts,
      context.clock.wallMs(),
    )
  }

  /** An outcome whose message is not cached, or does not fit. */
  #planOutcome(
    transaction: Transaction,
    question: SteeredQuestion,
    outcomes: RuleOutcomes,
    index: number,
  ): number {
    const set = question.set as OutcomeSet
    const selection = outcomes.outcomes.selections[index] as Selected
    if ('rungs' in selection) addSelectedMx(transaction, 'answer', null, selection)
    else if (set.kind !== 'steered-mx')
      addSelectedAddresses(transaction, 'answer', null, set, selection)
    const { chooser } = transaction.steering
    const { choices } = chooser
    addAdditional(transaction, question.found.zone)
    // Additional records that are drawn are others in each answer.
    if (chooser.choices === choices)
      this.#pending = { messages: this.#messagesOf(question, outcomes), set, index }
    return -1
  }

  #messagesOf(question: SteeredQuestion, outcomes: RuleOutcomes): OutcomeMessages {
    const { lifetime } = this.#drawn
    const known = question.messages[outcomes.rule]
    if (known !== undefined && known.of === outcomes && known.lifetime === lifetime) return known
    this.#messagesLeft += known?.entries.length ?? 0
    const count = outcomes.outcomes.selections.length
    this.#messagesLeft -= count
    const entries = new Int32Array(count)
    return (question.messages[outcomes.rule] = { of: outcomes, lifetime, entries })
  }

  /** Stores the message of a planned outcome, which has just been encoded. `end`: of its records, before the OPT. */
  storePlanned({ plan, query }: Transaction, { out, start }: MessageWriter, end: number): void {
    const pending = this.#pending
    this.#pending = null
    if (pending === null || !plan.isWhole || end - start > maxCachedOctets) return
    const { messages, set, index } = pending
    const selection = messages.of.outcomes.selections[index] as Selected
    const isOwnName = set.kind === 'target-address'
    const entry = this.#drawn.add({
      message: withoutClientFields(out, start, end - start, query),
      cells: counterCells(this.#context.counters.answerCounts, set, selection),
      ttl: isOwnName ? null : selection.ttl,
      hasFailedOpen: !isOwnName && selection.reason === 'failed-open',
    })
    // Not where the arena was full, and the entries are of its last lifetime.
    if (messages.lifetime === this.#drawn.lifetime) messages.entries[index] = entry + 1
  }
}

const hasOutcomes = (set: Found['set']): set is OutcomeSet => {
  switch (set.kind) {
    case 'steered-mx':
    case 'steered-address':
      return !set.sticky
    case 'target-address':
      return true
    case 'plain':
    case 'steered-srv':
      return false
    default:
      return set satisfies never
  }
}
