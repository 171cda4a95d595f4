// Handlers of PUT and DELETE of /targets/NAME/load: an MTA reports its own load for a limited time.
//
//   {"load": 0.8, "for": "2m"}   on the MTA's own scale, between `low` (0.7) and `high` (1)
//   {"share": 0.5, "for": "2m"}  of its weight; 0: no new mail
//   zone                         where several zones have the target
//
// The reports of the load token and of the admin token are kept apart; each withdraws its own
// alone.

import { z } from 'zod'

import type { FeedbackReport, FeedbackWriter } from '../health/feedback.ts'
import type { FeedbackRegistry, NamedTarget } from '../weights/feedback-registry.ts'
import type { Caller } from './access.ts'
import { badBody, bodyObject, type BodyRead, readBody } from './body.ts'
import { findTarget } from './find-target.ts'
import { json, refuse, type Reply } from './reply.ts'
import type { AdminRequest } from './route.ts'

export interface FeedbackAccess {
  readonly registry: FeedbackRegistry
  readonly targets: () => readonly NamedTarget[]
}

/** Takes the report of the body: 200 with the factor that it comes to and its end, or a refusal. */
export function reportLoad(
  { registry, targets }: FeedbackAccess,
  { name, body, caller }: AdminRequest,
): Reply {
  const read = readLoad(body)
  if (read.kind === 'refused') return read.reply
  const lookup = findTarget(targets(), name, read.value.zone)
  if (lookup.kind === 'refused') return lookup.reply
  const { zone, target } = lookup.target
  const writer = writerOf(caller)
  const { factor, untilMs } = registry.report(
    lookup.target,
    writer,
    read.value.report,
    read.value.forMs,
  )
  return json({ zone, target, writer, factor, until: new Date(untilMs).toISOString() })
}

/** Withdraws what the caller's token has reported; 404 `no-such-load` if that is nothing. */
export function withdrawLoad(
  { registry, targets }: FeedbackAccess,
  { name, parameters, caller }: AdminRequest,
): Reply {
  const lookup = findTarget(targets(), name, parameters.get('zone'))
  if (lookup.kind === 'refused') return lookup.reply
  if (registry.withdraw(lookup.target, writerOf(caller))) return json({ withdrawn: true })
  const message = `${lookup.target.target} has no load that this token has told`
  return refuse(404, 'no-such-load', message)
}

const writerOf = (caller: Caller): FeedbackWriter =>
  caller === 'load-token' ? 'load-token' : 'admin'

interface LoadRequest {
  readonly report: FeedbackReport
  /** null: the zone is to be found by the target. */
  readonly zone: string | null
  readonly forMs: number
}

const defaults = { low: 0.7, high: 1 }
const longestMs = 86_400_000

const reportExpected =
  'give load (0 and up, low below high), or share (0 to 1) without low and high'

const amountUpTo = (most: number): z.ZodType<number | undefined> =>
  z.number(reportExpected).min(0, reportExpected).max(most, reportExpected).optional()

const schema = bodyObject({
  load: amountUpTo(1e12),
  share: amountUpTo(1),
  low: amountUpTo(1e12).nullable(),
  high: amountUpTo(1e12).nullable(),
  // '' stands for any other type, and is refused as no time.
  for: z.union([z.string(), z.number()]).catch(''),
  zone: z.string('zone: expected a name').nullish(),
})

/** Refusals: 400 `unknown-field`, `bad-field` or `no-end`. */
function readLoad(body: unknown): BodyRead<LoadRequest> {
  const read = readBody(schema, body)
  if (read.kind === 'refused') return read
  const { for: duration, zone = null } = read.value
  const forMs = durationMs(String(duration))
  if (forMs === null || forMs < 1000 || forMs > longestMs)
    return badBody('no-end', 'for: expected a time of 1s to 1d, such as "2m" or 120')
  const report = reportOf(read.value)
  if (report === null) return badBody('bad-field', reportExpected)
  return { kind: 'valid', value: { report, zone, forMs } }
}

/**
 * null: load and share are both missing or both there, or the fields that go with them do not fit.
 */
function reportOf({ load, share, low, high }: z.output<typeof schema>): FeedbackReport | null {
  if (load === undefined) {
    const isShare = share !== undefined && low === undefined && high === undefined
    return isShare ? { kind: 'share', share } : null
  }
  const marks = { low: low ?? defaults.low, high: high ?? defaults.high }
  return share === undefined && marks.low < marks.high ? { kind: 'load', load, ...marks } : null
}

const unitsMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `2m`, `90s`; a number alone is seconds. null: neither. */
function durationMs(duration: string): number | null {
  const [, digits, unit = 's'] = /^(\d{1,6})(s|m|h|d)?$/.exec(duration) ?? []
  return digits === undefined ? null : Number(digits) * (unitsMs[unit] ?? NaN)
}
