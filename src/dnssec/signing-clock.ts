// The time that signatures and keys go by. It is the wall clock, unless that cannot be right:
//
//   behind    the wall clock is before a time that is known to have been: no time is known, and nothing is signed
//   frozen    the wall clock was set by more than an hour: time goes on by the monotonic clock, for a day at most
//   right     otherwise
//
// While a machine starts its clock is often wrong, and set once: for ten minutes it is followed wherever it goes. After a
// machine slept, the wall clock is ahead of the monotonic one by that, and is followed too.
//
// Each thread has one of its own, and all of them come to the same result. A thread that starts later takes over what
// another one found.

import { uptime } from 'node:os'

import type { Clock } from '../lib/clock.ts'

/** A wall clock that is set by more within a day is not followed at once. */
const maxStepMs = 3_600_000

const maxFrozenMs = 86_400_000

/** How often the wall clock's small departures are forgiven. */
const anchorMs = 86_400_000

const settlingMs = 600_000

export type ClockTrust = 'right' | 'frozen' | 'behind'

/** A clock to begin with. Durations, since monotonic clocks of two threads have no common start. */
export interface SigningClockStart {
  /** A time that is known to have been, milliseconds since 1970; 0: none. */
  readonly knownMs: number
  /** For how long the wall clock could settle. */
  readonly settledForMs: number
  /** How far the time that is expected is ahead of the wall clock. */
  readonly aheadMs: number
  readonly anchoredForMs: number
  /** null: it is not frozen. */
  readonly frozenForMs: number | null
  /** What `suspendedMs` was when the wall clock was last followed. */
  readonly suspendedMs: number
}

/** For how long the machine has slept since it was started, milliseconds. Called when the wall clock was set. */
export type SuspendedMs = () => number

const neverSuspended: SuspendedMs = () => 0

/** Milliseconds: wall since 1970, monotonic since an arbitrary moment. */
interface Reading {
  readonly wallMs: number
  readonly monotonicMs: number
}

export class SigningClock {
  readonly #suspendedMs: SuspendedMs
  #trust: ClockTrust = 'right'
  #knownMs: number
  #suspendedAtMs: number
  /** Wall less monotonic time when the wall clock was last believed. */
  #offsetMs: number
  /** By the monotonic clock. */
  #settlingUntilMs: number
  #anchoredUntilMs: number
  #frozenSinceMs = 0

  /** `start`: null in the first thread of a process. */
  constructor(
    { wallMs, monotonicMs }: Reading,
    start: SigningClockStart | null = null,
    suspendedMs: SuspendedMs = neverSuspended,
  ) {
    this.#suspendedMs = suspendedMs
    this.#knownMs = start?.knownMs ?? 0
    this.#suspendedAtMs = start?.suspendedMs ?? suspendedMs()
    this.#offsetMs = wallMs + (start?.aheadMs ?? 0) - monotonicMs
    this.#settlingUntilMs = monotonicMs + settlingMs - (start?.settledForMs ?? 0)
    this.#anchoredUntilMs = monotonicMs + anchorMs - (start?.anchoredForMs ?? 0)
    const frozenForMs = start?.frozenForMs ?? null
    if (frozenForMs !== null) {
      this.#trust = 'frozen'
      this.#frozenSinceMs = monotonicMs - frozenForMs
    } else if (this.#isBehind(wallMs)) this.#trust = 'behind'
  }

  /** As of the last `at`. */
  get trust(): ClockTrust {
    return this.#trust
  }

  /** The time to sign by, milliseconds since 1970: never before what is known to have been. */
  at(wallMs: number, monotonicMs: number): number {
    const aheadMs = wallMs - monotonicMs - this.#offsetMs
    const isNear = aheadMs <= maxStepMs && aheadMs >= -maxStepMs
    const signingMs =
      isNear && this.#trust === 'right' && monotonicMs < this.#anchoredUntilMs
        ? wallMs
        : this.#judge({ wallMs, monotonicMs }, aheadMs)
    // A clock that is late by less than an hour: the newest key works all the same.
    return signingMs < this.#knownMs ? this.#knownMs : signingMs
  }

  /** Takes note that `knownMs` has been: for a start, before anything is signed. */
  learn(knownMs: number, { wallMs, monotonicMs }: Reading): void {
    this.#knownMs = Math.max(this.#knownMs, knownMs)
    if (this.#isBehind(wallMs)) this.#trust = 'behind'
    this.at(wallMs, monotonicMs)
  }

  /** For a thread that starts now. */
  handover({ wallMs, monotonicMs }: Reading): SigningClockStart {
    this.at(wallMs, monotonicMs)
    return {
      knownMs: this.#knownMs,
      settledForMs: settlingMs - (this.#settlingUntilMs - monotonicMs),
      aheadMs: monotonicMs + this.#offsetMs - wallMs,
      anchoredForMs: anchorMs - (this.#anchoredUntilMs - monotonicMs),
      frozenForMs: this.#trust === 'frozen' ? monotonicMs - this.#frozenSinceMs : null,
      suspendedMs: this.#suspendedAtMs,
    }
  }

  #judge(now: Reading, aheadMs: number): number {
    const { wallMs, monotonicMs } = now
    switch (this.#trust) {
      case 'behind':
        if (this.#isBehind(wallMs)) return wallMs
        this.#settlingUntilMs = monotonicMs + settlingMs
        return this.#follow(now)
      case 'right':
        if (Math.abs(aheadMs) <= maxStepMs || this.#hasSlept(aheadMs)) return this.#follow(now)
        if (monotonicMs < this.#settlingUntilMs) return this.#follow(now)
        this.#trust = 'frozen'
        this.#frozenSinceMs = monotonicMs
        return monotonicMs + this.#offsetMs
      case 'frozen': {
        const isOver = monotonicMs - this.#frozenSinceMs >= maxFrozenMs
        if (isOver || Math.abs(aheadMs) <= maxStepMs) return this.#follow(now)
        return monotonicMs + this.#offsetMs
      }
      default:
        return this.#trust satisfies never
    }
  }

  #follow({ wallMs, monotonicMs }: Reading): number {
    this.#trust = this.#isBehind(wallMs) ? 'behind' : 'right'
    this.#offsetMs = wallMs - monotonicMs
    this.#anchoredUntilMs = monotonicMs + anchorMs
    this.#suspendedAtMs = this.#suspendedMs()
    return wallMs
  }

  #isBehind(wallMs: number): boolean {
    return wallMs < this.#knownMs - maxStepMs
  }

  #hasSlept(aheadMs: number): boolean {
    const sleptMs = this.#suspendedMs() - this.#suspendedAtMs
    return sleptMs > 0 && Math.abs(aheadMs - sleptMs) <= maxStepMs
  }
}

/** `SuspendedMs` of this machine, of which differences alone mean something. */
export const systemSuspendedMs: SuspendedMs = () =>
  // Of these clocks Linux stops only the monotonic one while the machine sleeps.
  uptime() * 1000 - Number(process.hrtime.bigint()) / 1e6

/** The time to sign by, read from the clocks at each call. */
export interface SigningTime {
  /** Milliseconds since 1970. */
  nowMs(): number
  trust(): ClockTrust
  /** Takes note that a time has been, milliseconds since 1970. */
  learn(knownMs: number): void
  /** For a thread that starts now. */
  handover(): SigningClockStart
}

export function createSigningTime(
  clock: Clock,
  start: SigningClockStart | null = null,
  suspendedMs: SuspendedMs = systemSuspendedMs,
): SigningTime {
  const reading = (): Reading => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() })
  const signing = new SigningClock(reading(), start, suspendedMs)
  const nowMs = (): number => signing.at(clock.wallMs(), clock.monotonicMs())
  return {
    nowMs,
    trust() {
      nowMs()
      return signing.trust
    },
    learn: (knownMs) => signing.learn(knownMs, reading()),
    handover: () => signing.handover(reading()),
  }
}
