// `targets.<name>`: an MTA with its addresses, where it stands, and how its weight comes to it.

import { type WarmUp, warmUpCurves } from '../health/warm-up.ts'
import { z } from 'zod'
import type { TargetSource } from '../zone/compile/zone-source.ts'
import { agentSchema } from './agent-schema.ts'
import {
  closedMap,
  integer,
  isIntegerWithin,
  leaf,
  namedMap,
  oneOf,
  oneOrMany,
  text,
} from './leaf.ts'

const address = text('an IPv4 or IPv6 address', /^.*$/, '192.0.2.1')
export const weight: z.ZodType<number> = integer('a weight', 0, 65_535)

const addressesLimit = 16

/** A count, or `all`. */
export const countOrAll = (limit: number): z.ZodType<number> =>
  leaf({
    expected: `a count from 1 to ${limit}, or all`,
    fallback: 1,
    read(value) {
      if (value === 'all') return Infinity
      return isIntegerWithin(value, 1, limit) ? value : null
    },
  })

/** Whether it is given that this is wanted. */
export const flag: z.ZodType<boolean> = leaf({
  expected: 'true or false',
  fallback: false,
  read: (value) => (typeof value === 'boolean' ? value : null),
})

/** A day of the calendar: midnight UTC in milliseconds since the epoch. */
const day = leaf({
  expected: 'a date such as 2026-12-01',
  fallback: '2026-12-01',
  read(value) {
    if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return null
    const ms = Date.parse(`${value}T00:00:00Z`)
    // 2026-02-30 is no day, though some parsers make one of it.
    return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== value ? null : ms
  },
})

const firstShare = leaf({
  expected: 'a share above 0 and at most 1',
  fallback: 0.01,
  read: (value) => (typeof value === 'number' && value > 0 && value <= 1 ? value : null),
})

const warmUpSchema: z.ZodType<WarmUp> = closedMap({
  from: day,
  days: integer('a number of days', 1, 365),
  curve: oneOf(warmUpCurves).default('exponential'),
  start: firstShare.default(0.01),
}).transform(({ from, ...rest }) => ({ fromMs: from, ...rest }))

const label = (what: string): z.ZodType<string> => text(what, /^[\w.-]{1,63}$/, 'region')

export const targetSchema: z.ZodType<TargetSource> = closedMap({
  addresses: z.array(address),
  region: label('a name of a region').optional(),
  rack: label('a name of a rack').optional(),
  weight: weight.optional(),
  answers: countOrAll(addressesLimit).optional(),
  warmup: warmUpSchema.optional(),
  tlsa: oneOrMany(text('a TLSA record such as 3 1 1 and a digest', /\S/, '3 1 1 00')).optional(),
  probe_at: namedMap(text('ADDRESS or ADDRESS:PORT', /^\S+$/, '192.0.2.1')).default(new Map()),
  agent: agentSchema.optional(),
}).transform(({ probe_at, ...target }) => ({ ...target, probeAt: probe_at }))
