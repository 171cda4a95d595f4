// Answers to steered questions that were asked before, from the set that the lookup found then.
//
//   one of the outcomes is drawn (set-outcomes.ts)   its whole message is copied (drawn-messages.ts), once it was made
//   the set is sticky                                the message that the client's network had before (sticky-messages.ts)
//   an exchange slot, at the end of an epoch         selected as the slow path does: its TTL is another in each second
//   there are no outcomes                            selected as the slow path does
//
// What has to be made is planned, and encoded by the caller.

import type { Random } from '../../lib/clock.ts'
import { epochDraw, epochSecondsLeft } from '../../steer/draw/epoch.ts'
import { clientHash, isSticky, type StickySet } from '../../steer/draw/sticky.ts'
import type { SteeredSet } from '../../steer/policy.ts'
import type { Selected } from '../../steer/selection.ts'
import { Rcode } from '../../wire/rcode.ts'
import type { Query } from '../../wire/query.ts'
import type { MessageWriter } from '../../wire/writer.ts'
import type { Zone, ZoneNode } from '../../zone/zone.ts'
import { addSelected, countedReason, noteFailedOpen } from '../add-set.ts'
import type { AnswerContext } from '../context.ts'
import { concludeAdded, concludeFound, planFound } from '../decide.ts'
import { resetPlan } from '../plan.ts'
import { clientLocus, extendedErrorOf, hasExtendedError, type Transaction } from '../transaction.ts'
import { selectUnder } from '../../steer/select/select.ts'
import { createSteering, type Steering } from '../../steer/select/steering.ts'
import { DrawnMessages } from './drawn-messages.ts'
import { maxCachedOctets, withoutClientFields } from './message-cache.ts'
import { counterCells, Enumeration, keyOf, type RuleOutcomes, SetOutcomes } from './set-outcomes.ts'
import { StickyMessages } from './sticky-messages.ts'

/** Questions cached at most. */
const maxQuestions = 65_536

/** Selections of all sets together, about 400 octets each. */
const maxSelections = 1 << 16

/** Grows with the questions. */
const initialTables = 256

/**
 * So many answers later a deck is dealt anew: dealing and encoding it takes less than 1 % of what they take. Signed, its
 * cards are signed anew as well.
 */
const answersPerDeck = { unsigned: 32_768, signed: 1 << 20 } as const

/** What the lookup of a name with a steered set finds. */
export interface FoundSteered {
  readonly kind: 'found'
  readonly zone: Zone
  readonly node: ZoneNode
  readonly set: SteeredSet
}

interface SteeredQuestion {
  readonly found: FoundSteered
  readonly outcomes: SetOutcomes
  /** By rule. */
  readonly tables: (OutcomeTable | undefined)[]
}

/** A table of messages, and what it was made of. */
interface OutcomeTable {
  /** In the arena; of a sticky set, its number among those. */
  readonly table: number
  /** That of the arena in which it lies. */
  readonly lifetime: number
  readonly of: RuleOutcomes
}

/** A selection whose message is about to be encoded. */
interface PendingMessage {
  readonly table: OutcomeTable
  readonly set: SteeredSet
  readonly selection: Selected
  /** Of health, before anything of it was read. */
  readonly generation: number
  /** The part of the table; of a sticky set, the hash of the client. */
  readonly place: number
}

export class SteeredAnswers {
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
  readonly #drawn: DrawnMessages
  readonly #sticky = new StickyMessages()
  /** For sticky sets: an evaluation that is kept may be older than what was noted of health. */
  readonly #steering: Steering
  #pending: PendingMessage | null = null

  constructor(context: AnswerContext, holds: 'unsigned' | 'signed') {
    this.#context = context
    this.#random = context.random
    this.#drawn = new DrawnMessages(context.counters, answersPerDeck[holds])
    this.#enumeration = new Enumeration(context.health, holds)
    this.#steering = createSteering({ ...context, cachesEvaluations: false })
  }

  clear(): void {
    this.#questions = []
    this.#outcomes.clear()
    this.#budget.selections = maxSelections
    this.#drawn.clear()
    this.#pending = null
  }

  /** Of the drawn messages and their tables. */
  usedOctets(): number {
    return this.#drawn.usedOctets()
  }

  /** Nothing more can be cached before `clear`. */
  isFull(): boolean {
    return this.#questions.length === maxQuestions
  }

  /** Stores the set that a question's lookup found; returns the question's number, from 0. */
  store(found: FoundSteered): number {
    const outcomes = this.#outcomesOf(found.set, found.zone)
    const index = this.#questions.push({ found, outcomes, tables: [] }) - 1
    if (index === this.#tables.length) this.#growTables()
    return index
  }

  #growTables(): void {
    const tables = new Int32Array(2 * this.#tables.length)
    tables.set(this.#tables)
    this.#tables = tables
  }

  #outcomesOf(set: SteeredSet, zone: Zone): SetOutcomes {
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
   * Answers the question of number `index`. Returns the offset of the answer's end; -1: it is planned, and has to be
   * encoded. In the methods below as well.
   */
  put(transaction: Transaction, index: number, writer: MessageWriter, limit: number): number {
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
    this.#sticky.clear()
    this.#lifetime = this.#drawn.lifetime
  }

  /** Without a table at hand: by one for the client's rule, or by a selection. */
  #putAnew(transaction: Transaction, index: number, writer: MessageWriter, limit: number): number {
    const question = this.#questions[index] as SteeredQuestion
    const { found } = question
    const { set } = found
    const outcomes = question.outcomes.outcomesFor(transaction)
    if (outcomes === null) {
      planFound(transaction, found, null, transaction.query.key)
      return -1
    }
    const generation = transaction.steering.health.generation()
    const known = question.tables[outcomes.rule]
    const isKnown = known?.of === outcomes && known.lifetime === this.#drawn.lifetime
    if (isSticky(set)) {
      const table = isKnown ? known : this.#useTable(question, outcomes, this.#sticky.addTable())
      return this.#putSticky(transaction, question, table, writer, limit)
    }
    if (isKnown && !this.#drawn.renew(known.table, generation)) {
      // A deck that is used up.
      question.outcomes.dealAnew(outcomes)
      return this.#putAnew(transaction, index, writer, limit)
    }
    const table = isKnown
      ? known
      : this.#useTable(question, outcomes, this.#drawn.addTable(outcomes.outcomes, generation))
    if (!question.outcomes.dependsOnClient && this.#lifetime === this.#drawn.lifetime)
      this.#tables[index] = table.table
    return this.#putDrawn(transaction, index, table.table, outcomes.rule, writer, limit)
  }

  #useTable(question: SteeredQuestion, of: RuleOutcomes, table: number): OutcomeTable {
    return (question.tables[of.rule] = { table, lifetime: this.#drawn.lifetime, of })
  }

  /** The cached message of a part of the table, or what is to become of it. */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  #putDrawn(
    transaction: Transaction,
    index: number,
    table: number,
    rule: number,
    writer: MessageWriter,
    limit: number,
  ): number {
    transaction.usesHealth = true
    const part = this.#drawn.draw(table, this.#random)
    const entry = this.#drawn.entryAt(table, part)
    const end = entry === 0 ? -1 : this.#copy(transaction, entry, writer, limit)
    return end < 0 ? this.#planOutcome(transaction, index, rule, part) : end
  }

  /** Copies the message at `entry`; -1: there is no room for it. */
  #copy(
    transaction: Transaction,
    entry: number,
    { out, start }: MessageWriter,
    limit: number,
  ): number {
    const drawn = this.#drawn
    const { context, plan } = transaction
    const end = start + drawn.octets(entry)
    if (end > limit || end + 3 > out.length) return -1
    plan.isWritten = true
    if (drawn.hasFailedOpen(entry)) noteFailedOpen(transaction)
    return drawn.copy(entry, out, start, context.counters.answerCounts, context.clock.wallMs())
  }

  /** The message that the client's network had before, or what is selected for it. */
  #putSticky(
    transaction: Transaction,
    question: SteeredQuestion,
    table: OutcomeTable,
    writer: MessageWriter,
    limit: number,
  ): number {
    transaction.usesHealth = true
    const { found } = question
    const set = found.set as StickySet
    const client = drawOf(transaction, set)
    if (client === null) {
      planFound(transaction, found, null, transaction.query.key)
      return -1
    }
    const entry = this.#sticky.entryFor(table.table, client)
    const end = entry === 0 ? -1 : this.#copy(transaction, entry, writer, limit)
    if (end >= 0) return end
    const steering = this.#steering
    const generation = steering.health.generation()
    const { choices } = steering.chooser
    const selection = selectUnder(set, table.of.rule, client, steering)
    if (selection.kind === 'selected') {
      this.#plan(transaction, found, { table, set, selection, generation, place: client })
      // The order of addresses may be drawn all the same, where every one is answered.
      if (steering.chooser.choices !== choices) this.#pending = null
    } else {
      const added = selection.kind === 'servfail' ? 'servfail' : 'absent'
      concludeFound(transaction, found, transaction.query.key, added)
    }
    return -1
  }

  /** An outcome whose message is not cached, or does not fit. */
  #planOutcome(transaction: Transaction, index: number, rule: number, part: number): number {
    const question = this.#questions[index] as SteeredQuestion
    const { found } = question
    const { set } = found
    const table = question.tables[rule] as OutcomeTable
    const generation = transaction.steering.health.generation()
    const selection = selectionAt(table, part)
    this.#plan(transaction, found, { table, set, selection, generation, place: part })
    return -1
  }

  #plan(transaction: Transaction, found: FoundSteered, pending: PendingMessage): void {
    const { chooser } = transaction.steering
    const { choices } = chooser
    addSelected(transaction, 'answer', null, pending.set, pending.selection)
    concludeAdded(transaction, found, transaction.query.key)
    // Additional records that are drawn are others in each answer.
    if (chooser.choices === choices) this.#pending = pending
  }

  /** Stores the message of a planned selection, which has just been encoded. `end`: of its records, before the OPT. */
  storePlanned({ plan, query }: Transaction, writer: MessageWriter, end: number): void {
    const pending = this.#pending
    this.#pending = null
    const octets = end - writer.start
    if (pending === null || !plan.isWhole || octets > maxCachedOctets) return
    const { table, set, selection, generation, place } = pending
    // Health may have changed since its generation was read, and since the outcomes were found.
    const { health } = this.#context
    if (!table.of.inputs.areIn(health) || health.generation() !== generation) return
    if (isSticky(set)) {
      const key = keyOf(selection)
      const entry =
        this.#sticky.entryOf(table.table, key) || this.#add(pending, writer, octets, query)
      if (this.#isPresent(table)) this.#sticky.store(table.table, place, key, entry)
      return
    }
    const entry = this.#add(pending, writer, octets, query)
    if (this.#isPresent(table)) this.#drawn.setEntry(table.table, table.of.outcomes, place, entry)
  }

  /** Whether the arena was not emptied since the table was made. */
  #isPresent({ lifetime }: OutcomeTable): boolean {
    return lifetime === this.#drawn.lifetime
  }

  #add(
    { set, selection }: PendingMessage,
    { out, start }: MessageWriter,
    octets: number,
    query: Query,
  ): number {
    const reason = countedReason(set, selection)
    return this.#drawn.add({
      message: withoutClientFields(out, start, octets, query),
      cells: counterCells(this.#context.counters.answerCounts, set, selection),
      ttl: reason === 'own-name' ? null : selection.ttl,
      hasFailedOpen: reason === 'failed-open',
    })
  }
}

const selectionAt = ({ of: { outcomes } }: OutcomeTable, part: number): Selected =>
  outcomes.selections[outcomes.indexes[part] as number] as Selected

/** The hash that decides what the client gets of the set; null: the time does too. */
function drawOf(transaction: Transaction, set: StickySet): number | null {
  const client = clientHash(set.policy, clientLocus(transaction))
  if (set.kind !== 'exchange-slot') return client
  const { epochSeconds, ttl } = set
  const nowSeconds = Math.floor(transaction.context.clock.wallMs() / 1000)
  const isLate = epochSecondsLeft(client, epochSeconds, nowSeconds) < ttl
  return isLate ? null : epochDraw(client, epochSeconds, nowSeconds)
}
