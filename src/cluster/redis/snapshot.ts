// A snapshot of the store: which instances are alive, whether it is still the same store, which events the stream has,
// which overrides there are. The first batch asks how large everything is, the second one reads what is as large as it
// may be, and the heartbeats of known instances; a third one, if there are unknown names, the heartbeats of those.
//
// A heartbeat costs a command, as no command reads several values and bounds each. Those that were read a moment ago are
// not read again while all of them are there, which one EXISTS tells; if one is missing, all are read. A script of the
// store could read them with one command, but takes it twice as long as the commands, and may do anything else as well.
//
// Names whose heartbeat is missing are returned, so that they are removed: an instance that is alive adds its own with
// every heartbeat. For the same reason a set of names that is too large, or a stream of hints, can be removed as a whole.

import {
  countOf,
  noteOversizedStrings,
  readFields,
  type StoredFields,
  storedFields,
  textCommand,
  textOf,
  usageCommand,
} from './bounded-read.ts'
import type { OversizedRecords } from './oversized-records.ts'
import {
  type Heartbeat,
  isInstanceName,
  maxRecordOctets,
  maxPackedOctets,
  parseStreamId,
  type StateKeys,
  storeIdOctets,
} from './schema.ts'
import type { StoreSeals } from './store-seals.ts'
import { type Command, hashOf, listOf, type Reply } from '../link/command.ts'
import type { StoreLink } from '../link/redis-link.ts'

export interface SnapshotRequest {
  readonly keys: StateKeys
  readonly instance: string
  readonly seals: StoreSeals
  /** Instances to look for even if the store's set of instances does not list them. */
  readonly known: readonly string[]
  /** Heartbeats of known instances that were read a moment ago: they stand while their keys exist. */
  readonly recent: ReadonlyMap<string, Heartbeat>
  /** Whether the heartbeat is one that has stopped changing: its instance is gone. */
  readonly isStopped: (name: string, heartbeat: Heartbeat) => boolean
  /** Fields of overrides that are to be read if there are too many to read all. */
  readonly overrideFields: () => readonly string[]
}

export interface StoreSnapshot {
  readonly kind: 'read'
  /** null if the store has none. */
  readonly storeId: string | null
  /** null if it has expired. */
  readonly ownHeartbeat: Heartbeat | null
  /** How many own votes are stored; null if the key is not a hash. */
  readonly ownVotes: number | null
  /** Heartbeats of the other instances, by name. */
  readonly heartbeats: ReadonlyMap<string, Heartbeat>
  /** null if the stream is too large to be one of hints. */
  readonly events: StreamEnds | null
  readonly overrides: StoredFields
  /** How many records were not what they should be. */
  readonly rejected: number
  /** Common keys that hold another type than they should, or are too large, and that can be removed. */
  readonly unusableKeys: readonly string[]
  /** Members of the set of instances that have no heartbeat, or one that has stopped changing. */
  readonly deadNames: readonly string[]
  /** The store does not let this instance ask which keys exist. */
  readonly refusesExists: boolean
}

/** Ids of the newest and the oldest entry of the event stream; null if it is empty. */
export interface StreamEnds {
  readonly newest: string | null
  readonly oldest: string | null
}

/** The store does not let this instance read; `code` is that of its error reply. */
interface SnapshotRefused {
  readonly kind: 'refused'
  readonly code: string
}

/** At most this many other instances are known. */
export const instanceLimit = 256

/**
 * Largest sizes of common keys, in elements and octets of the store's memory, and how many elements, of a stream nodes of
 * 100 entries, are looked at to tell the octets.
 */
const limits = {
  names: { elements: 2 * instanceLimit, samples: 2 * instanceLimit, octets: 128 * 1024 },
  /** The stream is trimmed to some 20,000 hints. */
  events: { elements: 32_768, samples: 4096, octets: 8 * 1024 * 1024 },
  overrides: { elements: 16_384, samples: 16_384, octets: 4 * 1024 * 1024 },
}

/** Reads a snapshot; null if the store did not answer. */
export async function readSnapshot(
  link: StoreLink,
  oversized: OversizedRecords,
  request: SnapshotRequest,
): Promise<StoreSnapshot | SnapshotRefused | null> {
  const sizes = await readSizes(link, oversized, request.keys)
  if (sizes === null || sizes.kind === 'refused') return sizes
  const common = await readCommon(link, sizes, request)
  if (common === null) return null
  const heartbeats = await readHeartbeats(link, oversized, { request, common })
  if (heartbeats === null || heartbeats.kind === 'refused') return heartbeats
  const overrides = sizes.isReadable.overrides
    ? { fields: hashOf(common.overrides), asked: null }
    : await readSomeOverrides(link, oversized, { request, common })
  if (overrides === null) return null
  const ownHeartbeat = heartbeats.byName.get(request.instance) ?? null
  heartbeats.byName.delete(request.instance)
  return {
    kind: 'read',
    storeId: idIn(common.storeId),
    ownHeartbeat,
    ownVotes: countOf(common.ownVotes),
    heartbeats: heartbeats.byName,
    events: sizes.isReadable.events ? endsOf(common) : null,
    overrides,
    rejected: heartbeats.rejected + sizes.wrongTypeKeys.length,
    unusableKeys: [...sizes.wrongTypeKeys, ...sizes.tooLargeKeys],
    deadNames: ownHeartbeat === null ? [] : heartbeats.deadNames,
    refusesExists: isNotPermitted(common.existing),
  }
}

interface Sizes {
  readonly kind: 'sizes'
  /** Which common keys are small enough to be read. */
  readonly isReadable: {
    readonly names: boolean
    readonly events: boolean
    readonly overrides: boolean
  }
  readonly wrongTypeKeys: readonly string[]
  /** Only keys that can be removed: overrides are too much to lose. */
  readonly tooLargeKeys: readonly string[]
}

async function readSizes(
  link: StoreLink,
  oversized: OversizedRecords,
  { instances, events, overrides }: StateKeys,
): Promise<Sizes | SnapshotRefused | null> {
  const replies = await link.run([
    ['scard', instances],
    usageCommand(instances, limits.names.samples),
    ['xlen', events],
    usageCommand(events, limits.events.samples),
    ['hlen', overrides],
    usageCommand(overrides, limits.overrides.samples),
  ])
  if (replies === null) return null
  const refusal = replies.find((reply) => reply.kind === 'error' && !isWrongType(reply))
  if (refusal?.kind === 'error') return { kind: 'refused', code: refusal.code }
  const keys = [instances, events, overrides]
  const bounds = [limits.names, limits.events, limits.overrides]
  const isTooLarge = keys.map((key, i) => {
    const bound = bounds[i] ?? limits.names
    const octets = countOf(replies[2 * i + 1]) ?? 0
    const isLarge = (countOf(replies[2 * i]) ?? 0) > bound.elements || octets > bound.octets
    if (isLarge) oversized.note({ key, field: null, octets })
    return isLarge
  })
  const [names, stream, orders] = isTooLarge
  return {
    kind: 'sizes',
    isReadable: { names: !names, events: !stream, overrides: !orders },
    wrongTypeKeys: keys.filter((_, i) => isWrongType(replies[2 * i])),
    tooLargeKeys: keys.filter((key, i) => isTooLarge[i] && key !== overrides),
  }
}

/**
 * Replies about what all instances have in common, and the heartbeats of those that are known and were not read a moment
 * ago, the own one last.
 */
interface CommonReplies {
  readonly names: Reply | undefined
  readonly newest: Reply | undefined
  readonly oldest: Reply | undefined
  readonly overrides: Reply | undefined
  readonly ownVotes: Reply | undefined
  readonly storeId: Reply | undefined
  /** How many of the recent heartbeats exist; undefined if there are none. */
  readonly existing: Reply | undefined
  readonly heartbeats: readonly Reply[]
}

/**
 * The id is read after the overrides: those that are missing from a store emptied a moment ago were not removed. The own
 * heartbeat is read after those of the others: if all were lost meanwhile, an older reading of the own one would mislead.
 */
async function readCommon(
  link: StoreLink,
  { isReadable }: Sizes,
  request: SnapshotRequest,
): Promise<CommonReplies | null> {
  const { keys, instance, recent } = request
  const names: readonly Command[] = isReadable.names ? [['smembers', keys.instances]] : []
  const events: readonly Command[] = isReadable.events
    ? [
        ['xrevrange', keys.events, '+', '-', 'COUNT', 1],
        ['xrange', keys.events, '-', '+', 'COUNT', 1],
      ]
    : []
  const overrides: readonly Command[] = isReadable.overrides ? [['hgetall', keys.overrides]] : []
  const recentKeys = [...recent.keys()].map((name) => keys.heartbeat(name))
  const exists: readonly Command[] = recentKeys.length > 0 ? [['exists', ...recentKeys]] : []
  const commands: readonly Command[] = [
    ...names,
    ...events,
    ...overrides,
    ['hlen', keys.votes(instance)],
    textCommand(keys.storeId, storeIdOctets),
    ...exists,
    ...dueNames(request).map((name) => textCommand(keys.heartbeat(name), maxPackedOctets)),
  ]
  const replies = await link.run(commands)
  if (replies === null) return null
  const rest = [...replies]
  return {
    names: rest.splice(0, names.length)[0],
    newest: events.length > 0 ? rest.shift() : undefined,
    oldest: events.length > 0 ? rest.shift() : undefined,
    overrides: rest.splice(0, overrides.length)[0],
    ownVotes: rest.shift(),
    storeId: rest.shift(),
    existing: exists.length > 0 ? rest.shift() : undefined,
    heartbeats: rest,
  }
}

/** The instances whose heartbeats are read with what all have in common, this one last. */
const dueNames = ({ known, recent, instance }: SnapshotRequest): readonly string[] => [
  ...known.filter((name) => !recent.has(name)),
  instance,
]

interface HeartbeatsRead {
  readonly kind: 'read'
  readonly byName: Map<string, Heartbeat>
  readonly deadNames: readonly string[]
  readonly rejected: number
}

interface SnapshotInput {
  readonly request: SnapshotRequest
  readonly common: CommonReplies
}

/** The heartbeats of known instances, and of those that the set of names has beside them. */
async function readHeartbeats(
  link: StoreLink,
  oversized: OversizedRecords,
  { request, common }: SnapshotInput,
): Promise<HeartbeatsRead | SnapshotRefused | null> {
  const { keys, instance, recent, seals, isStopped } = request
  const standing = countOf(common.existing) === recent.size ? recent : noHeartbeats
  const replies = await readRemaining(link, { request, common }, standing)
  if (replies === null) return null
  const refusal = [...replies.values()].find(
    (reply) => reply?.kind === 'error' && !isWrongType(reply),
  )
  if (refusal?.kind === 'error') return { kind: 'refused', code: refusal.code }
  const byName = new Map(standing)
  const alive = new Set([instance, ...standing.keys()])
  const listed = listOf(common.names)
  const tooLong: string[] = []
  let rejected = listed.filter((name) => !isInstanceName(name)).length
  for (const [name, reply] of replies) {
    const text = textOf(reply)
    const opened = seals.openHeartbeat(keys.heartbeat(name), name, text)
    if (text !== null && Buffer.byteLength(text) > maxPackedOctets)
      tooLong.push(keys.heartbeat(name))
    else if (opened.kind === 'invalid' || isWrongType(reply)) rejected++
    // An instance with another secret is alive as well, for those that have it too.
    if (opened.kind === 'ignored') alive.add(name)
    if (opened.kind !== 'record' || isStopped(name, opened.value)) continue
    alive.add(name)
    // One of them is the own one.
    if (byName.size <= instanceLimit) byName.set(name, opened.value)
  }
  if (!(await noteOversizedStrings(link, oversized, tooLong, maxPackedOctets))) return null
  const deadNames = listed.map(String).filter((name) => !alive.has(name))
  return { kind: 'read', byName, deadNames, rejected }
}

const noHeartbeats: ReadonlyMap<string, Heartbeat> = new Map()

/**
 * The replies of all heartbeats that had to be read, by name; null if the store did not answer. If not all recent ones
 * stand, they are read here, and the own one after them once more.
 */
async function readRemaining(
  link: StoreLink,
  { request, common }: SnapshotInput,
  standing: ReadonlyMap<string, Heartbeat>,
): Promise<ReadonlyMap<string, Reply | undefined> | null> {
  const { keys, instance, known, recent } = request
  const due = dueNames(request)
  const looked = new Set([...known, instance])
  const strangers = listOf(common.names)
    .filter(isInstanceName)
    .filter((name) => !looked.has(name))
  const fallen = standing.size === recent.size ? [] : [...recent.keys(), instance]
  const names = [...strangers, ...fallen]
  const commands = names.map((name) => textCommand(keys.heartbeat(name), maxPackedOctets))
  const more = commands.length === 0 ? [] : await link.run(commands)
  const replies = more && [...common.heartbeats, ...more]
  return replies && new Map([...due, ...names].map((name, i) => [name, replies[i]]))
}

/** Overrides of targets that zones here have, where there are too many to read all. */
async function readSomeOverrides(
  link: StoreLink,
  oversized: OversizedRecords,
  { request: { keys, overrideFields }, common }: SnapshotInput,
): Promise<StoredFields | null> {
  const asked = overrideFields()
  const request = { key: keys.overrides, fields: asked, maxOctets: maxRecordOctets }
  const idCommand = textCommand(keys.storeId, storeIdOctets)
  const read = await readFields(link, oversized, [request], idCommand)
  if (read === null) return null
  // What is missing from a store emptied a moment ago was not removed.
  const isOther = read.additional.some((id) => idIn(id) !== idIn(common.storeId))
  return isOther ? { fields: [], asked: [] } : storedFields(asked, read.replies[0])
}

const isWrongType = (reply: Reply | undefined): boolean =>
  reply?.kind === 'error' && reply.code === 'WRONGTYPE'

/** Of keys that a cluster is moving some can lie on another node: TRYAGAIN says that it is so now. */
const isNotPermitted = (reply: Reply | undefined): boolean =>
  reply?.kind === 'error' && reply.code !== 'TRYAGAIN'

const idIn = (reply: Reply | undefined): string | null => storeIdOf(textOf(reply))

/** null if the value is not a store id. */
export const storeIdOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value) ? value : null

const endsOf = ({ newest, oldest }: CommonReplies): StreamEnds => ({
  newest: eventId(newest),
  oldest: eventId(oldest),
})

function eventId(reply: Reply | undefined): string | null {
  const entry = listOf(reply)[0]
  const id: unknown = Array.isArray(entry) ? entry[0] : null
  return parseStreamId(id) === null ? null : (id as string)
}
