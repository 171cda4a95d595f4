// What an outcome is worth, since the fault may be ours (design §1, law 5):
//
//   this process stood still meanwhile (local-fault.ts)              a failure is `self`, reason `stalled`
//   this host is cut off (probing-settings.ts, health/isolation.ts)       a failure is `self`, reason `isolated`
//   many begin to fail at once (health/mass-failure-guard.ts)                  each has to fail a second round
//
// A refused connection needs nobody who waits: a stall is no excuse for it.

import {
  type FailureGroup,
  type HeldGroup,
  MassFailureGuard,
  type ReleasedGroup,
} from '../health/mass-failure-guard.ts'
import { Isolation } from '../health/isolation.ts'
import type { Outcome } from '../health/outcome.ts'
import type { Timer, Clock, Random } from '../lib/clock.ts'
import { type ProbeProfile, profileDefaults } from '../probe/smtp/profile.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'

export type LocalFaultEvent =
  | { readonly kind: 'isolated'; readonly isOver: boolean; readonly canaries: number }
  | ({ readonly kind: 'braked' } & HeldGroup)
  | ({ readonly kind: 'released' } & ReleasedGroup)

export interface LocalFaultState {
  readonly isIsolated: boolean
  /** Pools, and all of them as one, whose failures are held back. */
  readonly massFailures: number
  /** Outcomes that were not believed, by reason. */
  readonly discarded: { readonly stalled: number; readonly isolated: number }
  /** Times that the process stood still for a second or longer. */
  readonly stalls: number
}

interface LocalFaultOptions {
  readonly clock: Clock
  readonly random: Random
  readonly timer: Timer
  readonly canaries: readonly Canary[]
  readonly probe: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly onLocalFault: (event: LocalFaultEvent) => void
  /** The brake has been on, and may have let go: whoever is held back by it is to be judged again. */
  readonly onRelease: () => void
}

/** Who is held back and not probed here has no outcome that would judge it. */
const releaseEveryMs = 10_000

const lagCheckIntervalMs = 500

/** Less than the shortest of our deadlines and of any MTA's patience. */
const stallMs = 1000

export class LoopLag {
  readonly #clock: Clock
  readonly #timer: Timer
  #dueMs: number
  #stalledFromMs = -Infinity
  #stalledUntilMs = -Infinity
  #stalls = 0
  #cancel: () => void = () => {}

  constructor(clock: Clock, timer: Timer) {
    this.#clock = clock
    this.#timer = timer
    this.#dueMs = clock.monotonicMs() + lagCheckIntervalMs
    this.#wait()
  }

  /** Whether the process stood still for a while between `fromMs` and now. */
  stalledSince(fromMs: number): boolean {
    const nowMs = this.#clock.monotonicMs()
    // What was read from a socket may be handled before the timer fires.
    this.#look(nowMs)
    return this.#stalledUntilMs >= fromMs && this.#stalledFromMs <= nowMs
  }

  /** Times that it stood still for a second or longer. */
  stalls(): number {
    return this.#stalls
  }

  stop(): void {
    this.#cancel()
  }

  #wait(): void {
    this.#cancel = this.#timer(lagCheckIntervalMs, () => {
      const nowMs = this.#clock.monotonicMs()
      this.#look(nowMs)
      this.#dueMs = nowMs + lagCheckIntervalMs
      this.#wait()
    })
  }

  #look(nowMs: number): void {
    if (nowMs - this.#dueMs < stallMs) return
    this.#stalledFromMs = this.#dueMs
    this.#stalledUntilMs = nowMs
    this.#dueMs = nowMs
    this.#stalls++
  }
}

const canaryProfile = (port: number): ProbeProfile => ({
  ...profileDefaults,
  name: 'canary',
  port,
  ehlo: '',
  level: 'connect',
  connectTimeoutMs: timeoutMs,
})

const failingEveryMs = 1000

const canaryIntervalMs = 5000

const timeoutMs = 3000

class Canaries {
  readonly #options: CanaryOptions
  readonly #controller = new AbortController()
  readonly #cancels: (() => void)[]
  readonly #inFlight = new Set<Promise<void>>()

  constructor(options: CanaryOptions) {
    this.#options = options
    this.#cancels = options.canaries.map(() => () => {})
    for (const index of options.canaries.keys()) this.#wait(index, 0)
  }

  async stop(): Promise<void> {
    this.#controller.abort()
    for (const cancel of this.#cancels) cancel()
    await Promise.all(this.#inFlight)
  }

  #wait(index: number, delayMs: number): void {
    const { timer, random } = this.#options
    this.#cancels[index] = timer(delayMs * (0.9 + random() * 0.2), () => {
      const ended = this.#look(index).finally(() => this.#inFlight.delete(ended))
      this.#inFlight.add(ended)
    })
  }

  async #look(index: number): Promise<void> {
    const { canaries, clock, probe, onResult } = this.#options
    const { address, port } = canaries[index] as Canary
    const { signal } = this.#controller
    const outcome = await probe({ address, profile: canaryProfile(port), signal }, clock)
    if (signal.aborted) return
    const isReached = reached(outcome)
    if (isReached !== null) onResult(index, isReached)
    this.#wait(index, isReached === false ? failingEveryMs : canaryIntervalMs)
  }
}

export class LocalFaultDetector {
  readonly #options: LocalFaultOptions
  readonly #lag: LoopLag
  readonly #isolation: Isolation
  readonly #canaries: Canaries
  readonly #massFailureGuard = new MassFailureGuard()
  readonly #discarded = { stalled: 0, isolated: 0 }
  #isIsolated = false
  #cancelRelease: (() => void) | null = null

  constructor(options: LocalFaultOptions) {
    this.#options = options
    this.#lag = new LoopLag(options.clock, options.timer)
    this.#isolation = new Isolation(options.canaries.length)
    this.#canaries = new Canaries({
      ...options,
      onResult: (index, isReached) => {
        this.#isolation.recordCanary(index, isReached)
        this.#reportIsolation()
      },
    })
  }

  replace(pools: readonly FailureGroup[], slots: readonly number[]): void {
    this.#massFailureGuard.replace(pools, slots)
    this.#reportReleased()
  }

  /** The outcome as it is to be counted. */
  screen(outcome: Outcome): Outcome {
    const { kind, reason, durationMs } = outcome
    if (kind === 'self') return outcome
    const isSilence = kind === 'dead' || kind === 'mute' || kind === 'garbage' || kind === 'stuck'
    const nowMs = this.#options.clock.monotonicMs()
    const isFailure = isSilence || kind === 'busy' || kind === 'refusing'
    if (isFailure && reason !== 'connect-refused' && this.#lag.stalledSince(nowMs - durationMs))
      return this.#discard(outcome, 'stalled')
    this.#isolation.recordTarget(!isSilence, nowMs)
    this.#reportIsolation()
    return isSilence && this.#isIsolated ? this.#discard(outcome, 'isolated') : outcome
  }

  /** A slot begins to fail, or passes again. */
  observe(slot: number, isFailing: boolean): void {
    if (!isFailing) return this.#massFailureGuard.recordPassing(slot)
    for (const engaged of this.#massFailureGuard.recordFailing(
      slot,
      this.#options.clock.monotonicMs(),
    )) {
      this.#options.onLocalFault({ kind: 'braked', ...engaged })
      this.#planRelease()
    }
  }

  isMassFailure(slot: number): boolean {
    return this.#massFailureGuard.isHeld(slot, this.#options.clock.monotonicMs())
  }

  state(): LocalFaultState {
    return {
      isIsolated: this.#isIsolated,
      massFailures: this.#massFailureGuard.heldCount(this.#options.clock.monotonicMs()),
      discarded: { ...this.#discarded },
      stalls: this.#lag.stalls(),
    }
  }

  stop(): Promise<void> {
    this.#lag.stop()
    this.#cancelRelease?.()
    return this.#canaries.stop()
  }

  #planRelease(): void {
    const { clock, timer, onRelease } = this.#options
    const nextMs = this.#massFailureGuard.nextReleaseInMs(clock.monotonicMs()) ?? 0
    this.#cancelRelease ??= timer(Math.min(releaseEveryMs, nextMs), () => {
      this.#cancelRelease = null
      this.#reportReleased()
      onRelease()
      if (this.#massFailureGuard.nextReleaseInMs(clock.monotonicMs()) !== null) this.#planRelease()
    })
  }

  #reportReleased(): void {
    const { clock, onLocalFault: onDoubt } = this.#options
    for (const one of this.#massFailureGuard.takeReleased(clock.monotonicMs()))
      onDoubt({ kind: 'released', ...one })
  }

  #reportIsolation(): void {
    const is = this.#isolation.isIsolated(this.#options.clock.monotonicMs())
    if (is === this.#isIsolated) return
    this.#isIsolated = is
    const canaries = this.#options.canaries.length
    this.#options.onLocalFault({ kind: 'isolated', isOver: !is, canaries })
  }

  #discard(outcome: Outcome, reason: 'stalled' | 'isolated'): Outcome {
    this.#discarded[reason]++
    return { ...outcome, kind: 'self', reason, code: null }
  }
}

// Canaries: addresses that tell whether this host still reaches the world (health/isolation.ts). Each is connected to,
// and let go, every five seconds; every second while it fails. Refused or reset is reached: something answered.

export interface Canary {
  readonly address: string
  readonly port: number
}

interface CanaryOptions {
  readonly canaries: readonly Canary[]
  readonly clock: Clock
  readonly random: Random
  readonly timer: Timer
  readonly probe: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly onResult: (index: number, isReached: boolean) => void
}

/** null: it says nothing. */
function reached({ kind, reason }: Outcome): boolean | null {
  if (kind === 'dead') return reason === 'connect-refused' || reason === 'connection-reset'
  if (kind !== 'self') return true
  return reason === 'local-no-route' ? false : null
}

// Whether this process stood still: a busy host, a debugger, a suspended machine. A timer that should ring every half
// second says so by ringing late. What happened meanwhile looks like silence of the targets, and after it like
// their impatience with us; neither says anything of them.
