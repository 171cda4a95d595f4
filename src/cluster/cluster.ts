// Membership in a cluster of instances that share a store. Everything is answered from memory; a sync with the store
// (redis/session.ts) runs when one is due, when an own vote has changed, and when a hint says that another one has.
//
// Without an answer of the store for long enough this instance is cut off: it probes every endpoint itself, and the last
// votes of the others are frozen for the hold time. How they weigh then is decided in health/consensus.ts.

import type { LiveVote } from '../health/consensus.ts'
import type { Clock } from '../lib/clock.ts'
import { raiseLater } from '../lib/raise-later.ts'
import { RedisFeedback } from './redis/feedback.ts'
import { HintReader } from './redis/hint-reader.ts'
import { RedisOverrides } from './redis/overrides.ts'
import type { OversizedRecords } from './redis/oversized-records.ts'
import type { StoreLink } from './link/redis-link.ts'
import {
  type Hint,
  stateKeys,
  type StateSettings,
  type StateTimes,
  stateTimes,
} from './redis/schema.ts'
import { type SyncedPart, StoreSession } from './redis/session.ts'
import { StoreSeals } from './redis/store-seals.ts'
import { RedisTallies } from './redis/tallies.ts'
import { VoteReader } from './redis/vote-reader.ts'
import { ConfigAgreement } from './config-agreement.ts'
import { ProbeAssignments } from './probe-assignments.ts'
import { OwnVotes } from './own-votes.ts'
import { type PeerChanges, Peers } from './peers.ts'
import { RedisReports } from './shared-reports.ts'
import type {
  ClusterEvent,
  ClusterStatus,
  ClusterVotes,
  FeedbackStore,
  OverrideStore,
  ReportStore,
  TallyStore,
  Vote,
} from './cluster-votes.ts'
import { createStateView, type StateViewSource } from './state-view.ts'
import { StoreReachability } from './store-reachability.ts'

/** Everything that is shared in a cluster. */
export interface Cluster extends ClusterVotes, StateViewSource {
  readonly overrides: OverrideStore
  readonly feedback: FeedbackStore
  readonly tallies: TallyStore
  readonly reports: ReportStore
  /** Has what `zoneParts` were given to share written soon. */
  syncSoon(): void
  /** Writes the last counts and removes this instance from the store if it is in reach, then disconnects. */
  stop(): Promise<void>
  /** Disconnects and writes nothing more: another process is this instance from now on. */
  cede(): void
}

interface ClusterOptions {
  readonly settings: StateSettings
  readonly instance: string
  readonly site: string
  readonly link: StoreLink
  /** What is shared of zones: serials, names and what was handed out. */
  readonly zoneParts: readonly SyncedPart[]
  /** Those that are too large; `zoneParts` have the same. */
  readonly oversized: OversizedRecords
  readonly clock: Clock
  /** 0…1, for jitter and ids. */
  readonly random: () => number
  readonly onEvent: (event: ClusterEvent) => void
}

/** Joins a cluster; returns at once, the store is contacted in the background. */
export const joinCluster = (options: ClusterOptions): Cluster => new ClusterMember(options)

const retryMs = 250
const maxFaultPauseMs = 30_000

class ClusterMember implements Cluster {
  readonly overrides: RedisOverrides
  readonly feedback: RedisFeedback
  readonly tallies: RedisTallies
  readonly reports: RedisReports
  readonly #options: ClusterOptions
  readonly #parts: ClusterParts
  readonly #self = { hasLocalFault: false, isLeaving: false }
  readonly #onForeignVote = new Set<(slotKey: string) => void>()
  readonly #onAssignments = new Set<() => void>()
  readonly #syncLoop: SyncLoop
  /** Syncs in a row that threw. */
  #faults = 0

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#syncLoop = new SyncLoop(options.clock, () => this.#sync().catch(this.#onFault))
    this.#parts = createParts(options, {
      onPending: () => this.#syncLoop.schedule(0),
      onHints: (hints) => this.#onHints(hints),
      onVotes: (endpoints) => this.#onVotes(endpoints),
      onPeers: (changes) => this.#onPeers(changes),
      onReachability: () => this.#notifyAssignments(),
    })
    const { overrides, feedback, tallies, reports, session } = this.#parts
    this.overrides = overrides
    this.feedback = feedback
    this.tallies = tallies
    this.reports = reports
    options.link.onReady(() => {
      session.onReconnect()
      this.#syncLoop.schedule(0)
    })
    this.#syncLoop.schedule(0)
  }

  publish(vote: Vote): void {
    this.#parts.own.set(vote)
    if (this.#parts.own.hasUnwritten()) this.#syncLoop.schedule(this.#parts.times.batchDelayMs)
  }

  withdraw(slotKey: string): void {
    this.#parts.own.delete(slotKey)
    this.#parts.assignments.forget(slotKey)
    this.#syncLoop.schedule(this.#parts.times.batchDelayMs)
  }

  votes(slotKey: string): readonly LiveVote[] {
    const { own, peers, assignments } = this.#parts
    const vote = own.get(slotKey)
    if (!vote) return []
    const { instance, site } = this.#options
    const ownVote = { instance, site, state: vote.state, reason: vote.reason }
    return [ownVote, ...peers.votesOn(vote.endpoint, assignments.assigneesOf(vote))]
  }

  subscribe(onForeignVote: (slotKey: string) => void): () => void {
    this.#onForeignVote.add(onForeignVote)
    return () => void this.#onForeignVote.delete(onForeignVote)
  }

  isProbedHere(slotKey: string): boolean {
    const { reachability, assignments, own } = this.#parts
    return reachability.isCutOff || assignments.isAssignedHere(own.get(slotKey), slotKey)
  }

  subscribeAssignments(onChange: () => void): () => void {
    this.#onAssignments.add(onChange)
    return () => void this.#onAssignments.delete(onChange)
  }

  reportLocalFault(isFaulty: boolean): void {
    this.#self.hasLocalFault = isFaulty
    this.#updateState()
  }

  leave(): void {
    this.#self.isLeaving = true
    this.#updateState()
  }

  setConfigHash(config: string): void {
    if (this.#parts.session.config === config) return
    this.#parts.session.config = config
    this.#parts.session.requestHeartbeat()
    this.#syncLoop.schedule(this.#parts.times.batchDelayMs)
  }

  syncSoon(): void {
    this.#syncLoop.schedule(this.#parts.times.batchDelayMs)
  }

  status(): ClusterStatus {
    return {
      kind: 'redis',
      degraded: this.#parts.reachability.isCutOff,
      instances: 1 + this.#parts.peers.count(),
    }
  }

  stateView(): ReturnType<StateViewSource['stateView']> {
    const { link, clock } = this.#options
    const votesOf = (slotKey: string): readonly LiveVote[] => this.votes(slotKey)
    const synced = [this.feedback, this.tallies, this.reports, ...this.#options.zoneParts]
    const view = { ...this.#parts, link, synced, votesOf }
    return createStateView(view, clock.monotonicMs())
  }

  cede(): void {
    this.#syncLoop.stop()
    this.#parts.hints.stop()
    this.#options.link.close()
  }

  async stop(): Promise<void> {
    const { reachability, session, hints, tallies } = this.#parts
    this.#syncLoop.stop()
    hints.stop()
    tallies.onReconnect()
    const context = { nowMs: this.#options.clock.monotonicMs(), isFenced: session.isFenced }
    if (!reachability.isCutOff && (await tallies.sync(context))) await session.deregister()
    this.#options.link.close()
  }

  /** Announces a changed state of this instance by a heartbeat at once. */
  #updateState(): void {
    const { hasLocalFault, isLeaving } = this.#self
    const state = isLeaving ? 'draining' : hasLocalFault ? 'suspect' : 'ok'
    if (this.#parts.session.state === state) return
    this.#parts.session.state = state
    this.#parts.session.requestHeartbeat(true)
    this.#syncLoop.schedule(0)
  }

  #compareConfigs(nowMs: number): void {
    const { reachability, session, peers, agreement } = this.#parts
    if (reachability.isCutOff || this.#self.isLeaving || session.isFenced) return
    const staying = [...peers.all()].filter(({ heartbeat }) => heartbeat.state !== 'draining')
    const others = staying.map(({ instance, heartbeat }) => ({
      instance,
      config: heartbeat.config,
    }))
    const own = { instance: this.#options.instance, config: session.config }
    const change = agreement.observe([own, ...others], nowMs)
    if (change) this.#options.onEvent(change)
  }

  #onPeers({ joined, gone, leaving }: PeerChanges): void {
    const { onEvent } = this.#options
    const { peers, own, assignments, reachability } = this.#parts
    for (const peer of joined)
      onEvent({ kind: 'peer-joined', peer, site: peers.get(peer)?.heartbeat.site ?? '' })
    for (const { instance, isStopped } of gone)
      onEvent({ kind: 'peer-gone', peer: instance, isStopped })
    const healthy = [...peers.all()].filter(({ heartbeat }) => heartbeat.state === 'ok')
    const live = healthy.map(({ instance, heartbeat }) => ({ instance, site: heartbeat.site }))
    assignments.assign(live, own.all(), gone.length + leaving.length > 0)
    peers.requestFullRead()
    if (!reachability.isCutOff) this.#notifyAssignments()
  }

  #onVotes(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) {
      const slotKey = this.#parts.own.slotKeyOf(endpoint)
      if (slotKey !== undefined) for (const call of this.#onForeignVote) call(slotKey)
    }
  }

  #onHints(hints: readonly Hint[]): void {
    for (const { instance, about } of hints) {
      if (instance === this.#options.instance) continue
      if (about === 'feedback') {
        this.feedback.requestRead()
        continue
      }
      const endpoint = typeof about === 'object' ? about.endpoint : null
      // Votes on endpoints that are not watched here are not kept.
      if (endpoint !== null && this.#parts.own.slotKeyOf(endpoint) === undefined) continue
      const isKnown = about === 'overrides' || this.#parts.peers.markStale(instance, endpoint)
      if (!isKnown || endpoint === null) this.#parts.session.requestPoll()
    }
    this.#syncLoop.schedule(0)
  }

  #notifyAssignments(): void {
    for (const call of this.#onAssignments) call()
  }

  /** A bug in a sync must not end the syncs: returns the milliseconds until the next one. */
  readonly #onFault = (error: unknown): number => {
    raiseLater(error)
    this.#parts.reachability.recordFailure(this.#options.clock.monotonicMs(), 'FAULT')
    return Math.min(retryMs * 2 ** ++this.#faults, maxFaultPauseMs)
  }

  /** Runs one sync; resolves to the milliseconds until the next one is due. */
  async #sync(): Promise<number> {
    const { clock, link } = this.#options
    const { session, reachability, own, times } = this.#parts
    const isAnswered = link.isReady() && (await session.sync(clock.monotonicMs()))
    const nowMs = clock.monotonicMs()
    if (this.#syncLoop.isStopped) return Infinity
    if (!isAnswered) {
      const refusal = link.isReady() ? session.refusalCode : null
      reachability.recordFailure(nowMs, link.lastErrorCode() ?? refusal)
      return Math.min(retryMs, times.pollMs)
    }
    this.#faults = 0
    reachability.recordAnswer(nowMs)
    this.#parts.seals.endQuiet()
    this.#compareConfigs(nowMs)
    const hasUnwritten = own.hasUnwritten() || this.overrides.hasPending()
    return hasUnwritten ? times.batchDelayMs : session.nextInMs(nowMs)
  }
}

/** Runs syncs one at a time, each at the earliest time scheduled; what is scheduled during a sync runs after it. */
class SyncLoop {
  readonly #clock: Clock
  /** Resolves to the milliseconds until the next sync is due; an earlier one may be scheduled meanwhile. */
  readonly #sync: () => Promise<number>
  #timer: ReturnType<typeof setTimeout> | undefined
  #scheduledMs = Infinity
  #isRunning = false
  #isStopped = false

  constructor(clock: Clock, sync: () => Promise<number>) {
    this.#clock = clock
    this.#sync = sync
  }

  /** Runs a sync in `delayMs` at the latest. */
  schedule(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs
    if (this.#isStopped || atMs >= this.#scheduledMs) return
    this.#scheduledMs = atMs
    clearTimeout(this.#timer)
    if (!this.#isRunning) this.#timer = setTimeout(() => void this.#run(), delayMs)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  async #run(): Promise<void> {
    this.#scheduledMs = Infinity
    this.#isRunning = true
    let dueInMs = maxFaultPauseMs
    try {
      dueInMs = await this.#sync()
    } catch (error) {
      raiseLater(error)
    } finally {
      this.#isRunning = false
    }
    const scheduledInMs = this.#scheduledMs - this.#clock.monotonicMs()
    this.#scheduledMs = Infinity
    this.schedule(Math.max(0, Math.min(dueInMs, scheduledInMs)))
  }
}

/** The parts of a member: state without I/O, and what reads and writes the store. */
interface ClusterParts {
  readonly times: StateTimes
  readonly own: OwnVotes
  readonly peers: Peers
  readonly assignments: ProbeAssignments
  readonly reachability: StoreReachability
  readonly hints: HintReader
  readonly reader: VoteReader
  readonly session: StoreSession
  readonly overrides: RedisOverrides
  readonly feedback: RedisFeedback
  readonly tallies: RedisTallies
  readonly reports: RedisReports
  readonly oversized: OversizedRecords
  readonly seals: StoreSeals
  readonly agreement: ConfigAgreement
}

interface PartCallbacks {
  /** Something is to be written. */
  readonly onPending: () => void
  readonly onHints: (hints: readonly Hint[]) => void
  /** Votes of others on the endpoints with these ids have changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
  readonly onPeers: (changes: PeerChanges) => void
  readonly onReachability: () => void
}

function createParts(options: ClusterOptions, callbacks: PartCallbacks): ClusterParts {
  const records = createRecordParts(options, callbacks)
  const { times, peers } = records
  const { configGraceMs: graceMs, heartbeatLifetimeMs: calmMs } = times
  return {
    ...records,
    session: createSession(options, records, callbacks),
    agreement: new ConfigAgreement({ graceMs, calmMs }),
    reachability: createReachability(options, times, peers, callbacks),
  }
}

type RecordParts = Omit<ClusterParts, 'session' | 'agreement' | 'reachability'>

function createRecordParts(
  options: ClusterOptions,
  { onPending, onHints, onVotes }: PartCallbacks,
): RecordParts {
  const { settings, instance, site, link, clock, oversized, onEvent } = options
  const keys = stateKeys(settings.namespace)
  const times = stateTimes(settings.heartbeatMs)
  const seals = new StoreSeals({ ...options, secrets: settings.seals, times })
  const own = new OwnVotes()
  const peers = new Peers(times.heartbeatLifetimeMs)
  const assignments = new ProbeAssignments({ instance, site }, settings.vantages)
  const endpointsOf = (peer: string): readonly string[] => assignments.endpointsOf(peer, own.all())
  const peerNames = (): readonly string[] => [...peers.all()].map((peer) => peer.instance)
  const shared = { link, keys, oversized, seals }
  return {
    times,
    own,
    peers,
    assignments,
    hints: new HintReader({
      link,
      key: keys.events,
      times,
      clock,
      onHints,
      onPolling: (why) => onEvent(pollingEvent(why, times)),
    }),
    oversized,
    seals,
    reader: new VoteReader({ ...shared, peers, endpointsOf, onVotes }),
    overrides: new RedisOverrides({ keys, instance, seals, onPending }),
    feedback: new RedisFeedback({ ...shared, instance, clock, times, onPending }),
    tallies: new RedisTallies({ ...shared, instance, times, peers: peerNames }),
    reports: new RedisReports({ ...shared, instance, times, peers, clock }),
  }
}

const pollingEvent = (why: string | null, { hintPollMs }: StateTimes): ClusterEvent =>
  why === null ? { kind: 'blocking' } : { kind: 'polling', why, everyMs: hintPollMs }

const createSession = (
  { settings, instance, site, link, zoneParts, random, clock, onEvent }: ClusterOptions,
  records: RecordParts,
  { onPeers }: PartCallbacks,
): StoreSession =>
  new StoreSession({
    ...records,
    keys: stateKeys(settings.namespace),
    link,
    instance,
    site,
    random,
    clock,
    votes: records.own,
    parts: [records.feedback, records.tallies, records.reports, ...zoneParts],
    newStoreId: () => newStoreId(random),
    onPeers,
    onEvent: (kind) => onEvent({ kind }),
  })

const newStoreId = (random: () => number): string =>
  Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(16, '0')

const createReachability = (
  { settings, clock, onEvent }: ClusterOptions,
  { cutOffMs }: StateTimes,
  peers: Peers,
  { onReachability }: PartCallbacks,
): StoreReachability =>
  new StoreReachability({
    startMs: clock.monotonicMs(),
    cutOffMs,
    holdMs: settings.peerHoldMs,
    onEvent,
    onHoldOver: () => peers.clearVotes(),
    onChange: onReachability,
  })
