// Synchronisation with the store: read a snapshot, write what is ours, read what has changed. One sync at a time, one
// batch in flight; what a sync could not do, the next one does again. When to run it is decided by cluster.ts.
//
//   own heartbeat has a later epoch   another process uses the name of this instance: only read, until it has expired
//   own heartbeat is missing          the instance was cut off or the store emptied: everything is written again
//   another store id                  the store has lost its data: known overrides are written again as well

import type { Clock } from '../../lib/clock.ts'
import { hintCommand, type OwnVotes, type Voter } from '../own-votes.ts'
import type { PeerChanges, Peers } from '../peers.ts'
import { claimEpoch } from './epoch-claim.ts'
import type { HintReader } from './hint-reader.ts'
import type { RedisOverrides } from './overrides.ts'
import { textCommand, textOf } from './bounded-read.ts'
import type { OversizedRecords } from './oversized-records.ts'
import { type Command, type Reply, unlinkCommands } from '../link/command.ts'
import { deleteWrongTypeKeys, type StoreLink } from '../link/redis-link.ts'
import {
  formatHeartbeat,
  type Heartbeat,
  type InstanceState,
  maxPackedOctets,
  type StateKeys,
  type StateTimes,
} from './schema.ts'
import { readSnapshot, type StoreSnapshot } from './snapshot.ts'
import type { StoreSeals } from './store-seals.ts'
import type { VoteReader } from './vote-reader.ts'

/** What the parts of a sync have in common. */
export interface SyncContext {
  /** Monotonic milliseconds. */
  readonly nowMs: number
  /** Another process uses the name of this instance: records that only this instance may write are not written. */
  readonly isFenced: boolean
}

/** Records beside heartbeats and votes that are synchronised at times of their own, at the end of each sync. */
export interface SyncedPart {
  /** Values read so far that were not valid records. */
  readonly rejected: number
  /** Returns false if the store did not answer. */
  sync(context: SyncContext): Promise<boolean>
  /** Milliseconds until the part wants a sync; 0 or less if it is due. */
  dueInMs(nowMs: number): number
  /** There is a new connection: what the last one wrote may not have arrived. */
  onReconnect(): void
  /** The store has lost its data. */
  onStoreEmptied(): void
}

interface SessionOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly times: StateTimes
  readonly instance: string
  readonly site: string
  readonly votes: OwnVotes
  readonly peers: Peers
  readonly overrides: RedisOverrides
  readonly hints: HintReader
  readonly reader: VoteReader
  readonly oversized: OversizedRecords
  readonly parts: readonly SyncedPart[]
  readonly seals: StoreSeals
  readonly clock: Clock
  /** Random numbers in [0, 1), for jitter. */
  readonly random: () => number
  readonly newStoreId: () => string
  readonly onPeers: (changes: PeerChanges) => void
  readonly onEvent: (event: 'emptied' | 'fenced' | 'unfenced') => void
}

export class StoreSession {
  /** `rejected`: invalid records read. `rewrites`: full writes of the own votes. */
  readonly counters: { rejected: number; rewrites: number } = { rejected: 0, rewrites: 0 }
  state: InstanceState = 'ok'
  /** Hash of the configuration; null if it is not known yet. */
  config: string | null = null
  isFenced = false
  /** Code with which the store refused to return heartbeats or to accept ours; null if it did not. */
  refusalCode: string | null = null
  readonly #options: SessionOptions
  /** Whether the next heartbeat is announced by a hint. */
  #isHeartbeatAnnounced = false
  #epoch: number | null = null
  /** The highest epoch that this process has had. */
  #epochFloor = 0
  #sequence = 0
  /** The heartbeat sent last. */
  #sent: Heartbeat | null = null
  #storeId: string | null = null
  /** The last heartbeat in the store that a later process of this name seems to have written. */
  #laterHeartbeat: { readonly position: string; readonly sinceMs: number } = {
    position: '',
    sinceMs: -Infinity,
  }
  #hasWrittenHeartbeat = false
  /** An ACL of earlier versions has no EXISTS: it is not tried again on the same connection. */
  #isExistsRefused = false
  /** Until then, missing heartbeats and votes of others are kept. */
  #keepMissingUntilMs = -Infinity
  #pollAtMs = -Infinity
  #heartbeatAtMs = -Infinity
  #rewriteAtMs = -Infinity
  #fullReadAtMs = -Infinity

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** There is a new connection: what the last one wrote may not have arrived. */
  onReconnect(): void {
    this.#rewriteAtMs = -Infinity
    this.#isExistsRefused = false
    for (const part of this.#options.parts) part.onReconnect()
    this.requestPoll()
  }

  /** Has the next sync read a snapshot. */
  requestPoll(): void {
    this.#pollAtMs = -Infinity
  }

  /** Has the next sync write a heartbeat; `isAnnounced` notifies the others by a hint. */
  requestHeartbeat(isAnnounced = false): void {
    this.#heartbeatAtMs = -Infinity
    this.#isHeartbeatAnnounced ||= isAnnounced
  }

  /** Milliseconds until the next sync is due. */
  nextInMs(nowMs: number): number {
    const soonestMs = Math.min(...this.#options.parts.map((part) => part.dueInMs(nowMs)))
    return Math.max(0, Math.min(this.#pollAtMs - nowMs, this.#heartbeatAtMs - nowMs, soonestMs))
  }

  /** Returns false if the store did not answer, or refused the heartbeat. */
  async sync(nowMs: number): Promise<boolean> {
    const { times } = this.#options
    if (nowMs >= this.#pollAtMs) {
      if (!(await this.#applySnapshot(nowMs))) return false
      this.#pollAtMs = nowMs + times.pollMs
    }
    if (this.#epoch === null && !this.isFenced && !(await this.#claimEpoch())) return false
    if (!this.isFenced && !(await this.#write(nowMs))) return false
    return (await this.#read(nowMs)) && this.#syncParts(nowMs)
  }

  /** Removes heartbeat and votes of this instance, so that others need not wait until they expire. */
  async deregister(): Promise<void> {
    const { link, keys, instance } = this.#options
    if (this.#epoch === null || this.isFenced) return
    await link.run(deregisterCommands(keys, instance))
  }

  async #applySnapshot(nowMs: number): Promise<boolean> {
    const { link, oversized, peers, overrides } = this.#options
    const known = [...peers.all()].map((peer) => peer.instance)
    const overrideFields = (): readonly string[] => overrides.nextKnownKeys()
    const isStopped = (name: string, beat: Heartbeat): boolean => peers.isStopped(name, beat)
    const recent = this.#isExistsRefused
      ? new Map<string, Heartbeat>()
      : peers.takeRecentHeartbeats(nowMs)
    const request = { ...this.#options, known, recent, isStopped, overrideFields }
    const snapshot = await readSnapshot(link, oversized, request)
    this.refusalCode = snapshot?.kind === 'refused' ? snapshot.code : null
    if (snapshot?.kind !== 'read') return false
    this.#isExistsRefused ||= snapshot.refusesExists
    this.#takeOver(snapshot, nowMs)
    return this.isFenced || this.#repair(snapshot)
  }

  #takeOver(snapshot: StoreSnapshot, nowMs: number): void {
    const { votes, peers, hints, overrides, onEvent, onPeers } = this.#options
    this.counters.rejected += snapshot.rejected
    const isEmptied = this.#storeId !== null && snapshot.storeId !== this.#storeId
    if (isEmptied) onEvent('emptied')
    if (isEmptied) for (const part of this.#options.parts) part.onStoreEmptied()
    this.#checkOwnHeartbeat(snapshot.ownHeartbeat, nowMs, isEmptied)
    // Another program wrote to the hash of the own votes, or not all of them arrived.
    if (!votes.hasUnwritten() && snapshot.ownVotes !== votes.storedCount())
      this.#rewriteAtMs = -Infinity
    this.#storeId = snapshot.storeId
    const changes = peers.observe(snapshot.heartbeats, nowMs, nowMs < this.#keepMissingUntilMs)
    if (changes.affectsAssignments) onPeers(changes)
    if (hints.hasMissedEvents(snapshot.events)) {
      peers.requestFullRead()
      peers.requestHeartbeats()
    }
    this.counters.rejected += overrides.applyStored(snapshot.overrides, isEmptied)
    // A store that has lost its id gets a new one, and this boot a new epoch.
    if (isEmptied || (snapshot.storeId === null && this.#epoch !== null)) this.#releaseEpoch()
  }

  /** Removes what is no use in the store. Returns false if it did not answer. */
  async #repair({ unusableKeys, deadNames }: StoreSnapshot): Promise<boolean> {
    const { link, keys, instance } = this.#options
    const isNameLost = this.#hasWrittenHeartbeat && unusableKeys.includes(keys.instances)
    const commands: readonly Command[] = [
      ...unlinkCommands(unusableKeys),
      ...(deadNames.length > 0 ? [['srem', keys.instances, ...deadNames] as const] : []),
      ...(isNameLost ? [['sadd', keys.instances, instance] as const] : []),
    ]
    return commands.length === 0 || (await link.run(commands)) !== null
  }

  /** `stored` is the own heartbeat in the store; null if it is missing. */
  #checkOwnHeartbeat(stored: Heartbeat | null, nowMs: number, isEmptied: boolean): void {
    const { times, onEvent } = this.#options
    const isLater = stored !== null && this.#epoch !== null && stored.epoch > this.#epoch
    const isForged = isLater && this.#isStandingStill(stored, nowMs)
    if (isLater && !isForged && !isEmptied) {
      // The next epoch is later than that of the other process. Only a sealed one can be believed.
      if (this.#options.seals.isRequired)
        this.#epochFloor = Math.max(this.#epochFloor, stored.epoch)
      if (!this.isFenced) onEvent('fenced')
      this.isFenced = true
      return
    }
    if (this.isFenced && (stored === null || isForged)) {
      this.isFenced = false
      this.#releaseEpoch()
      onEvent('unfenced')
    }
    if (isEmptied || (stored === null && this.#hasWrittenHeartbeat)) {
      this.#keepMissingUntilMs = nowMs + times.heartbeatLifetimeMs
      this.#rewriteAtMs = -Infinity
      this.#heartbeatAtMs = -Infinity
    }
  }

  /** Whether a later heartbeat of this name has stopped changing, so that no process writes it. */
  #isStandingStill({ epoch, sequence }: Heartbeat, nowMs: number): boolean {
    const position = `${epoch}:${sequence}`
    if (this.#laterHeartbeat.position !== position)
      this.#laterHeartbeat = { position, sinceMs: nowMs }
    const standsForMs = nowMs - this.#laterHeartbeat.sinceMs
    return standsForMs > 3 * this.#options.times.heartbeatLifetimeMs
  }

  #releaseEpoch(): void {
    this.#epochFloor = Math.max(this.#epochFloor, this.#epoch ?? 0)
    this.#epoch = null
  }

  async #claimEpoch(): Promise<boolean> {
    const { link, clock, seals } = this.#options
    const claim = { ...this.#options, epochFloor: this.#epochFloor, wallMs: clock.wallMs() }
    const claimed = await claimEpoch(link, claim)
    if (claimed === null) return false
    this.#epoch = claimed.epoch
    seals.epoch = claimed.epoch
    this.#storeId = claimed.storeId
    this.#rewriteAtMs = -Infinity
    this.#heartbeatAtMs = -Infinity
    return true
  }

  async #write(nowMs: number): Promise<boolean> {
    const { link, votes, overrides, keys, instance } = this.#options
    const voter = this.#voter()
    const isHeartbeatDue = nowMs >= this.#heartbeatAtMs
    const heartbeat = isHeartbeatDue ? this.#heartbeatCommands() : []
    const isRewriteDue = nowMs >= this.#rewriteAtMs
    const changes = isRewriteDue ? [] : votes.changeCommands(voter)
    const overrideChanges = overrides.pendingCommands()
    // Votes first: a heartbeat must not make votes of an earlier boot count.
    if (isRewriteDue && !(await this.#rewriteVotes(voter, nowMs))) return false
    const commands = [...heartbeat, ...changes, ...overrideChanges]
    if (commands.length === 0) return true
    const before = isHeartbeatDue ? [textCommand(keys.heartbeat(instance), maxPackedOctets)] : []
    const all = await link.run([...before, ...commands])
    if (all === null) return this.#requestRewrite()
    const replies = all.slice(before.length)
    overrides.confirmWritten()
    this.counters.rejected += await deleteWrongTypeKeys(link, commands, replies)
    const [first] = replies
    const isAccepted = !isHeartbeatDue || first?.kind === 'value'
    this.refusalCode = !isAccepted && first?.kind === 'error' ? first.code : null
    if (!isAccepted || replies.some(({ kind }) => kind === 'error')) this.#rewriteAtMs = -Infinity
    if (!isAccepted) return false
    if (isHeartbeatDue) this.#onHeartbeatWritten(all[0], nowMs)
    return true
  }

  /** The reply contains the heartbeat that ours replaced, which no later snapshot can show. */
  #onHeartbeatWritten(reply: Reply | undefined, nowMs: number): void {
    const { seals, keys, instance } = this.#options
    const replaced = seals.openHeartbeat(keys.heartbeat(instance), instance, textOf(reply))
    this.#checkOwnHeartbeat(replaced.kind === 'record' ? replaced.value : null, nowMs, false)
    if (this.#sent) seals.noteHeartbeat(instance, this.#sent)
    this.#heartbeatAtMs = nowMs + this.#options.times.heartbeatMs
    this.#hasWrittenHeartbeat = true
  }

  #nextHeartbeat(): Heartbeat {
    const { state, config } = this
    const { site } = this.#options
    const position = { epoch: this.#epoch ?? 0, sequence: ++this.#sequence }
    this.#sent = { ...position, state, site, config }
    return this.#sent
  }

  #heartbeatCommands(): readonly Command[] {
    const heartbeat = this.#nextHeartbeat()
    const commands = heartbeatCommands(this.#options, heartbeat, this.#isHeartbeatAnnounced)
    this.#isHeartbeatAnnounced = false
    return commands
  }

  async #rewriteVotes(voter: Voter, nowMs: number): Promise<boolean> {
    const { link, votes, times, keys, instance } = this.#options
    const replies = await link.run(votes.rewriteCommands(voter), true)
    if (replies === null) return this.#requestRewrite()
    if ((await link.run([hintCommand(keys, { instance, about: 'votes' })])) === null)
      return this.#requestRewrite()
    this.counters.rewrites++
    this.#rewriteAtMs = nowMs + times.rewriteMs
    return true
  }

  /** Returns false, for a sync that failed. */
  #requestRewrite(): false {
    this.#rewriteAtMs = -Infinity
    return false
  }

  #voter(): Voter {
    const { keys, instance, times, seals } = this.#options
    return { keys, instance, seals, epoch: this.#epoch ?? 0, lifetimeMs: times.votesLifetimeMs }
  }

  async #syncParts(nowMs: number): Promise<boolean> {
    for (const part of this.#options.parts)
      if (!(await part.sync({ nowMs, isFenced: this.isFenced }))) return false
    return true
  }

  async #read(nowMs: number): Promise<boolean> {
    const { peers, times, random, reader } = this.#options
    if (nowMs >= this.#fullReadAtMs) {
      peers.requestFullRead()
      this.#fullReadAtMs = nowMs + times.snapshotMs * (0.8 + 0.4 * random())
    }
    const read = await reader.read(this.#storeId)
    if (read === 'other-store') this.requestPoll()
    return read !== 'no-reply'
  }
}

const deregisterCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ...unlinkCommands([keys.heartbeat(instance), keys.votes(instance)]),
  ['srem', keys.instances, instance],
  hintCommand(keys, { instance, about: 'votes' }),
]

const heartbeatCommands = (
  { keys, instance, times, seals }: Pick<SessionOptions, 'keys' | 'instance' | 'times' | 'seals'>,
  heartbeat: Heartbeat,
  isAnnounced: boolean,
): readonly Command[] => [
  [
    'set',
    keys.heartbeat(instance),
    seals.seal(
      { key: keys.heartbeat(instance), field: '', writer: instance, epoch: heartbeat.epoch },
      formatHeartbeat(heartbeat),
    ),
    'PX',
    times.heartbeatLifetimeMs,
  ],
  ['sadd', keys.instances, instance],
  ['pexpire', keys.votes(instance), times.votesLifetimeMs],
  ...(isAnnounced ? [hintCommand(keys, { instance, about: 'votes' })] : []),
]
