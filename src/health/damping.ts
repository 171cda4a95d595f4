// Damping: how many like verdicts it takes to believe a change.
//
//   state        verdict   effect
//   unknown      pass      up at once: the first sight after boot
//   unknown      fail      down after `fall`; unknown until then, and taken as up
//   up, suspect  fail      suspect; down after `fall` without a pass between
//   up, suspect  busy      suspect; down after 2 × `fall`, counted apart from fails
//   suspect      pass      up, once its hold is over; fails and busies forgotten
//   down         pass      up after `rise` in a row that also lasted its hold
//   down         fail|busy passes forgotten
//   any          unknown   nothing moves
//
// Holds: who did that again, soon after coming up, must pass without a break for `flapBaseMs` before it is up again,
// twice that the next time, and so on up to a cap. So it can still get worse, but not better. The first time holds
// nothing, and neither does one that comes late; up for so long forgives everything.
//
//   what       counted when it enters   soon: up for at most   cap
//   flicker    suspect                  `flickerWindowMs`      `flickerCapMs`
//   flap       down                     `flapWindowMs`         `flapCapMs`
//
// Going down ends no hold. While it is short, up to the cap of flickers, probes come fast: at the usual pace they could
// keep step with the flapping, and see only its better half.
// One lost probe is no flap: at 1 % of loss a target is as good as always up. Why not penalties that decay
// (RFC 2439): ADR 8.
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
  readonly flickerWindowMs: number
  readonly flickerCapMs: number
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
  /** Times in a row that it went down within the flap window of coming up. */
  readonly flaps: number
  /** Times in a row that it left up within the flicker window. */
  readonly flickers: number
  /** How long it must pass without a break before it is up again. */
  readonly holdMs: number
}

type Timing = Pick<DampingPolicy, 'fall' | 'rise' | 'intervalMs' | 'fastIntervalMs'>

/**
 * The policy of a probe profile: flaps held from three intervals up to 30 minutes, forgiven after 10; flickers held
 * up to twelve intervals, forgiven after ten.
 */
export const dampingPolicy = (timing: Timing): DampingPolicy => ({
  fall: timing.fall,
  rise: timing.rise,
  intervalMs: timing.intervalMs,
  fastIntervalMs: timing.fastIntervalMs,
  flapWindowMs: 600_000,
  flapBaseMs: 3 * timing.intervalMs,
  flapCapMs: 1_800_000,
  flickerWindowMs: 10 * timing.intervalMs,
  flickerCapMs: 12 * timing.intervalMs,
})

export const initialDamping = (nowMs: number): DampingState => ({
  state: SlotState.unknown,
  sinceMs: nowMs,
  passes: 0,
  passingSinceMs: nowMs,
  fails: 0,
  busies: 0,
  unknowns: 0,
  upSinceMs: null,
  flaps: 0,
  flickers: 0,
  holdMs: 0,
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
  if (state.state !== SlotState.down) return state.state !== SlotState.up
  const isHeldShort = state.holdMs > 0 && state.holdMs <= policy.flickerCapMs
  return passes > 0 && (passes < policy.rise || isHeldShort)
}

/** Down for its flapping alone: it passes, and has passed often enough. */
export const isHeldDown = (state: DampingState, policy: DampingPolicy): boolean =>
  state.state === SlotState.down && state.passes >= policy.rise

export function holdSeconds(state: DampingState, policy: DampingPolicy, nowMs: number): number {
  const { fall, rise, intervalMs, fastIntervalMs } = policy
  if (state.state !== SlotState.down) {
    const needed = Math.min(fall - state.fails, 2 * fall - state.busies)
    const nextMs = isUndecided(state, policy) ? fastIntervalMs : intervalMs
    return (nextMs + (needed - 1) * fastIntervalMs) / 1000
  }
  if (state.passes === 0) {
    return (intervalMs + Math.max((rise - 1) * fastIntervalMs, state.holdMs)) / 1000
  }
  const heldMs = state.holdMs - (nowMs - state.passingSinceMs)
  const nextMs = isUndecided(state, policy) ? fastIntervalMs : intervalMs
  if (state.passes >= rise) return Math.max(nextMs, heldMs) / 1000
  return Math.max((rise - state.passes) * fastIntervalMs, heldMs) / 1000
}

function pass(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.up) return state
  if (state.state === SlotState.unknown) return comeUp(state, nowMs)
  const passes = state.passes + 1
  const passingSinceMs = passes === 1 ? nowMs : state.passingSinceMs
  const counted = { ...state, passes, passingSinceMs, fails: 0, busies: 0 }
  const needed = state.state === SlotState.down ? policy.rise : 1
  const isProven = passes >= needed && nowMs - passingSinceMs >= state.holdMs
  return isProven ? comeUp(counted, nowMs) : counted
}

function worsen(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.down) return { ...state, passes: 0, fails: 0, busies: 0 }
  const left = state.state === SlotState.up ? flicker(state, policy, nowMs) : state
  const isDown = left.fails >= policy.fall || left.busies >= 2 * policy.fall
  return isDown ? flap(left, policy, nowMs) : { ...left, passes: 0 }
}

function flicker(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  const flickers = isSoon(state, policy.flickerWindowMs, nowMs) ? state.flickers + 1 : 1
  const holdMs = holdOf(flickers, policy.flapBaseMs, policy.flickerCapMs)
  return { ...state, state: SlotState.suspect, sinceMs: nowMs, flickers, holdMs }
}

function flap(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  const flaps = isSoon(state, policy.flapWindowMs, nowMs) ? state.flaps + 1 : 1
  const holdMs = Math.max(state.holdMs, holdOf(flaps, policy.flapBaseMs, policy.flapCapMs))
  return { ...enter(SlotState.down, state, nowMs), flaps, holdMs }
}

const isSoon = ({ upSinceMs }: DampingState, windowMs: number, nowMs: number): boolean =>
  upSinceMs !== null && nowMs - upSinceMs <= windowMs

const holdOf = (times: number, baseMs: number, capMs: number): number =>
  times < 2 ? 0 : Math.min(capMs, baseMs * 2 ** (times - 2))

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
