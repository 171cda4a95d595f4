// Answers to steered questions that were asked before, from the set that the lookup found then.
//
//   one of the outcomes is drawn (set-outcomes.ts)   its whole message is copied (drawn-messages.ts), once it was made
//   there are no outcomes                            selected as the slow path does
//
// What has to be made is planned, and encoded by the caller.

import type { Random } from '../../lib/clock.ts'
import type { SteeredSet } from '../../steer/policy.ts'
import type { Selected } from '../../steer/selection.ts'
import { Rcode } from '../../wire/rcode.ts'
import type { MessageWriter } from '../../wire/writer.ts'
import type { Lookup } from '../../zone/lookup.ts'
import { addSelected, addSet, countedReason, noteFailedOpen } from '../add-set.ts'
import { addAdditional } from '../additional.ts'
import type { AnswerContext } from '../context.ts'
import { concludeFound } from '../decide.ts'
import { resetPlan } from '../plan.ts'
import { extendedErrorOf, hasExtendedError, type Transaction } from '../transaction.ts'
import { DrawnMessages } from './drawn-messages.ts'
import { maxCachedOctets, type MessageCache, withoutClientFields } from './message-cache.ts'
import { counterCells, Enumeration, type RuleOutcomes, SetOutcomes } from './set-outcomes.ts'

/** Questions cached at most. */
const maxQuestions = 65_536

/** Selections of all sets together, about 400 octets each. */
const maxSelections = 1 << 16

/** Grows with the questions. */
const initialTables = 256

type Found = Extract<Lookup, { kind: 'found' }>

interface SteeredQuestion {
  readonly found: Found
  /** null: the set has none, or is not of a kind that has. */
  readonly set: SteeredSet | null
  readonly outcomes: SetOutcomes | null
  /** By rule. */
  readonly tables: (OutcomeTable | undefined)[]
}

/** A table of the drawn messages, and what it was made of. */
interface OutcomeTable {
  readonly table: number
  /** That of the arena in which it lies. */
  readonly lifetime: number
  readonly of: RuleOutcomes
}

/** An outcome whose message is about to be encoded. */
interface PendingMessage {
  readonly table: OutcomeTable
  readonly set: SteeredSet
  readonly part: number
}

export class SteeredAnswers {
  /** Holds header and question of each steered answer. */
  readonly #messages: MessageCache
  readonly #context: AnswerContext
  readonly #random: Random
  readonly #enumeration: Enumeration
  readonly #budget = { selections: maxSelections }
  #questions: SteeredQuestion[] = []
  /** By question, where all clients have the same outcomes: its table; 0: none. Of the present lifetime of the arena. */
  #tables = new Int32Array(initialTables)
  #lifetime = 0
  /** One for each set, whichever name it is asked by. */
  readonly #outcomes = new Map<SteeredSet, SetOutcomes>()
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
    this.#drawn.clear()
    this.#pending = null
  }

  /** Nothing more can be cached before `clear`. */
  isFull(): boolean {
    return this.#questions.length === maxQuestions
  }

  /** Stores what a question's lookup found; returns the value that the message cache is to hold for it. */
  store(found: Found): number {
    const { set } = found
    const outcomeSet = hasOutcomes(set) ? set : null
    const outcomes = outcomeSet && this.#outcomesOf(outcomeSet, found.zone)
    const index = this.#questions.push({ found, set: outcomeSet, outcomes, tables: [] }) - 1
    if (index === this.#tables.length) this.#growTables()
    return index
  }

  #growTables(): void {
    const tables = new Int32Array(2 * this.#tables.length)
    tables.set(this.#tables)
    this.#tables = tables
  }

  #outcomesOf(set: SteeredSet, zone: Found['zone']): SetOutcomes {
    let outcomes = this.#outcomes.get(set)
    if (outcomes === undefined) {
      outcomes = new SetOutcomes(
        { set, zone },
        this.#context.scopes,
        this.#enumeration,
        this.#budget,
      )
      this.#outcomes.set(set, outcomes)
    }
    return outcomes
  }

  /**
   * Answers the question in the message cache's `entry`. Returns the offset of the answer's end; -1: it is planned, and has
   * to be encoded. In the methods below as well.
   */
  put(transaction: Transaction, entry: number, writer: MessageWriter, limit: number): number {
    const index = this.#messages.value(entry)
    const { plan } = transaction
    this.#pending = null
    resetPlan(plan, Rcode.NOERROR)
    plan.authoritative = true
    if (this.#lifetime !== this.#drawn.lifetime) this.#forgetTables()
    const table = this.#tables[index] as number
    const end =
      table > 0 && this.#drawn.isValid(table, transaction.steering.health.generation())
        ? this.#putDrawn(transaction, index, table, 0, writer, limit)
        : this.#putAnew(transaction, index, writer, limit)
    if (transaction.query.hasOpt && (end < 0 || hasExtendedError(transaction)))
      transaction.extendedError = extendedErrorOf(transaction)
    return end
  }

  /** The arena was emptied. */
  #forgetTables(): void {
    this.#tables.fill(0)
    this.#lifetime = this.#drawn.lifetime
  }

  /** Without a table at hand: by one for the client's rule, or by a selection. */
  #putAnew(transaction: Transaction, index: number, writer: MessageWriter, limit: number): number {
    const question = this.#questions[index] as SteeredQuestion
    const { found, outcomes: setOutcomes } = question
    const outcomes = setOutcomes === null ? null : setOutcomes.outcomesFor(transaction)
    if (setOutcomes === null || outcomes === null) {
      concludeFound(transaction, found.zone, addSet(transaction, 'answer', null, found.set))
      addAdditional(transaction, found.zone)
      return -1
    }
    const generation = transaction.steering.health.generation()
    const known = question.tables[outcomes.rule]
    const isKnown = known?.of === outcomes && known.lifetime === this.#drawn.lifetime
    if (isKnown && !this.#drawn.renew(known.table, generation)) {
      // A deck that is used up.
      setOutcomes.dealAnew(outcomes)
      return this.#putAnew(transaction, index, writer, limit)
    }
    const table = isKnown ? known.table : this.#addTable(question, outcomes, generation)
    if (!setOutcomes.dependsOnClient && this.#lifetime === this.#drawn.lifetime)
      this.#tables[index] = table
    return this.#putDrawn(transaction, index, table, outcomes.rule, writer, limit)
  }

  #addTable(question: SteeredQuestion, of: RuleOutcomes, generation: number): number {
    const table = this.#drawn.addTable(of.outcomes, generation)
    question.tables[of.rule] = { table, lifetime: this.#drawn.lifetime, of }
    return table
  }

  /** The cached message of a part of the table, or what is to become of it. */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putDrawn(
    transaction: Transaction,
    index: number,
    table: number,
    rule: number,
    { out, start }: MessageWriter,
    limit: number,
  ): number {
    transaction.usesHealth = true
    const drawn = this.#drawn
    const part = drawn.draw(table, this.#random)
    const cached = drawn.entryAt(table, part)
    const end = cached === 0 ? -1 : start + drawn.octets(cached)
    if (end < 0 || end > limit || end + 3 > out.length)
      return this.#planOutcome(transaction, index, rule, part)
    const { context, plan } = transaction
    plan.isWritten = true
    if (drawn.hasFailedOpen(cached)) noteFailedOpen(transaction)
    return drawn.copy(cached, out, start, context.counters.answerCounts, context.clock.wallMs())
  }

  /** An outcome whose message is not cached, or does not fit. */
  #planOutcome(transaction: Transaction, index: number, rule: number, part: number): number {
    const question = this.#questions[index] as SteeredQuestion
    const set = question.set as SteeredSet
    const table = question.tables[rule] as OutcomeTable
    const selection = selectionAt(table, part)
    addSelected(transaction, 'answer', null, set, selection)
    const { chooser } = transaction.steering
    const { choices } = chooser
    addAdditional(transaction, question.found.zone)
    // Additional records that are drawn are others in each answer.
    if (chooser.choices === choices) this.#pending = { table, set, part }
    return -1
  }

  /** Stores the message of a planned outcome, which has just been encoded. `end`: of its records, before the OPT. */
  storePlanned({ plan, query }: Transaction, { out, start }: MessageWriter, end: number): void {
    const pending = this.#pending
    this.#pending = null
    if (pending === null || !plan.isWhole || end - start > maxCachedOctets) return
    const { table, set, part } = pending
    // Additional records may have been planned by health that changed since the outcomes were found.
    if (!table.of.inputs.areIn(this.#context.health)) return
    const selection = selectionAt(table, part)
    const reason = countedReason(set, selection)
    const entry = this.#drawn.add({
      message: withoutClientFields(out, start, end - start, query),
      cells: counterCells(this.#context.counters.answerCounts, set, selection),
      ttl: reason === 'own-name' ? null : selection.ttl,
      hasFailedOpen: reason === 'failed-open',
    })
    // Not where the arena was full, and the table was in it.
    if (table.lifetime === this.#drawn.lifetime)
      this.#drawn.setEntry(table.table, table.of.outcomes, part, entry)
  }
}

const selectionAt = ({ of: { outcomes } }: OutcomeTable, part: number): Selected =>
  outcomes.selections[outcomes.indexes[part] as number] as Selected

const hasOutcomes = (set: Found['set']): set is SteeredSet =>
  set.kind !== 'plain' && !('sticky' in set && set.sticky)
