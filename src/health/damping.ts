// Damping: how many like verdicts it takes to believe a change.
//
//   state        verdict   effect
//   unknown      pass      up at once: the first sight after boot
//   unknown      fail      down after `fall`; unknown until then, and taken as up
//   up, suspect  fail      suspect; down after `fall` without a pass between
//   up, suspect  busy      suspect; down after 2 × `fall`, counted apart from fails
//   up, suspect  pass      up; fails and busies forgotten
//   down         pass      up after `rise` in a row that also lasted the flap hold
//   down         fail|busy passes forgotten
//   any          unknown   nothing moves
//
// Flap hold: a target that goes down within `flapWindowMs` of coming up must pass without a break for
// `flapBaseMs`, twice that the next time, and so on up to `flapCapMs` (30 minutes). The first down holds
// nothing: `rise` passes bring the target back. Staying up for the whole window forgives everything.
//
// `holdSeconds` is the soonest the state can go down, or up again: intervals × verdicts still needed.

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
  /** Passes in a row while down, and when that row began. */
  readonly passes: number
  readonly passingSinceMs: number
  /** Fails and busies since the last pass; not counted on while down. */
  readonly fails: number
  readonly busies: number
  /** Verdicts `unknown` in a row. */
  readonly unknowns: number
  /** When it last came up from unknown or down; null: never. */
  readonly upSinceMs: number | null
  /** Downs in a row that came within the flap window. */
  readonly downs: number
  /** How long it must pass without a break before it is up again. */
  readonly flapHoldMs: number
}

type Timing = Pick<DampingPolicy, 'fall' | 'rise' | 'intervalMs' | 'fastIntervalMs'>

/** The policy of a probe profile: flaps held from one interval up to 30 minutes, forgiven after 10. */
export const dampingPolicy = (timing: Timing): DampingPolicy => ({
  fall: timing.fall,
  rise: timing.rise,
  intervalMs: timing.intervalMs,
  fastIntervalMs: timing.fastIntervalMs,
  flapWindowMs: 600_000,
  flapBaseMs: timing.intervalMs,
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
  downs: 0,
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
  if (state.state === SlotState.down) return state.passes > 0 && state.passes < policy.rise
  return state.state !== SlotState.up
}

export function holdSeconds(state: DampingState, policy: DampingPolicy, nowMs: number): number {
  const { fall, rise, intervalMs, fastIntervalMs } = policy
  if (state.state === SlotState.up) return (intervalMs + (fall - 1) * fastIntervalMs) / 1000
  if (state.state !== SlotState.down) {
    const needed = Math.min(fall - state.fails, 2 * fall - state.busies)
    return (needed * fastIntervalMs) / 1000
  }
  if (state.passes === 0) {
    return (intervalMs + Math.max((rise - 1) * fastIntervalMs, state.flapHoldMs)) / 1000
  }
  const heldMs = state.flapHoldMs - (nowMs - state.passingSinceMs)
  if (state.passes >= rise) return Math.max(intervalMs, heldMs) / 1000
  return Math.max((rise - state.passes) * fastIntervalMs, heldMs) / 1000
}

function pass(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.suspect) return enter(SlotState.up, state, nowMs)
  if (state.state === SlotState.up) return state
  if (state.state === SlotState.unknown) return comeUp(state, nowMs)
  const passes = state.passes + 1
  const passingSinceMs = passes === 1 ? nowMs : state.passingSinceMs
  const counted = { ...state, passes, passingSinceMs }
  const isProven = passes >= policy.rise && nowMs - passingSinceMs >= state.flapHoldMs
  return isProven ? comeUp(counted, nowMs) : counted
}

function worsen(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.down) return { ...state, passes: 0, fails: 0, busies: 0 }
  const isDown = state.fails >= policy.fall || state.busies >= 2 * policy.fall
  if (isDown) return goDown(state, policy, nowMs)
  return state.state === SlotState.up
    ? { ...state, state: SlotState.suspect, sinceMs: nowMs }
    : state
}

function goDown(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  const isFlap = state.upSinceMs !== null && nowMs - state.upSinceMs <= policy.flapWindowMs
  const downs = isFlap ? state.downs + 1 : 1
  const flapHoldMs =
    downs < 2 ? 0 : Math.min(policy.flapCapMs, policy.flapBaseMs * 2 ** (downs - 2))
  return { ...enter(SlotState.down, state, nowMs), downs, flapHoldMs }
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
