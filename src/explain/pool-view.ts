// A pool and its members as JSON of /explain: the weight of each member and its factors, or why the
// member is out.

import { type HealthReader, SlotState } from '../health/table.ts'
import type { Member, Target } from '../steer/policy.ts'
import type { AddressTrace, MemberTrace, PoolTrace } from './trace.ts'
import { RRType } from '../wire/rrtype.ts'

/** What a running server knows beyond the health table. Both return null if nothing is known. */
export interface LiveSources {
  /** By the row of a member in the health table. */
  readonly memberOf: (row: number) => MemberFactors | null
  /** By the slot of an address in the health table. */
  readonly probeOf: (slot: number) => ProbeNote | null
}

export interface MemberFactors {
  readonly warmUp: number
  readonly override: number
  /** Of the MTA's own reports. */
  readonly feedback: number
  /** Below 1 for a relay that DNS lists name. */
  readonly reputation: number
  readonly overrides: readonly OverrideNote[]
}

export interface OverrideNote {
  readonly id: string
  readonly kind: string
  readonly until: string | null
  readonly why: string
  readonly by: string
}

export interface ProbeNote {
  readonly reason: string
  readonly since: string | null
}

export interface PoolView {
  readonly pool: string
  /** Probability that the pool leads the answer. */
  readonly lead: number
  readonly healthy: number
  readonly minHealthy: number
  readonly spill: string
  readonly panic: number
  readonly panicked: boolean
  readonly spread: boolean
  readonly members: readonly MemberView[]
}

export interface MemberView {
  readonly target: string
  readonly region: string | null
  readonly rack: string | null
  readonly standing: MemberTrace['standing']
  readonly why: MemberTrace['why']
  readonly overruled: MemberTrace['overruled']
  /** The weight that draws use; 0: out. */
  readonly weight: number
  readonly configured: number
  readonly warmUp: number
  readonly override: number
  readonly feedback: number
  readonly reputation: number
  /** Of its addresses: slow start and shedding. */
  readonly factor: number
  readonly addresses: readonly AddressView[]
  readonly overrides: readonly OverrideNote[]
}

export interface AddressView {
  readonly address: string
  readonly state: AddressTrace['state']
  readonly factor: number
  /** Seconds until the state could change; null: it does not change by itself. */
  readonly holdSeconds: number | null
  readonly reason: string | null
  readonly since: string | null
}

export const poolView = (
  { pool, lead, healthy, panicked, members }: PoolTrace,
  sources: LiveSources,
): PoolView => ({
  pool: pool.name,
  lead,
  healthy,
  panicked,
  minHealthy: pool.minHealthy,
  spill: pool.spill,
  panic: pool.panic,
  spread: pool.isSpread,
  members: members.map((one) => memberView(one, sources)),
})

function memberView(trace: MemberTrace, sources: LiveSources): MemberView {
  const { member, standing, why, overruled, weight, configured, share, factor } = trace
  const { name, region, rack } = member.target
  const parts = sources.memberOf(member.row)
  return {
    target: name,
    region,
    rack,
    standing,
    why,
    overruled,
    weight,
    configured,
    factor,
    warmUp: parts?.warmUp ?? 1,
    override: parts?.override ?? share,
    feedback: parts?.feedback ?? 1,
    reputation: parts?.reputation ?? 1,
    addresses: trace.addresses.map((one) => addressView(one, slotOf(member, one.text), sources)),
    overrides: parts?.overrides ?? [],
  }
}

const slotOf = ({ target, slots }: Member, text: string): number =>
  slots[target.addresses.findIndex((one) => one.text === text)] ?? 0

function addressView(
  { text, state, factor, holdSeconds }: AddressTrace,
  slot: number,
  { probeOf }: LiveSources,
): AddressView {
  const note = probeOf(slot)
  return {
    address: text,
    state,
    factor,
    holdSeconds: Number.isFinite(holdSeconds) ? holdSeconds : null,
    reason: note?.reason ?? null,
    since: note?.since ?? null,
  }
}

const stateNames = Object.keys(SlotState) as (keyof typeof SlotState)[]

/**
 * The addresses of a target of type A or AAAA, each with its best state over the target's
 * memberships.
 */
export function addressViews(
  memberships: readonly Member[],
  target: Target,
  type: number,
  { health, sources }: { readonly health: HealthReader; readonly sources: LiveSources },
): readonly AddressView[] {
  const family = type === RRType.A ? 4 : 6
  return target.addresses.flatMap(({ text, family: its }, i) => {
    if (its !== family) return []
    const slots = memberships.map((member) => member.slots[i] ?? 0)
    const slot = slots.find((one) => health.state(one) !== SlotState.down) ?? slots[0] ?? 0
    const state = stateNames[health.state(slot)] ?? 'unknown'
    const trace = {
      text,
      state,
      factor: health.factor(slot),
      holdSeconds: health.holdSeconds(slot),
    }
    return [addressView(trace, slot, sources)]
  })
}
