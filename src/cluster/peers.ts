// What is known of the other instances: who lives, and how each votes. No I/O; the time is an argument.
//
// An instance lives while its heartbeat lies in the store, whose clock alone expires it, and while its sequence moves:
// a heartbeat that somebody made to last is not one. Where our own heartbeat is gone too, the store has lost its
// memory or we were away: then what is missing, heartbeat or vote, is kept for as long as a heartbeat lasts. Votes count
// under the epoch of the heartbeat alone, so that those of an earlier boot are nobody's.

import type { LiveVote, VoteState } from '../health/consensus.ts'
import type { Heartbeat, StoredVote } from './redis/schema.ts'

export interface Peer {
  readonly instance: string
  heartbeat: Heartbeat
  /** When its sequence last moved. */
  heartbeatChangedAtMs: number
  readonly votes: Map<string, StoredVote>
  /** Endpoints of which we heard that its vote changed. */
  readonly staleEndpoints: Set<string>
  /** Every vote of it is to be read. */
  needsFullRead: boolean
  /** Until that is done, votes of this epoch count as well; null: none do. */
  previousEpoch: number | null
}

export interface PeerChanges {
  readonly joined: readonly string[]
  readonly gone: readonly PeerGone[]
  /** Those that say now that they go. */
  readonly leaving: readonly string[]
  /** Whether who probes what may have changed. */
  readonly affectsAssignments: boolean
}

interface PeerGone {
  readonly instance: string
  /** It said so before. */
  readonly isStopped: boolean
}

/** More changes than this and all of it is read. */
const staleLimit = 1000

export class Peers {
  readonly #byName = new Map<string, Peer>()
  readonly #lifetimeMs: number
  #keepsMissing = false
  /** Heartbeats that do not beat: name → epoch and sequence. */
  readonly #stopped = new Map<string, string>()

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
  }

  all(): IterableIterator<Peer> {
    return this.#byName.values()
  }

  get(instance: string): Peer | undefined {
    return this.#byName.get(instance)
  }

  count(): number {
    return this.#byName.size
  }

  /** All heartbeats that lie in the store, without our own. `keepsMissing`: see above. */
  observe(
    beats: ReadonlyMap<string, Heartbeat>,
    nowMs: number,
    keepsMissing: boolean,
  ): PeerChanges {
    this.#keepsMissing = keepsMissing
    const joined: string[] = []
    const gone: PeerGone[] = []
    const leaving: string[] = []
    let isMoved = false
    for (const [instance, beat] of beats) {
      const known = this.#byName.get(instance)
      if (known && known.heartbeat.state !== 'draining' && beat.state === 'draining')
        leaving.push(instance)
      if (known) isMoved = this.#update(known, beat, nowMs) || isMoved
      else if (this.#welcome(instance, beat, nowMs)) joined.push(instance)
    }
    for (const [instance, peer] of this.#byName) {
      const forMs = nowMs - peer.heartbeatChangedAtMs
      const isHere = beats.has(instance)
      if (isHere ? forMs <= 3 * this.#lifetimeMs : keepsMissing && forMs <= 2 * this.#lifetimeMs)
        continue
      this.#byName.delete(instance)
      if (isHere) this.#stopped.set(instance, signOf(peer.heartbeat))
      gone.push({ instance, isStopped: peer.heartbeat.state === 'draining' })
    }
    for (const instance of this.#stopped.keys())
      if (!beats.has(instance)) this.#stopped.delete(instance)
    return { joined, gone, leaving, affectsAssignments: isMoved || joined.length + gone.length > 0 }
  }

  /** A hint; false: of nobody that we know. */
  markStale(instance: string, endpoint: string | null): boolean {
    const peer = this.#byName.get(instance)
    if (!peer) return false
    if (endpoint === null || peer.staleEndpoints.size >= staleLimit) peer.needsFullRead = true
    else peer.staleEndpoints.add(endpoint)
    return true
  }

  /** Replaces one vote; whether that changed what it says. null: it has none. */
  setVote(peer: Peer, endpoint: string, vote: StoredVote | null): boolean {
    if (vote === null && this.#keepsMissing) return false
    // Of a boot whose heartbeat we have not seen yet: once we do, all of it is read again.
    if (vote !== null && vote.epoch > peer.heartbeat.epoch) return false
    const before = stateOf(peer, peer.votes.get(endpoint))
    if (vote) peer.votes.set(endpoint, vote)
    else peer.votes.delete(endpoint)
    return stateOf(peer, vote ?? undefined) !== before
  }

  /** What those of them who live, and have a word on it, say. */
  votesOn(endpoint: string, instances: readonly string[]): readonly LiveVote[] {
    return instances.flatMap((instance) => {
      const peer = this.#byName.get(instance)
      const vote = peer?.votes.get(endpoint)
      const state = peer ? stateOf(peer, vote) : '?'
      if (!peer || !vote || state === '?') return []
      return [{ instance, site: peer.heartbeat.site, state, reason: vote.reason }]
    })
  }

  requestFullRead(): void {
    for (const peer of this.#byName.values()) peer.needsFullRead = true
  }

  clearVotes(): void {
    for (const peer of this.#byName.values()) peer.votes.clear()
  }

  #welcome(instance: string, beat: Heartbeat, nowMs: number): boolean {
    if (this.#stopped.get(instance) === signOf(beat)) return false
    this.#stopped.delete(instance)
    const fresh = {
      votes: new Map(),
      staleEndpoints: new Set<string>(),
      needsFullRead: true,
      previousEpoch: null,
    }
    this.#byName.set(instance, { instance, heartbeat: beat, heartbeatChangedAtMs: nowMs, ...fresh })
    return true
  }

  #update(peer: Peer, beat: Heartbeat, nowMs: number): boolean {
    const before = peer.heartbeat
    if (signOf(before) !== signOf(beat)) peer.heartbeatChangedAtMs = nowMs
    peer.heartbeat = beat
    if (before.epoch !== beat.epoch) {
      peer.needsFullRead = true
      peer.previousEpoch = before.epoch
    }
    return before.epoch !== beat.epoch || before.state !== beat.state || before.site !== beat.site
  }
}

/** A vote that counts: of the boot that beats, and of an instance that trusts itself and stays. */
function stateOf(peer: Peer, vote: StoredVote | undefined): VoteState {
  if (!vote || peer.heartbeat.state !== 'ok') return '?'
  return vote.epoch === peer.heartbeat.epoch || vote.epoch === peer.previousEpoch ? vote.state : '?'
}

const signOf = ({ epoch, sequence }: Heartbeat): string => `${epoch}:${sequence}`
