// What an exchange over a store is made of, put together. Who does what when is redis-exchange.ts's.

import { ConfigAgreement } from './config-agreement.ts'
import { Duties } from './duties.ts'
import { HintReader } from './redis/hint-reader.ts'
import { OwnVotes } from './own-votes.ts'
import { type PeerChanges, Peers } from './peers.ts'
import { Reach } from './reach.ts'
import type { RedisExchangeOptions } from './shared-exchange.ts'
import { stateKeys } from './redis/state-keys.ts'
import type { Hint } from './redis/state-records.ts'
import { type StateTimes, stateTimes } from './redis/state-settings.ts'
import { StoreFeedback } from './redis/store-feedback.ts'
import { StoreOverrides } from './redis/store-overrides.ts'
import { StoreSession } from './redis/store-session.ts'
import { StoreTallies } from './redis/tallies.ts'
import { VoteReader } from './redis/vote-reader.ts'

export interface ExchangeParts {
  readonly times: StateTimes
  readonly own: OwnVotes
  readonly peers: Peers
  readonly duties: Duties
  readonly reach: Reach
  readonly hints: HintReader
  readonly reader: VoteReader
  readonly session: StoreSession
  readonly overrides: StoreOverrides
  readonly feedback: StoreFeedback
  readonly tallies: StoreTallies
  readonly agreement: ConfigAgreement
}

export interface PartCalls {
  /** Something of ours is to be written. */
  readonly onSaid: () => void
  readonly onHints: (hints: readonly Hint[]) => void
  /** Votes of others about these endpoints changed. */
  readonly onVotes: (endpoints: readonly string[]) => void
  readonly onPeers: (changes: PeerChanges) => void
  readonly onReach: () => void
}

export function createParts(options: RedisExchangeOptions, calls: PartCalls): ExchangeParts {
  const stored = createStored(options, calls)
  const { times, peers } = stored
  const { configGraceMs: graceMs, heartbeatLifetimeMs: calmMs } = times
  return {
    ...stored,
    session: createSession(options, stored, calls),
    agreement: new ConfigAgreement({ graceMs, calmMs }),
    reach: createReach(options, times, peers, calls),
  }
}

type Stored = Omit<ExchangeParts, 'session' | 'agreement' | 'reach'>

function createStored(
  { settings, instance, site, link, clock }: RedisExchangeOptions,
  { onSaid, onHints, onVotes }: PartCalls,
): Stored {
  const keys = stateKeys(settings.namespace)
  const times = stateTimes(settings.heartbeatMs)
  const own = new OwnVotes()
  const peers = new Peers(times.heartbeatLifetimeMs)
  const duties = new Duties({ instance, site }, settings.vantages)
  const endpointsOf = (peer: string): readonly string[] => duties.endpointsOf(peer, own.all())
  return {
    times,
    own,
    peers,
    duties,
    hints: new HintReader({ link, key: keys.events, blockMs: times.blockMs, onHints }),
    reader: new VoteReader({ link, keys, peers, endpointsOf, onVotes }),
    overrides: new StoreOverrides(instance, onSaid),
    feedback: new StoreFeedback({ link, keys, instance, clock, times, onSaid }),
    tallies: new StoreTallies({ link, keys, instance, times }),
  }
}

const createSession = (
  { settings, instance, site, link, random, onEvent }: RedisExchangeOptions,
  { own, feedback, tallies, ...stored }: Stored,
  { onPeers }: PartCalls,
): StoreSession =>
  new StoreSession({
    ...stored,
    keys: stateKeys(settings.namespace),
    link,
    instance,
    site,
    random,
    votes: own,
    more: [feedback, tallies],
    newStoreId: () => newStoreId(random),
    onPeers,
    onEvent: (kind) => onEvent({ kind }),
  })

// oxlint-disable-next-line max-params -- what it is made of
function createReach(
  { settings, clock, onEvent }: RedisExchangeOptions,
  { cutOffMs }: StateTimes,
  peers: Peers,
  { onReach }: PartCalls,
): Reach {
  return new Reach({
    startMs: clock.monotonicMs(),
    cutOffMs,
    holdMs: settings.peerHoldMs,
    onEvent,
    onHoldOver: () => peers.forgetVotes(),
    onChange: onReach,
  })
}

const newStoreId = (random: () => number): string =>
  Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(16, '0')
