// What the answers to a steered set can be, for as long as nothing changes of the health that they depend on: the outcomes
// of its selection under each rule (steer/draw/outcomes.ts). A query then only draws one of them.
//
// Of a sticky set they are not known beforehand: a selection is made for each client network (sticky-messages.ts), and here
// is kept what it depends on. There are none where an outcome has no records, or too many. Such queries take the slow path.

import type { Pool, SteeredSet, Target } from '../../steer/policy.ts'
import { type Outcomes, outcomesOf, type Selecting } from '../../steer/draw/outcomes.ts'
import { isSticky, type StickySet } from '../../steer/draw/sticky.ts'
import { keyOfName } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import { lookupInZone } from '../../zone/lookup.ts'
import type { Zone } from '../../zone/zone.ts'
import { type CachedScopeMap, dependsOnClient, type Scopes } from '../../steer/scope/scope-cache.ts'
import { hasFamily, lastResortPools } from '../../steer/select/last-resort.ts'
import { familyOf } from '../../steer/select/select-addresses.ts'
import { selectUnder } from '../../steer/select/select.ts'
import { createSteering, standingClock, type Steering } from '../../steer/select/steering.ts'
import { targetAddresses } from '../../steer/select/target-addresses.ts'
import type { Selected } from '../../steer/selection.ts'
import type { HealthReader } from '../../health/table.ts'
import { countedReason, forEachTarget } from '../add-set.ts'
import type { AnswerCounts } from '../counters.ts'
import type { Transaction } from '../transaction.ts'
import { clientRule } from './client-rule.ts'
import { type HealthInputs, RecordingHealth } from './health-inputs.ts'

/** The outcomes under one rule. */
export interface RuleOutcomes {
  /** Index of the rule in the set's policy, or one past the last for the zone's own MTAs. */
  readonly rule: number
  readonly outcomes: Outcomes<Selected>
  /** What they were found by, and what additional records depend on. */
  readonly inputs: HealthInputs
}

/** What is known of a rule. */
interface RuleState {
  /** The generation of health in which it was last found to hold. */
  generation: number
  readonly inputs: HealthInputs
  /** null: there are none. */
  readonly found: RuleOutcomes | null
}

/** Shared by all sets of a responder. */
export interface OutcomeBudget {
  /** Selections that outcomes may still hold. */
  selections: number
}

/** Queried less often between two changes of its health, a set is not worth its outcomes. */
const minQueries = 10

/** The outcomes of one set. */
export class SetOutcomes {
  readonly #set: SteeredSet
  readonly #zone: Zone
  /** Whether two clients can have different outcomes. */
  readonly dependsOnClient: boolean
  readonly #scopeMap: CachedScopeMap | null
  readonly #enumeration: Enumeration
  readonly #budget: OutcomeBudget
  /** Queries since outcomes last ended, up to `minQueries`. */
  #queries = 0
  #usedDecks = 0
  readonly #rules: (RuleState | undefined)[] = []

  constructor(
    { set, zone }: { readonly set: SteeredSet; readonly zone: Zone },
    scopes: Scopes | undefined,
    enumeration: Enumeration,
    budget: OutcomeBudget,
  ) {
    this.#set = set
    this.#zone = zone
    this.#enumeration = enumeration
    this.#budget = budget
    this.dependsOnClient = set.kind !== 'target-address' && dependsOnClient(set)
    this.#scopeMap =
      set.kind !== 'target-address' && this.dependsOnClient && !isSticky(set)
        ? (scopes?.cachedMapOf(set) ?? null)
        : null
  }

  /** The outcomes for this client; null: the query takes the slow path. */
  outcomesFor(transaction: Transaction): RuleOutcomes | null {
    const rule = this.#ruleOf(transaction)
    const { health } = transaction.steering
    const generation = health.generation()
    const state = this.#rules[rule]
    if (state !== undefined) {
      if (state.generation === generation) return state.found
      if (state.inputs.areIn(health)) {
        state.generation = generation
        return state.found
      }
      this.#forget(rule, state)
      this.#queries = 0
    }
    if (this.#queries < minQueries && ++this.#queries < minQueries) return null
    return this.#find(rule, generation)
  }

  /** Deals a deck anew, unless that has been done meanwhile. */
  dealAnew(used: RuleOutcomes): void {
    const state = this.#rules[used.rule]
    if (state?.found !== used) return
    this.#forget(used.rule, state)
    this.#usedDecks++
  }

  /** Extends the transaction's scope. */
  #ruleOf(transaction: Transaction): number {
    const set = this.#set
    if (!this.dependsOnClient || set.kind === 'target-address') return 0
    return clientRule(transaction, set, this.#scopeMap)
  }

  #forget(rule: number, { found }: RuleState): void {
    this.#budget.selections += found?.outcomes.selections.length ?? 0
    this.#rules[rule] = undefined
  }

  #find(rule: number, generation: number): RuleOutcomes | null {
    const { outcomes, inputs } = this.#enumeration.outcomesOf(
      this.#set,
      rule,
      this.#zone,
      this.#usedDecks,
    )
    const needed = outcomes?.selections.length ?? 0
    const found =
      outcomes === null || needed > this.#budget.selections ? null : { rule, outcomes, inputs }
    if (found !== null) this.#budget.selections -= needed
    this.#rules[rule] = { generation, inputs, found }
    return found
  }
}

/** Finds outcomes: one for each responder. */
export class Enumeration {
  readonly #health: RecordingHealth
  readonly #holds: 'unsigned' | 'signed'
  /** Seeds decks: responders over the same zones and health deal the same ones, in the same order. */
  #enumerated = 0

  constructor(health: HealthReader, holds: 'unsigned' | 'signed' = 'unsigned') {
    this.#health = new RecordingHealth(health)
    this.#holds = holds
  }

  /**
   * The outcomes of a set under a rule, and what they depend on; null: see above, or they are too many.
   *
   * @param usedDecks  those of the set. They alone seed a deck that is signed: when health is again what it was, so are the
   *                   cards, and their signatures are there
   */
  outcomesOf(
    set: SteeredSet,
    rule: number,
    zone: Zone,
    usedDecks: number,
  ): { readonly outcomes: Outcomes<Selected> | null; readonly inputs: HealthInputs } {
    // Anew each time, since evaluations of pools that are known already are not read again. The chooser is another.
    const steering = createSteering({ health: this.#health, random: () => 0, clock: standingClock })
    if (isSticky(set)) {
      const isWhole = this.#readSticky(set, rule, zone, steering)
      return { outcomes: isWhole ? byClient : null, inputs: this.#health.take() }
    }
    const selecting: Selecting<Selected> = {
      select(chooser) {
        const selection = selectUnder(set, rule, null, { ...steering, chooser })
        return selection.kind === 'selected' && recordsOf(selection).length <= maxRecords
          ? selection
          : null
      },
      keyOf,
    }
    const seed = this.#holds === 'signed' ? usedDecks : ++this.#enumerated
    const found = outcomesOf(selecting, seed)
    const isWhole = found !== null && readAdditional(hostsOf(found.selections), zone, steering)
    return { outcomes: isWhole ? found : null, inputs: this.#health.take() }
  }

  #readSticky(set: StickySet, rule: number, zone: Zone, steering: Steering): boolean {
    const pools = poolsUnder(set, rule)
    this.#health.readPools(pools)
    if (set.kind === 'exchange-slot')
      for (const one of set.ofTargets.values()) targetAddresses(one, steering, 0)
    const members = set.kind === 'steered-mx' ? pools.flatMap((pool) => pool.members) : []
    return readAdditional(new Set(members.map(({ target }) => target)), zone, steering)
  }
}

/** For sticky sets. */
const byClient: Outcomes<Selected> = {
  ends: new Float64Array(0),
  indexes: new Uint16Array(0),
  selections: [],
  isDeck: false,
  isInclusionExact: true,
  guide: new Uint16Array(0),
}

/** The pools that a selection under the rule can read: all of them where the rule's own have no address of the family. */
function poolsUnder(set: StickySet, rule: number): readonly Pool[] {
  const { policy } = set
  const own = policy.rules[rule]?.pools ?? []
  const isEnough = own.some(({ members }) =>
    members.some(
      ({ weight, target }) =>
        weight > 0 && (set.kind === 'steered-mx' || hasFamily(target, familyOf(set.type))),
    ),
  )
  return lastResortPools(policy, isEnough ? own : policy.rules.flatMap(({ pools }) => pools))
}

/** The targets whose addresses are additional records. */
function hostsOf(selections: readonly Selected[]): ReadonlySet<Target> {
  const hosts = new Set<Target>()
  for (const selection of selections)
    if (!('addresses' in selection))
      for (const { target } of recordsOf(selection)) hosts.add(target)
  return hosts
}

/** Reads what the additional records of these hosts depend on (additional.ts); false: on the client too. */
function readAdditional(hosts: ReadonlySet<Target>, zone: Zone, steering: Steering): boolean {
  for (const { owner } of hosts)
    for (const type of [RRType.A, RRType.AAAA]) {
      const result = lookupInZone(zone, keyOfName(owner), type)
      const set = result.kind === 'found' ? result.set : null
      if (set?.kind === 'target-address') targetAddresses(set, steering)
      else if (set !== null && set.kind !== 'plain') return false
    }
  return true
}

/** Messages with more records are too long to be cached. */
const maxRecords = 64

function recordsOf(selection: Selected): readonly { readonly target: Target }[] {
  if ('rungs' in selection) return selection.rungs
  return 'records' in selection ? selection.records : selection.addresses
}

/** The same for selections that are the same. */
export function keyOf(selection: Selected): string {
  const { reason, ttl } = selection
  return [reason, ttl, ...recordTexts(selection)].join()
}

function recordTexts(selection: Selected): readonly string[] {
  if ('rungs' in selection)
    return selection.rungs.map(({ target, preference }) => `${target.index} ${preference}`)
  if ('addresses' in selection)
    return selection.addresses.map(({ target, address }) => `${target.index} ${address.text}`)
  return selection.records.map(
    ({ target, priority, weight }) => `${target.index} ${priority} ${weight}`,
  )
}

/** The cells that count a selection's targets, in pairs (counters.ts); targets beyond those counted have none. */
export function counterCells(
  answerCounts: AnswerCounts,
  set: SteeredSet,
  selection: Selected,
): readonly number[] {
  const reason = countedReason(set, selection)
  const pairs: number[] = []
  forEachTarget(set, selection, (target, position) => {
    const cells = answerCounts.cells(target, position, reason)
    if (cells !== null) pairs.push(...cells)
  })
  return pairs
}
