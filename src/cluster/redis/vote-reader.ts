// Reads the votes of others: those that a hint named, and all of them now and then. Only what is watched here is asked
// for, so that nobody decides but we how much there is to read. With each batch goes a look at whose memory it is: what is
// missing from a store that was emptied a moment ago was not taken back.

import { inChunks } from '../own-votes.ts'
import type { Peer, Peers } from '../peers.ts'
import { type StateKeys, parseVote } from './schema.ts'
import type { Command, Reply, StoreLink } from './redis-link.ts'
import { storeIdOf } from './snapshot.ts'

interface VoteReaderParts {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly peers: Peers
  /** Endpoints of which this peer's word counts. */
  readonly endpointsOf: (peer: string) => readonly string[]
  /** Votes of others about these endpoints changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
}

/** `other-store`: it has lost its memory since we looked; nothing was taken in. `silent`: no answer. */
type VotesRead = 'done' | 'other-store' | 'silent'

const commandsABatch = 16
const fieldsACommand = 1000

export class VoteReader {
  /** Values that are no votes. */
  rejected = 0
  readonly #parts: VoteReaderParts

  constructor(parts: VoteReaderParts) {
    this.#parts = parts
  }

  /** Of every peer what is to be read. `storeId` null: the store has none that we may know. */
  async read(storeId: string | null): Promise<VotesRead> {
    for (const peer of this.#parts.peers.all()) {
      const isWhole = peer.needsFullRead
      const endpoints = isWhole ? this.#parts.endpointsOf(peer.instance) : [...peer.staleEndpoints]
      peer.staleEndpoints.clear()
      peer.needsFullRead = false
      const read = endpoints.length > 0 ? await this.#readPeer(peer, endpoints, storeId) : 'done'
      if (read !== 'done') {
        peer.needsFullRead = true
        return read
      }
      if (isWhole) peer.previousEpoch = null
    }
    return 'done'
  }

  async #readPeer(
    peer: Peer,
    endpoints: readonly string[],
    storeId: string | null,
  ): Promise<VotesRead> {
    const { link, keys, onVotes } = this.#parts
    const key = keys.votes(peer.instance)
    for (const batch of inChunks(inChunks(endpoints, fieldsACommand), commandsABatch)) {
      const commands = batch.map((part): Command => ['hmget', key, ...part])
      const replies = await link.run([...commands, ['get', keys.storeId]])
      if (replies === null) return 'silent'
      const id = replies[commands.length]
      if (storeId !== null && id?.kind === 'value' && storeIdOf(id.value) !== storeId)
        return 'other-store'
      const changed = batch.flatMap((part, i) => this.#take(peer, part, replies[i]))
      if (changed.length > 0) onVotes(changed)
    }
    return 'done'
  }

  /** The endpoints about which it says something else now. */
  #take(peer: Peer, endpoints: readonly string[], reply: Reply | undefined): readonly string[] {
    const values = reply?.kind === 'value' ? (reply.value as unknown[]) : []
    if (reply?.kind === 'error') this.rejected++
    return endpoints.filter((endpoint, i) => {
      const value = values[i] ?? null
      const vote = parseVote(value)
      if (vote === null && value !== null) this.rejected++
      return this.#parts.peers.setVote(peer, endpoint, vote)
    })
  }
}
