// Detects faults of this host, so that they are not taken for faults of targets (law 5 of CONTRIBUTING):
//
//   this process stalled during the probe (LoopLag)                   a failure is `self`, reason `stalled`
//   this host is cut off (Canaries, health/isolation.ts)              a failure is `self`, reason `isolated`
//   it is cut off in one address family, by canaries of the family    silence of that family, and "unreachable" of a
//   (health/isolation.ts)                                             router, are `self`, reason `isolated-ipv6`
//   many addresses begin to fail at once (health/mass-failure-guard.ts)   each has to fail a second round
//
// A refused connection counts even after a stall: the kernel received it, however late this process was.

import {
  type Family,
  type FamilyChange,
  FamilyIsolation,
  familyOf,
  Isolation,
  type PathEvidence,
} from '../health/isolation.ts'
import {
  type FailureGroup,
  type HeldGroup,
  MassFailureGuard,
  type ReleasedGroup,
} from '../health/mass-failure-guard.ts'
import type { Outcome } from '../health/outcome.ts'
import { type Clock, type Random, type Timer, untilAlignedMs } from '../lib/clock.ts'
import { type ProbeProfile, profileDefaults } from '../probe/smtp/profile.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'

export type LocalFaultEvent =
  | { readonly kind: 'isolated'; readonly isOver: boolean; readonly canaries: number }
  | ({ readonly kind: 'family-isolated' } & FamilyChange)
  | ({ readonly kind: 'held' } & HeldGroup)
  | ({ readonly kind: 'released' } & ReleasedGroup)

export interface LocalFaultState {
  /** Whether this host is taken to be cut off. */
  readonly isIsolated: boolean
  /** Address families in which this host is taken to be cut off while the other one answers. */
  readonly isolatedFamilies: readonly Family[]
  /** Pools whose failures the mass-failure guard holds; `*` stands for all addresses together. */
  readonly heldGroups: readonly string[]
  /** Number of outcomes replaced by `self`, by reason. */
  readonly discarded: { readonly stalled: number; readonly isolated: number }
  /** Number of times the process stalled for a second or longer. */
  readonly stalls: number
}

/** An address outside this network that answers TCP connections whenever this host is connected (health/isolation.ts). */
export interface Canary {
  readonly address: string
  readonly port: number
}

interface LocalFaultOptions {
  readonly clock: Clock
  readonly random: Random
  readonly timer: Timer
  readonly canaries: readonly Canary[]
  readonly probe: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly onLocalFault: (event: LocalFaultEvent) => void
  readonly onLoopDelay?: (lateMs: number) => void
  /** The mass-failure guard may have released slots: those it held have to be judged again. */
  readonly onRelease: () => void
}

/** Held slots are judged again this often: one that is probed by another instance has no outcome here to cause it. */
const releaseIntervalMs = 10_000

/** Groups that are released within this time share a round of judgements: it goes over all slots, and holds begin together. */
const releaseTogetherMs = 1000

export class LocalFaultDetector {
  readonly #options: LocalFaultOptions
  readonly #lag: LoopLag
  readonly #isolation: Isolation
  readonly #families: FamilyIsolation
  readonly #canaries: Canaries
  readonly #massFailureGuard = new MassFailureGuard()
  readonly #discarded = { stalled: 0, isolated: 0 }
  #isIsolated = false
  #cancelRelease: (() => void) | null = null

  constructor(options: LocalFaultOptions) {
    this.#options = options
    this.#lag = new LoopLag(options.clock, options.timer, options.onLoopDelay)
    this.#isolation = new Isolation(options.canaries.length)
    this.#families = new FamilyIsolation(options.canaries.map(({ address }) => address))
    this.#canaries = new Canaries({
      ...options,
      onResult: (index, isReached, durationMs) => {
        const nowMs = options.clock.monotonicMs()
        this.#isolation.recordCanary(index, isReached)
        this.#families.recordCanary(index, isReached, nowMs - durationMs, nowMs)
        this.#reportIsolation()
      },
    })
  }

  /** Replaces the pools and the watched slots after a reload. */
  replace(pools: readonly FailureGroup[], slots: readonly number[]): void {
    this.#massFailureGuard.replace(pools, slots)
    this.#reportReleased()
  }

  /** Returns the outcome of a probe as it counts: itself, or one of kind `self` where the fault may be local. */
  screen(outcome: Outcome, address: string): Outcome {
    const { kind, reason, durationMs } = outcome
    if (kind === 'self') return outcome
    const isSilence = kind === 'dead' || kind === 'mute' || kind === 'garbage' || kind === 'stuck'
    const nowMs = this.#options.clock.monotonicMs()
    const isFailure = isSilence || kind === 'busy' || kind === 'refusing'
    if (isFailure && reason !== 'connect-refused' && this.#lag.stalledSince(nowMs - durationMs))
      return this.#discard(outcome, 'stalled')
    const evidence = pathEvidence(outcome)
    this.#isolation.recordTarget(!isSilence, nowMs)
    this.#families.recordTarget(address, evidence, nowMs)
    this.#reportIsolation()
    if (isSilence && this.#isIsolated) return this.#discard(outcome, 'isolated')
    const family = familyOf(address)
    const isOurPath = evidence !== 'answered' && this.#families.isIsolated(family, nowMs)
    return isOurPath ? this.#discard(outcome, 'isolated', `isolated-ipv${family}`) : outcome
  }

  /** Records that a slot begins to fail, or that it passes again. */
  observe(slot: number, isFailing: boolean): void {
    if (!isFailing) return this.#massFailureGuard.recordPassing(slot)
    const held = this.#massFailureGuard.recordFailing(slot, this.#options.clock.monotonicMs())
    for (const group of held) {
      this.#options.onLocalFault({ kind: 'held', ...group })
      this.#planRelease()
    }
  }

  /** Whether the slot is in a group that is held: it has to fail a second round before it is down. */
  isMassFailure(slot: number): boolean {
    return this.#massFailureGuard.isHeld(slot, this.#options.clock.monotonicMs())
  }

  state(): LocalFaultState {
    return {
      isIsolated: this.#isIsolated,
      isolatedFamilies: this.#families.isolated(),
      heldGroups: this.#massFailureGuard.heldGroups(this.#options.clock.monotonicMs()),
      discarded: { ...this.#discarded },
      stalls: this.#lag.stalls(),
    }
  }

  /** Resolves once the sockets of the canaries are closed. */
  stop(): Promise<void> {
    this.#lag.stop()
    this.#cancelRelease?.()
    return this.#canaries.stop()
  }

  #planRelease(leastMs = 0): void {
    const { clock, timer, onRelease } = this.#options
    const nextMs = this.#massFailureGuard.nextReleaseInMs(clock.monotonicMs()) ?? 0
    const delayMs = Math.min(releaseIntervalMs, Math.max(nextMs, leastMs))
    this.#cancelRelease ??= timer(delayMs, () => {
      this.#cancelRelease = null
      this.#reportReleased()
      onRelease()
      if (this.#massFailureGuard.nextReleaseInMs(clock.monotonicMs()) !== null)
        this.#planRelease(releaseTogetherMs)
    })
  }

  #reportReleased(): void {
    const { clock, onLocalFault } = this.#options
    for (const group of this.#massFailureGuard.takeReleased(clock.monotonicMs()))
      onLocalFault({ kind: 'released', ...group })
  }

  #reportIsolation(): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const change of this.#families.takeChanges(nowMs))
      this.#options.onLocalFault({ kind: 'family-isolated', ...change })
    const isIsolated = this.#isolation.isIsolated(nowMs)
    if (isIsolated === this.#isIsolated) return
    this.#isIsolated = isIsolated
    const canaries = this.#options.canaries.length
    this.#options.onLocalFault({ kind: 'isolated', isOver: !isIsolated, canaries })
  }

  /** `reason` is that of the outcome, where it says more than the cause. */
  #discard(outcome: Outcome, cause: 'stalled' | 'isolated', reason: string = cause): Outcome {
    this.#discarded[cause]++
    return { ...outcome, kind: 'self', reason, code: null }
  }
}

const lagCheckIntervalMs = 500

/** Shorter than any deadline of a probe and any timeout of an MTA. */
const stallMs = 1000

/**
 * Detects stalls of this process (a busy host, a debugger, a suspended machine) by a timer of half a second that fires
 * late. A stall looks like silence of the targets, and after it targets may have given up on this host: neither is a verdict.
 */
export class LoopLag {
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #onDelay: (lateMs: number) => void
  #dueMs = 0
  #stalledFromMs = -Infinity
  #stalledUntilMs = -Infinity
  #stalls = 0
  #cancel: () => void = () => {}

  /** `onDelay` is called with how late each timer was. */
  constructor(clock: Clock, timer: Timer, onDelay: (lateMs: number) => void = () => {}) {
    this.#clock = clock
    this.#timer = timer
    this.#onDelay = onDelay
    this.#schedule()
  }

  /** Whether the process was stalled at some time between `fromMs` (monotonic) and now. */
  stalledSince(fromMs: number): boolean {
    const nowMs = this.#clock.monotonicMs()
    // Input that arrived during the stall may be handled before the timer fires.
    this.#measure(nowMs)
    return this.#stalledUntilMs >= fromMs && this.#stalledFromMs <= nowMs
  }

  /** Number of stalls of a second or longer so far. */
  stalls(): number {
    return this.#stalls
  }

  stop(): void {
    this.#cancel()
  }

  #schedule(): void {
    const startMs = this.#clock.monotonicMs()
    const delayMs = untilAlignedMs(startMs, lagCheckIntervalMs)
    const dueMs = startMs + delayMs
    this.#dueMs = dueMs
    this.#cancel = this.#timer(delayMs, () => {
      const nowMs = this.#clock.monotonicMs()
      this.#onDelay(nowMs - dueMs)
      this.#measure(nowMs)
      this.#schedule()
    })
  }

  #measure(nowMs: number): void {
    if (nowMs - this.#dueMs < stallMs) return
    this.#stalledFromMs = this.#dueMs
    this.#stalledUntilMs = nowMs
    this.#dueMs = nowMs
    this.#stalls++
  }
}

interface CanaryOptions {
  readonly canaries: readonly Canary[]
  readonly clock: Clock
  readonly random: Random
  readonly timer: Timer
  readonly probe: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly onResult: (index: number, isReached: boolean, durationMs: number) => void
}

const failingIntervalMs = 1000

const canaryIntervalMs = 5000

const timeoutMs = 3000

const canaryProfile = (port: number): ProbeProfile => ({
  ...profileDefaults,
  name: 'canary',
  port,
  ehlo: '',
  level: 'connect',
  connectTimeoutMs: timeoutMs,
})

/** Connects to each canary and closes at once, every five seconds, every second while it fails. */
class Canaries {
  readonly #options: CanaryOptions
  readonly #controller = new AbortController()
  readonly #cancels: (() => void)[]
  readonly #inFlight = new Set<Promise<void>>()

  constructor(options: CanaryOptions) {
    this.#options = options
    this.#cancels = options.canaries.map(() => () => {})
    for (const index of options.canaries.keys()) this.#schedule(index, 0)
  }

  async stop(): Promise<void> {
    this.#controller.abort()
    for (const cancel of this.#cancels) cancel()
    await Promise.all(this.#inFlight)
  }

  #schedule(index: number, delayMs: number): void {
    const { timer, random } = this.#options
    this.#cancels[index] = timer(delayMs * (0.9 + random() * 0.2), () => {
      const ended = this.#check(index).finally(() => this.#inFlight.delete(ended))
      this.#inFlight.add(ended)
    })
  }

  async #check(index: number): Promise<void> {
    const { canaries, clock, probe, onResult } = this.#options
    const { address, port } = canaries[index] as Canary
    const { signal } = this.#controller
    let isReached: boolean | null = null
    try {
      const outcome = await probe({ address, profile: canaryProfile(port), signal }, clock)
      if (signal.aborted) return
      isReached = reached(outcome)
      if (isReached !== null) onResult(index, isReached, outcome.durationMs)
    } finally {
      const delayMs = isReached === false ? failingIntervalMs : canaryIntervalMs
      if (!signal.aborted) this.#schedule(index, delayMs)
    }
  }
}

/** Whether the canary was reached; null if the outcome is no evidence. A refusal or a reset is an answer. */
function reached(outcome: Outcome): boolean | null {
  const { kind, reason } = outcome
  if (kind !== 'self') return pathEvidence(outcome) !== 'silent'
  return reason === 'local-no-route' || reason === 'local-permission' ? false : null
}

/** What an outcome says of the path. Replies, refusals, resets and ends of stream have come from the host. */
function pathEvidence({ kind, reason, code }: Outcome): PathEvidence {
  if (kind === 'self') return 'none'
  if (kind === 'dead')
    return reason === 'connect-refused' || reason === 'connection-reset' ? 'answered' : 'silent'
  return code === null && reason.endsWith('-timeout') ? 'none' : 'answered'
}
