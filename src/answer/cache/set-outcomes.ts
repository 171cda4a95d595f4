// What the answers to a steered set can be, for as long as health does not change: the outcomes of its selection under
// each rule (steer/draw/outcomes.ts). A query then only draws one of them.
//
// There are none for a sticky set, whose selection depends on each client's network, and none where an outcome has no
// records. Such queries take the slow path.

import type { SteeredAddresses, SteeredMx, TargetAddresses } from '../../steer/policy.ts'
import { type Outcomes, outcomesOf, type Selecting } from '../../steer/draw/outcomes.ts'
import { type CachedScopeMap, dependsOnClient, type Scopes } from '../../steer/scope/scope-cache.ts'
import { selectAddressesUnder } from '../../steer/select/select-addresses.ts'
import { canonicalLadder, selectMxUnder } from '../../steer/select/select-mx.ts'
import { createSteering, type Steering } from '../../steer/select/steering.ts'
import { targetAddresses } from '../../steer/select/target-addresses.ts'
import type {
  AddressSelection,
  MxSelection,
  SelectedAddresses,
  SelectedMx,
} from '../../steer/selection.ts'
import type { HealthReader } from '../../health/table.ts'
import { type AnswerCounts, AnswerPosition, type AnswerReason } from '../counters.ts'
import type { Transaction } from '../transaction.ts'
import { ruleIndexOf } from './client-rule.ts'

export type OutcomeSet = SteeredMx | SteeredAddresses | TargetAddresses
export type Selected = SelectedMx | SelectedAddresses

/** The outcomes under one rule, in one generation of health. */
export interface RuleOutcomes {
  /** Index of the rule in the set's policy, or one past the last for the zone's own MTAs. */
  readonly rule: number
  readonly outcomes: Outcomes<Selected>
}

/** Shared by all sets of a responder. */
export interface OutcomeBudget {
  /** Selections that outcomes may still hold. */
  selections: number
}

/** Queried less often between two changes of health, outcomes take longer to find than they save. */
const minQueries = 10

/** The outcomes of one set. */
export class SetOutcomes {
  readonly #set: OutcomeSet
  /** Whether two clients can have different outcomes. */
  readonly dependsOnClient: boolean
  readonly #scopeMap: CachedScopeMap | null
  readonly #enumeration: Enumeration
  readonly #budget: OutcomeBudget
  #generation = -1
  /** Queries since health changed, up to `minQueries`. */
  #queries = 0
  /** By rule; null: there are none. */
  readonly #rules: (RuleOutcomes | null | undefined)[] = []
  /** Selections that the outcomes of this set hold. */
  #selections = 0

  constructor(
    set: OutcomeSet,
    scopes: Scopes | undefined,
    enumeration: Enumeration,
    budget: OutcomeBudget,
  ) {
    this.#set = set
    this.#enumeration = enumeration
    this.#budget = budget
    this.dependsOnClient = set.kind !== 'target-address' && dependsOnClient(set)
    this.#scopeMap =
      set.kind !== 'target-address' && this.dependsOnClient
        ? (scopes?.cachedMapOf(set) ?? null)
        : null
  }

  /** The outcomes for this client; null: the query takes the slow path. */
  outcomesFor(transaction: Transaction): RuleOutcomes | null {
    const rule = this.#ruleOf(transaction)
    const generation = transaction.steering.health.generation()
    if (this.#generation !== generation) this.#forget(generation)
    if (this.#queries < minQueries && ++this.#queries < minQueries) return null
    const known = this.#rules[rule]
    return known === undefined ? this.#find(rule, generation) : known
  }

  /** Deals a deck anew, unless that has been done meanwhile. */
  dealAnew(used: RuleOutcomes): void {
    if (this.#rules[used.rule] !== used) return
    const { length } = used.outcomes.selections
    this.#budget.selections += length
    this.#selections -= length
    this.#rules[used.rule] = undefined
  }

  /** Extends the transaction's scope. */
  #ruleOf(transaction: Transaction): number {
    const set = this.#set
    if (!this.dependsOnClient || set.kind === 'target-address') return 0
    const rule = ruleIndexOf(transaction, set, this.#scopeMap)
    return rule < 0 ? set.policy.rules.length : rule
  }

  #forget(generation: number): void {
    this.#generation = generation
    this.#queries = 0
    this.#rules.length = 0
    this.#budget.selections += this.#selections
    this.#selections = 0
  }

  #find(rule: number, generation: number): RuleOutcomes | null {
    const outcomes = this.#enumeration.outcomesOf(this.#set, rule)
    // Health has changed meanwhile: the next query sees that.
    if (this.#enumeration.generation() !== generation) return null
    const needed = outcomes?.selections.length ?? 0
    if (outcomes === null || needed > this.#budget.selections) {
      this.#rules[rule] = null
      return null
    }
    this.#budget.selections -= needed
    this.#selections += needed
    return (this.#rules[rule] = { rule, outcomes })
  }
}

/** Finds outcomes, with working memory of its own: one for each responder. */
export class Enumeration {
  readonly #steering: Steering
  /** Seeds decks: responders over the same zones and health deal the same ones, in the same order. */
  #enumerated = 0

  constructor(health: HealthReader) {
    // Each enumeration has a chooser of its own.
    this.#steering = createSteering({ health, random: () => 0 })
  }

  generation(): number {
    return this.#steering.health.generation()
  }

  /** The outcomes of a set under a rule; null: see above, or they are too many. */
  outcomesOf(set: OutcomeSet, rule: number): Outcomes<Selected> | null {
    const steering = this.#steering
    let isEmpty = false
    const selecting: Selecting<Selected> = {
      select(chooser) {
        const selection = selectUnder(set, rule, { ...steering, chooser })
        if (selection.kind === 'selected') return selection
        isEmpty = true
        return none
      },
      keyOf,
    }
    const outcomes = outcomesOf(selecting, ++this.#enumerated)
    return isEmpty ? null : outcomes
  }
}

const none: SelectedMx = { kind: 'selected', rungs: [], ttl: 0, reason: 'eligible' }

function selectUnder(
  set: OutcomeSet,
  rule: number,
  steering: Steering,
): MxSelection | AddressSelection {
  switch (set.kind) {
    case 'steered-mx':
      return rule === set.policy.rules.length
        ? canonicalLadder(set)
        : selectMxUnder(set, set.policy.rules[rule], null, steering)
    case 'steered-address':
      return selectAddressesUnder(set, set.policy.rules[rule], null, steering)
    case 'target-address':
      return targetAddresses(set, steering)
    default:
      return set satisfies never
  }
}

function keyOf(selection: Selected): string {
  const records =
    'rungs' in selection
      ? selection.rungs.map(({ target, preference }) => `${target.index} ${preference}`)
      : selection.addresses.map(({ target, address }) => `${target.index} ${address.text}`)
  return [selection.reason, selection.ttl, ...records].join()
}

/** The cells that count a selection's targets, in pairs (counters.ts); targets beyond those counted have none. */
export function counterCells(
  answerCounts: AnswerCounts,
  set: OutcomeSet,
  selection: Selected,
): readonly number[] {
  const reason: AnswerReason = set.kind === 'target-address' ? 'own-name' : selection.reason
  const pairs: number[] = []
  const add = (target: number, position: AnswerPosition): void => {
    const cells = answerCounts.cells(target, position, reason)
    if (cells !== null) pairs.push(...cells)
  }
  if ('rungs' in selection)
    for (const { target, preference } of selection.rungs) {
      const isFirst = preference === selection.rungs[0]?.preference
      add(target.index, isFirst ? AnswerPosition.first : AnswerPosition.later)
    }
  else for (const { target } of selection.addresses) add(target.index, AnswerPosition.address)
  return pairs
}
