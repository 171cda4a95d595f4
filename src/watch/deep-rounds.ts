// The slow lane of an endpoint at level `tls` or `rcpt`: which rounds go all the way, and what is remembered in
// between. Pure: time is an argument, and chance is a hash of the endpoint.
//
//   the last full dialogue        the next one
//   none yet                      with the first round where TLS is required, else spread over a minute
//   broke off before it got there with the next round
//   found nothing wrong           `slowIntervalMs` ± 20 %
//   found something that warns    a minute, or `slowIntervalMs` where that is shorter
//   found something that fails    with the next round, until it has been found `fall` times in a row (twice that
//                                 where `busy` is the verdict); then as for a warning
//
// What was found stands for the rounds between: they pass, and would hide it.

import { hashFraction } from '../lib/hash.ts'
import { effectOf } from '../health/verdict.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ProbeProfile } from '../probe/smtp/profile.ts'

const afterWarningMs = 60_000
const firstWithinMs = 60_000
const jitter = 0.2

export class DeepRounds {
  readonly #key: string
  readonly #profile: ProbeProfile
  #dueMs: number
  #rounds = 0
  #isFull = false
  #standingFinding: Outcome | null = null
  #confirmations = 0
  #hadStarttls = false

  constructor(key: string, profile: ProbeProfile, nowMs: number) {
    this.#key = key
    this.#profile = profile
    const firstMs = Math.min(firstWithinMs, profile.slowIntervalMs) * hashFraction(`${key}|lane`)
    this.#dueMs = profile.tls.isRequired ? nowMs : nowMs + firstMs
  }

  /** Takes over what another lane remembers; the profile stays. */
  inherit(before: DeepRounds): void {
    this.#dueMs = before.#dueMs
    this.#rounds = before.#rounds
    this.#standingFinding = before.#standingFinding
    this.#confirmations = before.#confirmations
    this.#hadStarttls = before.#hadStarttls
  }

  hadStarttls(): boolean {
    return this.#hadStarttls
  }

  /** The profile of the round that begins now. */
  nextProfile(nowMs: number): ProbeProfile {
    this.#isFull = nowMs >= this.#dueMs
    const isSlow = this.#profile.level === 'tls' || this.#profile.level === 'rcpt'
    return isSlow && !this.#isFull
      ? { ...this.#profile, level: this.#profile.rounds }
      : this.#profile
  }

  /** What the round means: its own outcome, or what still stands from the last full one. */
  observe(outcome: Outcome, nowMs: number): Outcome {
    const { level } = this.#profile
    if (level !== 'tls' && level !== 'rcpt') return outcome
    if (outcome.hasStarttls === true) this.#hadStarttls = true
    if (isFinding(outcome)) this.#keepFinding(outcome, nowMs)
    else if (isPass(outcome) && this.#isFull) this.#clearFinding(nowMs)
    return isPass(outcome) && this.#standingFinding !== null ? this.#standingFinding : outcome
  }

  #keepFinding(outcome: Outcome, nowMs: number): void {
    const isAgain = this.#standingFinding?.reason === outcome.reason
    this.#standingFinding = outcome
    this.#confirmations = isAgain ? this.#confirmations + 1 : 1
    const needed = this.#confirmationsNeeded(outcome)
    const laterMs = Math.min(afterWarningMs, this.#profile.slowIntervalMs)
    this.#dueMs = this.#confirmations < needed ? nowMs : nowMs + laterMs
  }

  #clearFinding(nowMs: number): void {
    this.#standingFinding = null
    this.#confirmations = 0
    const share = hashFraction(`${this.#key}|${++this.#rounds}`)
    this.#dueMs = nowMs + this.#profile.slowIntervalMs * (1 + (share * 2 - 1) * jitter)
  }

  #confirmationsNeeded(outcome: Outcome): number {
    const { fall, tls } = this.#profile
    const { verdict } = effectOf(outcome, { requiresTls: tls.isRequired })
    if (verdict === 'pass') return 0
    return verdict === 'busy' ? 2 * fall : fall
  }
}

/** What only the full dialogue can see. */
const isFinding = ({ kind, reason }: Outcome): boolean =>
  kind === 'tls' || reason.startsWith('rcpt-')

const isPass = ({ kind }: Outcome): boolean => kind === 'ok' || kind === 'slow'
