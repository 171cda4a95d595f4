// The schema of `records.<owner>`: a map from types to one of
//   text, or a list of text                       records in presentation form
//   { ttl, data }                                 the same with a TTL of its own
//   MX: { steer, mode, ladder, sticky, ttl }      a steered MX
//   SRV: { steer, port, answers, ttl }            a steered SRV
//   address: { steer, answers, sticky, ttl }      steered A and AAAA
//   spf: { pools, also, all, ttl }                an SPF record of the addresses of pools
// A record of TXT may be a list of its strings too.

import { z } from 'zod'
import { readStrings, readTxt } from '../zone/compile/texts/one-text.ts'
import { RRType, typeFromText } from '../wire/rrtype.ts'
import type {
  DatumSource,
  RecordSource,
  SlotsSource,
  SpfSource,
  SteeredAddressSource,
  SteeredMxSource,
  SteeredSrvSource,
} from '../zone/compile/zone-source.ts'
import { adviseOnPort, keyMeant } from '../lib/advice.ts'
import {
  closedMap,
  type InputForm,
  integer,
  isMap,
  leaf,
  list,
  oneOf,
  oneOrMany,
  passOn,
  scalarText,
  seconds,
  show,
  text,
  withInput,
} from './leaf.ts'
import { countOrAll } from './target-schema.ts'

/** Schemas of TTLs. */
interface TtlSchemas {
  readonly steered: z.ZodType<number>
  readonly plain: z.ZodType<number>
}

export function recordSchema(ttls: TtlSchemas): z.ZodType<ReadonlyMap<string, RecordSource>> {
  const schemas = schemasWith(ttls)
  return withInput(readRecords(schemas), inputOf(schemas))
}

const either = (...schemas: readonly z.ZodType[]): z.ZodType =>
  withInput(z.unknown(), { kind: 'either', schemas })

/** Types in any case, as `schemaFor` has them. */
function inputOf(schemas: Schemas): InputForm {
  const { address, mx, srv, spf, dataMap, dataOnly, txtMap, txtOnly } = schemas
  return {
    kind: 'map',
    value: either(dataOnly, dataMap),
    ofKey: {
      '^address$': address,
      '^[Mm][Xx]$': either(mx, dataOnly, dataMap),
      '^[Ss][Rr][Vv]$': either(srv, dataOnly, dataMap),
      '^[Ss][Pp][Ff]$': either(spf, dataOnly, dataMap),
      '^[Tt][Xx][Tt]$': either(txtOnly, txtMap),
    },
  }
}

function readRecords(schemas: Schemas): z.ZodType<ReadonlyMap<string, RecordSource>> {
  return z.unknown().transform((value, context) => {
    const records = new Map<string, RecordSource>()
    const types = isMap(value) ? value : {}
    const names = Object.keys(types)
    if (names.length === 0) {
      const message = `expected a map from record types to records such as { A: 192.0.2.1 }, got ${isMap(value) ? 'an empty one' : show(value)}`
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
        records.set(type, { kind: 'plain', data: [toDatum(record, [], isTxt(type))] })
        continue
      }
      const fields = isMap(record) ? mxFields(type, record) : null
      if (fields !== null) {
        const message = `expected text as in a master file, got a map: write ${type}: ${fields}`
        const params = { fallback: '10 mx.invalid.' }
        context.issues.push({ code: 'custom', path: [type], input: record, message, params })
        continue
      }
      const parsed = schemaFor(schemas, type, record).safeParse(record)
      if (parsed.success) records.set(type, parsed.data)
      else passOn(parsed.error.issues, [type], context)
    }
    return records
  })
}

/** An MX that is given by its fields, as APIs of DNS have it, in presentation form; null: it is none. */
function mxFields(type: string, record: Record<string, unknown>): string | null {
  const [[only, target] = ['', null], ...more] = Object.entries(record)
  if (
    /^mx$/i.test(type) &&
    more.length === 0 &&
    /^\d{1,5}$/.test(only) &&
    typeof target === 'string'
  )
    return `${only} ${target.slice(0, 255)}`
  const { preference, priority, exchange, host, ...others } = record
  const [number, name] = [preference ?? priority, exchange ?? host]
  const isMx = type.toUpperCase() === 'MX' && Object.keys(others).length === 0
  return isMx && typeof name === 'string'
    ? `${scalarText(number) || '10'} ${name.slice(0, 255)}`
    : null
}

/** The type TXT, as a key of a zone file. */
const isTxt = (type: string): boolean => type === 'TXT' || typeFromText(type) === RRType.TXT

interface Schemas {
  readonly address: z.ZodType<RecordSource>
  readonly spf: z.ZodType<RecordSource>
  readonly mx: z.ZodType<RecordSource>
  readonly srv: z.ZodType<RecordSource>
  /** The long form of a record set: a map `{ ttl, data }`. */
  readonly dataMap: z.ZodType<RecordSource>
  readonly txtMap: z.ZodType<RecordSource>
  /** Text, or a list of text. */
  readonly dataOnly: z.ZodType<RecordSource>
  readonly txtOnly: z.ZodType<RecordSource>
}

function schemaFor(schemas: Schemas, type: string, record: unknown): z.ZodType<RecordSource> {
  if (type === 'address') return schemas.address
  if (!isMap(record)) return isTxt(type) ? schemas.txtOnly : schemas.dataOnly
  // SPF is a type of its own too (RFC 4408), which nobody asks for any more.
  if (type.toLowerCase() === 'spf' && !('data' in record)) return schemas.spf
  if (!isSteered(type, record)) return isTxt(type) ? schemas.txtMap : schemas.dataMap
  // Those of A and AAAA are refused by name, and their keys are those of `address`.
  if (/^a(?:aaa)?$/i.test(type)) return schemas.address
  return type.toUpperCase() === 'SRV' ? schemas.srv : schemas.mx
}

/** Whether a map steers, or would if its key were the right one. */
const isSteered = (type: string, record: Record<string, unknown>): boolean =>
  'steer' in record ||
  (/^(?:mx|srv)$/i.test(type) && !('data' in record) && Object.keys(record).some(isLikeSteer))

const isLikeSteer = (key: string): boolean =>
  keyMeant(key, ['steer']) !== null || /^(?:pools?|ladder|sticky|mode)$/.test(key)

const maxAnswers = 16
const maxSrvAnswers = 32

/** `subnet` is the same as true: stickiness is always by the client's subnet. */
const sticky = leaf({
  expected: 'true, false or subnet',
  fallback: false,
  read: (value) => (value === 'subnet' ? true : typeof value === 'boolean' ? value : null),
  json: { enum: [true, false, 'subnet'] },
})

function schemasWith({ steered: ttl, plain }: TtlSchemas): Schemas {
  const steer = text('a name of a steering', /^.+$/, 'name')
  const address: z.ZodType<SteeredAddressSource> = closedMap(
    {
      steer,
      answers: countOrAll(maxAnswers).default(2),
      sticky: sticky.default(false),
      ttl: ttl.optional(),
    },
    '{ steer: inbound }',
  ).transform((record) => ({ kind: 'steered-address', ...record }))
  const mx: z.ZodType<SteeredMxSource> = closedMap({
    steer,
    mode: oneOf(['ladder', 'equal']).default('ladder'),
    ladder: integer('a count', 1, 16).default(4),
    sticky: sticky.default(false),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-mx', ...record }))
  const srv: z.ZodType<SteeredSrvSource> = closedMap({
    steer,
    port: integer('a port', 1, 65_535, adviseOnPort),
    answers: integer('a count', 1, maxSrvAnswers).default(16),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'steered-srv', ...record }))
  const txt = dataSchemas(plain, true)
  return {
    address,
    spf: spfSchema(plain),
    mx,
    srv,
    ...dataSchemas(plain, false),
    txtMap: txt.dataMap,
    txtOnly: txt.dataOnly,
  }
}

/** What the qualifiers of SPF are called (RFC 7208 §8). */
const spfResults: ReadonlyMap<string, SpfSource['all']> = new Map([
  ['fail', '-all'],
  ['hardfail', '-all'],
  ['reject', '-all'],
  ['softfail', '~all'],
  ['neutral', '?all'],
])

const spfSchema = (ttl: z.ZodType<number>): z.ZodType<SpfSource> =>
  closedMap({
    pools: list(text('a name of a pool', /^.+$/, 'name'), '[eu, us]')
      .min(1)
      .max(16),
    also: oneOrMany(text('a term of SPF such as include:_spf.example.com', /^\S+$/, 'mx')).default(
      [],
    ),
    all: oneOf(['-all', '~all', '?all'], spfResults),
    ttl: ttl.optional(),
  }).transform((record) => ({ kind: 'spf', ...record }))

const dataSchemas = (
  ttl: z.ZodType<number>,
  ofTxt: boolean,
): Pick<Schemas, 'dataMap' | 'dataOnly'> => ({
  dataMap: closedMap({ ttl: ttl.optional(), data: dataSchema(['data'], ofTxt) }).transform(
    (record) => ({ kind: 'plain', ...record }),
  ),
  dataOnly: dataSchema([], ofTxt).transform((data) => ({ kind: 'plain', data })),
})

const datumPattern = /\S/
const datum = text('a record as in a master file, such as 192.0.2.1 or 10 mx1', datumPattern, '""')
const isDatum = (record: string): boolean => datumPattern.test(record)

const toDatum = (given: string, at: readonly (string | number)[], ofTxt: boolean): DatumSource =>
  ofTxt ? { ...readTxt(given.trimEnd()), at } : { text: given.trimEnd(), at }

/** The strings of one TXT record. */
const strings = z.array(text('a string', /^[^]*$/, '""')).min(1)

/** Numbers are taken as they are written. */
const scalar = withInput(z.unknown(), {
  kind: 'value',
  json: { type: ['string', 'number', 'boolean'], description: 'a record as in a master file' },
})

/** `at`: path from the record type to the data. */
const dataSchema = (at: readonly string[], ofTxt: boolean): z.ZodType<readonly DatumSource[]> =>
  withInput(readData(at, ofTxt), {
    kind: 'one-or-many',
    item: ofTxt ? either(scalar, strings) : scalar,
  })

const readData = (at: readonly string[], ofTxt: boolean): z.ZodType<readonly DatumSource[]> =>
  z.unknown().transform((value, context): readonly DatumSource[] => {
    const isList = Array.isArray(value)
    const data: DatumSource[] = []
    for (const [i, item] of (isList ? (value as unknown[]) : [value]).entries()) {
      const below = isList ? [...at, i] : at
      const isOfStrings = ofTxt && isList && Array.isArray(item)
      const parsed = isOfStrings ? strings.safeParse(item) : datum.safeParse(item)
      if (!parsed.success) passOn(parsed.error.issues, isList ? [i] : [], context)
      else if (typeof parsed.data === 'string') data.push(toDatum(parsed.data, below, ofTxt))
      else data.push({ text: readStrings(parsed.data), at: below })
    }
    if (isList && value.length === 0) {
      const message = 'expected at least one record, got an empty list'
      context.issues.push({ code: 'custom', input: value, message, params: { fallback: '""' } })
    }
    return data
  })

// `slots`: a map { steer, names, epoch, ttl }, or a list of maps.

const maxNames = 8
const daySeconds = 86_400

/** `ttl`: the schema of a steered TTL. */
export function slotsSchema(ttl: z.ZodType<number>): z.ZodType<readonly SlotsSource[]> {
  const one = closedMap(
    {
      steer: text('a name of a steering', /^.+$/, 'name'),
      names: list(text('a name such as in1', /^\S+$/, 'name'), '[in1, in2]')
        .min(1)
        .max(maxNames),
      epoch: seconds('a time', 1, daySeconds).optional(),
      ttl: ttl.optional(),
    },
    '{ steer: inbound, names: [in1, in2] }',
  )
  const read = z.unknown().transform((value, context): readonly SlotsSource[] => {
    const isList = Array.isArray(value)
    const all: SlotsSource[] = []
    if (isList && value.length > 0 && value.every((name) => typeof name === 'string')) {
      const message = `expected a map such as { steer: inbound, names: [in1, in2] }, got a list of names: they stand in names`
      context.issues.push({ code: 'custom', input: value, message, params: { fallback: [] } })
      return all
    }
    for (const [i, given] of (isList ? (value as unknown[]) : [value]).entries()) {
      const parsed = one.safeParse(given)
      const path = isList ? ['slots', i] : ['slots']
      if (parsed.success) all.push({ path, ...parsed.data })
      else passOn(parsed.error.issues, isList ? [i] : [], context)
    }
    return all
  })
  return withInput(read, { kind: 'either', schemas: [one, z.array(one)] })
}
