// Steered sets into the plan by draws that were prepared (steer/draw/outcomes.ts), counted as add-set.ts does.

import type { HealthReader } from '../../health/table.ts'
import {
  ordersOf,
  prepareAddresses,
  prepareLadder,
  type Drawing,
  type PreparedDraw,
} from '../../steer/draw/outcomes.ts'
import type { SteeredAddresses, SteeredMx, Target } from '../../steer/policy.ts'
import { preferenceAt } from '../../steer/select/select-mx.ts'
import { dependsOnClient, type ScopeMemory, type Scopes } from '../../steer/scope/scope-cache.ts'
import type { ChosenAddress, Rung } from '../../steer/selection.ts'
import { countAddresses, countRungs } from '../add-set.ts'
import { ruleOf } from './client-rule.ts'
import { HandOutPlace, type HandOuts } from '../counters.ts'
import type { Inquiry } from '../transaction.ts'
import { addEntry } from '../plan.ts'
import { Repertoire } from './repertoire.ts'

interface Drawn<Set, Choice> {
  readonly set: Set
  readonly draw: PreparedDraw<Choice>
  readonly ttlMs: number
  /** null: its orders are too many, or those of all sets; undefined: they were not wanted yet. */
  repertoire: Repertoire | null | undefined
}

export type SetDraw =
  | ({ readonly kind: 'ladder' } & Drawn<SteeredMx, Target>)
  | ({ readonly kind: 'addresses' } & Drawn<SteeredAddresses, ChosenAddress>)

/** Of all sets. */
interface RepertoireBudget {
  cells: number
}

/** Of one set that is not sticky: a draw for each rule, null where it cannot be prepared, as long as health stays as it is. */
export class PreparedSet {
  readonly #set: SteeredMx | SteeredAddresses
  /** There are rules to choose from. */
  readonly #isRuled: boolean
  readonly #memory: ScopeMemory | null
  #generation = -1
  /** Since health changed. */
  #askings = 0
  readonly #draws: (SetDraw | null | undefined)[] = []
  readonly #budget: RepertoireBudget
  /** Of the budget. */
  #taken = 0

  constructor(
    set: SteeredMx | SteeredAddresses,
    scopes: Scopes | undefined,
    budget: RepertoireBudget,
  ) {
    this.#set = set
    this.#budget = budget
    this.#isRuled = dependsOnClient(set)
    this.#memory = this.#isRuled ? (scopes?.memoryOf(set) ?? null) : null
  }

  /** For this client; null: it is to be steered the long way. */
  drawFor(inquiry: Inquiry): SetDraw | null {
    const set = this.#set
    const rule = this.#isRuled ? ruleOf(inquiry, set, this.#memory) : 0
    if (rule < 0) return null
    const { health } = inquiry.context
    const generation = health.generation()
    if (this.#generation !== generation) {
      this.#generation = generation
      this.#askings = 0
      this.#draws.length = 0
      this.#budget.cells += this.#taken
      this.#taken = 0
    }
    if (this.#askings < recurringAskings && ++this.#askings < calmAskings) return null
    const draw = this.#draws[rule]
    return draw === undefined ? (this.#draws[rule] = prepare(set, rule, health)) : draw
  }

  /** All that the draw can come to, once there was calm for long enough; null: that is too much. */
  repertoireOf(draw: SetDraw): Repertoire | null {
    if (draw.repertoire !== undefined) return draw.repertoire
    return this.isRecurring ? (draw.repertoire = this.#makeRepertoire(draw)) : null
  }

  #makeRepertoire({ draw }: SetDraw): Repertoire | null {
    const orders = ordersOf(draw)
    const repertoire = orders === null ? null : new Repertoire(orders)
    if (repertoire === null || repertoire.size > this.#budget.cells) return null
    this.#budget.cells -= repertoire.size
    this.#taken += repertoire.size
    return repertoire
  }

  /** Asked often since health changed: what was drawn may come again before it changes anew. */
  get isRecurring(): boolean {
    return this.#askings === recurringAskings
  }
}

/** Asked less often between two changes of health, a set is not worth preparing. */
const calmAskings = 4
/** Nor are whole answers worth keeping. */
const recurringAskings = 36

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
const chosen: ChosenAddress[] = []
const rungs: FilledRung[] = []

/** Adds who was drawn to a plan with room. */
export function addDrawn(inquiry: Inquiry, { kind, set, draw }: SetDraw, drawing: Drawing): void {
  const entry = addEntry(inquiry.plan, 'answer', null, set.type)
  if (entry === null) return
  entry.ttl = draw.ttl
  if (kind === 'ladder') {
    entry.rungs = rungsOf(draw.choices, drawing, set.mode === 'ladder')
    countRungs(inquiry, entry, draw.reason)
  } else {
    entry.addresses = addressesOf(draw.choices, drawing)
    countAddresses(inquiry, entry, set, draw.reason)
  }
}

/** The targets drawn, at their heights (steer/select/select-mx.ts). */
function rungsOf(
  choices: readonly Target[],
  { places, count }: Drawing,
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
  choices: readonly ChosenAddress[],
  { places, count }: Drawing,
): readonly ChosenAddress[] {
  for (let i = 0; i < count; i++) chosen[i] = choices[places[i] as number] as ChosenAddress
  if (chosen.length !== count) chosen.length = count
  return chosen
}

/** The cells of who was drawn and added, in pairs (counters.ts). Who is not counted has none. */
export function handOutPairs(
  handOuts: HandOuts,
  draw: SetDraw,
  drawing: Drawing,
): readonly number[] {
  const { reason } = draw.draw
  const pairs: number[] = []
  for (let i = 0; i < drawing.count; i++) {
    const at = drawing.places[i] as number
    const cells =
      draw.kind === 'ladder'
        ? handOuts.cells(
            (draw.draw.choices[at] as Target).index,
            i === 0 || draw.set.mode === 'equal' ? HandOutPlace.first : HandOutPlace.later,
            reason,
          )
        : handOuts.cells(
            (draw.draw.choices[at] as ChosenAddress).target.index,
            HandOutPlace.address,
            reason,
          )
    if (cells !== null) pairs.push(...cells)
  }
  return pairs
}
