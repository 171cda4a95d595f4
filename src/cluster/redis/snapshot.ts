// A snapshot of the store: which instances are alive, whether it is still the same store, which events the stream has,
// which overrides there are. Takes two batches of commands. Other instances
// determine the size of nothing that is read, except one heartbeat per instance.

import { overrideLimit } from '../../health/overrides.ts'
import {
  type Heartbeat,
  isInstanceName,
  parseHeartbeat,
  parseStreamId,
  type StateKeys,
} from './schema.ts'
import { type Command, listOf, readHash, type Reply, type StoreLink } from './redis-link.ts'

interface StoreSnapshot {
  readonly kind: 'read'
  /** null if the store has none. */
  readonly storeId: string | null
  /** null if it has expired. */
  readonly ownHeartbeat: Heartbeat | null
  /** How many own votes are stored; null if the key is not a hash. */
  readonly ownVotes: number | null
  /** Heartbeats of the other instances, by name. */
  readonly heartbeats: ReadonlyMap<string, Heartbeat>
  /** Ids of the newest and the oldest entry of the event stream; null if it is empty. */
  readonly newestEvent: string | null
  readonly oldestEvent: string | null
  /** Alternating fields and values; null if there are too many to read. */
  readonly overrides: readonly unknown[] | null
  /** How many records were not what they should be. */
  readonly rejected: number
  /** Own or common keys that hold another type than they should. */
  readonly wrongTypeKeys: readonly string[]
}

/** The store does not let this instance read heartbeats; `code` is that of its error reply. */
interface SnapshotRefused {
  readonly kind: 'refused'
  readonly code: string
}

/** At most this many other instances are read. */
export const instanceLimit = 256

/**
 * Reads a snapshot; null if the store did not answer. `known` are instances to look for even if the store's set of
 * instances does not list them.
 */
export async function readSnapshot(
  link: StoreLink,
  keys: StateKeys,
  instance: string,
  known: readonly string[],
): Promise<StoreSnapshot | SnapshotRefused | null> {
  const replies = await link.run(firstCommands(keys, instance))
  if (replies === null) return null
  const [members, storeId, newest, oldest, overrides, votes] = replies
  const listed = listOf(members)
  const named = listed.filter(isInstanceName)
  const others = [...new Set([...known, ...named])].filter((name) => name !== instance)
  const overrideCount = Number(valueOf(overrides) ?? 0)
  const isReadable = overrideCount <= 2 * overrideLimit
  // The own heartbeat is read by the same command: if all were lost, an older reading of the own one would mislead.
  const names = [...others.slice(0, instanceLimit), instance]
  const heartbeats = await readHeartbeats(link, keys, names)
  const fields = overrideCount > 0 && isReadable ? await readHash(link, keys.overrides) : []
  if (heartbeats === null || fields === null) return null
  if (heartbeats.kind === 'refused') return heartbeats
  const wrongTypeKeys = [
    ...(isWrongType(members) ? [keys.instances] : []),
    ...(isWrongType(newest) ? [keys.events] : []),
    ...(isWrongType(overrides) ? [keys.overrides] : []),
  ]
  const badNames = listed.length - named.length
  const ownHeartbeat = heartbeats.byName.get(instance) ?? null
  heartbeats.byName.delete(instance)
  return {
    kind: 'read',
    storeId: storeIdOf(valueOf(storeId)),
    ownHeartbeat,
    ownVotes: votes?.kind === 'value' ? Number(votes.value) : null,
    heartbeats: heartbeats.byName,
    newestEvent: eventId(newest),
    oldestEvent: eventId(oldest),
    overrides: isReadable ? fields : null,
    rejected: heartbeats.rejected + badNames + wrongTypeKeys.length + (isReadable ? 0 : 1),
    wrongTypeKeys,
  }
}

const firstCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ['srandmember', keys.instances, instanceLimit + 1],
  ['get', keys.storeId],
  ['xrevrange', keys.events, '+', '-', 'COUNT', 1],
  ['xrange', keys.events, '-', '+', 'COUNT', 1],
  ['hlen', keys.overrides],
  ['hlen', keys.votes(instance)],
]

interface HeartbeatsRead {
  readonly kind: 'read'
  readonly byName: Map<string, Heartbeat>
  readonly rejected: number
}

async function readHeartbeats(
  link: StoreLink,
  keys: StateKeys,
  names: readonly string[],
): Promise<HeartbeatsRead | SnapshotRefused | null> {
  const byName = new Map<string, Heartbeat>()
  // MGET treats a key of another type as missing.
  const replies = await link.run([['mget', ...names.map((name) => keys.heartbeat(name))]])
  if (replies === null) return null
  const [reply] = replies
  if (reply?.kind === 'error') return { kind: 'refused', code: reply.code }
  let rejected = 0
  for (const [i, value] of listOf(reply).entries()) {
    const heartbeat = parseHeartbeat(value)
    const name = names[i]
    if (heartbeat && name !== undefined) byName.set(name, heartbeat)
    else if (value !== null) rejected++
  }
  return { kind: 'read', byName, rejected }
}

const valueOf = (reply: Reply | undefined): unknown =>
  reply?.kind === 'value' ? reply.value : null

const isWrongType = (reply: Reply | undefined): boolean =>
  reply?.kind === 'error' && reply.code === 'WRONGTYPE'

/** null if the value is not a store id. */
export const storeIdOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value) ? value : null

function eventId(reply: Reply | undefined): string | null {
  const entry = listOf(reply)[0]
  const id: unknown = Array.isArray(entry) ? entry[0] : null
  return parseStreamId(id) === null ? null : (id as string)
}
