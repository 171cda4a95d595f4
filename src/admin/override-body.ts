// The bodies of POST and PATCH of /overrides.
//
//   { "target": "mx3", "kind": "drain", "seconds": 7200, "why": "kernel update" }
//   zone                      where several zones have the target
//   pool                      only this pool of the target; all its pools by default
//   seconds | until           when it ends: one of them, or neither for kind `disable`
//   factor | weight | share   exactly one for kind `weight`, none for other kinds

import { z } from 'zod'

import type { Override, OverrideAction } from '../health/overrides.ts'
import { badBody, bodyObject, type BodyRead, readBody } from './body.ts'

export interface OverrideRequest {
  readonly target: string
  /** null: the zone is to be found by the target. */
  readonly zone: string | null
  /** null: every pool of the target. */
  readonly pool: string | null
  readonly action: OverrideAction
  readonly why: string
  readonly by: string
  /** On the wall clock; null: until it is undone. */
  readonly untilMs: Override['untilMs']
  /** Set it even if that leaves a pool without an eligible target. */
  readonly isForced: boolean
}

/** A year and a day; what lasts longer belongs in the zone file. */
const longestSeconds = 366 * 86_400

// No control and format characters, line and paragraph separators or unpaired surrogates: texts are
// printed on terminals.
const printable = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u

function text(field: string, limit: number): z.ZodType<string | null | undefined> {
  const message = `${field}: expected printable text of at most ${limit} characters`
  return z.string(message).max(limit, message).regex(printable, message).nullish()
}

/**
 * NaN stands for any other value: `readAction` reports it, once it is known that the field applies.
 */
const weightUpTo = (most: number): z.ZodType<number | undefined> =>
  z.number().min(0).max(most).optional().catch(NaN)

const schema = bodyObject({
  target: text('target', 255),
  zone: text('zone', 255),
  pool: text('pool', 255),
  kind: z.enum(['drain', 'disable', 'up', 'weight'], 'kind: expected drain, disable, up or weight'),
  factor: weightUpTo(100),
  weight: weightUpTo(65_535),
  share: weightUpTo(0.99),
  // NaN and '' stand for any other value; `readEnd` reports them as an end that is out of bounds.
  seconds: z.number().optional().catch(NaN),
  until: z.string().optional().catch(''),
  why: text('why', 200),
  by: text('by', 100),
  force: z.boolean('force: expected true or false').nullish(),
})

type Fields = z.output<typeof schema>

/** `wallMs`: now. Refusals: 400 `unknown-field`, `bad-field`, `no-end` or `bad-end`. */
export function readOverride(body: unknown, wallMs: number): BodyRead<OverrideRequest> {
  const read = readBody(schema, body)
  if (read.kind === 'refused') return read
  const { target, zone = null, pool = null, why, by, force } = read.value
  if (typeof target !== 'string') return badBody('bad-field', 'target is missing')
  const action = readAction(read.value)
  if (action.kind === 'refused') return action
  const end = readEnd(read.value, wallMs)
  if (end.kind === 'refused') return end
  const scope = { target, zone, pool }
  const value = { ...scope, action: action.value, why: why ?? '', by: by ?? '' }
  return { kind: 'valid', value: { ...value, untilMs: end.value, isForced: force ?? false } }
}

/** What PATCH /overrides/ID gives an override. */
interface OverrideChange {
  readonly untilMs: Override['untilMs']
  readonly why: string
  readonly by: string
}

const changeSchema = bodyObject({
  seconds: z.number().optional().catch(NaN),
  until: z.string().optional().catch(''),
  why: text('why', 200),
  by: text('by', 100),
})

/** The body of PATCH: what it leaves out stays. Refusals: 400 `unknown-field`, `bad-field` or `bad-end`. */
export function readChange(
  body: unknown,
  { action, untilMs, why }: Override,
  wallMs: number,
): BodyRead<OverrideChange> {
  const read = readBody(changeSchema, body)
  if (read.kind === 'refused') return read
  const { seconds, until, why: newWhy, by } = read.value
  const hasEnd = seconds !== undefined || until !== undefined
  if (!hasEnd && typeof newWhy !== 'string')
    return badBody('bad-field', 'nothing to change: give seconds or until, or why')
  const end: BodyRead<number | null> = hasEnd
    ? readEnd({ kind: action.kind, seconds, until }, wallMs)
    : { kind: 'valid', value: untilMs }
  if (end.kind === 'refused') return end
  return { kind: 'valid', value: { untilMs: end.value, why: newWhy ?? why, by: by ?? '' } }
}

function readAction({ kind, factor, weight, share }: Fields): BodyRead<OverrideAction> {
  const weights = [
    { field: 'factor', unit: 'factor', value: factor },
    { field: 'weight', unit: 'absolute', value: weight },
    { field: 'share', unit: 'share', value: share },
  ] as const
  const [first, second] = weights.filter(({ value }) => value !== undefined)
  if (kind !== 'weight')
    return first
      ? badBody('bad-field', `${first.field} goes with kind weight only`)
      : { kind: 'valid', value: { kind } }
  if (first?.value === undefined || second)
    return badBody('bad-field', 'kind weight: give one of factor, weight, share')
  const { unit, value } = first
  if (!Number.isNaN(value)) return { kind: 'valid', value: { kind, weight: { unit, value } } }
  const bounds = 'factor: 0 to 100; weight: 0 to 65535; share: 0 to 0.99'
  return badBody('bad-field', `a weight out of bounds; ${bounds}`)
}

/** The end on the wall clock, in whole milliseconds; null: none, which only `disable` may have. */
function readEnd(
  { kind, seconds, until }: Pick<Fields, 'kind' | 'seconds' | 'until'>,
  wallMs: number,
): BodyRead<number | null> {
  if (seconds !== undefined && until !== undefined)
    return badBody('bad-field', 'give seconds or until, not both')
  if (seconds === undefined && until === undefined)
    return kind === 'disable'
      ? { kind: 'valid', value: null }
      : badBody('no-end', `${kind} needs an end: seconds, or until`)
  const untilMs = until === undefined ? wallMs + (seconds ?? NaN) * 1000 : Date.parse(until)
  const isWithin = untilMs > wallMs && untilMs <= wallMs + longestSeconds * 1000
  if (isWithin) return { kind: 'valid', value: Math.round(untilMs) }
  const expected = 'seconds: above 0; until: a time such as 2026-12-01T08:00:00Z'
  return badBody('bad-end', `${expected}; within ${longestSeconds / 86_400} days from now`)
}
