// Damping: how many like verdicts it takes to believe a change.
//
//   state        verdict   effect
//   unknown      pass      up at once: the first sight after boot
//   unknown      fail      down after `fall`; unknown until then, and taken as up
//   up, suspect  fail      suspect; down after `fall` without a pass between
//   up, suspect  busy      suspect; down after 2 × `fall`, counted apart from fails
//   suspect      pass      up, once the flap hold is over; fails and busies forgotten
//   down         pass      up after `rise` in a row that also lasted the flap hold
//   down         fail|busy passes forgotten
//   any          unknown   nothing moves
//
// Flap hold: who leaves up within `flapWindowMs` of coming up must pass without a break for `flapBaseMs` before it
// is up again, twice that the next time, and so on up to `flapCapMs` (30 minutes). So a flapping target can still
// get worse, but not better. The first time holds nothing. Staying up for the whole window forgives everything.
// Why not penalties that decay (RFC 2439): ADR 8.
//
// `holdSeconds` is the soonest that it can go down, or be no longer down: intervals × verdicts still needed.

import { SlotState } from './table.ts'
import type { Verdict } from './verdict.ts'

export interface DampingPolicy {
  readonly fall: number
  readonly rise: number
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly flapWindowMs: number
  readonly flapBaseMs: number
  readonly flapCapMs: number
}

/** Times are on one monotonic clock. */
export interface DampingState {
  readonly state: SlotState
  readonly sinceMs: number
  /** Passes in a row while suspect or down, and when that row began. */
  readonly passes: number
  readonly passingSinceMs: number
  /** Fails and busies since the last pass; not counted on while down. */
  readonly fails: number
  readonly busies: number
  /** Verdicts `unknown` in a row. */
  readonly unknowns: number
  /** When it last came up; null: never. */
  readonly upSinceMs: number | null
  /** Times in a row that it left up within the flap window. */
  readonly flaps: number
  /** How long it must pass without a break before it is up again. */
  readonly flapHoldMs: number
}

type Timing = Pick<DampingPolicy, 'fall' | 'rise' | 'intervalMs' | 'fastIntervalMs'>

/** The policy of a probe profile: flaps held from three intervals up to 30 minutes, forgiven after 10. */
export const dampingPolicy = (timing: Timing): DampingPolicy => ({
  fall: timing.fall,
  rise: timing.rise,
  intervalMs: timing.intervalMs,
  fastIntervalMs: timing.fastIntervalMs,
  flapWindowMs: 600_000,
  flapBaseMs: 3 * timing.intervalMs,
  flapCapMs: 1_800_000,
})

export const undamped = (nowMs: number): DampingState => ({
  state: SlotState.unknown,
  sinceMs: nowMs,
  passes: 0,
  passingSinceMs: nowMs,
  fails: 0,
  busies: 0,
  unknowns: 0,
  upSinceMs: null,
  flaps: 0,
  flapHoldMs: 0,
})

export function advance(
  state: DampingState,
  verdict: Verdict,
  policy: DampingPolicy,
  nowMs: number,
): DampingState {
  if (verdict === 'unknown') return { ...state, unknowns: state.unknowns + 1 }
  const seen = { ...state, unknowns: 0 }
  if (verdict === 'pass') return pass(seen, policy, nowMs)
  if (verdict === 'busy') return worsen({ ...seen, busies: seen.busies + 1 }, policy, nowMs)
  return worsen({ ...seen, fails: seen.fails + 1 }, policy, nowMs)
}

/** Whether the next verdict should come soon: one more, or a few, would settle it. */
export function isUndecided(state: DampingState, policy: DampingPolicy): boolean {
  const { passes } = state
  if (state.state === SlotState.down) return passes > 0 && passes < policy.rise
  if (state.state === SlotState.suspect) return passes < policy.rise
  return state.state === SlotState.unknown
}

/** Down for its flapping alone: it passes, and has passed often enough. */
export const isHeld = (state: DampingState, policy: DampingPolicy): boolean =>
  state.state === SlotState.down && state.passes >= policy.rise

export function holdSeconds(state: DampingState, policy: DampingPolicy, nowMs: number): number {
  const { fall, rise, intervalMs, fastIntervalMs } = policy
  if (state.state !== SlotState.down) {
    const needed = Math.min(fall - state.fails, 2 * fall - state.busies)
    const nextMs = isUndecided(state, policy) ? fastIntervalMs : intervalMs
    return (nextMs + (needed - 1) * fastIntervalMs) / 1000
  }
  if (state.passes === 0) {
    return (intervalMs + Math.max((rise - 1) * fastIntervalMs, state.flapHoldMs)) / 1000
  }
  const heldMs = state.flapHoldMs - (nowMs - state.passingSinceMs)
  if (state.passes >= rise) return Math.max(intervalMs, heldMs) / 1000
  return Math.max((rise - state.passes) * fastIntervalMs, heldMs) / 1000
}

function pass(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.up) return state
  if (state.state === SlotState.unknown) return comeUp(state, nowMs)
  const passes = state.passes + 1
  const passingSinceMs = passes === 1 ? nowMs : state.passingSinceMs
  const counted = { ...state, passes, passingSinceMs, fails: 0, busies: 0 }
  const needed = state.state === SlotState.down ? policy.rise : 1
  const isProven = passes >= needed && nowMs - passingSinceMs >= state.flapHoldMs
  return isProven ? comeUp(counted, nowMs) : counted
}

function worsen(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.down) return { ...state, passes: 0, fails: 0, busies: 0 }
  const left = state.state === SlotState.up ? leaveUp(state, policy, nowMs) : state
  const isDown = left.fails >= policy.fall || left.busies >= 2 * policy.fall
  return isDown ? enter(SlotState.down, left, nowMs) : { ...left, passes: 0 }
}

function leaveUp(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  const isFlap = state.upSinceMs !== null && nowMs - state.upSinceMs <= policy.flapWindowMs
  const flaps = isFlap ? state.flaps + 1 : 1
  const flapHoldMs =
    flaps < 2 ? 0 : Math.min(policy.flapCapMs, policy.flapBaseMs * 2 ** (flaps - 2))
  return { ...state, state: SlotState.suspect, sinceMs: nowMs, flaps, flapHoldMs }
}

const comeUp = (state: DampingState, nowMs: number): DampingState => ({
  ...enter(SlotState.up, state, nowMs),
  upSinceMs: nowMs,
})

const enter = (to: SlotState, state: DampingState, nowMs: number): DampingState => ({
  ...state,
  state: to,
  sinceMs: nowMs,
  passes: 0,
  fails: 0,
  busies: 0,
})
