// Deep probe rounds of an endpoint at level `tls` or `rcpt`: which rounds run the whole dialogue, and which finding
// stands in between. Pure: time is an argument, and jitter is a hash of the endpoint's key.
//
//   result of the last deep round   next deep round
//   none yet                        the first round if TLS is required, else spread over a minute
//   failed before its deep part     the next round
//   no finding                      after `slowIntervalMs` ± 20 %
//   a finding that warns            after a minute, or `slowIntervalMs` if that is shorter
//   a finding that fails            the next round, until it was found `fall` times in a row (twice that where the
//                                   verdict is `busy`); then as for a warning
//
// A finding replaces the outcome of shallow rounds that pass, which would hide it.

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
  #isDeep = false
  #standingFinding: Outcome | null = null
  #confirmations = 0
  #hadStarttls = false

  constructor(key: string, profile: ProbeProfile, nowMs: number) {
    this.#key = key
    this.#profile = profile
    const firstMs = Math.min(firstWithinMs, profile.slowIntervalMs) * hashFraction(`${key}|lane`)
    this.#dueMs = profile.tls.isRequired ? nowMs : nowMs + firstMs
  }

  /** Takes over the state of the same dialogue under other settings; the profile stays. */
  inherit(before: DeepRounds): void {
    this.#dueMs = before.#dueMs
    this.#rounds = before.#rounds
    this.#standingFinding = before.#standingFinding
    this.#confirmations = before.#confirmations
    this.#hadStarttls = before.#hadStarttls
  }

  /** Whether the target has offered STARTTLS at some time. */
  hadStarttls(): boolean {
    return this.#hadStarttls
  }

  /** Returns the profile of the round that begins now: with the full level, or with that of `rounds`. */
  nextProfile(nowMs: number): ProbeProfile {
    this.#isDeep = nowMs >= this.#dueMs
    const hasDeepRounds = this.#profile.level === 'tls' || this.#profile.level === 'rcpt'
    return hasDeepRounds && !this.#isDeep
      ? { ...this.#profile, level: this.#profile.rounds }
      : this.#profile
  }

  /** Returns the outcome that the round counts as: its own, or the standing finding if a shallow round passes. */
  observe(outcome: Outcome, nowMs: number): Outcome {
    const { level } = this.#profile
    if (level !== 'tls' && level !== 'rcpt') return outcome
    if (outcome.hasStarttls === true) this.#hadStarttls = true
    if (isFinding(outcome)) this.#keepFinding(outcome, nowMs)
    else if (isPass(outcome) && this.#isDeep) this.#clearFinding(nowMs)
    return isPass(outcome) && this.#standingFinding !== null ? this.#standingFinding : outcome
  }

  #keepFinding(outcome: Outcome, nowMs: number): void {
    const isRepeated = this.#standingFinding?.reason === outcome.reason
    this.#standingFinding = outcome
    this.#confirmations = isRepeated ? this.#confirmations + 1 : 1
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

/** Whether the outcome can only come from a deep round. */
const isFinding = ({ kind, reason }: Outcome): boolean =>
  kind === 'tls' || (kind !== 'slow' && reason.startsWith('rcpt-'))

const isPass = ({ kind }: Outcome): boolean => kind === 'ok' || kind === 'slow'
