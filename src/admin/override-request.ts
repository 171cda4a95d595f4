// What a POST to /overrides says → the override that is meant, or why it is none.
//
//   { "target": "mx3", "kind": "drain", "seconds": 7200, "why": "kernel update" }
//   zone, pool: where the name alone is not enough, or less than every pool is meant
//   until: a time instead of seconds; only `disable` may go without an end
//   factor | weight | share: of kind `weight`, exactly one

import type { Override, OverrideAction, OverrideWeight } from '../health/overrides.ts'
import type { Reply } from './reply.ts'
import { refuse } from './write-request.ts'

export interface OverrideRequest {
  readonly target: string
  readonly zone: string | null
  readonly pool: string | null
  readonly action: OverrideAction
  readonly why: string
  readonly by: string
  readonly untilMs: Override['untilMs']
  readonly isForced: boolean
}

export type RequestRead =
  | { readonly kind: 'request'; readonly request: OverrideRequest }
  | { readonly kind: 'refused'; readonly reply: Reply }

type Fields = Readonly<Record<string, unknown>>

/** A year and a day: what is longer belongs in the zone file. */
const longestSeconds = 366 * 86_400
const keys: readonly string[] = [
  'target',
  'zone',
  'pool',
  'kind',
  'factor',
  'weight',
  'share',
  'seconds',
  'until',
  'why',
  'by',
  'force',
]

/** Thrown within this file alone: the first thing that is wrong. */
class Refusal extends Error {
  readonly reply: Reply
  constructor(code: string, message: string) {
    super(message)
    this.reply = refuse(400, code, message)
  }
}

export function readOverrideRequest(body: unknown, wallMs: number): RequestRead {
  try {
    return { kind: 'request', request: readFields(body, wallMs) }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', reply: error.reply }
    throw error
  }
}

function readFields(body: unknown, wallMs: number): OverrideRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal('bad-field', 'the body must be a JSON object')
  const fields = body as Fields
  const unknown = Object.keys(fields).find((key) => !keys.includes(key))
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40))
    throw new Refusal('unknown-field', `unknown field ${shown}, expected ${keys.join(', ')}`)
  }
  const action = readAction(fields)
  return {
    target: text(fields, 'target', 255) ?? missing('target'),
    zone: text(fields, 'zone', 255),
    pool: text(fields, 'pool', 255),
    action,
    why: text(fields, 'why', 200) ?? '',
    by: text(fields, 'by', 100) ?? '',
    untilMs: readEnd(fields, action, wallMs),
    isForced: flag(fields, 'force'),
  }
}

function readAction(fields: Fields): OverrideAction {
  const { kind } = fields
  if (kind === 'weight') return { kind, weight: readWeight(fields) }
  const stray = ['factor', 'weight', 'share'].find((key) => fields[key] !== undefined)
  if (stray) throw new Refusal('bad-field', `${stray} goes with kind weight only`)
  if (kind === 'drain' || kind === 'disable' || kind === 'up') return { kind }
  throw new Refusal('bad-field', 'kind: expected drain, disable, up or weight')
}

function readWeight({ factor, weight, share }: Fields): OverrideWeight {
  const given = [factor, weight, share].filter((value) => value !== undefined)
  if (given.length !== 1)
    throw new Refusal('bad-field', 'kind weight: give one of factor, weight, share')
  if (isWithin(factor, 0, 100)) return { unit: 'factor', value: factor }
  if (isWithin(weight, 0, 65_535)) return { unit: 'absolute', value: weight }
  if (isWithin(share, 0, 0.99)) return { unit: 'share', value: share }
  const bounds = 'factor: 0 to 100; weight: 0 to 65535; share: 0 to 0.99'
  throw new Refusal('bad-field', `a weight out of bounds; ${bounds}`)
}

const isWithin = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most

function readEnd(
  { seconds, until }: Fields,
  { kind }: OverrideAction,
  wallMs: number,
): number | null {
  if (seconds !== undefined && until !== undefined)
    throw new Refusal('bad-field', 'give seconds or until, not both')
  if (seconds === undefined && until === undefined) {
    if (kind === 'disable') return null
    throw new Refusal('no-end', `${kind} needs an end: seconds, or until`)
  }
  const untilMs =
    typeof until === 'string'
      ? Date.parse(until)
      : typeof seconds === 'number'
        ? wallMs + seconds * 1000
        : NaN
  const isLater = untilMs > wallMs && untilMs <= wallMs + longestSeconds * 1000
  if (isLater) return Math.round(untilMs)
  const expected = 'seconds: above 0; until: a time such as 2026-12-01T08:00:00Z'
  throw new Refusal('bad-end', `${expected}; within ${longestSeconds / 86_400} days from now`)
}

function missing(key: string): never {
  throw new Refusal('bad-field', `${key} is missing`)
}

// Control, format, line and paragraph separators, unpaired surrogates: it is printed to terminals.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

function text(fields: Fields, key: string, limit: number): string | null {
  const value = fields[key]
  if (value === undefined || value === null) return null
  if (typeof value === 'string' && value.length <= limit && !unprintable.test(value)) return value
  throw new Refusal('bad-field', `${key}: expected printable text of at most ${limit} characters`)
}

function flag(fields: Fields, key: string): boolean {
  const value = fields[key] ?? false
  if (typeof value === 'boolean') return value
  throw new Refusal('bad-field', `${key}: expected true or false`)
}
