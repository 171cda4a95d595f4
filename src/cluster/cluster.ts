// The exchange over a store that all instances reach. It answers from memory; a turn with the store (session.ts)
// runs when one is due, when a vote of ours changed, and when a hint says that one of another did.
//
// Out of reach for long enough we are cut off: we probe everything ourselves, and the last votes of the others are
// frozen for the hold time. How these weigh then is health/consensus.ts's.

import type { LiveVote } from '../health/consensus.ts'
import type { Clock } from '../lib/clock.ts'
import { StoreFeedback } from './redis/feedback.ts'
import { HintReader } from './redis/hint-reader.ts'
import { StoreOverrides } from './redis/overrides.ts'
import type { StoreLink } from './redis/redis-link.ts'
import {
  type Hint,
  stateKeys,
  type StateSettings,
  type StateTimes,
  stateTimes,
} from './redis/schema.ts'
import { StoreSession } from './redis/session.ts'
import { StoreTallies } from './redis/tallies.ts'
import { VoteReader } from './redis/vote-reader.ts'
import { ConfigAgreement } from './config-agreement.ts'
import { Duties } from './duties.ts'
import { OwnVotes } from './own-votes.ts'
import { type PeerChanges, Peers } from './peers.ts'
import type {
  SharedEvent,
  Exchange,
  ExchangeStatus,
  FeedbackExchange,
  TallyExchange,
  Vote,
} from './vote-exchange.ts'
import { type StateSources, viewState } from './state-view.ts'
import { Reach } from './reach.ts'

export const createRedisExchange = (options: RedisExchangeOptions): SharedExchange =>
  new RedisExchange(options)

const quietRetryMs = 250

class Turns {
  readonly #clock: Clock
  /** How soon the next one is due; what is asked for meanwhile may be sooner. */
  readonly #turn: () => Promise<number>
  #timer: ReturnType<typeof setTimeout> | undefined
  #atMs = Infinity
  #isBusy = false
  #isStopped = false

  constructor(clock: Clock, turn: () => Promise<number>) {
    this.#clock = clock
    this.#turn = turn
  }

  soon(inMs: number): void {
    const atMs = this.#clock.monotonicMs() + inMs
    if (this.#isStopped || atMs >= this.#atMs) return
    this.#atMs = atMs
    clearTimeout(this.#timer)
    if (!this.#isBusy) this.#timer = setTimeout(() => void this.#run(), inMs)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  async #run(): Promise<void> {
    this.#atMs = Infinity
    this.#isBusy = true
    const dueInMs = await this.#turn()
    this.#isBusy = false
    const askedMs = this.#atMs - this.#clock.monotonicMs()
    this.#atMs = Infinity
    this.soon(Math.max(0, Math.min(dueInMs, askedMs)))
  }
}

const createSession = (
  { settings, instance, site, link, random, onEvent }: RedisExchangeOptions,
  { own, feedback, tallies, ...stored }: Stored,
  { onPeers }: PartCalls,
): StoreSession =>
  new StoreSession({
    ...stored,
    keys: stateKeys(settings.namespace),
    link,
    instance,
    site,
    random,
    votes: own,
    more: [feedback, tallies],
    newStoreId: () => newStoreId(random),
    onPeers,
    onEvent: (kind) => onEvent({ kind }),
  })

const newStoreId = (random: () => number): string =>
  Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(16, '0')

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

// What an exchange over a store is made of, put together. Who does what when is cluster.ts's.

interface ExchangeParts {
  readonly times: StateTimes
  readonly own: OwnVotes
  readonly peers: Peers
  readonly duties: Duties
  readonly reach: Reach
  readonly hints: HintReader
  readonly reader: VoteReader
  readonly session: StoreSession
  readonly overrides: StoreOverrides
  readonly feedback: StoreFeedback
  readonly tallies: StoreTallies
  readonly agreement: ConfigAgreement
}

interface PartCalls {
  /** Something of ours is to be written. */
  readonly onSaid: () => void
  readonly onHints: (hints: readonly Hint[]) => void
  /** Votes of others about these endpoints changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
  readonly onPeers: (changes: PeerChanges) => void
  readonly onReach: () => void
}

function createParts(options: RedisExchangeOptions, calls: PartCalls): ExchangeParts {
  const stored = createStored(options, calls)
  const { times, peers } = stored
  const { configGraceMs: graceMs, heartbeatLifetimeMs: calmMs } = times
  return {
    ...stored,
    session: createSession(options, stored, calls),
    agreement: new ConfigAgreement({ graceMs, calmMs }),
    reach: createReach(options, times, peers, calls),
  }
}

type Stored = Omit<ExchangeParts, 'session' | 'agreement' | 'reach'>

function createStored(
  { settings, instance, site, link, clock }: RedisExchangeOptions,
  { onSaid, onHints, onVotes }: PartCalls,
): Stored {
  const keys = stateKeys(settings.namespace)
  const times = stateTimes(settings.heartbeatMs)
  const own = new OwnVotes()
  const peers = new Peers(times.heartbeatLifetimeMs)
  const duties = new Duties({ instance, site }, settings.vantages)
  const endpointsOf = (peer: string): readonly string[] => duties.endpointsOf(peer, own.all())
  return {
    times,
    own,
    peers,
    duties,
    hints: new HintReader({ link, key: keys.events, blockMs: times.blockMs, onHints }),
    reader: new VoteReader({ link, keys, peers, endpointsOf, onVotes }),
    overrides: new StoreOverrides(instance, onSaid),
    feedback: new StoreFeedback({ link, keys, instance, clock, times, onSaid }),
    tallies: new StoreTallies({ link, keys, instance, times }),
  }
}

function createReach(
  { settings, clock, onEvent }: RedisExchangeOptions,
  { cutOffMs }: StateTimes,
  peers: Peers,
  { onReach }: PartCalls,
): Reach {
  return new Reach({
    startMs: clock.monotonicMs(),
    cutOffMs,
    holdMs: settings.peerHoldMs,
    onEvent,
    onHoldOver: () => peers.forgetVotes(),
    onChange: onReach,
  })
}

// An exchange with other instances, and what it is made of.

interface RedisExchangeOptions {
  readonly settings: StateSettings
  readonly instance: string
  readonly site: string
  readonly link: StoreLink
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: SharedEvent) => void
}

export interface SharedExchange extends Exchange, StateSources {
  readonly overrides: StoreOverrides
  readonly feedback: FeedbackExchange
  readonly tallies: TallyExchange
  /** Tells the others that we go, if that is possible at once. */
  stop(): Promise<void>
}

// Runs turns one at a time, each as soon as the earliest that was asked for; what is asked for during a turn comes after.
