// Steered sets answered by prepared draws (steer/draw/outcomes.ts): planned and counted as add-set.ts does it.

import type { SteeredAddresses, SteeredMx, Target } from '../../steer/policy.ts'
import {
  type DrawOutcome,
  outcomesOf,
  prepareAddresses,
  type PreparedDraw,
  prepareLadder,
} from '../../steer/draw/outcomes.ts'
import { type CachedScopeMap, dependsOnClient, type Scopes } from '../../steer/scope/scope-cache.ts'
import { preferenceAt } from '../../steer/select/select-mx.ts'
import type { Steering } from '../../steer/select/steering.ts'
import type { Rung, SelectedAddress } from '../../steer/selection.ts'
import { countAddresses, countRungs } from '../add-set.ts'
import { type AnswerCounts, AnswerPosition } from '../counters.ts'
import { addEntry } from '../plan.ts'
import type { Transaction } from '../transaction.ts'
import { ruleIndexOf } from './client-rule.ts'
import { OutcomeIndex } from './outcome-index.ts'

interface DrawOfSet<Set, Entry> {
  readonly set: Set
  /** No other draw of this responder has it. */
  readonly number: number
  readonly draw: PreparedDraw<Entry>
  readonly ttlMs: number
  /** null: there are too many outcomes, in it or in all sets together; undefined: not built yet. */
  outcomeIndex: OutcomeIndex | null | undefined
}

export type SetDraw =
  | ({ readonly kind: 'ladder' } & DrawOfSet<SteeredMx, Target>)
  | ({ readonly kind: 'addresses' } & DrawOfSet<SteeredAddresses, SelectedAddress>)

/** Shared by all sets of a responder. */
interface PreparedSetsState {
  /** Words that outcome indexes may still take. */
  words: number
  /** Number of the draw prepared last. */
  draws: number
}

/** The draws of one set that is not sticky, one for each rule, as long as health does not change. */
export class PreparedSet {
  readonly #set: SteeredMx | SteeredAddresses
  readonly #dependsOnClient: boolean
  readonly #scopeMap: CachedScopeMap | null
  readonly #shared: PreparedSetsState
  #generation = -1
  /** Queries since health changed, up to `minQueriesBeforeCaching`. */
  #queries = 0
  /** By rule; null: it cannot be prepared. */
  readonly #draws: (SetDraw | null | undefined)[] = []
  /** Words that this set's outcome indexes take. */
  #words = 0

  constructor(
    set: SteeredMx | SteeredAddresses,
    scopes: Scopes | undefined,
    shared: PreparedSetsState,
  ) {
    this.#set = set
    this.#shared = shared
    this.#dependsOnClient = dependsOnClient(set)
    this.#scopeMap = this.#dependsOnClient ? (scopes?.cachedMapOf(set) ?? null) : null
  }

  /** The draw for this client; null: it takes the slow path. */
  drawFor(transaction: Transaction): SetDraw | null {
    const set = this.#set
    const rule = this.#dependsOnClient ? ruleIndexOf(transaction, set, this.#scopeMap) : 0
    if (rule < 0) return null
    const { steering } = transaction
    const generation = steering.health.generation()
    if (this.#generation !== generation) this.#forgetDraws(generation)
    if (this.#queries < minQueriesBeforeCaching && ++this.#queries < minQueriesBeforePreparing)
      return null
    const draw = this.#draws[rule]
    return draw === undefined ? (this.#draws[rule] = this.#prepare(rule, steering)) : draw
  }

  #forgetDraws(generation: number): void {
    this.#generation = generation
    this.#queries = 0
    this.#draws.length = 0
    this.#shared.words += this.#words
    this.#words = 0
  }

  #prepare(rule: number, steering: Steering): SetDraw | null {
    const set = this.#set
    const number = ++this.#shared.draws
    const outcomeIndex = undefined
    if (set.kind === 'steered-mx') {
      const draw = prepareLadder(set, rule, steering)
      return draw && { kind: 'ladder', set, number, draw, ttlMs: draw.ttl * 1000, outcomeIndex }
    }
    const draw = prepareAddresses(set, rule, steering)
    return draw && { kind: 'addresses', set, number, draw, ttlMs: draw.ttl * 1000, outcomeIndex }
  }

  /** The index of the draw's outcomes, built once health has been stable for long enough; null: there is none. */
  outcomeIndexOf(draw: SetDraw): OutcomeIndex | null {
    if (draw.outcomeIndex !== undefined) return draw.outcomeIndex
    return this.isRecurring ? (draw.outcomeIndex = this.#indexOutcomes(draw)) : null
  }

  #indexOutcomes({ draw }: SetDraw): OutcomeIndex | null {
    const outcomes = outcomesOf(draw)
    const index = outcomes === null ? null : new OutcomeIndex(outcomes)
    if (index === null || index.words > this.#shared.words) return null
    this.#shared.words -= index.words
    this.#words += index.words
    return index
  }

  /** The set was queried often since health changed: outcomes are likely to recur before it changes again. */
  get isRecurring(): boolean {
    return this.#queries === minQueriesBeforeCaching
  }
}

/** Queried less often between two changes of health, a set is not worth preparing. */
const minQueriesBeforePreparing = 4
/** Nor are whole answers worth caching. */
const minQueriesBeforeCaching = 36

type MutableRung = { -readonly [Key in keyof Rung]: Rung[Key] }

/** The records of the outcome planned last: lists that are reused from query to query. */
export interface DrawnRecords {
  readonly rungs: MutableRung[]
  readonly addresses: SelectedAddress[]
}

export const createDrawnRecords = (): DrawnRecords => ({ rungs: [], addresses: [] })

/** Adds the records of an outcome to a plan that has room, and counts them. They are those of `records` until its next use. */
export function addDrawn(
  transaction: Transaction,
  { kind, set, draw }: SetDraw,
  outcome: DrawOutcome,
  records: DrawnRecords,
): void {
  const entry = addEntry(transaction.plan, 'answer', null, set.type)
  if (entry === null) return
  entry.ttl = draw.ttl
  if (kind === 'ladder') {
    fillRungs(records.rungs, draw.entries, outcome, set.mode === 'ladder')
    entry.rungs = records.rungs
    countRungs(transaction, entry, draw.reason)
  } else {
    fillAddresses(records.addresses, draw.entries, outcome)
    entry.addresses = records.addresses
    countAddresses(transaction, entry, set, draw.reason)
  }
}

/** With the preferences of select-mx.ts. */
function fillRungs(
  rungs: MutableRung[],
  targets: readonly Target[],
  { indexes, count }: DrawOutcome,
  isLadder: boolean,
): void {
  for (let i = 0; i < count; i++) {
    const preference = preferenceAt(isLadder ? i : 0)
    const target = targets[indexes[i] as number] as Target
    const rung = rungs[i]
    if (rung === undefined) rungs[i] = { target, preference }
    else {
      rung.target = target
      rung.preference = preference
    }
  }
  // To set the length costs more than to compare it.
  if (rungs.length !== count) rungs.length = count
}

function fillAddresses(
  addresses: SelectedAddress[],
  entries: readonly SelectedAddress[],
  { indexes, count }: DrawOutcome,
): void {
  for (let i = 0; i < count; i++) addresses[i] = entries[indexes[i] as number] as SelectedAddress
  if (addresses.length !== count) addresses.length = count
}

/** The cells that count an outcome's targets, in pairs (counters.ts); targets beyond those counted have none. */
export function counterCells(
  answerCounts: AnswerCounts,
  draw: SetDraw,
  outcome: DrawOutcome,
): readonly number[] {
  const { reason } = draw.draw
  const pairs: number[] = []
  for (let i = 0; i < outcome.count; i++) {
    const index = outcome.indexes[i] as number
    const cells =
      draw.kind === 'ladder'
        ? answerCounts.cells(
            (draw.draw.entries[index] as Target).index,
            i === 0 || draw.set.mode === 'equal' ? AnswerPosition.first : AnswerPosition.later,
            reason,
          )
        : answerCounts.cells(
            (draw.draw.entries[index] as SelectedAddress).target.index,
            AnswerPosition.address,
            reason,
          )
    if (cells !== null) pairs.push(...cells)
  }
  return pairs
}
