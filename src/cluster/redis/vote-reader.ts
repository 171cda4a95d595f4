// Reads the votes of other instances: those that a hint named, and all of them from time to time. Only votes on endpoints
// that are watched here are read, so this instance alone decides how much there is to read. Every batch also reads the id
// of the store: a vote that is missing from a store emptied a moment ago was not withdrawn.

import type { Peer, Peers } from '../peers.ts'
import { type FieldsReply, readFields, textCommand, textOf } from './bounded-read.ts'
import type { OversizedRecords } from './oversized-records.ts'
import { maxPackedOctets, type StateKeys, storeIdOctets } from './schema.ts'
import type { Reply } from '../link/command.ts'
import type { StoreLink } from '../link/redis-link.ts'
import { storeIdOf } from './snapshot.ts'
import type { StoreSeals } from './store-seals.ts'

interface VoteReaderOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly peers: Peers
  readonly oversized: OversizedRecords
  readonly seals: StoreSeals
  /** Ids of the watched endpoints that this peer probes. */
  readonly endpointsOf: (peer: string) => readonly string[]
  /** Called with the ids of endpoints on which votes of others changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
}

/** `other-store`: the store has lost its data since the snapshot. `no-reply`: it did not answer. */
type VotesRead = 'done' | 'other-store' | 'no-reply'

/** Endpoints of one peer whose votes are to be read. */
interface StaleVotes {
  readonly peer: Peer
  readonly endpoints: readonly string[]
  readonly isFullRead: boolean
}

/** Peers are read together until there are this many votes to read. */
const votesPerGroup = 16_000

export class VoteReader {
  /** Values read so far that were not votes. */
  rejected = 0
  readonly #options: VoteReaderOptions

  constructor(options: VoteReaderOptions) {
    this.#options = options
  }

  /** Reads what is stale of every peer. `storeId` is that of the snapshot, null if the store has none. */
  async read(storeId: string | null): Promise<VotesRead> {
    const peers = [...this.#options.peers.all()]
    for (let at = 0; at < peers.length;) {
      const group: StaleVotes[] = []
      for (let votes = 0; at < peers.length && votes < votesPerGroup; at++) {
        const stale = this.#takeStale(peers[at] as Peer)
        votes += stale.endpoints.length
        group.push(stale)
      }
      const read = await this.#readGroup(group, storeId)
      if (read === 'done') continue
      for (const { peer, endpoints } of group) if (endpoints.length > 0) peer.needsFullRead = true
      return read
    }
    return 'done'
  }

  #takeStale(peer: Peer): StaleVotes {
    const isFullRead = peer.needsFullRead
    const endpoints = isFullRead
      ? this.#options.endpointsOf(peer.instance)
      : [...peer.staleEndpoints]
    peer.staleEndpoints.clear()
    peer.needsFullRead = false
    return { peer, endpoints, isFullRead }
  }

  async #readGroup(group: readonly StaleVotes[], storeId: string | null): Promise<VotesRead> {
    const stale = group.filter(({ endpoints }) => endpoints.length > 0)
    const read = stale.length === 0 ? 'done' : await this.#readVotes(stale, storeId)
    if (read === 'done')
      for (const { peer, isFullRead } of group) if (isFullRead) peer.previousEpoch = null
    return read
  }

  async #readVotes(stale: readonly StaleVotes[], storeId: string | null): Promise<VotesRead> {
    const { link, keys, oversized, onVotes } = this.#options
    const requests = stale.map(({ peer, endpoints }) => ({
      key: keys.votes(peer.instance),
      fields: endpoints,
      maxOctets: maxPackedOctets,
    }))
    const idCommand = textCommand(keys.storeId, storeIdOctets)
    const read = await readFields(link, oversized, requests, idCommand)
    if (read === null) return 'no-reply'
    if (read.additional.some((id) => isOtherStore(id, storeId))) return 'other-store'
    const changed = stale.flatMap((one, i) => this.#applyReply(one, read.replies[i]))
    if (changed.length > 0) onVotes(changed)
    return 'done'
  }

  /** Sets the votes in a reply. Returns the endpoints on which the peer's vote has changed. */
  #applyReply({ peer, endpoints }: StaleVotes, reply: FieldsReply | undefined): readonly string[] {
    const values = reply?.kind === 'values' ? reply.values : []
    if (reply?.kind === 'error') this.rejected++
    const { seals, peers, keys } = this.#options
    const key = keys.votes(peer.instance)
    return endpoints.filter((endpoint, i) => {
      const opened = seals.openVote({ key, field: endpoint, writer: peer.instance }, values[i])
      if (opened.kind === 'invalid') this.rejected++
      // Where a vote cannot be read, or is forged, the last one stands until its instance writes it again.
      if (opened.kind === 'ignored' || (opened.kind === 'invalid' && seals.isRequired)) return false
      return peers.setVote(peer, endpoint, opened.kind === 'record' ? opened.value : null)
    })
  }
}

/** A store whose id may not be read is trusted. */
const isOtherStore = (id: Reply | undefined, storeId: string | null): boolean =>
  storeId !== null && id?.kind === 'value' && storeIdOf(textOf(id)) !== storeId
