// The exchange over a store that all instances reach. It answers from memory; a turn with the store (store-session.ts)
// runs when one is due, when a vote of ours changed, and when a hint says that one of another did.
//
// Out of reach for long enough we are cut off: we probe everything ourselves, and the last votes of the others are
// frozen for the hold time. How these weigh then is health/consensus.ts's.

import type { LiveVote } from '../health/consensus.ts'
import { type ExchangeParts, createParts } from './exchange-parts.ts'
import type { ExchangeStatus, Vote } from './exchange.ts'
import type { PeerChanges } from './peers.ts'
import type { RedisExchangeOptions, SharedExchange } from './shared-exchange.ts'
import type { StateSources } from './state-events.ts'
import type { Hint } from './redis/state-records.ts'
import { viewState } from './state-view.ts'
import type { StoreFeedback } from './redis/store-feedback.ts'
import type { StoreOverrides } from './redis/store-overrides.ts'
import type { StoreTallies } from './redis/tallies.ts'
import { Turns } from './turns.ts'

export const createRedisExchange = (options: RedisExchangeOptions): SharedExchange =>
  new RedisExchange(options)

const quietRetryMs = 250

class RedisExchange implements SharedExchange {
  readonly overrides: StoreOverrides
  readonly feedback: StoreFeedback
  readonly tallies: StoreTallies
  readonly #options: RedisExchangeOptions
  readonly #parts: ExchangeParts
  readonly #self = { isInDoubt: false, isLeaving: false }
  readonly #onForeignVote = new Set<(slotKey: string) => void>()
  readonly #onDuties = new Set<() => void>()
  readonly #turns: Turns

  constructor(options: RedisExchangeOptions) {
    this.#options = options
    this.#turns = new Turns(options.clock, () => this.#turn())
    this.#parts = createParts(options, {
      onSaid: () => this.#turns.soon(0),
      onHints: (hints) => this.#heed(hints),
      onVotes: (endpoints) => this.#onVotes(endpoints),
      onPeers: (changes) => this.#onPeers(changes),
      onReach: () => this.#tellDuties(),
    })
    const { overrides, feedback, tallies, session } = this.#parts
    this.overrides = overrides
    this.feedback = feedback
    this.tallies = tallies
    options.link.onReady(() => {
      session.reset()
      this.#turns.soon(0)
    })
    this.#turns.soon(0)
  }

  publish(vote: Vote): void {
    this.#parts.own.set(vote)
    if (this.#parts.own.hasUnwritten()) this.#turns.soon(this.#parts.times.gatherMs)
  }

  withdraw(slotKey: string): void {
    this.#parts.own.delete(slotKey)
    this.#parts.duties.forget(slotKey)
    this.#turns.soon(this.#parts.times.gatherMs)
  }

  votes(slotKey: string): readonly LiveVote[] {
    const own = this.#parts.own.get(slotKey)
    if (!own) return []
    const { instance, site } = this.#options
    const ours = { instance, site, state: own.state, reason: own.reason }
    return [ours, ...this.#parts.peers.votesOn(own.endpoint, this.#parts.duties.of(own))]
  }

  subscribe(onForeignVote: (slotKey: string) => void): () => void {
    this.#onForeignVote.add(onForeignVote)
    return () => void this.#onForeignVote.delete(onForeignVote)
  }

  isProbedHere(slotKey: string): boolean {
    return (
      this.#parts.reach.isCutOff || this.#parts.duties.isOurs(this.#parts.own.get(slotKey), slotKey)
    )
  }

  subscribeDuties(onChange: () => void): () => void {
    this.#onDuties.add(onChange)
    return () => void this.#onDuties.delete(onChange)
  }

  doubtSelf(isInDoubt: boolean): void {
    this.#self.isInDoubt = isInDoubt
    this.#showSelf()
  }

  leave(): void {
    this.#self.isLeaving = true
    this.#showSelf()
  }

  configure(config: string): void {
    if (this.#parts.session.config === config) return
    this.#parts.session.config = config
    this.#parts.session.beatSoon()
    this.#turns.soon(this.#parts.times.gatherMs)
  }

  status(): ExchangeStatus {
    return {
      kind: 'redis',
      degraded: this.#parts.reach.isCutOff,
      instances: 1 + this.#parts.peers.count(),
    }
  }

  stateView(): ReturnType<StateSources['stateView']> {
    const votesOf = (slotKey: string): readonly LiveVote[] => this.votes(slotKey)
    return viewState({ ...this.#parts, votesOf }, this.#options.clock.monotonicMs())
  }

  async stop(): Promise<void> {
    const { reach, session, hints, tallies } = this.#parts
    this.#turns.stop()
    hints.stop()
    tallies.reset()
    const last = { nowMs: this.#options.clock.monotonicMs(), isFenced: session.isFenced }
    if (!reach.isCutOff && (await tallies.turn(last))) await session.sayGoodbye()
    this.#options.link.close()
  }

  #showSelf(): void {
    const { isInDoubt, isLeaving } = this.#self
    const state = isLeaving ? 'draining' : isInDoubt ? 'suspect' : 'ok'
    if (this.#parts.session.state === state) return
    this.#parts.session.state = state
    this.#parts.session.beatSoon(true)
    this.#turns.soon(0)
  }

  #compareConfigs(nowMs: number): void {
    if (this.#parts.reach.isCutOff || this.#self.isLeaving || this.#parts.session.isFenced) return
    const staying = [...this.#parts.peers.all()].filter(({ beat }) => beat.state !== 'draining')
    const others = staying.map(({ instance, beat }) => ({ instance, config: beat.config }))
    const own = { instance: this.#options.instance, config: this.#parts.session.config }
    const change = this.#parts.agreement.observe([own, ...others], nowMs)
    if (change) this.#options.onEvent(change)
  }

  #onPeers({ joined, gone, leaving }: PeerChanges): void {
    const { onEvent } = this.#options
    for (const peer of joined)
      onEvent({ kind: 'peer-joined', peer, site: this.#parts.peers.get(peer)?.beat.site ?? '' })
    for (const { instance, isStopped } of gone)
      onEvent({ kind: 'peer-gone', peer: instance, isStopped })
    const trusted = [...this.#parts.peers.all()].filter(({ beat }) => beat.state === 'ok')
    const live = trusted.map(({ instance, beat }) => ({ instance, site: beat.site }))
    this.#parts.duties.assign(live, this.#parts.own.all(), gone.length + leaving.length > 0)
    this.#parts.peers.readAllAgain()
    if (!this.#parts.reach.isCutOff) this.#tellDuties()
  }

  #onVotes(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) {
      const slotKey = this.#parts.own.slotKeyOf(endpoint)
      if (slotKey !== undefined) for (const call of this.#onForeignVote) call(slotKey)
    }
  }

  #heed(hints: readonly Hint[]): void {
    for (const { instance, about } of hints) {
      if (instance === this.#options.instance) continue
      if (about === 'feedback') {
        this.feedback.heard()
        continue
      }
      const endpoint = typeof about === 'object' ? about.endpoint : null
      // Of what is not watched here nothing is kept.
      if (endpoint !== null && this.#parts.own.slotKeyOf(endpoint) === undefined) continue
      const isKnown = about === 'overrides' || this.#parts.peers.hint(instance, endpoint)
      if (!isKnown || endpoint === null) this.#parts.session.pollSoon()
    }
    this.#turns.soon(0)
  }

  #tellDuties(): void {
    for (const call of this.#onDuties) call()
  }

  /** How soon the next one is due. */
  async #turn(): Promise<number> {
    const { clock, link } = this.#options
    const hasAnswered = link.isReady() && (await this.#parts.session.turn(clock.monotonicMs()))
    const nowMs = clock.monotonicMs()
    if (this.#turns.isStopped) return Infinity
    if (!hasAnswered) {
      const refusal = link.isReady() ? this.#parts.session.refusal : null
      this.#parts.reach.missed(nowMs, link.lastTrouble() ?? refusal ?? 'AWAY')
      return Math.min(quietRetryMs, this.#parts.times.pollMs)
    }
    this.#parts.reach.answered(nowMs)
    this.#compareConfigs(nowMs)
    const hasMore = this.#parts.own.hasUnwritten() || this.overrides.hasOutgoing()
    return hasMore ? this.#parts.times.gatherMs : this.#parts.session.nextInMs(nowMs)
  }
}
