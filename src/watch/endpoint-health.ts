// One probed endpoint and all that is known of its health: outcome → verdict → damping → own vote →
// consensus → the slot's row of the health table. One per slot; several targets may share it.
//
// What is judged down is published as
//
//   unknown   until downs are believed (first-round.ts), unless it was known to be down before the start
//   suspect   while the brake asks for a second round: `fall` more failures in a row (local-fault.ts)
//   suspect   held down for flapping alone, or by us alone, while its pool has too few others (watched-pools.ts)
//   down      else
//
// `suspect` is else heard from our own damping only.

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
import { isProberBlocked, classifyRefusal, siteReports } from '../health/refusal.ts'
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
import { type AlertKind, effectOf, type Verdict } from '../health/verdict.ts'
import type { ProbeProfile, WatchedAddress } from '../probe/smtp/profile.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'
import { DeepRounds } from './deep-rounds.ts'
import { dialogueKey, slotKey } from './slot-key.ts'

const nothing: readonly AlertChange[] = []

class TargetAlerts {
  #raised: ReadonlyMap<AlertKind, string> = new Map()

  raised(): readonly AlertKind[] {
    return [...this.#raised.keys()]
  }

  inherit(before: TargetAlerts): void {
    this.#raised = before.#raised
  }

  /** Changes since the last time. A TLS alert that changes its reason is raised again. */
  update(last: Outcome | null, votes: readonly LiveVote[]): readonly AlertChange[] {
    const tls = last && this.#tlsReason(last)
    if (tls === null && this.#raised.size === 0 && votes.every(({ state }) => state !== 'D')) {
      return nothing
    }
    const next = new Map<AlertKind, string>()
    // Who is probed elsewhere raises its alerts there.
    if (last !== null && isProberBlocked(classifyRefusal(siteReports(votes)))) {
      next.set('prober-blocked', this.#raised.get('prober-blocked') ?? last.reason)
    }
    if (tls !== null) next.set('tls', tls)
    const changes: AlertChange[] = []
    for (const [alert, reason] of next) {
      if (this.#raised.get(alert) !== reason) changes.push({ alert, isRaised: true, reason })
    }
    for (const alert of this.#raised.keys()) {
      if (!next.has(alert))
        changes.push({ alert, isRaised: false, reason: last?.reason ?? 'unprobed' })
    }
    this.#raised = next
    return changes
  }

  #tlsReason({ kind, reason }: Outcome): string | null {
    if (kind === 'tls') return reason
    return kind === 'ok' || kind === 'slow' ? null : (this.#raised.get('tls') ?? null)
  }
}

class EndpointHistory {
  /** Of passes. */
  readonly latency: LatencyWindow = createLatencyWindow()
  /** Times it went down since it is watched. */
  downs: number = 0
  /** When it told anything of itself last, if need be before this process began. */
  lastKnownAtMs: number = 0
  /** Reason of its last outcome before the start; null: nothing was known then. */
  restoredReason: string | null = null

  observe(verdict: Verdict, durationMs: number, nowMs: number): void {
    if (verdict === 'unknown') return
    this.lastKnownAtMs = nowMs
    if (verdict === 'pass') addLatency(this.latency, durationMs)
  }

  restore(reason: string, seenAtMs: number): void {
    this.restoredReason = reason
    this.lastKnownAtMs = seenAtMs
  }
}

export class EndpointHealth {
  readonly slot: number
  readonly key: string
  readonly dialogueKey: string
  /** Where it is probed. */
  readonly address: string
  readonly profile: ProbeProfile
  readonly deepRounds: DeepRounds
  readonly alerts: TargetAlerts = new TargetAlerts()
  readonly policy: DampingPolicy
  /** Every target that this endpoint stands for. */
  addresses: readonly WatchedAddress[]
  counts: VerdictCounts = { pass: 0, fail: 0, busy: 0, unknown: 0 }
  lastOutcome: Outcome | null = null
  lastOutcomeAtMs: number = 0
  state: SlotState = SlotState.unknown
  sinceMs: number
  factor: number = 1
  holdSeconds: number = Infinity
  /** Since it was up, without a pass between. */
  isFailing: boolean = false
  history: EndpointHistory = new EndpointHistory()
  /** As the table has it. */
  #tableState: SlotState = SlotState.unknown
  #secondRound: DownConfirmation = notDown
  #damping: DampingState
  #shedding: SheddingState
  #slowStart: number = 1
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

  /** Takes over what is known of the same dialogue under other settings: a reload forgets no health. */
  inherit(before: EndpointHealth): void {
    this.counts = before.counts
    this.lastOutcome = before.lastOutcome
    this.lastOutcomeAtMs = before.lastOutcomeAtMs
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
    this.#secondRound = before.#secondRound
  }

  /** Takes over what was known before the start; whether it is fresh enough. */
  restore(saved: SavedDamping, clocks: TwoClocks): boolean {
    const damping = restoreDamping(saved, clocks)
    if (damping === null) return false
    this.#damping = damping
    this.history.restore(saved.reason, saved.seenMs - clocks.wallMs + clocks.monotonicMs)
    this.state = damping.state
    this.sinceMs = damping.sinceMs
    const isDown = damping.state === SlotState.down
    this.#secondRound = isDown ? confirmed : notDown
    this.#consensus = { ...initialJudgement, judgement: isDown ? 'down' : 'up' }
    return true
  }

  /** null: nothing is known. */
  save(clocks: TwoClocks): SavedDamping | null {
    const seen = { seenMs: this.history.lastKnownAtMs, reason: this.reason() }
    return saveDamping(this.#damping, seen, clocks)
  }

  /** Of the last outcome. */
  reason(): string {
    return this.lastOutcome?.reason ?? this.history.restoredReason ?? 'unprobed'
  }

  /** Times in a row that it left up soon after coming up. */
  flaps(): number {
    return this.#damping.flaps
  }

  /** The probe that is due now. */
  request(nowMs: number, signal: AbortSignal): ProbeRequest {
    const { address, deepRounds: lane } = this
    return { address, profile: lane.nextProfile(nowMs), hadStarttls: lane.hadStarttls(), signal }
  }

  observe(seen: Outcome, nowMs: number): void {
    const outcome = this.deepRounds.observe(seen, nowMs)
    const requiresTls = this.profile.tls.isRequired
    const { verdict, load } = effectOf(outcome, { requiresTls })
    this.counts = { ...this.counts, [verdict]: this.counts[verdict] + 1 }
    this.lastOutcome = outcome
    this.lastOutcomeAtMs = nowMs
    this.#shedding = updateShedding(this.#shedding, load, this.profile.intervalMs, nowMs)
    const isNews = this.#damping.state !== SlotState.down
    this.#damping = advance(this.#damping, verdict, this.policy, nowMs)
    this.history.observe(verdict, outcome.durationMs, nowMs)
    if (verdict === 'unknown') return
    this.isFailing = verdict !== 'pass' && (this.isFailing || isNews)
    this.#secondRound = countTowardsConfirmation(this.#secondRound, verdict)
  }

  isUndecided(): boolean {
    return this.#secondRound.failures !== null || isUndecided(this.#damping, this.policy)
  }

  /** Down for its flapping alone. */
  isHeld(): boolean {
    return this.#consensus.judgement === 'down' && isHeldDown(this.#damping, this.policy)
  }

  /** Back as a suspect where its pool has too few others. */
  canBeKeptAsSuspect(): boolean {
    return this.isHeld() || this.#consensus.wentDownWhileCutOff
  }

  /** What we have seen ourselves is nothing to go by any more. */
  discardOwnObservations(nowMs: number): void {
    this.#damping = initialDamping(nowMs)
    this.#shedding = initialShedding(nowMs)
  }

  /** Judged down for good, whether or not its pool needs it all the same. */
  isConfirmedDown(): boolean {
    return this.#secondRound.isConfirmed
  }

  isInSlowStart(): boolean {
    return this.#slowStart < 1
  }

  /** What is to be raised or lowered, by our last outcome and all votes. */
  updateAlerts(votes: readonly LiveVote[]): readonly AlertChange[] {
    return this.alerts.update(this.lastOutcome, votes)
  }

  /** Our own word. After `fall` probes in a row that told nothing we have none. */
  vote(): Vote {
    return { slotKey: this.key, state: ownVote(this.#damping, this.policy), reason: this.reason() }
  }

  /** Weighs all votes; the change of state, if any. */
  judge(votes: readonly LiveVote[], nowMs: number, sight: JudgementInput): StateChange | null {
    const own = ownView(this.#damping, this.policy)
    this.#consensus = judgeVotes(this.#consensus, votes, own, sight.isCutOff)
    const { judgement } = this.#consensus
    const { fall } = this.policy
    const doubt = {
      isDown: judgement === 'down',
      needsConfirmation: sight.isMassFailure || sight.isCutOff,
      fall,
    }
    this.#secondRound = updateConfirmation(this.#secondRound, doubt)
    const from = this.state
    this.state = publishedState({
      judgement,
      acceptsDown: sight.believesDown,
      isKeptAsSuspect: !this.isConfirmedDown() || (sight.isPoolShort && this.canBeKeptAsSuspect()),
      isSuspect: this.#damping.state === SlotState.suspect,
    })
    this.#tableState =
      sight.treatsAllAlike && this.state === SlotState.up ? SlotState.unknown : this.state
    if (this.state === from) return null
    const afterMs = nowMs - this.sinceMs
    this.sinceMs = nowMs
    if (from === SlotState.down) this.#recoveredAtMs = nowMs
    if (this.state === SlotState.down) this.#recoveredAtMs = null
    if (this.state === SlotState.down) this.history.downs++
    return { from, to: this.state, afterMs }
  }

  /** Writes the slot's row if it differs from what was written last. */
  write(table: HealthWriter, nowMs: number): void {
    this.#slowStart = slowStartFactor(this.#recoveredAtMs, this.profile.slowStartSeconds, nowMs)
    const factor = this.#slowStart * shedFactor(this.#shedding)
    // Of others' probes we know the outcome alone.
    const seen =
      this.lastOutcome === null ? { ...initialDamping(nowMs), state: this.state } : this.#damping
    const holding = holdSeconds(seen, this.policy, nowMs)
    const isWritten = table.state(this.slot) === this.#tableState && this.factor === factor
    if (isWritten && this.holdSeconds === holding) return
    this.factor = factor
    this.holdSeconds = holding
    // Before the state: who sees the slot down must not take it for one that fell long ago. 0 would mean never.
    const fellSeconds = Math.max(1, Math.floor(this.sinceMs / 1000))
    if (this.state === SlotState.down) table.setFell(this.slot, fellSeconds)
    table.set(this.slot, this.#tableState, factor, holding)
  }
}

// What a slot is judged by that is not of its own: the round, the pools, the other targets.

interface JudgementInput {
  /** false before the first round is done. */
  readonly believesDown: boolean
  /** All are taken alike until then: none is up before the others. */
  readonly treatsAllAlike: boolean
  /** Many fail at once: once more, please. */
  readonly isMassFailure: boolean
  /** Its pool has too few others. */
  readonly isPoolShort: boolean
  /** Cut off from the other instances. */
  readonly isCutOff: boolean
}

// What a watched slot tells of itself.

/** Verdicts since the endpoint is watched. */
export type VerdictCounts = Readonly<Record<Verdict, number>>

export interface StateChange {
  readonly from: SlotState
  readonly to: SlotState
  readonly afterMs: number
}

// What is remembered of a probed endpoint beside its verdict: for people, and for after a restart.

// What an operator should know of a target beside its state: raised and lowered once each.
//
//   prober-blocked   by the votes of all sites (health/refusal.ts): it refuses us, and perhaps only us
//   tls              by our own last outcome, until it is well again; what says nothing of TLS leaves it

interface AlertChange {
  readonly alert: AlertKind
  readonly isRaised: boolean
  /** Of the outcome that raised it, or of the one that lowers it. */
  readonly reason: string
}

export interface TargetAlert extends AlertChange {
  readonly zone: string
  readonly target: string
  readonly address: string
}

/** One a watched address: several targets may share the endpoint. */
export const describeAlerts = (
  { addresses }: { readonly addresses: readonly WatchedAddress[] },
  changes: readonly AlertChange[],
): readonly TargetAlert[] =>
  changes.flatMap((change) =>
    addresses.map(({ zone, target, address }) => ({ zone, target, address, ...change })),
  )
