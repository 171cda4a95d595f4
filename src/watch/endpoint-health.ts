// The health of one probed endpoint: outcome → verdict → damping → own vote → consensus → the slot's row of the health
// table. There is one for each slot; several targets may share it.
//
// An endpoint that is judged down is published as
//
//   unknown   until downs are accepted (first-round.ts), unless it was known to be down before the start
//   suspect   until the second round is over that the mass-failure guard asks for: `fall` more failures in a row
//   suspect   if it is held down for flapping alone, or was judged down while this instance was cut off from the others,
//             while less than half of its pool is up (watched-pools.ts)
//   down      otherwise
//
// An endpoint that is not judged down is suspect only by the damping of this instance.

import type { Vote } from '../cluster/cluster-votes.ts'
import {
  confirmed,
  countTowardsConfirmation,
  notDown,
  type DownConfirmation,
  updateConfirmation,
} from '../health/mass-failure-guard.ts'
import type { LiveVote } from '../health/consensus.ts'
import {
  advance,
  type DampingPolicy,
  dampingPolicy,
  type DampingState,
  holdSeconds,
  isHeldDown,
  isUndecided,
  initialDamping,
} from '../health/damping.ts'
import { slowStartFactor } from '../health/effective-weight.ts'
import {
  ownVote,
  ownView,
  publishedState,
  initialJudgement,
  type VoteJudgement,
  judgeVotes,
} from '../health/judgement.ts'
import { addLatency, createLatencyWindow, type LatencyWindow } from '../health/latency-window.ts'
import type { Outcome } from '../health/outcome.ts'
import {
  restoreDamping,
  type SavedDamping,
  saveDamping,
  type TwoClocks,
} from '../health/saved-damping.ts'
import {
  updateShedding,
  type SheddingState,
  shedFactor,
  initialShedding,
} from '../health/shedding.ts'
import { type HealthWriter, SlotState } from '../health/table.ts'
import { effectOf, type Verdict } from '../health/verdict.ts'
import type { ProbeProfile, WatchedAddress } from '../probe/smtp/profile.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'
import { DeepRounds } from './deep-rounds.ts'
import { dialogueKey, slotKey } from './slot-key.ts'
import { type AlertChange, isLongBlind, TargetAlerts } from './target-alerts.ts'

/** Number of verdicts of each kind since the endpoint is watched. */
export type VerdictCounts = Readonly<Record<Verdict, number>>

export interface StateChange {
  readonly from: SlotState
  readonly to: SlotState
  /** How long the state before lasted. */
  readonly afterMs: number
}

/** What a judgement takes into account beside the endpoint itself: the first round, its pools, the cluster. */
interface JudgementInput {
  /** Whether the endpoint may be down; false before the first round is done. */
  readonly acceptsDown: boolean
  /** Whether an endpoint that is up is published as unknown, so that none is up before the others (first-round.ts). */
  readonly treatsAllAlike: boolean
  /** Whether the mass-failure guard asks for a second round before the endpoint is down. */
  readonly isMassFailure: boolean
  /** Whether less than half of one of its pools is up: a walk over them, which only an endpoint that is judged down needs. */
  readonly isPoolShort: () => boolean
  /** Whether this instance is cut off from the other instances. */
  readonly isCutOff: boolean
}

export class EndpointHealth {
  readonly slot: number
  readonly key: string
  readonly dialogueKey: string
  /** The address that is probed. */
  readonly address: string
  readonly profile: ProbeProfile
  readonly deepRounds: DeepRounds
  readonly alerts: TargetAlerts = new TargetAlerts()
  readonly policy: DampingPolicy
  /** The addresses of all targets that share this endpoint. */
  addresses: readonly WatchedAddress[]
  counts: VerdictCounts = { pass: 0, fail: 0, busy: 0, unknown: 0 }
  /** Last outcome of this instance; null before the first, and while other instances probe the endpoint. */
  lastOutcome: Outcome | null = null
  lastOutcomeAtMs: number = 0
  /** The last outcome of this instance that failed, and its monotonic time; a pass does not end it. */
  lastFailure: { readonly outcome: Outcome; readonly atMs: number } | null = null
  state: SlotState = SlotState.unknown
  sinceMs: number
  factor: number = 1
  holdSeconds: number = Infinity
  /** Whether it failed since it was last up, with no pass in between. */
  isFailing: boolean = false
  history: EndpointHistory = new EndpointHistory()
  /** The state that the health table shows, which may be `unknown` in place of `up` (treatsAllAlike). */
  #tableState: SlotState = SlotState.unknown
  #confirmation: DownConfirmation = notDown
  #damping: DampingState
  #shedding: SheddingState
  #slowStart: number = 1
  #shed: number = 1
  #consensus: VoteJudgement = initialJudgement
  #recoveredAtMs: number | null = null

  constructor(addresses: readonly WatchedAddress[], nowMs: number) {
    const first = addresses[0] as WatchedAddress
    this.slot = first.slot
    this.key = slotKey(first)
    this.dialogueKey = dialogueKey(first)
    this.address = first.probeAddress ?? first.address
    this.profile = first.profile
    this.deepRounds = new DeepRounds(this.key, first.profile, nowMs)
    this.#shedding = initialShedding(nowMs)
    this.policy = dampingPolicy(first.profile)
    this.addresses = addresses
    this.sinceMs = nowMs
    this.#damping = initialDamping(nowMs)
  }

  /** Takes over the health of the same dialogue under other settings, so that a reload forgets none. */
  inherit(before: EndpointHealth): void {
    this.counts = before.counts
    this.lastOutcome = before.lastOutcome
    this.lastOutcomeAtMs = before.lastOutcomeAtMs
    this.lastFailure = before.lastFailure
    this.state = before.state
    this.sinceMs = before.sinceMs
    this.deepRounds.inherit(before.deepRounds)
    this.alerts.inherit(before.alerts)
    this.#shedding = before.#shedding
    this.#damping = before.#damping
    this.#consensus = before.#consensus
    this.#recoveredAtMs = before.#recoveredAtMs
    this.isFailing = before.isFailing
    this.history = before.history
    this.#confirmation = before.#confirmation
  }

  /** Takes over the state from before the start. Returns false if it is too old to be used. */
  restore(saved: SavedDamping, clocks: TwoClocks): boolean {
    const damping = restoreDamping(saved, clocks)
    if (damping === null) return false
    this.#damping = damping
    this.history.restore(saved.reason, saved.seenMs - clocks.wallMs + clocks.monotonicMs)
    this.state = damping.state
    this.sinceMs = damping.sinceMs
    const isDown = damping.state === SlotState.down
    this.#confirmation = isDown ? confirmed : notDown
    this.#consensus = { ...initialJudgement, judgement: isDown ? 'down' : 'up' }
    return true
  }

  /** Returns the state to be restored after a restart; null if nothing is known. */
  save(clocks: TwoClocks): SavedDamping | null {
    const seen = { seenMs: this.history.lastKnownAtMs, reason: this.reason() }
    return saveDamping(this.#damping, seen, clocks)
  }

  /** Reason of the last outcome, or of the restored state; `unprobed` if there is neither. */
  reason(): string {
    return this.lastOutcome?.reason ?? this.history.restoredReason ?? 'unprobed'
  }

  /** Times in a row that it left up soon after it came up. */
  flaps(): number {
    return this.#damping.flaps
  }

  /** Returns the request for the probe that is due now. */
  request(nowMs: number, signal: AbortSignal): ProbeRequest {
    const { address, deepRounds } = this
    const hadStarttls = deepRounds.hadStarttls()
    return { address, profile: deepRounds.nextProfile(nowMs), hadStarttls, signal }
  }

  /** Takes an outcome into damping, shedding and history. The state changes at the next `judge`. */
  observe(seen: Outcome, nowMs: number): void {
    const outcome = this.deepRounds.observe(seen, nowMs)
    const requiresTls = this.profile.tls.isRequired
    const { verdict, load } = effectOf(outcome, { requiresTls })
    this.counts = { ...this.counts, [verdict]: this.counts[verdict] + 1 }
    this.lastOutcome = outcome
    this.lastOutcomeAtMs = nowMs
    this.#shedding = updateShedding(this.#shedding, load, this.profile.intervalMs, nowMs)
    const wasNotDown = this.#damping.state !== SlotState.down
    this.#damping = advance(this.#damping, verdict, this.policy, nowMs)
    this.history.observe(verdict, outcome.durationMs, nowMs)
    if (verdict === 'unknown') return
    if (verdict !== 'pass') this.lastFailure = { outcome, atMs: nowMs }
    this.isFailing = verdict !== 'pass' && (this.isFailing || wasNotDown)
    this.#confirmation = countTowardsConfirmation(this.#confirmation, verdict)
  }

  /** Whether the state may change soon, so that probes follow each other at the fast interval. */
  isUndecided(): boolean {
    return this.#confirmation.failures !== null || isUndecided(this.#damping, this.policy)
  }

  /** Whether it passes its probes and is held down for flapping alone. */
  isHeld(): boolean {
    return this.#consensus.judgement === 'down' && isHeldDown(this.#damping, this.policy)
  }

  /** Whether it is published as suspect in place of down if its pool is short. */
  canBeKeptAsSuspect(): boolean {
    return this.isHeld() || this.#consensus.wentDownWhileCutOff
  }

  /** Forgets what this instance observed: another one probes the endpoint from now on. */
  discardOwnObservations(nowMs: number): void {
    this.#damping = initialDamping(nowMs)
    this.#shedding = initialShedding(nowMs)
  }

  /** Whether it is judged down and past a second round, published as down or kept as suspect. */
  isConfirmedDown(): boolean {
    return this.#confirmation.isConfirmed
  }

  /** The two shares whose product is `factor`, as they were written last. */
  factors(): { readonly slowStart: number; readonly shedding: number } {
    return { slowStart: this.#slowStart, shedding: this.#shed }
  }

  isInSlowStart(): boolean {
    return this.#slowStart < 1
  }

  /** Returns the alerts that begin or end by the last outcomes of this instance and by all votes. */
  updateAlerts(votes: readonly LiveVote[], nowMs: number): readonly AlertChange[] {
    const { blindSinceMs } = this.history
    const blindMs = blindSinceMs === null ? 0 : nowMs - blindSinceMs
    const isBlind = isLongBlind(this.#damping.unknowns, blindMs, this.policy)
    return this.alerts.update({ last: this.lastOutcome, votes, isBlind })
  }

  /** Returns the vote of this instance. It is `?` after `fall` probes in a row without a verdict. */
  vote(): Vote {
    return { slotKey: this.key, state: ownVote(this.#damping, this.policy), reason: this.reason() }
  }

  /** Judges the endpoint by all votes. Returns the change of its state, or null. */
  judge(votes: readonly LiveVote[], nowMs: number, input: JudgementInput): StateChange | null {
    const own = ownView(this.#damping, this.policy)
    this.#consensus = judgeVotes(this.#consensus, votes, own, input.isCutOff)
    const { judgement } = this.#consensus
    const { fall } = this.policy
    const confirmation = {
      isDown: judgement === 'down',
      needsConfirmation: input.isMassFailure || input.isCutOff,
      fall,
    }
    this.#confirmation = updateConfirmation(this.#confirmation, confirmation)
    const from = this.state
    this.state = publishedState({
      judgement,
      acceptsDown: input.acceptsDown,
      isKeptAsSuspect:
        !this.isConfirmedDown() || (this.canBeKeptAsSuspect() && input.isPoolShort()),
      isSuspect: this.#damping.state === SlotState.suspect,
    })
    this.#tableState =
      input.treatsAllAlike && this.state === SlotState.up ? SlotState.unknown : this.state
    if (this.state === from) return null
    const afterMs = nowMs - this.sinceMs
    this.sinceMs = nowMs
    if (from === SlotState.down) this.#recoveredAtMs = nowMs
    if (this.state === SlotState.down) this.#recoveredAtMs = null
    if (this.state === SlotState.down) this.history.downs++
    return { from, to: this.state, afterMs }
  }

  /** Writes the row of the health table, unless it has these values already. */
  write(table: HealthWriter, nowMs: number): void {
    this.#slowStart = slowStartFactor(this.#recoveredAtMs, this.profile.slowStartSeconds, nowMs)
    this.#shed = shedFactor(this.#shedding)
    const factor = this.#slowStart * this.#shed
    // Votes of other instances carry a state, and nothing of its damping.
    const damping =
      this.lastOutcome === null ? { ...initialDamping(nowMs), state: this.state } : this.#damping
    const holding = holdSeconds(damping, this.policy, nowMs)
    const isWritten = table.state(this.slot) === this.#tableState && this.factor === factor
    if (isWritten && this.holdSeconds === holding) return
    this.factor = factor
    this.holdSeconds = holding
    // Before the state, so that no reader sees the slot down with an old time of its fall. 0 would mean never.
    const fellSeconds = Math.max(1, Math.floor(this.sinceMs / 1000))
    if (this.state === SlotState.down) table.setFell(this.slot, fellSeconds)
    table.set(this.slot, this.#tableState, factor, holding)
  }
}

/** What is known of an endpoint beside its verdict: for status pages, and for the time after a restart. */
class EndpointHistory {
  /** Durations of probes that passed. */
  readonly latency: LatencyWindow = createLatencyWindow()
  /** Times that it went down since it is watched. */
  downs: number = 0
  /** Monotonic time of the last verdict other than `unknown`, perhaps from before this process started. */
  lastKnownAtMs: number = 0
  /** Monotonic time of the first of the verdicts `unknown` since the last other one; null while there is none. */
  blindSinceMs: number | null = null
  /** Reason of the last outcome before the start; null if nothing was restored. */
  restoredReason: string | null = null

  observe(verdict: Verdict, durationMs: number, nowMs: number): void {
    this.blindSinceMs = verdict === 'unknown' ? (this.blindSinceMs ?? nowMs) : null
    if (verdict === 'unknown') return
    this.lastKnownAtMs = nowMs
    if (verdict === 'pass') addLatency(this.latency, durationMs)
  }

  restore(reason: string, seenAtMs: number): void {
    this.restoredReason = reason
    this.lastKnownAtMs = seenAtMs
  }
}
