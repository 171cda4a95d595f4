// What a turn with the store is made of (store-session.ts).

import type { HintReader } from './hint-reader.ts'
import type { OwnVotes } from '../own-votes.ts'
import type { PeerChanges, Peers } from '../peers.ts'
import type { StateKeys } from './state-keys.ts'
import type { StateTimes } from './state-settings.ts'
import type { StoreLink } from './store-link.ts'
import type { StoreOverrides } from './store-overrides.ts'
import type { StorePart } from './store-part.ts'
import type { VoteReader } from './vote-reader.ts'

export interface SessionParts {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly times: StateTimes
  readonly instance: string
  readonly site: string
  readonly votes: OwnVotes
  readonly peers: Peers
  readonly overrides: StoreOverrides
  readonly hints: HintReader
  readonly reader: VoteReader
  readonly more: readonly StorePart[]
  readonly random: () => number
  readonly newStoreId: () => string
  readonly onPeers: (changes: PeerChanges) => void
  readonly onEvent: (event: 'emptied' | 'fenced' | 'unfenced') => void
}
