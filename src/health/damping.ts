// Damping: how many equal verdicts in a row it takes to change the state of an address.
//
//   state        verdict   effect
//   unknown      pass      up at once: the first probe after boot
//   unknown      fail      down after `fall`; until then unknown, which is eligible
//   up, suspect  fail      suspect; down after `fall` without a pass in between
//   up, suspect  busy      suspect; down after 2 × `fall`, counted separately from fails
//   suspect      pass      up, once its hold is over; fails and busies are reset
//   down         pass      up after `rise` in a row that also lasted as long as its hold
//   down         fail|busy passes are reset
//   any          unknown   no change
//
// Holds: an address that fails again soon after coming up has to pass without a break for `flapBaseMs` before it is up
// again, for twice as long the next time, and so on up to a cap. It can get worse during a hold, but not better. The
// first failure is not held, nor is one that comes late; staying up long enough clears the count.
//
//   event      counted on entering   soon: up for at most   cap
//   flicker    suspect               `flickerWindowMs`      `flickerCapMs`
//   flap       down                  `flapWindowMs`         `flapCapMs`
//
// Going down does not end a hold. While the hold is short (up to the flicker cap), probes run at the fast interval: at
// the usual one they could stay in phase with the flapping and only ever see the target up.
// A single lost probe is not a flap: at 1 % loss a target is practically always up. Why not penalties that decay
// (RFC 2439): ADR 8.
//
// `holdSeconds` is the earliest that the address can go down, or stop being down: intervals × verdicts still needed.

import { SlotState } from './table.ts'
import type { Verdict } from './verdict.ts'

/** Thresholds in verdicts in a row (`fall`, `rise`) and times in milliseconds; see the tables above. */
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

/** Damping state of one address. Times are monotonic milliseconds. */
export interface DampingState {
  readonly state: SlotState
  /** When `state` was entered. */
  readonly sinceMs: number
  /** Passes in a row while suspect or down, and when that run began. */
  readonly passes: number
  readonly passingSinceMs: number
  /** Fails and busies since the last pass; not counted while down. */
  readonly fails: number
  readonly busies: number
  /** Verdicts `unknown` in a row. */
  readonly unknowns: number
  /** When it last came up; null if it never did. */
  readonly upSinceMs: number | null
  /** Times in a row that it went down within the flap window of coming up. */
  readonly flaps: number
  /** Times in a row that it left `up` within the flicker window of coming up. */
  readonly flickers: number
  /** How long it must pass without a break before it is up again. */
  readonly holdMs: number
}

type Timing = Pick<DampingPolicy, 'fall' | 'rise' | 'intervalMs' | 'fastIntervalMs'>

/**
 * The damping policy of a probe profile: flaps are held from three intervals up to 30 minutes and cleared after 10
 * minutes up; flickers are held up to twelve intervals and cleared after ten.
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

/** The state before the first probe: unknown, nothing counted, no hold. */
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

/** The state after one more verdict. */
export function advance(
  state: DampingState,
  verdict: Verdict,
  policy: DampingPolicy,
  nowMs: number,
): DampingState {
  if (verdict === 'unknown') return { ...state, unknowns: state.unknowns + 1 }
  const known = state.unknowns === 0 ? state : { ...state, unknowns: 0 }
  if (verdict === 'pass') return pass(known, policy, nowMs)
  if (verdict === 'busy') return worsen({ ...known, busies: known.busies + 1 }, policy, nowMs)
  return worsen({ ...known, fails: known.fails + 1 }, policy, nowMs)
}

/** Whether to probe at the fast interval: one or a few more verdicts would settle the state. */
export function isUndecided(state: DampingState, policy: DampingPolicy): boolean {
  const { passes } = state
  if (state.state !== SlotState.down) return state.state !== SlotState.up
  const isHeldShort = state.holdMs > 0 && state.holdMs <= policy.flickerCapMs
  return passes > 0 && (passes < policy.rise || isHeldShort)
}

/** Whether the address is down only because of a flap hold: it has passed often enough to be up. */
export const isHeldDown = (state: DampingState, policy: DampingPolicy): boolean =>
  state.state === SlotState.down && state.passes >= policy.rise

/** Seconds until the earliest possible change between down and not down. Caps the TTL of answers that rest on it. */
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
  const holdLeftMs = state.holdMs - (nowMs - state.passingSinceMs)
  const nextMs = isUndecided(state, policy) ? fastIntervalMs : intervalMs
  if (state.passes >= rise) return Math.max(nextMs, holdLeftMs) / 1000
  return Math.max((rise - state.passes) * fastIntervalMs, holdLeftMs) / 1000
}

function pass(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.up) return state
  if (state.state === SlotState.unknown) return enterUp(state, nowMs)
  const passes = state.passes + 1
  const passingSinceMs = passes === 1 ? nowMs : state.passingSinceMs
  const counted = { ...state, passes, passingSinceMs, fails: 0, busies: 0 }
  const needed = state.state === SlotState.down ? policy.rise : 1
  const isProven = passes >= needed && nowMs - passingSinceMs >= state.holdMs
  return isProven ? enterUp(counted, nowMs) : counted
}

function worsen(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  if (state.state === SlotState.down) return { ...state, passes: 0, fails: 0, busies: 0 }
  const left = state.state === SlotState.up ? flicker(state, policy, nowMs) : state
  const isDown = left.fails >= policy.fall || left.busies >= 2 * policy.fall
  return isDown ? flap(left, policy, nowMs) : { ...left, passes: 0 }
}

function flicker(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  const flickers = isSoon(state, policy.flickerWindowMs, nowMs) ? state.flickers + 1 : 1
  const holdMs = holdMsAfter(flickers, policy.flapBaseMs, policy.flickerCapMs)
  return { ...state, state: SlotState.suspect, sinceMs: nowMs, flickers, holdMs }
}

function flap(state: DampingState, policy: DampingPolicy, nowMs: number): DampingState {
  const flaps = isSoon(state, policy.flapWindowMs, nowMs) ? state.flaps + 1 : 1
  const holdMs = Math.max(state.holdMs, holdMsAfter(flaps, policy.flapBaseMs, policy.flapCapMs))
  return { ...enter(SlotState.down, state, nowMs), flaps, holdMs }
}

const isSoon = ({ upSinceMs }: DampingState, windowMs: number, nowMs: number): boolean =>
  upSinceMs !== null && nowMs - upSinceMs <= windowMs

const holdMsAfter = (times: number, baseMs: number, capMs: number): number =>
  times < 2 ? 0 : Math.min(capMs, baseMs * 2 ** (times - 2))

const enterUp = (state: DampingState, nowMs: number): DampingState => ({
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
