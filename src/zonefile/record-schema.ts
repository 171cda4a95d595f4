// `records.<owner>`: a map from types to one of
//   text, or a list of text                       presentation form
//   { ttl, data }                                 the same with a TTL of its own
//   MX: { steer, mode, ladder, sticky, ttl }      a steered MX
//   SRV: { steer, port, answers, ttl }            a steered SRV
//   address: { steer, answers, sticky, ttl }      steered A and AAAA

import { z } from 'zod'
import type {
  PlainSource,
  RecordSource,
  SteeredAddressSource,
  SteeredMxSource,
  SteeredSrvSource,
} from '../zone/compile/zone-source.ts'
import { closedMap, integer, isMap, leaf, oneOf, passOn, show, text } from './leaf.ts'
import { countOrAll } from './target-schema.ts'

type Datum = PlainSource['data'][number]

export function recordSchema(ttl: z.ZodType<number>): z.ZodType<ReadonlyMap<string, RecordSource>> {
  const schemas = schemasWith(ttl)
  return z.unknown().transform((value, context) => {
    const records = new Map<string, RecordSource>()
    const types = isMap(value) ? value : {}
    const names = Object.keys(types)
    if (names.length === 0) {
      const message = `expected a map from record types to records, got ${isMap(value) ? 'an empty one' : show(value)}`
      context.issues.push({
        code: 'custom',
        input: value,
        message,
        params: { fallback: { TXT: '""' } },
      })
    }
    for (const type of names) {
      const record = types[type]
      // Most are one text, which is right as it is, or goes the way of the others.
      if (typeof record === 'string' && type !== 'address' && isDatum(record)) {
        records.set(type, { kind: 'plain', data: [{ text: record.trimEnd(), at: [] }] })
        continue
      }
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
  readonly srv: z.ZodType<RecordSource>
  readonly long: z.ZodType<RecordSource>
  readonly short: z.ZodType<RecordSource>
}

function schemaFor(schemas: Schemas, type: string, record: unknown): z.ZodType<RecordSource> {
  if (type === 'address') return schemas.address
  if (!isMap(record)) return schemas.short
  if (!('steer' in record)) return schemas.long
  return type.toUpperCase() === 'SRV' ? schemas.srv : schemas.mx
}

const answersLimit = 16
const srvLimit = 32

/** By the client's subnet: the one thing that there is to stick to. */
const sticky = leaf({
  expected: 'true, false or subnet',
  fallback: false,
  read: (value) => (value === 'subnet' ? true : typeof value === 'boolean' ? value : null),
})

function schemasWith(ttl: z.ZodType<number>): Schemas {
  const steer = text('a name of a steering', /^.+$/, 'name')
  const address: z.ZodType<SteeredAddressSource> = closedMap({
    steer,
    answers: countOrAll(answersLimit).default(2),
    sticky: sticky.default(false),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-address', ...record }))
  const mx: z.ZodType<SteeredMxSource> = closedMap({
    steer,
    mode: oneOf(['ladder', 'equal']).default('ladder'),
    ladder: integer('a count', 1, 16).default(4),
    sticky: sticky.default(false),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-mx', ...record }))
  const srv: z.ZodType<SteeredSrvSource> = closedMap({
    steer,
    port: integer('a port', 1, 65_535),
    answers: integer('a count', 1, srvLimit).default(16),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-srv', ...record }))
  const long: z.ZodType<PlainSource> = closedMap({
    ttl: ttl.optional(),
    data: dataSchema(['data']),
  }).transform((record) => ({ kind: 'plain', ...record }))
  const short: z.ZodType<PlainSource> = dataSchema([]).transform((data) => ({
    kind: 'plain',
    data,
  }))
  return { address, mx, srv, long, short }
}

const datumPattern = /\S/
const datum = text('a record in presentation form', datumPattern, '""')
const isDatum = (record: string): boolean => datumPattern.test(record)

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
