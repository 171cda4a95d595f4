// The other instances: which are alive, and how each votes. No I/O; the time is an argument.
//
// An instance is alive while its heartbeat is in the store, which alone expires it, and while its sequence increases: a
// heartbeat that another program made permanent does not count. If the own heartbeat is missing as well, the store has lost its
// data or this instance was cut off; then missing heartbeats and votes are kept for the lifetime of a heartbeat. Votes
// count only under the epoch of the current heartbeat, so that those of an earlier boot do not.

import type { LiveVote, VoteState } from '../health/consensus.ts'
import type { Heartbeat, StoredVote } from './redis/schema.ts'

/** A live instance other than this one. */
export interface Peer {
  readonly instance: string
  heartbeat: Heartbeat
  /** When epoch or sequence of the heartbeat last changed. */
  heartbeatChangedAtMs: number
  /** When its heartbeat was last read; -Infinity: it is to be read again. */
  heartbeatReadAtMs: number
  /** Whether a hint says that its heartbeat has changed since the last read began. */
  isHeartbeatStale: boolean
  /** Votes by id of the endpoint. */
  readonly votes: Map<string, StoredVote>
  /** Endpoints on which its vote has changed since it was read. */
  readonly staleEndpoints: Set<string>
  /** Whether all its votes are to be read. */
  needsFullRead: boolean
  /** Votes of this epoch count as well until the full read is done; null if none do. */
  previousEpoch: number | null
}

/** What a set of heartbeats has changed. */
export interface PeerChanges {
  readonly joined: readonly string[]
  readonly gone: readonly PeerGone[]
  /** Instances that have announced that they will stop. */
  readonly leaving: readonly string[]
  /** Whether the assignment of probes may have changed. */
  readonly affectsAssignments: boolean
}

interface PeerGone {
  readonly instance: string
  /** Whether it had announced that it would stop. */
  readonly isStopped: boolean
}

/** An instance that is gone. */
export interface GonePeer {
  readonly instance: string
  readonly site: string
  readonly goneAtMs: number
}

/** Peers that are gone and remembered, and for how long: by then they were replaced, or an operator knows. */
const goneLimit = 32
const goneForMs = 86_400_000

/** So many heartbeats that have stopped changing are remembered, the last ones. */
const stoppedLimit = 1024

/**
 * How long a heartbeat is not read again while it is there, in lifetimes of a heartbeat. One that is forged then is found
 * out before the last authentic one has lived its time (redis/store-seals.ts).
 */
const recentLifetimes = 2 / 3

/** With more stale endpoints than this, all votes of the peer are read. */
const staleLimit = 1000

export class Peers {
  readonly #byName = new Map<string, Peer>()
  readonly #lifetimeMs: number
  #keepsMissing = false
  /** Names of instances whose heartbeat stopped changing → its epoch and sequence. */
  readonly #stopped = new Map<string, string>()
  /** Peers that went without having announced it, and those that had; by name, those that went last at the end. */
  readonly #missing = new Map<string, GonePeer>()
  readonly #left = new Map<string, GonePeer>()

  /** `lifetimeMs` is that of a heartbeat. */
  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
  }

  all(): IterableIterator<Peer> {
    return this.#byName.values()
  }

  get(instance: string): Peer | undefined {
    return this.#byName.get(instance)
  }

  /** Whether this is a heartbeat that stopped changing although it is still in the store. */
  isStopped(instance: string, heartbeat: Heartbeat): boolean {
    return this.#stopped.get(instance) === positionOf(heartbeat)
  }

  count(): number {
    return this.#byName.size
  }

  /** Instances that went silent within the last day and are not back; the last 32 of them. */
  missing(nowMs: number): readonly GonePeer[] {
    return rememberedAt(this.#missing, nowMs)
  }

  /** Instances that stopped as they had announced within the last day and are not back; the last 32 of them. */
  left(nowMs: number): readonly GonePeer[] {
    return rememberedAt(this.#left, nowMs)
  }

  /**
   * Takes over the heartbeats in the store, by name and without the own one. `keepsMissing` keeps for a while the peers
   * and votes that the store no longer has (see above).
   */
  observe(
    heartbeats: ReadonlyMap<string, Heartbeat>,
    nowMs: number,
    keepsMissing: boolean,
  ): PeerChanges {
    this.#keepsMissing = keepsMissing
    const joined: string[] = []
    const leaving: string[] = []
    let hasUpdates = false
    for (const [instance, heartbeat] of heartbeats) {
      const known = this.#byName.get(instance)
      if (known && known.heartbeat.state !== 'draining' && heartbeat.state === 'draining')
        leaving.push(instance)
      if (known) hasUpdates = this.#update(known, heartbeat, nowMs) || hasUpdates
      else if (this.#add(instance, heartbeat, nowMs)) joined.push(instance)
    }
    const gone = this.#removeDead(heartbeats, nowMs)
    const affectsAssignments = hasUpdates || joined.length + gone.length > 0
    return { joined, gone, leaving, affectsAssignments }
  }

  /** Notes that a vote has changed; a null `endpoint` stands for all. Returns false if the instance is not known. */
  markStale(instance: string, endpoint: string | null): boolean {
    const peer = this.#byName.get(instance)
    if (!peer) return false
    // An instance announces a new state of its own, which is in its heartbeat, by the same hint.
    if (endpoint === null) peer.isHeartbeatStale = true
    if (endpoint === null || peer.staleEndpoints.size >= staleLimit) peer.needsFullRead = true
    else peer.staleEndpoints.add(endpoint)
    return true
  }

  /** Sets the vote that was read; null if the store has none. Returns whether the counting vote has changed. */
  setVote(peer: Peer, endpoint: string, vote: StoredVote | null): boolean {
    if (vote === null && this.#keepsMissing) return false
    // A vote of a boot whose heartbeat is not known yet: all votes are read again once it is.
    if (vote !== null && vote.epoch > peer.heartbeat.epoch) {
      peer.isHeartbeatStale = true
      return false
    }
    const before = countingState(peer, peer.votes.get(endpoint))
    if (vote) peer.votes.set(endpoint, vote)
    else peer.votes.delete(endpoint)
    return countingState(peer, vote ?? undefined) !== before
  }

  /** The counting votes of these instances on an endpoint. */
  votesOn(endpoint: string, instances: readonly string[]): readonly LiveVote[] {
    return instances.flatMap((instance) => {
      const peer = this.#byName.get(instance)
      const vote = peer?.votes.get(endpoint)
      const state = peer ? countingState(peer, vote) : '?'
      if (!peer || !vote || state === '?') return []
      return [{ instance, site: peer.heartbeat.site, state, reason: vote.reason }]
    })
  }

  /** Has all votes of all peers read again. */
  requestFullRead(): void {
    for (const peer of this.#byName.values()) peer.needsFullRead = true
  }

  /** Has all heartbeats read again, since hints of them may have been missed. */
  requestHeartbeats(): void {
    for (const peer of this.#byName.values()) peer.isHeartbeatStale = true
  }

  /**
   * The heartbeats that were read a moment ago, and of which no hint says that they have changed since. All others are to
   * be read now: a hint that comes meanwhile has them read once more.
   */
  takeRecentHeartbeats(nowMs: number): ReadonlyMap<string, Heartbeat> {
    const recent = new Map<string, Heartbeat>()
    for (const peer of this.#byName.values()) {
      const isRecent = nowMs - peer.heartbeatReadAtMs < recentLifetimes * this.#lifetimeMs
      if (isRecent && !peer.isHeartbeatStale) {
        recent.set(peer.instance, peer.heartbeat)
        continue
      }
      peer.isHeartbeatStale = false
      peer.heartbeatReadAtMs = -Infinity
    }
    return recent
  }

  clearVotes(): void {
    for (const peer of this.#byName.values()) peer.votes.clear()
  }

  #removeDead(heartbeats: ReadonlyMap<string, Heartbeat>, nowMs: number): readonly PeerGone[] {
    const gone: PeerGone[] = []
    for (const [instance, peer] of this.#byName) {
      const unchangedMs = nowMs - peer.heartbeatChangedAtMs
      const isStored = heartbeats.has(instance)
      const isAlive = isStored
        ? unchangedMs <= 3 * this.#lifetimeMs
        : this.#keepsMissing && unchangedMs <= 2 * this.#lifetimeMs
      if (isAlive) continue
      this.#byName.delete(instance)
      if (isStored) this.#stopped.set(instance, positionOf(peer.heartbeat))
      const isStopped = peer.heartbeat.state === 'draining'
      gone.push({ instance, isStopped })
      const { site } = peer.heartbeat
      remember(isStopped ? this.#left : this.#missing, { instance, site, goneAtMs: nowMs })
    }
    for (const instance of this.#stopped.keys())
      if (this.#stopped.size > stoppedLimit) this.#stopped.delete(instance)
    return gone
  }

  /** Returns false if the heartbeat is one that has stopped changing. */
  #add(instance: string, heartbeat: Heartbeat, nowMs: number): boolean {
    if (this.isStopped(instance, heartbeat)) return false
    this.#stopped.delete(instance)
    this.#missing.delete(instance)
    this.#left.delete(instance)
    this.#byName.set(instance, {
      instance,
      heartbeat,
      heartbeatChangedAtMs: nowMs,
      heartbeatReadAtMs: nowMs,
      isHeartbeatStale: false,
      votes: new Map(),
      staleEndpoints: new Set(),
      needsFullRead: true,
      previousEpoch: null,
    })
    return true
  }

  /** Returns whether the assignment of probes may have changed. */
  #update(peer: Peer, heartbeat: Heartbeat, nowMs: number): boolean {
    const before = peer.heartbeat
    // The same object was not read: it stands in for one that is there, or for one that was forged.
    if (before !== heartbeat) peer.heartbeatReadAtMs = nowMs
    if (positionOf(before) !== positionOf(heartbeat)) peer.heartbeatChangedAtMs = nowMs
    peer.heartbeat = heartbeat
    const isNewBoot = before.epoch !== heartbeat.epoch
    if (isNewBoot) {
      peer.needsFullRead = true
      peer.previousEpoch = before.epoch
    }
    return isNewBoot || before.state !== heartbeat.state || before.site !== heartbeat.site
  }
}

/** The vote if it counts, else `?`: it has to be of the current boot, and its instance healthy and not leaving. */
function countingState(peer: Peer, vote: StoredVote | undefined): VoteState {
  if (!vote || peer.heartbeat.state !== 'ok') return '?'
  const isCurrent = vote.epoch === peer.heartbeat.epoch || vote.epoch === peer.previousEpoch
  return isCurrent ? vote.state : '?'
}

function remember(gone: Map<string, GonePeer>, peer: GonePeer): void {
  const [oldest] = gone.keys()
  if (oldest !== undefined && gone.size >= goneLimit) gone.delete(oldest)
  gone.set(peer.instance, peer)
}

const rememberedAt = (gone: ReadonlyMap<string, GonePeer>, nowMs: number): readonly GonePeer[] =>
  [...gone.values()].filter(({ goneAtMs }) => nowMs - goneAtMs < goneForMs)

const positionOf = ({ epoch, sequence }: Heartbeat): string => `${epoch}:${sequence}`
