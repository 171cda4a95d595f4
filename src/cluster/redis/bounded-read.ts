// Reads of the store whose octets are bounded before anything is read: any client of the store can write values of any
// size, and a reply of 100 MiB costs memory and holds up all the others.
//
//   string   GETRANGE reads one octet more than a valid record can have
//   hash     MEMORY USAGE tells whether all of it is small enough. Where few fields are wanted, or it is larger than
//            valid records make it, HSTRLEN tells so of each field
//
// MEMORY USAGE is exact if it looks at every element, and takes what it did not look at for as large as the rest. It is
// told to look at so many that a hash with more is too large by their number alone, or else the number is asked for along
// with it. A value that is replaced between the question and the read is left to the bound that the link has for the
// octets of a reply.

import { inChunks } from '../own-votes.ts'
import type { OversizedRecords } from './oversized-records.ts'
import { type Command, listOf, type Reply } from '../link/command.ts'
import type { StoreLink } from '../link/redis-link.ts'

/** Values to be read from one hash. */
export interface FieldsRequest {
  readonly key: string
  readonly fields: readonly string[]
  /** Values with more octets are not read. */
  readonly maxOctets: number
}

export type FieldsReply =
  /** One value per field; null if the field is missing or its value is oversized. */
  | { readonly kind: 'values'; readonly values: readonly unknown[] }
  | { readonly kind: 'error'; readonly code: string }

export interface FieldsRead {
  /** One reply per request. */
  readonly replies: readonly FieldsReply[]
  /** Replies to the additional command, one per batch of values. */
  readonly additional: readonly (Reply | undefined)[]
}

/** What was read of a hash. */
export interface StoredFields {
  /** Alternating fields and values. */
  readonly fields: readonly unknown[]
  /** The fields that were asked for; null if all were read. */
  readonly asked: readonly string[] | null
}

/** What a reply has of the fields asked for. An error tells nothing about any field. */
export function storedFields(
  asked: readonly string[],
  reply: FieldsReply | undefined,
): StoredFields {
  if (reply?.kind !== 'values') return { fields: [], asked: [] }
  const found = asked.map((field, i) => [field, reply.values[i] ?? null])
  return { fields: found.filter(([, value]) => value !== null).flat(), asked }
}

/** Up to this many fields of one hash have their sizes asked one by one. */
const fewFields = 4
const fieldsPerCommand = 1000
/** Values of one command, if each is as large as it may be. */
const octetsPerCommand = 1024 * 1024
const commandsPerBatch = 16
const sizesPerBatch = 1000
/** What a hash may have beside the fields that are wanted, and what the store needs for each field. */
const spareFields = 1024
const spareOctets = 65_536
const fieldOverheadOctets = 256
/** A field takes the store at least this: Redis 40 octets, Valkey somewhat less. */
const leastFieldOctets = 24
/** Of so many elements the store tells the octets within some milliseconds. */
const elementsLookedAt = 32_768

/** The command that asks for the octets of a key; exact if the key has at most `elements` elements. */
export const usageCommand = (key: string, elements: number): Command => [
  'memory',
  'usage',
  key,
  'SAMPLES',
  elements,
]

/** The command that reads a string of at most `maxOctets` octets; see `textOf`. */
export const textCommand = (key: string, maxOctets: number): Command => [
  'getrange',
  key,
  0,
  maxOctets,
]

/** The string in a reply to `textCommand`, cut off if it is oversized; null if there is none or it is an error. */
export function textOf(reply: Reply | undefined): string | null {
  const value = reply?.kind === 'value' ? reply.value : null
  return typeof value !== 'string' || value === '' ? null : value
}

/** A count in a reply: 0 if the key is missing, infinite if it is no count, null if the reply is an error. */
export function countOf(reply: Reply | undefined): number | null {
  if (reply?.kind !== 'value') return null
  const { value } = reply
  if (value === null) return 0
  return typeof value === 'number' && value >= 0 ? value : Infinity
}

/** Notes those of the strings that have more than `maxOctets`. Resolves to false if the store did not answer. */
export async function noteOversizedStrings(
  link: StoreLink,
  oversized: OversizedRecords,
  keys: readonly string[],
  maxOctets: number,
): Promise<boolean> {
  if (keys.length === 0) return true
  const replies = await link.run(keys.map((key): Command => ['strlen', key]))
  for (const [i, key] of keys.entries()) {
    const octets = countOf(replies?.[i]) ?? 0
    if (octets > maxOctets) oversized.note({ key, field: null, octets })
  }
  return replies !== null
}

/**
 * Reads fields of several hashes. `additional` is sent along with each batch of values, after them. Resolves to null if
 * the store did not answer.
 */
export async function readFields(
  link: StoreLink,
  oversized: OversizedRecords,
  requests: readonly FieldsRequest[],
  additional?: Command,
): Promise<FieldsRead | null> {
  const measured = await measureHashes(link, requests)
  const plans = measured && (await measureFields(link, oversized, measured))
  return plans && readPlanned(link, plans, additional)
}

/** What is known of a request: an error, that all fields can be read, or which ones. */
interface Plan {
  readonly request: FieldsRequest
  readonly errorCode: string | null
  /** null while it is to be found out. */
  readonly fields: readonly string[] | null
}

async function measureHashes(
  link: StoreLink,
  requests: readonly FieldsRequest[],
): Promise<readonly Plan[] | null> {
  const plans: Plan[] = []
  for (const part of inChunks(requests, sizesPerBatch / 2)) {
    const asked = part.map((request) =>
      request.fields.length > fewFields ? sizeCommands(request) : [],
    )
    const commands = asked.flat()
    const replies = commands.length === 0 ? [] : await link.run(commands)
    if (replies === null) return null
    let at = 0
    for (const [i, request] of part.entries())
      plans.push(planOf(request, replies.slice(at, (at += asked[i]?.length ?? 0))))
  }
  return plans
}

/** What a hash has at most that is read without a look at each field. */
const smallOctets = ({ fields, maxOctets }: FieldsRequest): number =>
  spareOctets + fields.length * (maxOctets + fieldOverheadOctets)

/** The command that asks for the octets; before it, where so many elements would be too much to look at, for their number. */
function sizeCommands(request: FieldsRequest): readonly Command[] {
  const { key, fields } = request
  const elements = Math.ceil(smallOctets(request) / leastFieldOctets)
  return elements <= elementsLookedAt
    ? [usageCommand(key, elements)]
    : [['hlen', key], usageCommand(key, fields.length + spareFields)]
}

/** No reply means no question. One that is refused leaves the question to each field. */
function planOf(request: FieldsRequest, replies: readonly Reply[]): Plan {
  const octets = countOf(replies.at(-1))
  const count = replies.length > 1 ? countOf(replies[0]) : 0
  if (octets === 0) return { request, errorCode: null, fields: [] }
  const isExact = (count ?? Infinity) <= request.fields.length + spareFields
  const isSmall = isExact && (octets ?? Infinity) <= smallOctets(request)
  return { request, errorCode: null, fields: isSmall ? request.fields : null }
}

/** Asks for the size of each field of the requests whose hash is not known to be small. */
async function measureFields(
  link: StoreLink,
  oversized: OversizedRecords,
  plans: readonly Plan[],
): Promise<readonly Plan[] | null> {
  const open = plans.flatMap(({ request, fields }) =>
    fields === null ? request.fields.map((field) => ({ request, field })) : [],
  )
  const readable = new Map(open.map(({ request }) => [request, [] as string[]]))
  const errorCodes = new Map<FieldsRequest, string>()
  for (const part of inChunks(open, sizesPerBatch)) {
    const replies = await link.run(
      part.map(({ request, field }): Command => ['hstrlen', request.key, field]),
    )
    if (replies === null) return null
    for (const [i, { request, field }] of part.entries()) {
      const reply = replies[i]
      const octets = countOf(reply) ?? 0
      if (reply?.kind === 'error') errorCodes.set(request, reply.code)
      else if (octets > request.maxOctets) oversized.note({ key: request.key, field, octets })
      else if (octets > 0) readable.get(request)?.push(field)
    }
  }
  return plans.map((plan) =>
    plan.fields !== null
      ? plan
      : {
          request: plan.request,
          errorCode: errorCodes.get(plan.request) ?? null,
          fields: readable.get(plan.request) ?? [],
        },
  )
}

async function readPlanned(
  link: StoreLink,
  plans: readonly Plan[],
  additional: Command | undefined,
): Promise<FieldsRead | null> {
  const parts = plans.flatMap((plan) =>
    inChunks(plan.fields ?? [], fieldsOfCommand(plan.request)).map((fields) => ({ plan, fields })),
  )
  const values = new Map(plans.map((plan) => [plan, [] as unknown[]]))
  const errorCodes = new Map<Plan, string>()
  const extra: (Reply | undefined)[] = []
  // The additional command is sent even if there is nothing to be read.
  const batches = parts.length === 0 && additional ? [[]] : inChunks(parts, commandsPerBatch)
  for (const batch of batches) {
    const commands = batch.map(({ plan, fields }): Command => [
      'hmget',
      plan.request.key,
      ...fields,
    ])
    const replies = await link.run(additional ? [...commands, additional] : commands)
    if (replies === null) return null
    if (additional) extra.push(replies[batch.length])
    for (const [i, { plan, fields }] of batch.entries()) {
      const reply = replies[i]
      if (reply?.kind === 'error') errorCodes.set(plan, reply.code)
      const found = listOf(reply)
      for (let at = 0; at < fields.length; at++) values.get(plan)?.push(found[at] ?? null)
    }
  }
  const replies = plans.map((plan): FieldsReply => {
    const code = plan.errorCode ?? errorCodes.get(plan)
    return code === undefined ? valuesOf(plan, values.get(plan) ?? []) : { kind: 'error', code }
  })
  return { replies, additional: extra }
}

/** `found` are the values of the fields that were read, which may be fewer than those wanted. */
function valuesOf({ request, fields }: Plan, found: readonly unknown[]): FieldsReply {
  if (fields === request.fields) return { kind: 'values', values: found }
  const byField = new Map(fields?.map((field, i) => [field, found[i]]))
  return { kind: 'values', values: request.fields.map((field) => byField.get(field) ?? null) }
}

const fieldsOfCommand = ({ maxOctets }: FieldsRequest): number =>
  Math.max(1, Math.min(fieldsPerCommand, Math.floor(octetsPerCommand / maxOctets)))
