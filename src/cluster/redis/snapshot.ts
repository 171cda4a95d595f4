// One look at the store: who lives, whether it is still the same store, how far its events are, which overrides lie
// in it. Two batches; nothing is read whose size somebody else decides, but for one heartbeat an instance.

import { overrideLimit } from '../../health/overrides.ts'
import {
  type StateKeys,
  type Heartbeat,
  isInstanceName,
  parseHeartbeat,
  parseStreamId,
} from './schema.ts'
import { readHash, type Command, type Reply, type StoreLink } from './redis-link.ts'

interface StoreSnapshot {
  readonly kind: 'seen'
  /** null: it has none. */
  readonly storeId: string | null
  readonly ownBeat: Heartbeat | null
  /** How many votes of ours lie there; null: what lies there is no hash. */
  readonly ownVotes: number | null
  /** Of the others. */
  readonly beats: ReadonlyMap<string, Heartbeat>
  /** Of the newest event; null: there is none. */
  readonly newestEvent: string | null
  readonly oldestEvent: string | null
  /** Fields and values in turn; null: not to be had. */
  readonly overrides: readonly unknown[] | null
  readonly rejected: number
  /** Keys of ours, or of all, that hold something else than they may. */
  readonly wrongKeys: readonly string[]
}

/** We may not see who lives. `code`: as a reply has it. */
interface SnapshotRefused {
  readonly kind: 'refused'
  readonly code: string
}

export const instanceLimit = 256

/** `known`: who is looked for even where the store's set of instances does not name it. null: no answer. */
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
  const count = Number(valueOf(overrides) ?? 0)
  const isReadable = count <= 2 * overrideLimit
  // Ours with them, in one command: where all went at one moment we must not see ours of the moment before.
  const beats = await readBeats(link, keys, [...others.slice(0, instanceLimit), instance])
  const fields = count > 0 && isReadable ? await readHash(link, keys.overrides) : []
  if (beats === null || fields === null) return null
  if (beats.kind === 'refused') return beats
  const wrongKeys = [
    ...(isWrong(members) ? [keys.instances] : []),
    ...(isWrong(newest) ? [keys.events] : []),
    ...(isWrong(overrides) ? [keys.overrides] : []),
  ]
  const strangers = listed.length - named.length
  const ownBeat = beats.found.get(instance) ?? null
  beats.found.delete(instance)
  return {
    kind: 'seen',
    storeId: storeIdOf(valueOf(storeId)),
    ownBeat,
    ownVotes: votes?.kind === 'value' ? Number(votes.value) : null,
    beats: beats.found,
    newestEvent: eventId(newest),
    oldestEvent: eventId(oldest),
    overrides: isReadable ? fields : null,
    rejected: beats.rejected + strangers + wrongKeys.length + (isReadable ? 0 : 1),
    wrongKeys,
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

interface BeatsRead {
  readonly kind: 'read'
  readonly found: Map<string, Heartbeat>
  readonly rejected: number
}

async function readBeats(
  link: StoreLink,
  keys: StateKeys,
  names: readonly string[],
): Promise<BeatsRead | SnapshotRefused | null> {
  const found = new Map<string, Heartbeat>()
  // MGET takes a key of another type for one that is not there.
  const replies = await link.run([['mget', ...names.map((name) => keys.heartbeat(name))]])
  if (replies === null) return null
  const [reply] = replies
  if (reply?.kind === 'error') return { kind: 'refused', code: reply.code }
  let rejected = 0
  for (const [i, value] of listOf(reply).entries()) {
    const beat = parseHeartbeat(value)
    const name = names[i]
    if (beat && name !== undefined) found.set(name, beat)
    else if (value !== null) rejected++
  }
  return { kind: 'read', found, rejected }
}

const listOf = (reply: Reply | undefined): readonly unknown[] =>
  reply?.kind === 'value' && Array.isArray(reply.value) ? (reply.value as unknown[]) : []

const valueOf = (reply: Reply | undefined): unknown =>
  reply?.kind === 'value' ? reply.value : null

const isWrong = (reply: Reply | undefined): boolean =>
  reply?.kind === 'error' && reply.code === 'WRONGTYPE'

export const storeIdOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value) ? value : null

function eventId(reply: Reply | undefined): string | null {
  const entry = listOf(reply)[0]
  const id: unknown = Array.isArray(entry) ? entry[0] : null
  return parseStreamId(id) === null ? null : (id as string)
}
