// What is written to the store, octet by octet, and read back strictly: what is not exactly this is null.
//
//   heartbeat   EPOCH|SEQUENCE|STATE|SITE|CONFIG   12|3456|ok|fra|pZ3_bW0bGv6q1x-d; CONFIG only where it is known
//   vote        STATE|EPOCH|REASON              D|12|connect-refused
//   hint        i NAME t ENDPOINT, `*` for many, `ov` or `fb`
//
// Whoever can write to the store can write anything: nothing read here is longer, larger or other than it may be.

import { createHash } from 'node:crypto'
import type { VoteState } from '../../health/consensus.ts'
import type { StoreAddress } from './redis-link.ts'

export type InstanceState = 'ok' | 'suspect' | 'draining'

export interface Heartbeat {
  readonly epoch: number
  readonly sequence: number
  readonly state: InstanceState
  readonly site: string
  /** What its zones say, as a hash; null: it does not tell. */
  readonly config: string | null
}

export interface StoredVote {
  readonly state: VoteState
  readonly epoch: number
  readonly reason: string
}

export interface Hint {
  readonly instance: string
  /** null: many of them. */
  readonly about: { readonly endpoint: string } | 'votes' | 'overrides' | 'feedback'
}

const longestRecord = 200

const namePattern = /^[\w.-]{1,63}$/

const heartbeatPattern =
  /^([1-9]\d{0,14})\|(\d{1,15})\|(ok|suspect|draining)\|([\w.-]{1,63})(?:\|([\w-]{16}))?$/

const votePattern = /^([UD])\|([1-9]\d{0,14})\|([a-z0-9-]{1,64})$/

const endpointPattern = /^[\w-]{16}$/

export const isInstanceName = (value: unknown): value is string =>
  typeof value === 'string' && namePattern.test(value)

export const formatHeartbeat = ({ epoch, sequence, state, site, config }: Heartbeat): string =>
  [epoch, sequence, state, site, ...(config === null ? [] : [config])].join('|')

export function parseHeartbeat(value: unknown): Heartbeat | null {
  const found = match(value, heartbeatPattern)
  if (found === null) return null
  const [, epoch, sequence, state, site = '', config = null] = found
  return {
    epoch: Number(epoch),
    sequence: Number(sequence),
    state: state as InstanceState,
    site,
    config,
  }
}

/** What a reason may not hold becomes a hyphen. */
export const formatVote = ({ state, epoch, reason }: StoredVote): string =>
  `${state}|${epoch}|${reason.replace(/[^a-z0-9-]/g, '-').slice(0, 64) || 'unknown'}`

export function parseVote(value: unknown): StoredVote | null {
  const found = match(value, votePattern)
  if (found === null) return null
  const [, state, epoch, reason = ''] = found
  return { state: state as VoteState, epoch: Number(epoch), reason }
}

const topics = { votes: '*', overrides: 'ov', feedback: 'fb' } as const

export function formatHint({ instance, about }: Hint): readonly string[] {
  const topic = typeof about === 'object' ? about.endpoint : topics[about]
  return ['i', instance, 't', topic]
}

export function parseHint(fields: unknown): Hint | null {
  if (!Array.isArray(fields) || fields.length !== 4) return null
  const [i, instance, t, topic] = fields as unknown[]
  if (i !== 'i' || t !== 't' || !isInstanceName(instance) || typeof topic !== 'string') return null
  if (topic === '*') return { instance, about: 'votes' }
  if (topic === 'ov') return { instance, about: 'overrides' }
  if (topic === 'fb') return { instance, about: 'feedback' }
  return endpointPattern.test(topic) ? { instance, about: { endpoint: topic } } : null
}

/** `MILLISECONDS-NUMBER` of a stream. */
export function parseStreamId(value: unknown): readonly [ms: number, number: number] | null {
  const found = match(value, /^(\d{1,15})-(\d{1,15})$/)
  return found && [Number(found[1]), Number(found[2])]
}

const match = (value: unknown, pattern: RegExp): RegExpExecArray | null =>
  typeof value === 'string' && value.length <= longestRecord ? pattern.exec(value) : null

// Where what lies in the store. The braces keep all keys of a namespace on one node of a cluster; the version is of
// everything below it: instances of another version do not see each other's keys, and so cannot misread them.
//
//   inst        set      instances that were heard of; a hint
//   id          string   by chance, written once: another one, or none, and the store has lost its memory
//   ep:NAME     string   boots of an instance: the fence between two processes of one name
//   hb:NAME     string   heartbeat, expires; its one writer is NAME
//   v:NAME      hash     endpoint → vote, expires; its one writer is NAME
//   ev          stream   "the vote of NAME about that endpoint changed", trimmed; a hint
//   ov          hash     overrides; whoever is told one writes it
//   fb          hash     what MTAs say of themselves; whoever is told it writes it
//   av:NAME     hash     pool → probes counted, expires; its one writer is NAME

export interface StateKeys {
  readonly instances: string
  readonly storeId: string
  readonly events: string
  readonly overrides: string
  readonly feedback: string
  epoch(instance: string): string
  heartbeat(instance: string): string
  votes(instance: string): string
  tallies(instance: string): string
}

const schemaVersion = 'v1'

export function stateKeys(namespace: string): StateKeys {
  const prefix = `mxsteer:{${namespace}}:${schemaVersion}:`
  return {
    instances: `${prefix}inst`,
    storeId: `${prefix}id`,
    events: `${prefix}ev`,
    overrides: `${prefix}ov`,
    feedback: `${prefix}fb`,
    epoch: (instance) => `${prefix}ep:${instance}`,
    heartbeat: (instance) => `${prefix}hb:${instance}`,
    votes: (instance) => `${prefix}v:${instance}`,
    tallies: (instance) => `${prefix}av:${instance}`,
  }
}

/** An endpoint as the store knows it: 16 characters of its slot key's hash. */
export const endpointId = (slotKey: string): string =>
  createHash('sha256').update(slotKey).digest('base64url').slice(0, 16)

// How instances share state, and the times that follow from how often they say that they live.
//
//   a heartbeat lasts 5 of its intervals    15 s at the default of 3 s: then others take its probes over
//   votes of the dead lie 40                a reader that comes late finds them no more than that old
//   heartbeats are read after 2/3           and hints at once
//   all votes are read after 10 (± 20 %)    whatever was missed, by then it is known
//   all of ours are written after 200
//   unanswered for 5/3                      cut off
//   a command has half of one               1.5 s
//   counts of probes are told after 20      60 s
//   configurations may differ for 40        2 minutes, after the last change of any

export interface StateSettings {
  readonly address: StoreAddress
  readonly namespace: string
  readonly heartbeatMs: number
  /** How many instances probe an endpoint. */
  readonly vantages: number
  /** For how long the votes of others count after we were cut off. */
  readonly peerHoldMs: number
}

export interface StateTimes {
  readonly heartbeatMs: number
  readonly heartbeatLifetimeMs: number
  readonly votesLifetimeMs: number
  readonly pollMs: number
  readonly snapshotMs: number
  readonly rewriteMs: number
  readonly cutOffMs: number
  readonly commandMs: number
  readonly blockMs: number
  /** Changes of this long go out together. */
  readonly batchDelayMs: number
  /** Counts of probes are written and read each such time. */
  readonly tallyMs: number
  /** Instances may say different things for as long. */
  readonly configGraceMs: number
}

export const stateTimes = (heartbeatMs: number): StateTimes => ({
  heartbeatMs,
  heartbeatLifetimeMs: 5 * heartbeatMs,
  votesLifetimeMs: 40 * heartbeatMs,
  pollMs: (heartbeatMs * 2) / 3,
  snapshotMs: 10 * heartbeatMs,
  rewriteMs: 200 * heartbeatMs,
  cutOffMs: (heartbeatMs * 5) / 3,
  commandMs: Math.max(250, heartbeatMs / 2),
  blockMs: (heartbeatMs * 2) / 3,
  batchDelayMs: Math.min(100, heartbeatMs / 15),
  tallyMs: 20 * heartbeatMs,
  configGraceMs: 40 * heartbeatMs,
})
