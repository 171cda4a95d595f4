// A decision told in its stages, for people: which rule and why not the ones before, which pool leads and how likely,
// and for every member its weight with each part, or why it is out. The answering path never comes here; what
// decides is the very code that it runs, on one member, one pool or one rule at a time, so the two cannot disagree.

import { SlotState, Standing, type HealthReader } from '../health/table.ts'
import { RRType } from '../wire/rrtype.ts'
import { weightFrom } from '../steer/draw/candidates.ts'
import { evaluatePool, createPoolEvaluation } from '../steer/select/eligibility.ts'
import { hasFamily, type Family } from '../steer/select/last-resort.ts'
import { matches, isInternal, matchRule } from '../steer/select/match.ts'
import type { Conditions, Member, Pool, SelectedSet } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { leadProbabilities } from '../steer/select/leading-pool.ts'

interface SteeringTrace {
  /** The client is one of the MTAs themselves and gets the canonical ladder: nothing below counts. */
  readonly isInternal: boolean
  readonly rules: readonly RuleTrace[]
  /** Of the rule that matched, in its order. */
  readonly pools: readonly PoolTrace[]
  /** Nobody is eligible: `on_all_down` decides. */
  readonly isAllDown: boolean
}

export interface RuleTrace {
  readonly index: number
  readonly matches: boolean
  /** The conditions that did not hold; empty for the one that matched, and for those after it, which nobody asked. */
  readonly failed: readonly (keyof Conditions)[]
}

export interface PoolTrace {
  readonly pool: Pool
  /** Probability that it leads the answer. */
  readonly lead: number
  /** Share of its weight that is usable. */
  readonly healthy: number
  readonly panicked: boolean
  readonly members: readonly MemberTrace[]
}

/** zero-weight: configured so. no-family: it has no address of the type. zero-share: the calendar or an operator. */
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
  /** null: it is in. */
  readonly why: OutReason | null
  /** Why its addresses' health did not count. */
  readonly overruled: 'forced' | 'panic' | null
  /** The product of the three below, as it is drawn with; 0: out. */
  readonly weight: number
  readonly configured: number
  readonly share: number
  /** Of its addresses together. */
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
  const at = rule === undefined ? -1 : set.policy.rules.indexOf(rule)
  const pools = rule?.pools ?? []
  const family = familyOf(set)
  const looking = { family, health }
  const { leads, panics } = leadProbabilities(pools, family, health)
  return {
    isInternal: set.kind === 'steered-mx' && isInternal(set.internal, locus),
    rules: set.policy.rules.map(({ when }, index) => ({
      index,
      matches: index === at,
      failed: when !== null && index < at ? failedConditions(when, locus) : [],
    })),
    pools: pools.map((pool, i) => tracePool(pool, looking, leads[i] ?? 0, panics[i] ?? 0)),
    isAllDown: leads.every((lead) => lead === 0),
  }
}

const familyOf = (set: SelectedSet): Family => {
  if (set.kind !== 'steered-address') return null
  return set.type === RRType.A ? 4 : 6
}

/** Each condition by itself: those of which `holds` says no when it is alone. */
function failedConditions(when: Conditions, locus: Locus): readonly (keyof Conditions)[] {
  const none: Conditions = { continents: null, countries: null, asns: null, networks: null }
  const keys = Object.keys(none) as (keyof Conditions)[]
  return keys.filter((key) => !matches({ ...none, [key]: when[key] }, locus))
}

interface TraceContext {
  readonly family: Family
  readonly health: HealthReader
}

function tracePool(pool: Pool, looking: TraceContext, lead: number, panic: number): PoolTrace {
  const canvass = createPoolEvaluation()
  evaluatePool(canvass, pool, looking.family, looking.health, panic)
  const { isPanic: panicked, usableShare: healthy } = canvass
  const members = pool.members.map((member) => traceMember(pool, member, looking, panicked))
  return { pool, lead, healthy, panicked, members }
}

/** As in a pool of its own, that is in panic or not as the whole one is. */
function traceMember(
  pool: Pool,
  member: Member,
  looking: TraceContext,
  panicked: boolean,
): MemberTrace {
  const { family, health } = looking
  const canvass = createPoolEvaluation()
  evaluatePool(canvass, { ...pool, members: [member] }, family, health, panicked ? Infinity : 0)
  const { up, suspect, holdSeconds } = canvass
  const weight = weightFrom(up, 0) + weightFrom(suspect, 0)
  const share = health.share(member.row)
  const isForced = health.standing(member.row) === Standing.forced
  return {
    member,
    standing: up.count > 0 ? 'up' : suspect.count > 0 ? 'suspect' : 'out',
    why: weight > 0 ? null : outReason(member, looking),
    overruled: weight === 0 ? null : panicked ? 'panic' : isForced ? 'forced' : null,
    weight,
    configured: member.weight,
    share,
    factor: weight > 0 ? weight / (member.weight * share) : 0,
    addresses: traceAddresses(member, looking),
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

/** The first of the reasons, in the order that eligibility.ts asks. */
function outReason(member: Member, looking: TraceContext): OutReason {
  const { health, family } = looking
  const standing = health.standing(member.row)
  if (!(member.weight > 0)) return 'zero-weight'
  if (family !== null && !hasFamily(member.target, family)) return 'no-family'
  if (standing === Standing.drained) return 'drained'
  if (standing === Standing.disabled) return 'disabled'
  if (!(health.share(member.row) > 0)) return 'zero-share'
  const states = traceAddresses(member, looking).map(({ state }) => state)
  return states.every((state) => state === 'down') ? 'down' : 'zero-factor'
}
