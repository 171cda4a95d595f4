// What an outcome is worth, since the fault may be ours (design §1, law 5):
//
//   this process stood still meanwhile (loop-lag.ts)              a failure is `self`, reason `stalled`
//   this host is cut off (canaries.ts, health/isolation.ts)       a failure is `self`, reason `isolated`
//   many begin to fail at once (health/brake.ts)                  each has to fail a second round
//
// A refused connection needs nobody who waits: a stall is no excuse for it.

import { type BrakeGroup, type Engaged, FailureBrake, type LetGo } from '../health/brake.ts'
import { Isolation } from '../health/isolation.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { Alarm } from '../lib/alarm.ts'
import { Canaries, type Canary } from './canaries.ts'
import { LoopLag } from './loop-lag.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'

export type DoubtEvent =
  | { readonly kind: 'isolated'; readonly isOver: boolean; readonly canaries: number }
  | ({ readonly kind: 'braked' } & Engaged)
  | ({ readonly kind: 'released' } & LetGo)

export interface DoubtState {
  readonly isIsolated: boolean
  /** Pools, and all of them as one, whose failures are held back. */
  readonly braked: number
  /** Outcomes that were not believed, by reason. */
  readonly discarded: { readonly stalled: number; readonly isolated: number }
  /** Times that the process stood still for a second or longer. */
  readonly stalls: number
}

export interface DoubtOptions {
  readonly clock: Clock
  readonly random: Random
  readonly alarm: Alarm
  readonly canaries: readonly Canary[]
  readonly probe: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly onDoubt: (event: DoubtEvent) => void
  /** The brake has been on, and may have let go: whoever is held back by it is to be judged again. */
  readonly onRelease: () => void
}

/** Who is held back and not probed here has no outcome that would judge it. */
const releaseEveryMs = 10_000

export class SelfDoubt {
  readonly #options: DoubtOptions
  readonly #lag: LoopLag
  readonly #isolation: Isolation
  readonly #canaries: Canaries
  readonly #brake = new FailureBrake()
  readonly #discarded = { stalled: 0, isolated: 0 }
  #isIsolated = false
  #calloffRelease: (() => void) | null = null

  constructor(options: DoubtOptions) {
    this.#options = options
    this.#lag = new LoopLag(options.clock, options.alarm)
    this.#isolation = new Isolation(options.canaries.length)
    this.#canaries = new Canaries({
      ...options,
      onResult: (index, isReached) => {
        this.#isolation.canary(index, isReached)
        this.#tellIsolation()
      },
    })
  }

  replace(pools: readonly BrakeGroup[], slots: readonly number[]): void {
    this.#brake.replace(pools, slots)
    this.#tellReleased()
  }

  /** The outcome as it is to be counted. */
  weigh(outcome: Outcome): Outcome {
    const { kind, reason, durationMs } = outcome
    if (kind === 'self') return outcome
    const isSilence = kind === 'dead' || kind === 'mute' || kind === 'garbage' || kind === 'stuck'
    const nowMs = this.#options.clock.monotonicMs()
    const isFailure = isSilence || kind === 'busy' || kind === 'refusing'
    if (isFailure && reason !== 'connect-refused' && this.#lag.stalledSince(nowMs - durationMs))
      return this.#discard(outcome, 'stalled')
    this.#isolation.target(!isSilence, nowMs)
    this.#tellIsolation()
    return isSilence && this.#isIsolated ? this.#discard(outcome, 'isolated') : outcome
  }

  /** A slot begins to fail, or passes again. */
  observe(slot: number, isFailing: boolean): void {
    if (!isFailing) return this.#brake.passing(slot)
    for (const engaged of this.#brake.failing(slot, this.#options.clock.monotonicMs())) {
      this.#options.onDoubt({ kind: 'braked', ...engaged })
      this.#planRelease()
    }
  }

  isBraked(slot: number): boolean {
    return this.#brake.isBraked(slot, this.#options.clock.monotonicMs())
  }

  state(): DoubtState {
    return {
      isIsolated: this.#isIsolated,
      braked: this.#brake.engaged(this.#options.clock.monotonicMs()),
      discarded: { ...this.#discarded },
      stalls: this.#lag.stalls(),
    }
  }

  stop(): Promise<void> {
    this.#lag.stop()
    this.#calloffRelease?.()
    return this.#canaries.stop()
  }

  #planRelease(): void {
    const { clock, alarm, onRelease } = this.#options
    const nextMs = this.#brake.nextInMs(clock.monotonicMs()) ?? 0
    this.#calloffRelease ??= alarm(Math.min(releaseEveryMs, nextMs), () => {
      this.#calloffRelease = null
      this.#tellReleased()
      onRelease()
      if (this.#brake.nextInMs(clock.monotonicMs()) !== null) this.#planRelease()
    })
  }

  #tellReleased(): void {
    const { clock, onDoubt } = this.#options
    for (const one of this.#brake.letGo(clock.monotonicMs())) onDoubt({ kind: 'released', ...one })
  }

  #tellIsolation(): void {
    const is = this.#isolation.isIsolated(this.#options.clock.monotonicMs())
    if (is === this.#isIsolated) return
    this.#isIsolated = is
    const canaries = this.#options.canaries.length
    this.#options.onDoubt({ kind: 'isolated', isOver: !is, canaries })
  }

  #discard(outcome: Outcome, reason: 'stalled' | 'isolated'): Outcome {
    this.#discarded[reason]++
    return { ...outcome, kind: 'self', reason, code: null }
  }
}
