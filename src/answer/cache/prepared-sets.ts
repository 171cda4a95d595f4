// Steered sets into the plan by draws that were prepared (steer/draw/outcomes.ts), counted as add-set.ts does.

import type { HealthReader } from '../../health/table.ts'
import {
  outcomesOf,
  prepareAddresses,
  prepareLadder,
  type DrawOutcome,
  type PreparedDraw,
} from '../../steer/draw/outcomes.ts'
import type { SteeredAddresses, SteeredMx, Target } from '../../steer/policy.ts'
import { preferenceAt } from '../../steer/select/select-mx.ts'
import { dependsOnClient, type CachedScopeMap, type Scopes } from '../../steer/scope/scope-cache.ts'
import type { SelectedAddress, Rung } from '../../steer/selection.ts'
import { countAddresses, countRungs } from '../add-set.ts'
import { ruleIndexOf } from './client-rule.ts'
import { AnswerPosition, type AnswerCounts } from '../counters.ts'
import type { Transaction } from '../transaction.ts'
import { addEntry } from '../plan.ts'
import { OutcomeIndex } from './outcome-index.ts'

interface Drawn<Set, Choice> {
  readonly set: Set
  readonly draw: PreparedDraw<Choice>
  readonly ttlMs: number
  /** null: its orders are too many, or those of all sets; undefined: they were not wanted yet. */
  repertoire: OutcomeIndex | null | undefined
}

export type SetDraw =
  | ({ readonly kind: 'ladder' } & Drawn<SteeredMx, Target>)
  | ({ readonly kind: 'addresses' } & Drawn<SteeredAddresses, SelectedAddress>)

/** Of all sets. */
interface OutcomeIndexBudget {
  cells: number
}

/** Of one set that is not sticky: a draw for each rule, null where it cannot be prepared, as long as health stays as it is. */
export class PreparedSet {
  readonly #set: SteeredMx | SteeredAddresses
  /** There are rules to choose from. */
  readonly #isRuled: boolean
  readonly #memory: CachedScopeMap | null
  #generation = -1
  /** Since health changed. */
  #askings = 0
  readonly #draws: (SetDraw | null | undefined)[] = []
  readonly #budget: OutcomeIndexBudget
  /** Of the budget. */
  #taken = 0

  constructor(
    set: SteeredMx | SteeredAddresses,
    scopes: Scopes | undefined,
    budget: OutcomeIndexBudget,
  ) {
    this.#set = set
    this.#budget = budget
    this.#isRuled = dependsOnClient(set)
    this.#memory = this.#isRuled ? (scopes?.cachedMapOf(set) ?? null) : null
  }

  /** For this client; null: it is to be steered the long way. */
  drawFor(transaction: Transaction): SetDraw | null {
    const set = this.#set
    const rule = this.#isRuled ? ruleIndexOf(transaction, set, this.#memory) : 0
    if (rule < 0) return null
    const { health } = transaction.context
    const generation = health.generation()
    if (this.#generation !== generation) {
      this.#generation = generation
      this.#askings = 0
      this.#draws.length = 0
      this.#budget.cells += this.#taken
      this.#taken = 0
    }
    if (this.#askings < minQueriesBeforeCaching && ++this.#askings < minQueriesBeforePreparing)
      return null
    const draw = this.#draws[rule]
    return draw === undefined ? (this.#draws[rule] = prepare(set, rule, health)) : draw
  }

  /** All that the draw can come to, once there was calm for long enough; null: that is too much. */
  repertoireOf(draw: SetDraw): OutcomeIndex | null {
    if (draw.repertoire !== undefined) return draw.repertoire
    return this.isRecurring ? (draw.repertoire = this.#makeRepertoire(draw)) : null
  }

  #makeRepertoire({ draw }: SetDraw): OutcomeIndex | null {
    const orders = outcomesOf(draw)
    const repertoire = orders === null ? null : new OutcomeIndex(orders)
    if (repertoire === null || repertoire.size > this.#budget.cells) return null
    this.#budget.cells -= repertoire.size
    this.#taken += repertoire.size
    return repertoire
  }

  /** Asked often since health changed: what was drawn may come again before it changes anew. */
  get isRecurring(): boolean {
    return this.#askings === minQueriesBeforeCaching
  }
}

/** Asked less often between two changes of health, a set is not worth preparing. */
const minQueriesBeforePreparing = 4
/** Nor are whole answers worth keeping. */
const minQueriesBeforeCaching = 36

function prepare(
  set: SteeredMx | SteeredAddresses,
  rule: number,
  health: HealthReader,
): SetDraw | null {
  const repertoire = undefined
  if (set.kind === 'steered-mx') {
    const draw = prepareLadder(set, rule, health)
    return draw && { kind: 'ladder', set, draw, ttlMs: draw.ttl * 1000, repertoire }
  }
  const draw = prepareAddresses(set, rule, health)
  return draw && { kind: 'addresses', set, draw, ttlMs: draw.ttl * 1000, repertoire }
}

type FilledRung = { -readonly [Key in keyof Rung]: Rung[Key] }

/** Of the answer in hand. */
const chosen: SelectedAddress[] = []
const rungs: FilledRung[] = []

/** Adds who was drawn to a plan with room. */
export function addDrawn(
  transaction: Transaction,
  { kind, set, draw }: SetDraw,
  drawing: DrawOutcome,
): void {
  const entry = addEntry(transaction.plan, 'answer', null, set.type)
  if (entry === null) return
  entry.ttl = draw.ttl
  if (kind === 'ladder') {
    entry.rungs = rungsOf(draw.choices, drawing, set.mode === 'ladder')
    countRungs(transaction, entry, draw.reason)
  } else {
    entry.addresses = addressesOf(draw.choices, drawing)
    countAddresses(transaction, entry, set, draw.reason)
  }
}

/** The targets drawn, at their heights (steer/select/select-mx.ts). */
function rungsOf(
  choices: readonly Target[],
  { places, count }: DrawOutcome,
  isLadder: boolean,
): readonly Rung[] {
  for (let i = 0; i < count; i++) {
    const preference = preferenceAt(isLadder ? i : 0)
    const target = choices[places[i] as number] as Target
    const rung = rungs[i]
    if (rung === undefined) rungs[i] = { target, preference }
    else {
      rung.target = target
      rung.preference = preference
    }
  }
  // Setting it costs more than looking.
  if (rungs.length !== count) rungs.length = count
  return rungs
}

function addressesOf(
  choices: readonly SelectedAddress[],
  { places, count }: DrawOutcome,
): readonly SelectedAddress[] {
  for (let i = 0; i < count; i++) chosen[i] = choices[places[i] as number] as SelectedAddress
  if (chosen.length !== count) chosen.length = count
  return chosen
}

/** The cells of who was drawn and added, in pairs (counters.ts). Who is not counted has none. */
export function counterCells(
  answerCounts: AnswerCounts,
  draw: SetDraw,
  drawing: DrawOutcome,
): readonly number[] {
  const { reason } = draw.draw
  const pairs: number[] = []
  for (let i = 0; i < drawing.count; i++) {
    const at = drawing.places[i] as number
    const cells =
      draw.kind === 'ladder'
        ? answerCounts.cells(
            (draw.draw.choices[at] as Target).index,
            i === 0 || draw.set.mode === 'equal' ? AnswerPosition.first : AnswerPosition.later,
            reason,
          )
        : answerCounts.cells(
            (draw.draw.choices[at] as SelectedAddress).target.index,
            AnswerPosition.address,
            reason,
          )
    if (cells !== null) pairs.push(...cells)
  }
  return pairs
}
