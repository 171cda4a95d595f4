// `records.<owner>`: a map from types to one of
//   text, or a list of text                       presentation form
//   { ttl, data }                                 the same with a TTL of its own
//   { steer, mode, ladder, ttl }                  a steered MX
//   address: { steer, answers, ttl }              steered A and AAAA

import { z } from 'zod'
import type {
  PlainSource,
  RecordSource,
  SteeredAddressSource,
  SteeredMxSource,
} from '../zone/zone-source.ts'
import { closedMap, integer, isIntegerWithin, leaf, oneOf, passOn, show, text } from './leaf.ts'

type Datum = PlainSource['data'][number]

export function recordSchema(ttl: z.ZodType<number>): z.ZodType<ReadonlyMap<string, RecordSource>> {
  const schemas = schemasWith(ttl)
  return z.unknown().transform((value, context) => {
    const records = new Map<string, RecordSource>()
    const types = isMap(value) ? Object.entries(value) : []
    if (types.length === 0) {
      const message = `expected a map from record types to records, got ${isMap(value) ? 'an empty one' : show(value)}`
      context.issues.push({
        code: 'custom',
        input: value,
        message,
        params: { fallback: { TXT: '""' } },
      })
    }
    for (const [type, record] of types) {
      const parsed = schemaFor(schemas, type, record).safeParse(record)
      if (parsed.success) records.set(type, parsed.data)
      else passOn(parsed.error.issues, [type], context)
    }
    return records
  })
}

interface Schemas {
  readonly address: z.ZodType<RecordSource>
  readonly mx: z.ZodType<RecordSource>
  readonly long: z.ZodType<RecordSource>
  readonly short: z.ZodType<RecordSource>
}

function schemaFor(schemas: Schemas, type: string, record: unknown): z.ZodType<RecordSource> {
  if (type === 'address') return schemas.address
  if (!isMap(record)) return schemas.short
  return 'steer' in record ? schemas.mx : schemas.long
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const answersLimit = 16

function schemasWith(ttl: z.ZodType<number>): Schemas {
  const steer = text('a name of a steering', /^.+$/, 'name')
  const address: z.ZodType<SteeredAddressSource> = closedMap({
    steer,
    answers: leaf({
      expected: `a count from 1 to ${answersLimit}, or all`,
      fallback: 1,
      read(value) {
        if (value === 'all') return Infinity
        return isIntegerWithin(value, 1, answersLimit) ? value : null
      },
    }).default(2),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-address', ...record }))
  const mx: z.ZodType<SteeredMxSource> = closedMap({
    steer,
    mode: oneOf(['ladder', 'equal']).default('ladder'),
    ladder: integer('a count', 1, 16).default(4),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-mx', ...record }))
  const long: z.ZodType<PlainSource> = closedMap({
    ttl: ttl.optional(),
    data: dataSchema(['data']),
  }).transform((record) => ({ kind: 'plain', ...record }))
  const short: z.ZodType<PlainSource> = dataSchema([]).transform((data) => ({
    kind: 'plain',
    data,
  }))
  return { address, mx, long, short }
}

const datum = text('a record in presentation form', /\S/, '""')

/** `at`: steps from the type to the data, which positions need. */
const dataSchema = (at: readonly string[]): z.ZodType<readonly Datum[]> =>
  z.unknown().transform((value, context): readonly Datum[] => {
    const isList = Array.isArray(value)
    const data: Datum[] = []
    for (const [i, one] of (isList ? (value as unknown[]) : [value]).entries()) {
      const parsed = datum.safeParse(one)
      if (parsed.success) data.push({ text: parsed.data.trimEnd(), at: isList ? [...at, i] : at })
      else passOn(parsed.error.issues, isList ? [i] : [], context)
    }
    if (isList && value.length === 0) {
      const message = 'expected at least one record, got an empty list'
      context.issues.push({ code: 'custom', input: value, message, params: { fallback: '""' } })
    }
    return data
  })
