// The exchange over a store that all instances reach. It answers from memory; a turn with the store (session.ts)
// runs when one is due, when a vote of ours changed, and when a hint says that one of another did.
//
// Out of reach for long enough we are cut off: we probe everything ourselves, and the last votes of the others are
// frozen for the hold time. How these weigh then is health/consensus.ts's.

import type { LiveVote } from '../health/consensus.ts'
import type { Clock } from '../lib/clock.ts'
import { RedisFeedback } from './redis/feedback.ts'
import { HintReader } from './redis/hint-reader.ts'
import { RedisOverrides } from './redis/overrides.ts'
import type { StoreLink } from './redis/redis-link.ts'
import {
  type Hint,
  stateKeys,
  type StateSettings,
  type StateTimes,
  stateTimes,
} from './redis/schema.ts'
import { StoreSession } from './redis/session.ts'
import { RedisTallies } from './redis/tallies.ts'
import { VoteReader } from './redis/vote-reader.ts'
import { ConfigAgreement } from './config-agreement.ts'
import { ProbeAssignments } from './probe-assignments.ts'
import { OwnVotes } from './own-votes.ts'
import { type PeerChanges, Peers } from './peers.ts'
import type {
  ClusterEvent,
  ClusterVotes,
  ClusterStatus,
  FeedbackStore,
  TallyStore,
  Vote,
} from './cluster-votes.ts'
import { type StateViewSource, createStateView } from './state-view.ts'
import { StoreReachability } from './store-reachability.ts'

export const joinCluster = (options: ClusterOptions): Cluster => new ClusterMember(options)

const quietRetryMs = 250

class SyncLoop {
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
  { settings, instance, site, link, random, onEvent }: ClusterOptions,
  { own, feedback, tallies, ...stored }: Stored,
  { onPeers }: PartCallbacks,
): StoreSession =>
  new StoreSession({
    ...stored,
    keys: stateKeys(settings.namespace),
    link,
    instance,
    site,
    random,
    votes: own,
    parts: [feedback, tallies],
    newStoreId: () => newStoreId(random),
    onPeers,
    onEvent: (kind) => onEvent({ kind }),
  })

const newStoreId = (random: () => number): string =>
  Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(16, '0')

class ClusterMember implements Cluster {
  readonly overrides: RedisOverrides
  readonly feedback: RedisFeedback
  readonly tallies: RedisTallies
  readonly #options: ClusterOptions
  readonly #parts: ClusterParts
  readonly #self = { isInDoubt: false, isLeaving: false }
  readonly #onForeignVote = new Set<(slotKey: string) => void>()
  readonly #onDuties = new Set<() => void>()
  readonly #turns: SyncLoop

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#turns = new SyncLoop(options.clock, () => this.#turn())
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
      session.onReconnect()
      this.#turns.soon(0)
    })
    this.#turns.soon(0)
  }

  publish(vote: Vote): void {
    this.#parts.own.set(vote)
    if (this.#parts.own.hasUnwritten()) this.#turns.soon(this.#parts.times.batchDelayMs)
  }

  withdraw(slotKey: string): void {
    this.#parts.own.delete(slotKey)
    this.#parts.duties.forget(slotKey)
    this.#turns.soon(this.#parts.times.batchDelayMs)
  }

  votes(slotKey: string): readonly LiveVote[] {
    const own = this.#parts.own.get(slotKey)
    if (!own) return []
    const { instance, site } = this.#options
    const ours = { instance, site, state: own.state, reason: own.reason }
    return [ours, ...this.#parts.peers.votesOn(own.endpoint, this.#parts.duties.assigneesOf(own))]
  }

  subscribe(onForeignVote: (slotKey: string) => void): () => void {
    this.#onForeignVote.add(onForeignVote)
    return () => void this.#onForeignVote.delete(onForeignVote)
  }

  isProbedHere(slotKey: string): boolean {
    return (
      this.#parts.reach.isCutOff ||
      this.#parts.duties.isAssignedHere(this.#parts.own.get(slotKey), slotKey)
    )
  }

  subscribeAssignments(onChange: () => void): () => void {
    this.#onDuties.add(onChange)
    return () => void this.#onDuties.delete(onChange)
  }

  reportLocalFault(isInDoubt: boolean): void {
    this.#self.isInDoubt = isInDoubt
    this.#showSelf()
  }

  leave(): void {
    this.#self.isLeaving = true
    this.#showSelf()
  }

  setConfigHash(config: string): void {
    if (this.#parts.session.config === config) return
    this.#parts.session.config = config
    this.#parts.session.requestHeartbeat()
    this.#turns.soon(this.#parts.times.batchDelayMs)
  }

  status(): ClusterStatus {
    return {
      kind: 'redis',
      degraded: this.#parts.reach.isCutOff,
      instances: 1 + this.#parts.peers.count(),
    }
  }

  stateView(): ReturnType<StateViewSource['stateView']> {
    const votesOf = (slotKey: string): readonly LiveVote[] => this.votes(slotKey)
    return createStateView({ ...this.#parts, votesOf }, this.#options.clock.monotonicMs())
  }

  async stop(): Promise<void> {
    const { reach, session, hints, tallies } = this.#parts
    this.#turns.stop()
    hints.stop()
    tallies.onReconnect()
    const last = { nowMs: this.#options.clock.monotonicMs(), isFenced: session.isFenced }
    if (!reach.isCutOff && (await tallies.sync(last))) await session.deregister()
    this.#options.link.close()
  }

  #showSelf(): void {
    const { isInDoubt, isLeaving } = this.#self
    const state = isLeaving ? 'draining' : isInDoubt ? 'suspect' : 'ok'
    if (this.#parts.session.state === state) return
    this.#parts.session.state = state
    this.#parts.session.requestHeartbeat(true)
    this.#turns.soon(0)
  }

  #compareConfigs(nowMs: number): void {
    if (this.#parts.reach.isCutOff || this.#self.isLeaving || this.#parts.session.isFenced) return
    const staying = [...this.#parts.peers.all()].filter(
      ({ heartbeat: beat }) => beat.state !== 'draining',
    )
    const others = staying.map(({ instance, heartbeat: beat }) => ({
      instance,
      config: beat.config,
    }))
    const own = { instance: this.#options.instance, config: this.#parts.session.config }
    const change = this.#parts.agreement.observe([own, ...others], nowMs)
    if (change) this.#options.onEvent(change)
  }

  #onPeers({ joined, gone, leaving }: PeerChanges): void {
    const { onEvent } = this.#options
    for (const peer of joined)
      onEvent({
        kind: 'peer-joined',
        peer,
        site: this.#parts.peers.get(peer)?.heartbeat.site ?? '',
      })
    for (const { instance, isStopped } of gone)
      onEvent({ kind: 'peer-gone', peer: instance, isStopped })
    const trusted = [...this.#parts.peers.all()].filter(
      ({ heartbeat: beat }) => beat.state === 'ok',
    )
    const live = trusted.map(({ instance, heartbeat: beat }) => ({ instance, site: beat.site }))
    this.#parts.duties.assign(live, this.#parts.own.all(), gone.length + leaving.length > 0)
    this.#parts.peers.requestFullRead()
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
        this.feedback.requestRead()
        continue
      }
      const endpoint = typeof about === 'object' ? about.endpoint : null
      // Of what is not watched here nothing is kept.
      if (endpoint !== null && this.#parts.own.slotKeyOf(endpoint) === undefined) continue
      const isKnown = about === 'overrides' || this.#parts.peers.markStale(instance, endpoint)
      if (!isKnown || endpoint === null) this.#parts.session.requestPoll()
    }
    this.#turns.soon(0)
  }

  #tellDuties(): void {
    for (const call of this.#onDuties) call()
  }

  /** How soon the next one is due. */
  async #turn(): Promise<number> {
    const { clock, link } = this.#options
    const hasAnswered = link.isReady() && (await this.#parts.session.sync(clock.monotonicMs()))
    const nowMs = clock.monotonicMs()
    if (this.#turns.isStopped) return Infinity
    if (!hasAnswered) {
      const refusal = link.isReady() ? this.#parts.session.refusalCode : null
      this.#parts.reach.recordFailure(nowMs, link.lastErrorCode() ?? refusal ?? 'AWAY')
      return Math.min(quietRetryMs, this.#parts.times.pollMs)
    }
    this.#parts.reach.recordAnswer(nowMs)
    this.#compareConfigs(nowMs)
    const hasMore = this.#parts.own.hasUnwritten() || this.overrides.hasPending()
    return hasMore ? this.#parts.times.batchDelayMs : this.#parts.session.nextInMs(nowMs)
  }
}

// What an exchange over a store is made of, put together. Who does what when is cluster.ts's.

interface ClusterParts {
  readonly times: StateTimes
  readonly own: OwnVotes
  readonly peers: Peers
  readonly duties: ProbeAssignments
  readonly reach: StoreReachability
  readonly hints: HintReader
  readonly reader: VoteReader
  readonly session: StoreSession
  readonly overrides: RedisOverrides
  readonly feedback: RedisFeedback
  readonly tallies: RedisTallies
  readonly agreement: ConfigAgreement
}

interface PartCallbacks {
  /** Something of ours is to be written. */
  readonly onSaid: () => void
  readonly onHints: (hints: readonly Hint[]) => void
  /** Votes of others about these endpoints changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
  readonly onPeers: (changes: PeerChanges) => void
  readonly onReach: () => void
}

function createParts(options: ClusterOptions, calls: PartCallbacks): ClusterParts {
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

type Stored = Omit<ClusterParts, 'session' | 'agreement' | 'reach'>

function createStored(
  { settings, instance, site, link, clock }: ClusterOptions,
  { onSaid, onHints, onVotes }: PartCallbacks,
): Stored {
  const keys = stateKeys(settings.namespace)
  const times = stateTimes(settings.heartbeatMs)
  const own = new OwnVotes()
  const peers = new Peers(times.heartbeatLifetimeMs)
  const duties = new ProbeAssignments({ instance, site }, settings.vantages)
  const endpointsOf = (peer: string): readonly string[] => duties.endpointsOf(peer, own.all())
  return {
    times,
    own,
    peers,
    duties,
    hints: new HintReader({ link, key: keys.events, blockMs: times.blockMs, onHints }),
    reader: new VoteReader({ link, keys, peers, endpointsOf, onVotes }),
    overrides: new RedisOverrides(instance, onSaid),
    feedback: new RedisFeedback({ link, keys, instance, clock, times, onSaid }),
    tallies: new RedisTallies({ link, keys, instance, times }),
  }
}

function createReach(
  { settings, clock, onEvent }: ClusterOptions,
  { cutOffMs }: StateTimes,
  peers: Peers,
  { onReach }: PartCallbacks,
): StoreReachability {
  return new StoreReachability({
    startMs: clock.monotonicMs(),
    cutOffMs,
    holdMs: settings.peerHoldMs,
    onEvent,
    onHoldOver: () => peers.clearVotes(),
    onChange: onReach,
  })
}

// An exchange with other instances, and what it is made of.

interface ClusterOptions {
  readonly settings: StateSettings
  readonly instance: string
  readonly site: string
  readonly link: StoreLink
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: ClusterEvent) => void
}

export interface Cluster extends ClusterVotes, StateViewSource {
  readonly overrides: RedisOverrides
  readonly feedback: FeedbackStore
  readonly tallies: TallyStore
  /** Tells the others that we go, if that is possible at once. */
  stop(): Promise<void>
}

// Runs turns one at a time, each as soon as the earliest that was asked for; what is asked for during a turn comes after.
