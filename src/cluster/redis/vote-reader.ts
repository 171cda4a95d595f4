// Reads the votes of other instances: those that a hint named, and all of them from time to time. Only votes on endpoints
// that are watched here are read, so this instance alone decides how much there is to read. Every batch also reads the id
// of the store: a vote that is missing from a store emptied a moment ago was not withdrawn.

import { inChunks } from '../own-votes.ts'
import type { Peer, Peers } from '../peers.ts'
import { parseVote, type StateKeys } from './schema.ts'
import type { Command, Reply, StoreLink } from './redis-link.ts'
import { storeIdOf } from './snapshot.ts'

interface VoteReaderOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly peers: Peers
  /** Ids of the watched endpoints that this peer probes. */
  readonly endpointsOf: (peer: string) => readonly string[]
  /** Called with the ids of endpoints on which votes of others changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
}

/** `other-store`: the store has lost its data since the snapshot. `no-reply`: it did not answer. */
type VotesRead = 'done' | 'other-store' | 'no-reply'

const commandsPerBatch = 16
const fieldsPerCommand = 1000

export class VoteReader {
  /** Values read so far that were not votes. */
  rejected = 0
  readonly #options: VoteReaderOptions

  constructor(options: VoteReaderOptions) {
    this.#options = options
  }

  /** Reads what is stale of every peer. `storeId` is that of the snapshot, null if the store has none. */
  async read(storeId: string | null): Promise<VotesRead> {
    for (const peer of this.#options.peers.all()) {
      const isFullRead = peer.needsFullRead
      const endpoints = isFullRead
        ? this.#options.endpointsOf(peer.instance)
        : [...peer.staleEndpoints]
      peer.staleEndpoints.clear()
      peer.needsFullRead = false
      const read = endpoints.length > 0 ? await this.#readPeer(peer, endpoints, storeId) : 'done'
      if (read !== 'done') {
        peer.needsFullRead = true
        return read
      }
      if (isFullRead) peer.previousEpoch = null
    }
    return 'done'
  }

  async #readPeer(
    peer: Peer,
    endpoints: readonly string[],
    storeId: string | null,
  ): Promise<VotesRead> {
    const { link, keys, onVotes } = this.#options
    const key = keys.votes(peer.instance)
    for (const batch of inChunks(inChunks(endpoints, fieldsPerCommand), commandsPerBatch)) {
      const commands = batch.map((part): Command => ['hmget', key, ...part])
      const replies = await link.run([...commands, ['get', keys.storeId]])
      if (replies === null) return 'no-reply'
      const id = replies[commands.length]
      if (storeId !== null && id?.kind === 'value' && storeIdOf(id.value) !== storeId)
        return 'other-store'
      const changed = batch.flatMap((part, i) => this.#applyReply(peer, part, replies[i]))
      if (changed.length > 0) onVotes(changed)
    }
    return 'done'
  }

  /** Sets the votes in a reply. Returns the endpoints on which the peer's vote has changed. */
  #applyReply(
    peer: Peer,
    endpoints: readonly string[],
    reply: Reply | undefined,
  ): readonly string[] {
    const values = reply?.kind === 'value' ? (reply.value as unknown[]) : []
    if (reply?.kind === 'error') this.rejected++
    return endpoints.filter((endpoint, i) => {
      const value = values[i] ?? null
      const vote = parseVote(value)
      if (vote === null && value !== null) this.rejected++
      return this.#options.peers.setVote(peer, endpoint, vote)
    })
  }
}
