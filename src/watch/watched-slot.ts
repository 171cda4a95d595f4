// One probed endpoint and all that is known of its health: outcome → verdict → damping → own vote →
// consensus → the slot's row of the health table. One per slot; several targets may share it.
//
// What is judged down is published as
//
//   unknown   until downs are believed (first-round.ts), unless it was known to be down before the start
//   suspect   while the brake asks for a second round: `fall` more failures in a row (self-doubt.ts)
//   suspect   held down for flapping alone, or by us alone, while its pool has too few others (watched-pools.ts)
//   down      else
//
// `suspect` is else heard from our own damping only.

import type { LiveVote } from '../health/consensus.ts'
import type { DampingPolicy, DampingState } from '../health/damping.ts'
import {
  advance,
  dampingPolicy,
  holdSeconds,
  isHeld,
  isUndecided,
  undamped,
} from '../health/damping.ts'
import {
  type SavedVerdict,
  type TwoClocks,
  restoreDamping,
  saveVerdict,
} from '../health/saved-verdict.ts'
import { ownVote, ownWord } from '../health/own-vote.ts'
import { publishedState } from '../health/published-state.ts'
import { type SheddingState, shed, shedFactor, unburdened } from '../health/shedding.ts'
import { slowStartFactor } from '../health/slow-start.ts'
import {
  type SecondRound,
  confirmed,
  countSecondRound,
  noSecondRound,
  weighSecondRound,
} from '../health/second-round.ts'
import { type HealthWriter, SlotState } from '../health/table.ts'
import { effectOf } from '../health/verdict.ts'
import { type Weighed, unweighed, weighVotes } from '../health/weigh-votes.ts'
import type { Vote } from '../cluster/exchange.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ProbeProfile, WatchedAddress } from '../probe/smtp/profile.ts'
import { SlotMemory } from './slot-memory.ts'
import type { Sight } from './sight.ts'
import type { SlotChange, VerdictCounts } from './slot-change.ts'
import { SlowLane } from './deep-rounds.ts'
import { type AlarmChange, TargetAlarms } from './target-alarms.ts'
import { dialogueKey, slotKey } from './slot-key.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'

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
  /** Since it was up, without a pass between. */
  isFailing: boolean = false
  memory: SlotMemory = new SlotMemory()
  /** As the table has it. */
  #shown: SlotState = SlotState.unknown
  #secondRound: SecondRound = noSecondRound
  #damping: DampingState
  #shedding: SheddingState
  #slowStart: number = 1
  #weighed: Weighed = unweighed
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
    this.#weighed = before.#weighed
    this.#recoveredAtMs = before.#recoveredAtMs
    this.isFailing = before.isFailing
    this.memory = before.memory
    this.#secondRound = before.#secondRound
  }

  /** Takes over what was known before the start; whether it is fresh enough. */
  restore(saved: SavedVerdict, clocks: TwoClocks): boolean {
    const damping = restoreDamping(saved, clocks)
    if (damping === null) return false
    this.#damping = damping
    this.memory.restore(saved.reason, saved.seenMs - clocks.wallMs + clocks.monotonicMs)
    this.state = damping.state
    this.sinceMs = damping.sinceMs
    const isDown = damping.state === SlotState.down
    this.#secondRound = isDown ? confirmed : noSecondRound
    this.#weighed = { ...unweighed, judgement: isDown ? 'down' : 'up' }
    return true
  }

  /** null: nothing is known. */
  save(clocks: TwoClocks): SavedVerdict | null {
    const seen = { seenMs: this.memory.seenAtMs, reason: this.reason() }
    return saveVerdict(this.#damping, seen, clocks)
  }

  /** Of the last outcome. */
  reason(): string {
    return this.lastOutcome?.reason ?? this.memory.restored ?? 'unprobed'
  }

  /** Times in a row that it left up soon after coming up. */
  flaps(): number {
    return this.#damping.flaps
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
    const isNews = this.#damping.state !== SlotState.down
    this.#damping = advance(this.#damping, verdict, this.policy, nowMs)
    this.memory.observe(verdict, outcome.durationMs, nowMs)
    if (verdict === 'unknown') return
    this.isFailing = verdict !== 'pass' && (this.isFailing || isNews)
    this.#secondRound = countSecondRound(this.#secondRound, verdict)
  }

  isUndecided(): boolean {
    return this.#secondRound.failures !== null || isUndecided(this.#damping, this.policy)
  }

  /** Down for its flapping alone. */
  isHeld(): boolean {
    return this.#weighed.judgement === 'down' && isHeld(this.#damping, this.policy)
  }

  /** Back as a suspect where its pool has too few others. */
  isSparing(): boolean {
    return this.isHeld() || this.#weighed.isDownAlone
  }

  /** What we have seen ourselves is nothing to go by any more. */
  rest(nowMs: number): void {
    this.#damping = undamped(nowMs)
    this.#shedding = unburdened(nowMs)
  }

  /** Judged down for good, whether or not its pool needs it all the same. */
  isOut(): boolean {
    return this.#secondRound.isConfirmed
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
    return { slotKey: this.key, state: ownVote(this.#damping, this.policy), reason: this.reason() }
  }

  /** Weighs all votes; the change of state, if any. */
  judge(votes: readonly LiveVote[], nowMs: number, sight: Sight): SlotChange | null {
    const own = ownWord(this.#damping, this.policy)
    this.#weighed = weighVotes(this.#weighed, votes, own, sight.isAlone)
    const { judgement } = this.#weighed
    const { fall } = this.policy
    const doubt = { isDown: judgement === 'down', isBraked: sight.isBraked || sight.isAlone, fall }
    this.#secondRound = weighSecondRound(this.#secondRound, doubt)
    const from = this.state
    this.state = publishedState({
      judgement,
      believesDown: sight.believesDown,
      isSpared: !this.isOut() || (sight.isNeeded && this.isSparing()),
      isSuspect: this.#damping.state === SlotState.suspect,
    })
    this.#shown = sight.isEven && this.state === SlotState.up ? SlotState.unknown : this.state
    if (this.state === from) return null
    const afterMs = nowMs - this.sinceMs
    this.sinceMs = nowMs
    if (from === SlotState.down) this.#recoveredAtMs = nowMs
    if (this.state === SlotState.down) this.#recoveredAtMs = null
    if (this.state === SlotState.down) this.memory.downs++
    return { from, to: this.state, afterMs }
  }

  /** Writes the slot's row if it differs from what was written last. */
  write(table: HealthWriter, nowMs: number): void {
    this.#slowStart = slowStartFactor(this.#recoveredAtMs, this.profile.slowStartSeconds, nowMs)
    const factor = this.#slowStart * shedFactor(this.#shedding)
    // Of others' probes we know the outcome alone.
    const seen =
      this.lastOutcome === null ? { ...undamped(nowMs), state: this.state } : this.#damping
    const holding = holdSeconds(seen, this.policy, nowMs)
    const isWritten = table.state(this.slot) === this.#shown && this.factor === factor
    if (isWritten && this.holdSeconds === holding) return
    this.factor = factor
    this.holdSeconds = holding
    // Before the state: who sees the slot down must not take it for one that fell long ago. 0 would mean never.
    const fellSeconds = Math.max(1, Math.floor(this.sinceMs / 1000))
    if (this.state === SlotState.down) table.setFell(this.slot, fellSeconds)
    table.set(this.slot, this.#shown, factor, holding)
  }
}
