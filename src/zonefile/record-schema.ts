// The schema of `records.<owner>`: a map from types to one of
//   text, or a list of text                       records in presentation form
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

/** The data of one record in presentation form, with its path below the record type. */
type Datum = PlainSource['data'][number]

/** Schemas of TTLs. */
interface TtlSchemas {
  readonly steered: z.ZodType<number>
  readonly plain: z.ZodType<number>
}

export function recordSchema(ttls: TtlSchemas): z.ZodType<ReadonlyMap<string, RecordSource>> {
  const schemas = schemasWith(ttls)
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
      // Most records are one text: the common case without running a schema.
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
  /** The long form of a record set: a map `{ ttl, data }`. */
  readonly dataMap: z.ZodType<RecordSource>
  /** Text, or a list of text. */
  readonly dataOnly: z.ZodType<RecordSource>
}

function schemaFor(schemas: Schemas, type: string, record: unknown): z.ZodType<RecordSource> {
  if (type === 'address') return schemas.address
  if (!isMap(record)) return schemas.dataOnly
  if (!('steer' in record)) return schemas.dataMap
  return type.toUpperCase() === 'SRV' ? schemas.srv : schemas.mx
}

const maxAnswers = 16
const maxSrvAnswers = 32

/** `subnet` is the same as true: stickiness is always by the client's subnet. */
const sticky = leaf({
  expected: 'true, false or subnet',
  fallback: false,
  read: (value) => (value === 'subnet' ? true : typeof value === 'boolean' ? value : null),
})

function schemasWith({ steered: ttl, plain }: TtlSchemas): Schemas {
  const steer = text('a name of a steering', /^.+$/, 'name')
  const address: z.ZodType<SteeredAddressSource> = closedMap({
    steer,
    answers: countOrAll(maxAnswers).default(2),
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
    answers: integer('a count', 1, maxSrvAnswers).default(16),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-srv', ...record }))
  const dataMap: z.ZodType<PlainSource> = closedMap({
    ttl: plain.optional(),
    data: dataSchema(['data']),
  }).transform((record) => ({ kind: 'plain', ...record }))
  const dataOnly: z.ZodType<PlainSource> = dataSchema([]).transform((data) => ({
    kind: 'plain',
    data,
  }))
  return { address, mx, srv, dataMap, dataOnly }
}

const datumPattern = /\S/
const datum = text('a record in presentation form', datumPattern, '""')
const isDatum = (record: string): boolean => datumPattern.test(record)

/** `at`: path from the record type to the data. */
const dataSchema = (at: readonly string[]): z.ZodType<readonly Datum[]> =>
  z.unknown().transform((value, context): readonly Datum[] => {
    const isList = Array.isArray(value)
    const data: Datum[] = []
    for (const [i, item] of (isList ? (value as unknown[]) : [value]).entries()) {
      const parsed = datum.safeParse(item)
      if (parsed.success) data.push({ text: parsed.data.trimEnd(), at: isList ? [...at, i] : at })
      else passOn(parsed.error.issues, isList ? [i] : [], context)
    }
    if (isList && value.length === 0) {
      const message = 'expected at least one record, got an empty list'
      context.issues.push({ code: 'custom', input: value, message, params: { fallback: '""' } })
    }
    return data
  })
