// Reads the votes of others: those that a hint named, and all of them now and then. Only what is watched here is asked
// for, so that nobody decides but we how much there is to read.

import { inChunks } from './own-votes.ts'
import type { Peer, Peers } from './peers.ts'
import type { StateKeys } from './state-keys.ts'
import { parseVote } from './state-records.ts'
import type { Command, Reply, StoreLink } from './store-link.ts'

export interface VoteReaderParts {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly peers: Peers
  /** Endpoints of which this peer's word counts. */
  readonly endpointsOf: (peer: string) => readonly string[]
  /** Votes of others about these endpoints changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
}

const commandsABatch = 16
const fieldsACommand = 1000

export class VoteReader {
  /** Values that are no votes. */
  rejected = 0
  readonly #parts: VoteReaderParts

  constructor(parts: VoteReaderParts) {
    this.#parts = parts
  }

  /** Of every peer what is to be read; false: no answer. */
  async read(): Promise<boolean> {
    for (const peer of this.#parts.peers.all()) {
      const isWhole = peer.isUnread
      const endpoints = isWhole ? this.#parts.endpointsOf(peer.instance) : [...peer.stale]
      peer.stale.clear()
      peer.isUnread = false
      if (endpoints.length > 0 && !(await this.#readPeer(peer, endpoints))) {
        peer.isUnread = true
        return false
      }
      if (isWhole) peer.heldEpoch = null
    }
    return true
  }

  async #readPeer(peer: Peer, endpoints: readonly string[]): Promise<boolean> {
    const { link, keys, onVotes } = this.#parts
    const key = keys.votes(peer.instance)
    for (const batch of inChunks(inChunks(endpoints, fieldsACommand), commandsABatch)) {
      const replies = await link.run(batch.map((part): Command => ['hmget', key, ...part]))
      if (replies === null) return false
      const changed = batch.flatMap((part, i) => this.#take(peer, part, replies[i]))
      if (changed.length > 0) onVotes(changed)
    }
    return true
  }

  /** The endpoints about which it says something else now. */
  #take(peer: Peer, endpoints: readonly string[], reply: Reply | undefined): readonly string[] {
    const values = reply?.kind === 'value' ? (reply.value as unknown[]) : []
    if (reply?.kind === 'error') this.rejected++
    return endpoints.filter((endpoint, i) => {
      const value = values[i] ?? null
      const vote = parseVote(value)
      if (vote === null && value !== null) this.rejected++
      return this.#parts.peers.record(peer, endpoint, vote)
    })
  }
}
