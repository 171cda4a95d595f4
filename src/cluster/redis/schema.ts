// What the store holds: record formats, keys and times. Records are read back strictly: anything that is not exactly as
// specified is null. Any client of the store can write anything to it, so the length, size and
// range of every value read are checked.
//
//   heartbeat   EPOCH|SEQUENCE|STATE|SITE|CONFIG   12|3456|ok|fra|pZ3_bW0bGv6q1x-d; CONFIG only once it is known
//   vote        STATE|EPOCH|REASON|SEQUENCE        D|12|connect-refused; SEQUENCE only if the record is sealed
//   hint        i NAME t TOPIC                     TOPIC is an endpoint, `*` for many of them, `ov` or `fb`
//   others      JSON, checked by a zod schema      overrides.ts, feedback.ts, tallies.ts, ../shared-reports.ts
//
// With a secret a seal follows each of them but the hint: sealed-record.ts.
//
// Heartbeats and votes are not JSON because every instance reads those of all others: 10,000 votes at a time.

import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { VoteState } from '../../health/consensus.ts'
import type { StoreAddress } from '../link/link-options.ts'
import { maxSealLength, type StateSecrets } from './sealed-record.ts'

export type InstanceState = 'ok' | 'suspect' | 'draining'

/** The heartbeat of an instance. */
export interface Heartbeat {
  /** Boot counter of the instance, from 1: a later process of the same name has a higher one. */
  readonly epoch: number
  /** Increases with every heartbeat of a boot. */
  readonly sequence: number
  readonly state: InstanceState
  readonly site: string
  /** Hash of its zone files, 16 base64url characters; null if it is not known yet. */
  readonly config: string | null
}

/** A vote as it is stored; `epoch` is that of the boot that wrote it. */
export interface StoredVote {
  readonly state: VoteState
  readonly epoch: number
  readonly reason: string
  /** Increases with every write of a boot; null if the vote is not sealed. */
  readonly sequence: number | null
}

/** An entry of the event stream: something that `instance` wrote has changed. */
export interface Hint {
  readonly instance: string
  /** `votes`: more of them than are worth naming. */
  readonly about: { readonly endpoint: string } | 'votes' | 'overrides' | 'feedback'
}

/** Heartbeats, votes and ids have no more octets than this. */
export const maxPackedOctets = 200

export const storeIdOctets = 16

/** JSON records have at most this many characters, three octets for each of them, and a seal. */
export const maxRecordLength = 2048
export const maxRecordOctets: number = 3 * maxRecordLength + maxSealLength
export const maxTallyLength = 16_384
export const maxTallyOctets: number = maxTallyLength + maxSealLength

const namePattern = /^[\w.-]{1,63}$/

const heartbeatPattern =
  /^([1-9]\d{0,14})\|(\d{1,15})\|(ok|suspect|draining)\|([\w.-]{1,63})(?:\|([\w-]{16}))?$/

const votePattern = /^([UD])\|([1-9]\d{0,14})\|([a-z0-9-]{1,64})(?:\|(\d{1,15}))?$/

const endpointPattern = /^[\w-]{16}$/

const streamIdPattern = /^(\d{1,15})-(\d{1,15})$/

/** Text without characters that act on a terminal or break a line. */
export const printablePattern: RegExp = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u

/** The last millisecond of the year 9999, roughly: later times are refused. */
export const latestTimeMs = 253_402_300_800_000

export const isInstanceName = (value: unknown): value is string =>
  typeof value === 'string' && namePattern.test(value)

/** Reads a JSON record; null if it is not text of at most `maxLength` characters that matches the schema. */
export function parseJsonRecord<T>(
  schema: z.ZodType<T>,
  value: unknown,
  maxLength: number,
): T | null {
  if (typeof value !== 'string' || value.length > maxLength) return null
  try {
    return schema.safeParse(JSON.parse(value)).data ?? null
  } catch {
    return null
  }
}

export const formatHeartbeat = ({ epoch, sequence, state, site, config }: Heartbeat): string =>
  [epoch, sequence, state, site, ...(config === null ? [] : [config])].join('|')

/** null if the value is not a heartbeat. */
export function parseHeartbeat(value: unknown): Heartbeat | null {
  const fields = matchPacked(value, heartbeatPattern)
  if (fields === null) return null
  const [, epoch, sequence, state, site = '', config = null] = fields
  return {
    epoch: Number(epoch),
    sequence: Number(sequence),
    state: state as InstanceState,
    site,
    config,
  }
}

/** Characters that a stored reason may not contain become hyphens. */
export function formatVote({ state, epoch, reason, sequence }: StoredVote): string {
  const storedReason = reason.replace(/[^a-z0-9-]/g, '-').slice(0, 64) || 'unknown'
  return [state, epoch, storedReason, ...(sequence === null ? [] : [sequence])].join('|')
}

/** null if the value is not a vote. */
export function parseVote(value: unknown): StoredVote | null {
  const fields = matchPacked(value, votePattern)
  if (fields === null) return null
  const [, state, epoch, reason = '', written] = fields
  const sequence = written === undefined ? null : Number(written)
  return { state: state as VoteState, epoch: Number(epoch), reason, sequence }
}

const topics = { votes: '*', overrides: 'ov', feedback: 'fb' } as const

/** Fields and values of a stream entry, alternating. */
export function formatHint({ instance, about }: Hint): readonly string[] {
  const topic = typeof about === 'object' ? about.endpoint : topics[about]
  return ['i', instance, 't', topic]
}

/** null if the fields of the stream entry are not a hint. */
export function parseHint(fields: unknown): Hint | null {
  if (!Array.isArray(fields) || fields.length !== 4) return null
  const [i, instance, t, topic] = fields as unknown[]
  if (i !== 'i' || t !== 't' || !isInstanceName(instance) || typeof topic !== 'string') return null
  if (topic === '*') return { instance, about: 'votes' }
  if (topic === 'ov') return { instance, about: 'overrides' }
  if (topic === 'fb') return { instance, about: 'feedback' }
  return endpointPattern.test(topic) ? { instance, about: { endpoint: topic } } : null
}

/** Splits the id of a stream entry, `MILLISECONDS-NUMBER`; null if the value is not one. */
export function parseStreamId(value: unknown): readonly [ms: number, number: number] | null {
  const fields = matchPacked(value, streamIdPattern)
  return fields && [Number(fields[1]), Number(fields[2])]
}

const matchPacked = (value: unknown, pattern: RegExp): RegExpExecArray | null =>
  typeof value === 'string' && value.length <= maxPackedOctets ? pattern.exec(value) : null

// Keys. The braces keep all keys of a namespace on one node of a Redis Cluster (hash tag). The version covers everything
// below it: instances of different versions do not see each other's keys, and so cannot misread them.
//
//   inst        set      names of instances; a hint where to look for heartbeats. A name without one is removed
//   id          string   random, written once: if it is another one or missing, the store has lost its data
//   ep:NAME     string   boot counter of an instance: the fence between two processes of one name
//   hb:NAME     string   heartbeat, expires; written by NAME alone
//   v:NAME      hash     endpoint → vote, expires; written by NAME alone
//   ev          stream   hints: what has changed, and by whom; trimmed
//   ov          hash     overrides; written by the instance that received them
//   fb          hash     feedback of MTAs; written by the instance that received it
//   se          hash     zone → serial and digest of the content; written by the instances that serve the zone
//   nm          hash     zone → names that caches may lead to; written by the instances that serve the zone
//   ho          hash     zone → what was handed out and binds caches; written by the instances that serve the zone
//   av:NAME     hash     pool → counts of probes; `report` and `exposure`: what NAME reports of itself; expires; written by NAME alone
//   avn         zset     names with counts of probes, by the second in which they were written

export interface StateKeys {
  readonly instances: string
  readonly storeId: string
  readonly events: string
  readonly overrides: string
  readonly feedback: string
  readonly serials: string
  readonly names: string
  readonly handed: string
  epoch(instance: string): string
  heartbeat(instance: string): string
  votes(instance: string): string
  tallies(instance: string): string
  readonly tallyNames: string
}

const schemaVersion = 'v1'

/** The keys of a namespace. */
export function stateKeys(namespace: string): StateKeys {
  const prefix = `mxsteer:{${namespace}}:${schemaVersion}:`
  return {
    instances: `${prefix}inst`,
    storeId: `${prefix}id`,
    events: `${prefix}ev`,
    overrides: `${prefix}ov`,
    feedback: `${prefix}fb`,
    serials: `${prefix}se`,
    names: `${prefix}nm`,
    handed: `${prefix}ho`,
    epoch: (instance) => `${prefix}ep:${instance}`,
    heartbeat: (instance) => `${prefix}hb:${instance}`,
    votes: (instance) => `${prefix}v:${instance}`,
    tallies: (instance) => `${prefix}av:${instance}`,
    tallyNames: `${prefix}avn`,
  }
}

/** The name of an endpoint in the store: 16 base64url characters of the SHA-256 of its slot key. */
export const endpointId = (slotKey: string): string =>
  createHash('sha256').update(slotKey).digest('base64url').slice(0, 16)

// Times that follow from the heartbeat interval:
//
//   a heartbeat expires after 5 intervals   15 s at the default of 3 s: then others take over its probes
//   votes expire after 40                   an instance that joins later finds none older than that
//   heartbeats are read after 2/3           hints at once
//   all votes are read after 10 (± 20 %)    whatever hints were missed is known by then
//   own votes are rewritten after 200
//   cut off after 5/3 without an answer
//   a command times out after 1/2           1.5 s
//   counts of probes are shared after 20    60 s; so often a store that refuses blocking reads is asked for one
//   hints are read after 1/6 where it does  0.5 s
//   configurations may differ for 40        2 minutes, from the last change of any

/** Settings of the shared state. */
export interface StateSettings {
  readonly address: StoreAddress
  readonly namespace: string
  readonly heartbeatMs: number
  /** How many instances probe an endpoint. */
  readonly vantages: number
  /** How long the votes of others count after this instance was cut off. */
  readonly peerHoldMs: number
  /** null: records are neither sealed nor verified. */
  readonly seals: StateSecrets | null
}

export interface StateTimes {
  readonly heartbeatMs: number
  readonly heartbeatLifetimeMs: number
  readonly votesLifetimeMs: number
  /** Between two snapshots of the store. */
  readonly pollMs: number
  /** Between two full reads of votes, before jitter. */
  readonly snapshotMs: number
  /** Between two full writes of the own votes. */
  readonly rewriteMs: number
  /** Without an answer for this long an instance is cut off. */
  readonly cutOffMs: number
  /** Timeout of the reply to a command, in milliseconds. */
  readonly commandMs: number
  /** How long a read of the event stream blocks. */
  readonly blockMs: number
  /** Between two reads of it where the store does not let them block. */
  readonly hintPollMs: number
  /** How long such a store is not asked for a blocking read again. */
  readonly blockAgainMs: number
  /** Changes within this time are written together. */
  readonly batchDelayMs: number
  /** Between two rounds of sharing probe counts. */
  readonly tallyMs: number
  /** How long configurations may differ without an alert. */
  readonly configGraceMs: number
}

/** The times for a heartbeat interval, by the table above. */
export const stateTimes = (heartbeatMs: number): StateTimes => ({
  heartbeatMs,
  heartbeatLifetimeMs: 5 * heartbeatMs,
  votesLifetimeMs: 40 * heartbeatMs,
  pollMs: (heartbeatMs * 2) / 3,
  snapshotMs: 10 * heartbeatMs,
  rewriteMs: 200 * heartbeatMs,
  cutOffMs: (heartbeatMs * 5) / 3,
  commandMs: Math.max(250, heartbeatMs / 2),
  // The store takes whole milliseconds alone.
  blockMs: Math.round((heartbeatMs * 2) / 3),
  hintPollMs: Math.max(100, heartbeatMs / 6),
  blockAgainMs: 20 * heartbeatMs,
  batchDelayMs: Math.min(100, heartbeatMs / 15),
  tallyMs: 20 * heartbeatMs,
  configGraceMs: 40 * heartbeatMs,
})
