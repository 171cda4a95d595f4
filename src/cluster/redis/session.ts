// A turn with the store: look who lives, write what is ours, read what changed. One turn at a time, one batch in
// flight; what a turn could not do the next one does over. Who decides when is cluster.ts.
//
//   our heartbeat under a later epoch   another process has our name: we only read, until its heartbeat ends
//   our heartbeat gone                  we were away, or the store was emptied: everything of ours is written anew
//   another store id                    it was emptied: the overrides that we know are put back too

import { hintCommand, type OwnVotes, type Voter } from '../own-votes.ts'
import type { PeerChanges, Peers } from '../peers.ts'
import type { HintReader } from './hint-reader.ts'
import type { RedisOverrides } from './overrides.ts'
import { type Command, deleteWrongTypeKeys, type Reply, type StoreLink } from './redis-link.ts'
import {
  formatHeartbeat,
  type Heartbeat,
  type InstanceState,
  parseHeartbeat,
  type StateKeys,
  type StateTimes,
} from './schema.ts'
import { readSnapshot, storeIdOf } from './snapshot.ts'
import type { VoteReader } from './vote-reader.ts'

/** What others would find out by waiting. */
const deregisterCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ['del', keys.heartbeat(instance), keys.votes(instance)],
  hintCommand(keys, { instance, about: 'votes' }),
]

/** null: there was none. */
const beatBefore = (reply: Reply | undefined): Heartbeat | null =>
  reply?.kind === 'value' ? parseHeartbeat(reply.value) : null

/** The reply to the first of them is the heartbeat before. `isUrgent`: the others are told to look. */
const heartbeatCommands = (
  { keys, instance, times }: Beating,
  beat: Heartbeat,
  isUrgent: boolean,
): readonly Command[] => [
  ['set', keys.heartbeat(instance), formatHeartbeat(beat), 'PX', times.heartbeatLifetimeMs, 'GET'],
  ['sadd', keys.instances, instance],
  ['pexpire', keys.votes(instance), times.votesLifetimeMs],
  ...(isUrgent ? [hintCommand(keys, { instance, about: 'votes' })] : []),
]

const epochLifetimeMs = 30 * 86_400_000

const highestEpoch = 1e12

export class StoreSession {
  /** `rewrites`: times that our votes were written whole. */
  readonly counters: { rejected: number; rewrites: number } = { rejected: 0, rewrites: 0 }
  state: InstanceState = 'ok'
  /** What our zones say; null: not known yet. */
  config: string | null = null
  isFenced = false
  /** Why the store, when it answered last, did not show us heartbeats or take ours, in one word; null: it did. */
  refusalCode: string | null = null
  readonly #parts: SessionOptions
  /** The others are to look at the heartbeat to come at once. */
  #isUrgent = false
  #epoch: number | null = null
  #epochFloor = 0
  #sequence = 0
  #storeId: string | null = null
  #hasBeaten = false
  #keepMissingUntilMs = -Infinity
  #pollAtMs = -Infinity
  #beatAtMs = -Infinity
  #rewriteAtMs = -Infinity
  #snapshotAtMs = -Infinity

  constructor(parts: SessionOptions) {
    this.#parts = parts
  }

  /** After a connection was lost: nothing that the store has of us is sure. */
  onReconnect(): void {
    this.#rewriteAtMs = -Infinity
    for (const part of this.#parts.parts) part.onReconnect()
    this.requestPoll()
  }

  requestPoll(): void {
    this.#pollAtMs = -Infinity
  }

  /** `isUrgent`: the others are told to look. */
  requestHeartbeat(isUrgent = false): void {
    this.#beatAtMs = -Infinity
    this.#isUrgent ||= isUrgent
  }

  nextInMs(nowMs: number): number {
    const soonestMs = Math.min(...this.#parts.parts.map((part) => part.dueInMs(nowMs)))
    return Math.max(0, Math.min(this.#pollAtMs - nowMs, this.#beatAtMs - nowMs, soonestMs))
  }

  /** false: the store did not answer, or does not take our heartbeat. */
  async sync(nowMs: number): Promise<boolean> {
    const { times } = this.#parts
    if (nowMs >= this.#pollAtMs) {
      if (!(await this.#look(nowMs))) return false
      this.#pollAtMs = nowMs + times.pollMs
    }
    if (this.#epoch === null && !this.isFenced && !(await this.#enter())) return false
    if (!this.isFenced && !(await this.#write(nowMs))) return false
    return (await this.#read(nowMs)) && this.#turnMore(nowMs)
  }

  async deregister(): Promise<void> {
    const { link, keys, instance } = this.#parts
    if (this.#epoch === null || this.isFenced) return
    await link.run(deregisterCommands(keys, instance))
  }

  async #look(nowMs: number): Promise<boolean> {
    const { link, keys, instance, votes, peers, hints, overrides, onEvent, onPeers } = this.#parts
    const known = [...peers.all()].map((peer) => peer.instance)
    const sight = await readSnapshot(link, keys, instance, known)
    this.refusalCode = sight?.kind === 'refused' ? sight.code : null
    if (sight?.kind !== 'seen') return false
    this.counters.rejected += sight.rejected
    const isEmptied = this.#storeId !== null && sight.storeId !== this.#storeId
    if (isEmptied) onEvent('emptied')
    if (isEmptied) for (const part of this.#parts.parts) part.onStoreEmptied()
    this.#judgeOwnBeat(sight.ownBeat, nowMs, isEmptied)
    // Somebody else wrote there, or not all of ours arrived.
    if (!votes.hasUnwritten() && sight.ownVotes !== votes.storedCount())
      this.#rewriteAtMs = -Infinity
    this.#storeId = sight.storeId
    const changes = peers.observe(sight.beats, nowMs, nowMs < this.#keepMissingUntilMs)
    if (changes.affectsAssignments) onPeers(changes)
    if (hints.hasMissedEvents(sight.oldestEvent, sight.newestEvent)) peers.requestFullRead()
    if (sight.overrides) this.counters.rejected += overrides.applyStored(sight.overrides, isEmptied)
    if (sight.wrongKeys.length > 0) await link.run([['del', ...sight.wrongKeys]])
    // A store that forgot who it is gets a new name, and we enter it anew.
    if (isEmptied || (sight.storeId === null && this.#epoch !== null)) this.#leave()
    return true
  }

  #judgeOwnBeat(ownBeat: Heartbeat | null, nowMs: number, isEmptied: boolean): void {
    const { times, onEvent } = this.#parts
    const isLater = ownBeat !== null && this.#epoch !== null && ownBeat.epoch > this.#epoch
    if (isLater && !isEmptied) {
      if (!this.isFenced) onEvent('fenced')
      this.isFenced = true
      return
    }
    if (this.isFenced && ownBeat === null) {
      this.isFenced = false
      this.#leave()
      onEvent('unfenced')
    }
    if (isEmptied || (ownBeat === null && this.#hasBeaten)) {
      this.#keepMissingUntilMs = nowMs + times.heartbeatLifetimeMs
      this.#rewriteAtMs = -Infinity
      this.#beatAtMs = -Infinity
    }
  }

  #leave(): void {
    this.#epochFloor = Math.max(this.#epochFloor, this.#epoch ?? 0)
    this.#epoch = null
  }

  async #enter(): Promise<boolean> {
    const { link, keys, instance, newStoreId } = this.#parts
    const needs = { instance, epochFloor: this.#epochFloor, newStoreId }
    const entry = await claimEpoch(link, keys, needs)
    if (entry === null) return false
    this.#epoch = entry.epoch
    this.#storeId = entry.storeId
    this.#rewriteAtMs = -Infinity
    this.#beatAtMs = -Infinity
    return true
  }

  async #write(nowMs: number): Promise<boolean> {
    const { link, votes, overrides, keys, instance } = this.#parts
    const owner = this.#owner()
    const isBeatDue = nowMs >= this.#beatAtMs
    const beat = isBeatDue ? this.#beat() : []
    const isRewriteDue = nowMs >= this.#rewriteAtMs
    const changes = isRewriteDue ? [] : votes.changeCommands(owner)
    const outgoing = overrides.pendingCommands(keys, instance)
    // Votes first: a heartbeat must not vouch for votes of an earlier boot.
    if (isRewriteDue && !(await this.#rewrite(owner, nowMs))) return false
    const commands = [...beat, ...changes, ...outgoing]
    if (commands.length === 0) return true
    const replies = await link.run(commands)
    if (replies === null) return this.#failed()
    overrides.confirmWritten()
    this.counters.rejected += await deleteWrongTypeKeys(link, commands, replies)
    const [first] = replies
    const isHeard = !isBeatDue || first?.kind === 'value'
    this.refusalCode = !isHeard && first?.kind === 'error' ? first.code : null
    if (!isHeard || replies.some(({ kind }) => kind === 'error')) this.#rewriteAtMs = -Infinity
    if (!isHeard) return false
    if (isBeatDue) this.#hasBeat(first, nowMs)
    return true
  }

  #hasBeat(reply: Reply | undefined, nowMs: number): void {
    this.#judgeOwnBeat(beatBefore(reply), nowMs, false)
    this.#beatAtMs = nowMs + this.#parts.times.heartbeatMs
    this.#hasBeaten = true
  }

  #beat(): readonly Command[] {
    const sequence = ++this.#sequence
    const { state, config } = this
    const beat = { epoch: this.#epoch ?? 0, sequence, state, site: this.#parts.site, config }
    const commands = heartbeatCommands(this.#parts, beat, this.#isUrgent)
    this.#isUrgent = false
    return commands
  }

  async #rewrite(owner: Voter, nowMs: number): Promise<boolean> {
    const { link, votes, times } = this.#parts
    const replies = await link.run(votes.rewriteCommands(owner), true)
    if (replies === null) return this.#failed()
    this.counters.rewrites++
    this.#rewriteAtMs = nowMs + times.rewriteMs
    return true
  }

  #failed(): false {
    this.#rewriteAtMs = -Infinity
    return false
  }

  #owner(): Voter {
    const { keys, instance, times } = this.#parts
    return { keys, instance, epoch: this.#epoch ?? 0, lifetimeMs: times.votesLifetimeMs }
  }

  async #turnMore(nowMs: number): Promise<boolean> {
    for (const part of this.#parts.parts)
      if (!(await part.sync({ nowMs, isFenced: this.isFenced }))) return false
    return true
  }

  async #read(nowMs: number): Promise<boolean> {
    const { peers, times, random, reader } = this.#parts
    if (nowMs >= this.#snapshotAtMs) {
      peers.requestFullRead()
      this.#snapshotAtMs = nowMs + times.snapshotMs * (0.8 + 0.4 * random())
    }
    const read = await reader.read(this.#storeId)
    if (read === 'other-store') this.requestPoll()
    return read !== 'silent'
  }
}

// What says that we live, and that we go. The store hands back the heartbeat that ours replaces, since no look will find
// that any more.

interface Beating {
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
}

// What a turn with the store is made of (session.ts).

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
  readonly parts: readonly SyncedPart[]
  readonly random: () => number
  readonly newStoreId: () => string
  readonly onPeers: (changes: PeerChanges) => void
  readonly onEvent: (event: 'emptied' | 'fenced' | 'unfenced') => void
}

// Entering the store at boot, and again when it lost its memory: a boot epoch above every one that this name had, and
// the name of the store itself, by chance, where it has none.

interface ClaimedEpoch {
  readonly epoch: number
  /** null: we may not know. */
  readonly storeId: string | null
}

/** `epochFloor`: the highest that we had ourselves. null: no answer. */
async function claimEpoch(
  link: StoreLink,
  keys: StateKeys,
  {
    instance,
    epochFloor,
    newStoreId,
  }: {
    readonly instance: string
    readonly epochFloor: number
    readonly newStoreId: () => string
  },
): Promise<ClaimedEpoch | null> {
  const key = keys.epoch(instance)
  const replies = await link.run([
    ['set', keys.storeId, newStoreId(), 'NX'],
    ['get', keys.storeId],
    ['incr', key],
    ['pexpire', key, epochLifetimeMs],
  ])
  if (replies === null) return null
  const [, id, count] = replies
  const counted = count?.kind === 'value' ? Number(count.value) : NaN
  const isGood = Number.isSafeInteger(counted) && counted > epochFloor && counted < highestEpoch
  const epoch = isGood ? counted : epochFloor + 1
  if (!isGood) await link.run([['set', key, epoch, 'PX', epochLifetimeMs]])
  const known = storeIdOf(id?.kind === 'value' ? id.value : null)
  const isRefused = id?.kind === 'error' && id.code !== 'WRONGTYPE'
  if (known !== null || isRefused) return { epoch, storeId: known }
  const storeId = newStoreId()
  await link.run([['set', keys.storeId, storeId]])
  return { epoch, storeId }
}

// What else lies in the store beside heartbeats and votes, each with times of its own: a turn of the session
// (session.ts) ends with one of each part.

export interface SyncContext {
  readonly nowMs: number
  /** Another process has our name: what is ours alone is not to be written. */
  readonly isFenced: boolean
}

export interface SyncedPart {
  /** Values that were no good. */
  readonly rejected: number
  /** false: no answer. */
  sync(turn: SyncContext): Promise<boolean>
  /** How soon it wants one. */
  dueInMs(nowMs: number): number
  /** The connection is a new one: nothing that the store has of us is sure. */
  onReconnect(): void
  /** The store lost its memory. */
  onStoreEmptied(): void
}
