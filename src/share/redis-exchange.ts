// The exchange over a store that all instances reach. It answers from memory; a turn with the store (store-session.ts)
// runs when one is due, when a vote of ours changed, and when a hint says that one of another did.
//
// Out of reach for long enough we are cut off: we probe everything ourselves, and the last votes of the others are
// frozen for the hold time. How these weigh then is health/consensus.ts's.

import type { LiveVote } from '../health/consensus.ts'
import { Duties } from './duties.ts'
import type { ExchangeStatus, Vote } from './exchange.ts'
import { HintReader } from './hint-reader.ts'
import { OwnVotes } from './own-votes.ts'
import { type PeerChanges, Peers } from './peers.ts'
import type { RedisExchangeOptions, SharedExchange } from './shared-exchange.ts'
import type { StateSources } from './state-events.ts'
import { Reach } from './reach.ts'
import { countVotes, viewPeers } from './state-view.ts'
import { type StateKeys, stateKeys } from './state-keys.ts'
import type { Hint } from './state-records.ts'
import { type StateTimes, stateTimes } from './state-settings.ts'
import { StoreOverrides } from './store-overrides.ts'
import { StoreSession } from './store-session.ts'
import { Turns } from './turns.ts'
import { VoteReader } from './vote-reader.ts'

export const createRedisExchange = (options: RedisExchangeOptions): SharedExchange =>
  new RedisExchange(options)

const quietRetryMs = 250

class RedisExchange implements SharedExchange {
  readonly overrides: StoreOverrides
  readonly #options: RedisExchangeOptions
  readonly #times: StateTimes
  readonly #own = new OwnVotes()
  readonly #peers: Peers
  readonly #duties: Duties
  readonly #hints: HintReader
  readonly #session: StoreSession
  readonly #onForeignVote = new Set<(slotKey: string) => void>()
  readonly #onDuties = new Set<() => void>()
  readonly #reader: VoteReader
  readonly #reach: Reach
  readonly #turns: Turns

  constructor(options: RedisExchangeOptions) {
    const { settings, instance, site, link, clock } = options
    const keys = stateKeys(settings.namespace)
    this.#options = options
    this.#times = stateTimes(settings.heartbeatMs)
    this.#turns = new Turns(clock, () => this.#turn())
    this.#peers = new Peers(this.#times.heartbeatLifetimeMs)
    this.#duties = new Duties({ instance, site }, settings.vantages)
    this.#reach = this.#createReach()
    this.overrides = new StoreOverrides(() => this.#turns.soon(0))
    this.#hints = new HintReader({
      link,
      key: keys.events,
      blockMs: this.#times.blockMs,
      onHints: (hints) => this.#heed(hints),
    })
    this.#reader = new VoteReader({
      link,
      keys,
      peers: this.#peers,
      endpointsOf: (peer) => this.#duties.endpointsOf(peer, this.#own.all()),
      onVotes: (endpoints) => this.#onVotes(endpoints),
    })
    this.#session = this.#createSession(keys)
    link.onReady(() => {
      this.#session.reset()
      this.#turns.soon(0)
    })
    this.#turns.soon(0)
  }

  #createReach(): Reach {
    const { settings, clock, onEvent } = this.#options
    return new Reach({
      startMs: clock.monotonicMs(),
      cutOffMs: this.#times.cutOffMs,
      holdMs: settings.peerHoldMs,
      onEvent,
      onHoldOver: () => this.#peers.forgetVotes(),
      onChange: () => this.#tellDuties(),
    })
  }

  #createSession(keys: StateKeys): StoreSession {
    const { instance, site, link, random, onEvent } = this.#options
    return new StoreSession({
      link,
      keys,
      instance,
      site,
      random,
      times: this.#times,
      votes: this.#own,
      peers: this.#peers,
      overrides: this.overrides,
      hints: this.#hints,
      reader: this.#reader,
      newStoreId: () =>
        Math.floor(random() * 2 ** 48)
          .toString(16)
          .padStart(16, '0'),
      onPeers: (changes) => this.#onPeers(changes),
      onEvent: (kind) => onEvent({ kind }),
    })
  }

  publish(vote: Vote): void {
    this.#own.set(vote)
    if (this.#own.hasUnwritten()) this.#turns.soon(this.#times.gatherMs)
  }

  withdraw(slotKey: string): void {
    this.#own.delete(slotKey)
    this.#duties.forget(slotKey)
    this.#turns.soon(this.#times.gatherMs)
  }

  votes(slotKey: string): readonly LiveVote[] {
    const own = this.#own.get(slotKey)
    if (!own) return []
    const { instance, site } = this.#options
    const ours = { instance, site, state: own.state, reason: own.reason }
    return [ours, ...this.#peers.votesOn(own.endpoint, this.#duties.of(own))]
  }

  subscribe(onForeignVote: (slotKey: string) => void): () => void {
    this.#onForeignVote.add(onForeignVote)
    return () => void this.#onForeignVote.delete(onForeignVote)
  }

  isProbedHere(slotKey: string): boolean {
    return this.#reach.isCutOff || this.#duties.isOurs(this.#own.get(slotKey), slotKey)
  }

  subscribeDuties(onChange: () => void): () => void {
    this.#onDuties.add(onChange)
    return () => void this.#onDuties.delete(onChange)
  }

  doubtSelf(isInDoubt: boolean): void {
    const state = isInDoubt ? 'suspect' : 'ok'
    if (this.#session.state === state) return
    this.#session.state = state
    this.#session.beatSoon()
    this.#turns.soon(0)
  }

  status(): ExchangeStatus {
    return { kind: 'redis', degraded: this.#reach.isCutOff, instances: 1 + this.#peers.count() }
  }

  stateView(): ReturnType<StateSources['stateView']> {
    const nowMs = this.#options.clock.monotonicMs()
    return {
      ...this.status(),
      fenced: this.#session.isFenced,
      votes: countVotes(this.#own, (slotKey) => this.votes(slotKey)),
      takeovers: this.#duties.takeovers,
      rejected: this.#session.counters.rejected + this.#reader.rejected + this.#hints.rejected(),
      rewrites: this.#session.counters.rewrites,
      streamLagSeconds: this.#hints.lagSeconds(),
      unansweredSeconds: this.#reach.unansweredMs(nowMs) / 1000,
      peers: viewPeers(this.#peers, nowMs),
    }
  }

  async stop(): Promise<void> {
    this.#turns.stop()
    this.#hints.stop()
    if (!this.#reach.isCutOff) await this.#session.sayGoodbye()
    this.#options.link.close()
  }

  #onPeers({ joined, gone }: PeerChanges): void {
    const { onEvent } = this.#options
    for (const peer of joined)
      onEvent({ kind: 'peer-joined', peer, site: this.#peers.get(peer)?.beat.site ?? '' })
    for (const peer of gone) onEvent({ kind: 'peer-gone', peer })
    const trusted = [...this.#peers.all()].filter(({ beat }) => beat.state === 'ok')
    const live = trusted.map(({ instance, beat }) => ({ instance, site: beat.site }))
    this.#duties.assign(live, this.#own.all(), gone.length > 0)
    this.#peers.readAllAgain()
    if (!this.#reach.isCutOff) this.#tellDuties()
  }

  #onVotes(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) {
      const slotKey = this.#own.slotKeyOf(endpoint)
      if (slotKey !== undefined) for (const call of this.#onForeignVote) call(slotKey)
    }
  }

  #heed(hints: readonly Hint[]): void {
    for (const { instance, about } of hints) {
      if (instance === this.#options.instance) continue
      const endpoint = typeof about === 'object' ? about.endpoint : null
      // Of what is not watched here nothing is kept.
      if (endpoint !== null && this.#own.slotKeyOf(endpoint) === undefined) continue
      const isKnown = about === 'overrides' || this.#peers.hint(instance, endpoint)
      if (!isKnown || endpoint === null) this.#session.pollSoon()
    }
    this.#turns.soon(0)
  }

  #tellDuties(): void {
    for (const call of this.#onDuties) call()
  }

  /** How soon the next one is due. */
  async #turn(): Promise<number> {
    const { clock, link } = this.#options
    const hasAnswered = link.isReady() && (await this.#session.turn(clock.monotonicMs()))
    const nowMs = clock.monotonicMs()
    if (this.#turns.isStopped) return Infinity
    if (!hasAnswered) {
      this.#reach.missed(nowMs, link.lastTrouble() ?? 'AWAY')
      return Math.min(quietRetryMs, this.#times.pollMs)
    }
    this.#reach.answered(nowMs)
    const hasMore = this.#own.hasUnwritten() || this.overrides.hasOutgoing()
    return hasMore ? this.#times.gatherMs : this.#session.nextInMs(nowMs)
  }
}
