// One probed endpoint and all that is known of its health: outcome → verdict → damping → own vote →
// consensus → the slot's row of the health table. One per slot; several targets may share it.
//
// The table hears `suspect` from our own damping only, and `down` only once downs are believed (see watch.ts).

import type { Judgement, LiveVote, VoteState } from '../health/consensus.ts'
import { consensus } from '../health/consensus.ts'
import type { DampingPolicy, DampingState } from '../health/damping.ts'
import { advance, dampingPolicy, holdSeconds, isUndecided, undamped } from '../health/damping.ts'
import type { SheddingState } from '../health/shedding.ts'
import { shed, shedFactor, unburdened } from '../health/shedding.ts'
import { slowStartFactor } from '../health/slow-start.ts'
import type { HealthWriter } from '../health/table.ts'
import { SlotState } from '../health/table.ts'
import type { Verdict } from '../health/verdict.ts'
import { effectOf } from '../health/verdict.ts'
import type { Vote } from '../share/exchange.ts'
import type { Outcome } from './outcome.ts'
import type { ProbeProfile, WatchedAddress } from './profile.ts'
import { SlowLane } from './slow-lane.ts'
import { type AlarmChange, TargetAlarms } from './target-alarms.ts'
import { dialogueKey, slotKey } from './slot-key.ts'
import type { ProbeRequest } from './smtp-probe.ts'

/** Verdicts since the endpoint is watched. */
export type VerdictCounts = Readonly<Record<Verdict, number>>

export interface SlotChange {
  readonly from: SlotState
  readonly to: SlotState
  readonly afterMs: number
}

export class WatchedSlot {
  readonly slot: number
  readonly key: string
  readonly dialogueKey: string
  /** Where it is probed. */
  readonly address: string
  readonly profile: ProbeProfile
  readonly lane: SlowLane
  readonly alarms: TargetAlarms = new TargetAlarms()
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
  #damping: DampingState
  #shedding: SheddingState
  #slowStart: number = 1
  #judgement: Judgement = 'unknown'
  #recoveredAtMs: number | null = null

  constructor(addresses: readonly WatchedAddress[], nowMs: number) {
    const first = addresses[0] as WatchedAddress
    this.slot = first.slot
    this.key = slotKey(first)
    this.dialogueKey = dialogueKey(first)
    this.address = first.probeAddress ?? first.address
    this.profile = first.profile
    this.lane = new SlowLane(this.key, first.profile, nowMs)
    this.#shedding = unburdened(nowMs)
    this.policy = dampingPolicy(first.profile)
    this.addresses = addresses
    this.sinceMs = nowMs
    this.#damping = undamped(nowMs)
  }

  /** Takes over what is known of the same dialogue under other settings: a reload forgets no health. */
  inherit(before: WatchedSlot): void {
    this.counts = before.counts
    this.lastOutcome = before.lastOutcome
    this.lastOutcomeAtMs = before.lastOutcomeAtMs
    this.state = before.state
    this.sinceMs = before.sinceMs
    this.lane.inherit(before.lane)
    this.alarms.inherit(before.alarms)
    this.#shedding = before.#shedding
    this.#damping = before.#damping
    this.#judgement = before.#judgement
    this.#recoveredAtMs = before.#recoveredAtMs
  }

  /** The probe that is due now. */
  request(nowMs: number, signal: AbortSignal): ProbeRequest {
    const { address, lane } = this
    return { address, profile: lane.profileNow(nowMs), hadStarttls: lane.hadStarttls(), signal }
  }

  observe(seen: Outcome, nowMs: number): void {
    const outcome = this.lane.observe(seen, nowMs)
    const requiresTls = this.profile.tls.isRequired
    const { verdict, load } = effectOf(outcome, { requiresTls })
    this.counts = { ...this.counts, [verdict]: this.counts[verdict] + 1 }
    this.lastOutcome = outcome
    this.lastOutcomeAtMs = nowMs
    this.#shedding = shed(this.#shedding, load, this.profile.intervalMs, nowMs)
    this.#damping = advance(this.#damping, verdict, this.policy, nowMs)
  }

  isUndecided(): boolean {
    return isUndecided(this.#damping, this.policy)
  }

  isRecovering(): boolean {
    return this.#slowStart < 1
  }

  /** What is to be raised or lowered, by our last outcome and all votes. */
  weighAlarms(votes: readonly LiveVote[]): readonly AlarmChange[] {
    return this.alarms.weigh(this.lastOutcome, votes)
  }

  /** Our own word. After `fall` probes in a row that told nothing we have none. */
  vote(): Vote {
    const reason = this.lastOutcome?.reason ?? 'unprobed'
    return { slotKey: this.key, state: voteState(this.#damping, this.policy), reason }
  }

  /** Weighs all votes; the change of state, if any. `believesDown`: false before the first round is done. */
  judge(votes: readonly LiveVote[], nowMs: number, believesDown: boolean): SlotChange | null {
    this.#judgement = consensus(votes, this.#judgement)
    const from = this.state
    this.state = this.#effectiveState(believesDown)
    if (this.state === from) return null
    const afterMs = nowMs - this.sinceMs
    this.sinceMs = nowMs
    if (from === SlotState.down) this.#recoveredAtMs = nowMs
    if (this.state === SlotState.down) this.#recoveredAtMs = null
    return { from, to: this.state, afterMs }
  }

  /** Writes the slot's row if it differs from what was written last. */
  write(table: HealthWriter, nowMs: number): void {
    this.#slowStart = slowStartFactor(this.#recoveredAtMs, this.profile.slowStartSeconds, nowMs)
    const factor = this.#slowStart * shedFactor(this.#shedding)
    const holding = holdSeconds(this.#damping, this.policy, nowMs)
    const isWritten = table.state(this.slot) === this.state && this.factor === factor
    if (isWritten && this.holdSeconds === holding) return
    this.factor = factor
    this.holdSeconds = holding
    // Before the state: who sees the slot down must not take it for one that fell long ago.
    if (this.state === SlotState.down) table.setFell(this.slot, fellSeconds(this.sinceMs))
    table.set(this.slot, this.state, factor, holding)
  }

  #effectiveState(believesDown: boolean): SlotState {
    if (this.#judgement === 'down') return believesDown ? SlotState.down : SlotState.unknown
    if (this.#judgement === 'unknown') return SlotState.unknown
    return this.#damping.state === SlotState.suspect ? SlotState.suspect : SlotState.up
  }
}

/** 0 would mean never. */
const fellSeconds = (sinceMs: number): number => Math.max(1, Math.floor(sinceMs / 1000))

function voteState(damping: DampingState, policy: DampingPolicy): VoteState {
  if (damping.unknowns >= policy.fall || damping.state === SlotState.unknown) return '?'
  return damping.state === SlotState.down ? 'D' : 'U'
}
