// What is written to the store, octet by octet, and read back strictly: what is not exactly this is null.
//
//   heartbeat   EPOCH|SEQUENCE|STATE|SITE|CONFIG   12|3456|ok|fra|pZ3_bW0bGv6q1x-d; CONFIG only where it is known
//   vote        STATE|EPOCH|REASON              D|12|connect-refused
//   hint        i NAME t ENDPOINT, `*` for many, `ov` or `fb`
//
// Whoever can write to the store can write anything: nothing read here is longer, larger or other than it may be.

import type { VoteState } from '../../health/consensus.ts'

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
