// The stages of a steering decision: which rule matched and why earlier ones did not, with which
// probability each pool leads, and for every member its weight and factors, or why it is out. The
// answering path does not use this; the trace calls the code of that path on one rule, pool or
// member at a time, so that the two cannot disagree.

import { SlotState, Standing, type HealthReader } from '../health/table.ts'
import { RRType } from '../wire/rrtype.ts'
import { weightFrom } from '../steer/draw/candidates.ts'
import { evaluatePool, createPoolEvaluation } from '../steer/select/eligibility.ts'
import { hasFamily, type Family } from '../steer/select/last-resort.ts'
import { getsFixedLadder, matches, matchRule } from '../steer/select/match.ts'
import type { Conditions, Member, Pool, SelectedSet } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { EvaluatedPools } from '../steer/select/leading-pool.ts'

interface SteeringTrace {
  /**
   * The client is in an `internal` network and gets the fixed ladder: the rest of the trace does
   * not apply.
   */
  readonly isInternal: boolean
  readonly rules: readonly RuleTrace[]
  /** The pools of the rule that matched, in its order. */
  readonly pools: readonly PoolTrace[]
  /** No member is eligible: `on_all_down` decides. */
  readonly isAllDown: boolean
}

export interface RuleTrace {
  readonly index: number
  readonly matches: boolean
  /**
   * Conditions that did not match; empty for the rule that matched and for those after it, which
   * were not evaluated.
   */
  readonly failed: readonly (keyof Conditions)[]
}

export interface PoolTrace {
  readonly pool: Pool
  /** Probability that the pool leads the answer. */
  readonly lead: number
  /** Share of the pool's weight that is usable. */
  readonly healthy: number
  readonly panicked: boolean
  readonly members: readonly MemberTrace[]
}

/**
 * Why a member is out. zero-weight: its configured weight is 0. no-family: it has no address of the
 * type. zero-share: warm-up, an override or feedback leaves it no weight. zero-factor: its
 * addresses are not down, but shed all load.
 */
type OutReason =
  | 'zero-weight'
  | 'no-family'
  | 'drained'
  | 'disabled'
  | 'zero-share'
  | 'down'
  | 'zero-factor'

export interface MemberTrace {
  readonly member: Member
  readonly standing: 'up' | 'suspect' | 'out'
  /** null: the member is not out. */
  readonly why: OutReason | null
  /** Why the health of its addresses was ignored; null: it was not. */
  readonly overruled: 'forced' | 'panic' | null
  /** The weight that draws use, the product of the three below; 0: out. */
  readonly weight: number
  readonly configured: number
  readonly share: number
  /** Of its addresses. */
  readonly factor: number
  readonly addresses: readonly AddressTrace[]
  readonly holdSeconds: number
}

export interface AddressTrace {
  readonly text: string
  readonly state: keyof typeof SlotState
  readonly factor: number
  readonly holdSeconds: number
}

export function traceSteering(set: SelectedSet, locus: Locus, health: HealthReader): SteeringTrace {
  const rule = matchRule(set.policy, locus)
  const at = set.policy.rules.indexOf(rule)
  const { pools } = rule
  const family = familyOf(set)
  const context = { family, health }
  const { leads, panics } = new EvaluatedPools(health).leadProbabilities(pools, family)
  return {
    isInternal: getsFixedLadder(set, locus),
    rules: set.policy.rules.map(({ when }, index) => ({
      index,
      matches: index === at,
      failed: when !== null && index < at ? failedConditions(when, locus) : [],
    })),
    pools: pools.map((pool, i) => tracePool(pool, context, leads[i] ?? 0, panics[i] ?? 0)),
    isAllDown: leads.every((lead) => lead === 0),
  }
}

const familyOf = (set: SelectedSet): Family => {
  if (set.kind !== 'steered-address') return null
  return set.type === RRType.A ? 4 : 6
}

/** Conditions that do not match the client when evaluated alone. */
function failedConditions(when: Conditions, locus: Locus): readonly (keyof Conditions)[] {
  const none: Conditions = { continents: null, countries: null, asns: null, networks: null }
  const keys = Object.keys(none) as (keyof Conditions)[]
  return keys.filter((key) => !matches({ ...none, [key]: when[key] }, locus))
}

interface TraceContext {
  readonly family: Family
  readonly health: HealthReader
}

function tracePool(pool: Pool, context: TraceContext, lead: number, panic: number): PoolTrace {
  const evaluation = createPoolEvaluation()
  evaluatePool(evaluation, pool, context.family, context.health, panic)
  const { isPanic: panicked, usableShare: healthy } = evaluation
  const members = pool.members.map((member) => traceMember(pool, member, context, panicked))
  return { pool, lead, healthy, panicked, members }
}

/** Evaluates the member in a pool of its own, with the panic of the whole pool. */
function traceMember(
  pool: Pool,
  member: Member,
  context: TraceContext,
  panicked: boolean,
): MemberTrace {
  const { family, health } = context
  const evaluation = createPoolEvaluation()
  evaluatePool(evaluation, { ...pool, members: [member] }, family, health, panicked ? Infinity : 0)
  const { up, suspect, holdSeconds } = evaluation
  const weight = weightFrom(up, 0) + weightFrom(suspect, 0)
  const share = health.share(member.row)
  const isForced = health.standing(member.row) === Standing.forced
  return {
    member,
    standing: up.count > 0 ? 'up' : suspect.count > 0 ? 'suspect' : 'out',
    why: weight > 0 ? null : outReason(member, context),
    overruled: weight === 0 ? null : panicked ? 'panic' : isForced ? 'forced' : null,
    weight,
    configured: member.weight,
    share,
    factor: weight > 0 ? weight / (member.weight * share) : 0,
    addresses: traceAddresses(member, context),
    holdSeconds,
  }
}

function traceAddresses(
  { target, slots }: Member,
  { family, health }: TraceContext,
): AddressTrace[] {
  return target.addresses.flatMap((address, i) => {
    if (family !== null && address.family !== family) return []
    const slot = slots[i] ?? 0
    const state = stateNames[health.state(slot)]
    const holdSeconds = health.holdSeconds(slot)
    return [{ text: address.text, state, factor: health.factor(slot), holdSeconds }]
  })
}

const stateNames = Object.fromEntries(
  Object.entries(SlotState).map(([name, value]) => [value, name]),
) as Record<SlotState, keyof typeof SlotState>

/** The first reason, in the order of the checks in eligibility.ts. */
function outReason(member: Member, context: TraceContext): OutReason {
  const { health, family } = context
  const standing = health.standing(member.row)
  if (!(member.weight > 0)) return 'zero-weight'
  if (family !== null && !hasFamily(member.target, family)) return 'no-family'
  if (standing === Standing.drained) return 'drained'
  if (standing === Standing.disabled) return 'disabled'
  if (!(health.share(member.row) > 0)) return 'zero-share'
  const states = traceAddresses(member, context).map(({ state }) => state)
  return states.every((state) => state === 'down') ? 'down' : 'zero-factor'
}
