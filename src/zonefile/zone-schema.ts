// The schema of a zone file. Checks of several values together are in zone/compile/compile.ts.
// Keys, defaults and bounds are documented in docs/zone-reference.md.

import { z } from 'zod'
import type { DocumentPath } from '../zone/compile/problem.ts'
import type {
  DnssecSource,
  MtaStsSource,
  OnAllDownSource,
  PoolSource,
  RuleSource,
  SoaSource,
  ZoneSource,
} from '../zone/compile/zone-source.ts'
import { defaultDnskeyTtlSeconds } from '../zone/zone.ts'
import {
  closedMap,
  integer,
  isMap,
  leaf,
  list,
  namedMap,
  oneOf,
  oneOrMany,
  passOn,
  scalarText,
  seconds,
  share,
  text,
  trueOrFalse,
  withInput,
} from './leaf.ts'
import { bareName } from '../lib/bare-name.ts'
import { continents, isCountry, suggestContinent, suggestCountry } from '../lib/countries.ts'
import { readFileName } from '../masterfile/file-name.ts'
import { longestMaxAgeSeconds, mtaStsModes } from '../zone/mta-sts/policy.ts'
import { isHostName } from '../zone/compile/names.ts'
import { day, identitySchema, probeSchema, targetSchema, weight } from './target-schema.ts'
import { recordSchema, slotsSchema } from './record-schema.ts'

/** A week: the cap that RFC 8767 §4 suggests to resolvers. */
const maxTtlSeconds = 604_800
const maxUint32 = 0xffff_ffff
const defaultTtlSeconds = 60

type Bounds = readonly [least: number, most: number]

/** Seconds: the least and the most of the `ttl` of a zone. */
export const zoneTtlBounds: Bounds = [1, maxTtlSeconds]

/** RFC 2181 §8. The compiler warns of unusual ones. */
const plainTtl: z.ZodType<number> = seconds('a TTL', 0, 2 ** 31 - 1)
const ttl: z.ZodType<number> = seconds('a TTL', ...zoneTtlBounds)
const dnsName = text('a name such as ns1, or ns1.example.com.', /^\S+$/, 'name')
const reference = text('a name', /^.+$/, 'name')
const networks = oneOrMany(text('a network such as 192.0.2.0/24', /^\S+$/, '192.0.2.0/24'))

/** Seconds: the least and the most that the SOA may have. */
export const soaBounds: Readonly<Record<'refresh' | 'retry' | 'expire' | 'minimum', Bounds>> = {
  refresh: [1, 2_419_200],
  retry: [1, 2_419_200],
  expire: [1, 31_536_000],
  minimum: [0, maxTtlSeconds],
}

const serial = integer('a serial', 0, maxUint32, (value) => {
  const digits = scalarText(value).replace(/[-. ]/g, '')
  if (/^\d{8}$/.test(digits))
    return `write ${digits}00, the day and two digits of that day's change`
  return /^\d{11,}$/.test(digits) ? 'write ten digits such as 2026113001' : null
})

const soaSchema: z.ZodType<SoaSource> = closedMap(
  {
    mname: dnsName,
    rname: dnsName,
    serial: serial.optional(),
    serial_after: serial.optional(),
    refresh: seconds('a time', ...soaBounds.refresh).default(3600),
    retry: seconds('a time', ...soaBounds.retry).default(600),
    expire: seconds('a time', ...soaBounds.expire).optional(),
    minimum: seconds('a TTL', ...soaBounds.minimum).optional(),
  },
  '{ mname: ns1, rname: hostmaster.example.com. }',
)

const member = text('the name of a target', /^.+$/, 'name', (value) =>
  isMap(value) ? 'weights stand in a map, { mx1: 3, mx2: 1 }' : null,
)

/** `{ mx1: 2, mx2: 1 }`, or `[mx1, mx2]`: then each member has the weight of its target. */
const readMembers: z.ZodType<PoolSource['members']> = z.unknown().transform((value, context) => {
  if (Array.isArray(value) && value.length > 0 && value.every(isMap)) {
    const message = `expected a map such as { mx1: 3, mx2: 1 }, or a list, [mx1, mx2], got a list of maps: write { ${weightsIn(value)} }`
    context.issues.push({ code: 'custom', input: value, message, params: { fallback: {} } })
    return z.NEVER
  }
  const schema = Array.isArray(value)
    ? z.array(member)
    : z.record(z.string(), weight, { error: () => '{ mx1: 3, mx2: 1 }, or a list, [mx1, mx2]' })
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    passOn(parsed.error.issues, [], context)
    return z.NEVER
  }
  if (Array.isArray(parsed.data)) {
    return parsed.data.map((target, step) => ({ target, weight: null, step }))
  }
  return Object.entries(parsed.data).map(([target, weight]) => ({ target, weight, step: target }))
})

/** `mx1: 3, mx2: 1`, of maps in the order of a list. */
const weightsIn = (maps: readonly Record<string, unknown>[]): string =>
  maps
    .flatMap((map) => Object.entries(map))
    .slice(0, 4)
    .map(([target, given]) => `${target.slice(0, 63)}: ${scalarText(given) || '1'}`)
    .join(', ')

const membersSchema = withInput(readMembers, {
  kind: 'either',
  schemas: [z.array(reference), namedMap(weight)],
})

const wholeOrPart = share(
  'a share from 0 to 1, such as 0.5 or 50%',
  0,
  (value) => value >= 0 && value <= 1,
)

/** Below 1, which would leave no error budget. */
const availability = share(
  'a share such as 99.95%, or 0.9995, below the whole',
  0.999,
  (value) => value >= 0 && value < 1,
  { minimum: 0, exclusiveMaximum: 1 },
)

const poolSchema: z.ZodType<PoolSource> = closedMap(
  {
    probe: reference.optional(),
    targets: membersSchema,
    panic: wholeOrPart.default(0),
    min_healthy: wholeOrPart.optional(),
    spill: oneOf(['all', 'proportional']).default('all'),
    spread: trueOrFalse.default(true),
    availability_target: availability.optional(),
    identity: identitySchema.optional(),
  },
  '{ probe: smtp, targets: [mx1, mx2] }',
).transform(({ targets, min_healthy, availability_target, ...pool }) => ({
  ...pool,
  availabilityTarget: availability_target,
  // Without `min_healthy`: proportional spill compensates all missing weight; otherwise only an
  // empty pool spills.
  minHealthy: min_healthy ?? (pool.spill === 'proportional' ? 1 : 0),
  members: targets,
}))

const continent = leaf({
  expected: `a continent (${[...continents.keys()].join(', ')})`,
  json: { enum: [...continents.keys()].flatMap((code) => [code, code.toLowerCase()]) },
  fallback: 'EU',
  suggest: (value) => suggestContinent(scalarText(value)),
  read(value) {
    const code = scalarText(value).toUpperCase()
    return continents.has(code) ? code : null
  },
})

const country = leaf({
  expected: 'a country code of two letters (ISO 3166-1)',
  fallback: 'DE',
  suggest(value) {
    const codes = scalarText(value).split(/\s*,\s*/)
    return codes.length > 1 && codes.every((code) => isCountry(code.toUpperCase()))
      ? `write [${codes.join(', ')}]`
      : suggestCountry(scalarText(value))
  },
  read(value) {
    const code = scalarText(value).toUpperCase()
    return isCountry(code) ? code : null
  },
  json: { type: 'string', pattern: '^[A-Za-z]{2}$' },
})

const asn = leaf({
  expected: 'a number of an autonomous system from 1 to 4294967295, such as 3320 or AS3320',
  fallback: 64_512,
  suggest(value) {
    const number = /^ASN?[\s:-]*(\d{1,10})$/i.exec(scalarText(value))?.[1]
    return number === undefined ? null : `write AS${number}`
  },
  read(value) {
    const number =
      typeof value === 'string' ? Number(/^AS(\d{1,10})$/i.exec(value)?.[1] ?? NaN) : value
    return typeof number === 'number' &&
      Number.isInteger(number) &&
      number > 0 &&
      number <= maxUint32
      ? number
      : null
  },
})

const conditionsSchema = closedMap(
  {
    network: networks.optional(),
    continent: oneOrMany(continent).optional(),
    country: oneOrMany(country).optional(),
    asn: oneOrMany(asn).optional(),
  },
  '{ continent: EU }',
)

const rulesSchema: z.ZodType<readonly RuleSource[]> = list(
  closedMap(
    {
      when: conditionsSchema.optional(),
      pools: list(reference, '[eu, us]').min(1).max(16),
    },
    '{ pools: [eu, us] }',
  ),
  '- { pools: [eu, us] }',
)

const onAllDownSchema: z.ZodType<OnAllDownSource> = leaf({
  expected: 'all, last_good, servfail or { backup: POOL }',
  fallback: 'all',
  read(value) {
    if (value === 'all' || value === 'last_good' || value === 'servfail') return { kind: value }
    if (typeof value !== 'object' || value === null) return null
    const [[key, pool] = [], ...rest] = Object.entries(value)
    return key === 'backup' && typeof pool === 'string' && rest.length === 0
      ? { kind: 'backup', pool }
      : null
  },
  json: {
    anyOf: [
      { enum: ['all', 'last_good', 'servfail'] },
      {
        type: 'object',
        properties: { backup: { type: 'string' } },
        required: ['backup'],
        additionalProperties: false,
      },
    ],
  },
  suggest(value) {
    const lower = scalarText(value).toLowerCase()
    if (/^(?:all|last_good|servfail)$/.test(lower)) return `write ${lower}`
    const pool = isMap(value) ? value['backup'] : undefined
    const [only, ...others] = Array.isArray(pool) ? (pool as unknown[]) : []
    return typeof only === 'string' && others.length === 0
      ? `write { backup: ${only.slice(0, 60)} }`
      : null
  },
  write: (value) => (value as OnAllDownSource).kind,
})

const recordsFile: z.ZodType<string> = leaf({
  expected: 'the path of a master file below the zones folder, without ".."',
  fallback: 'records.zone',
  read(value) {
    const read = typeof value === 'string' ? readFileName(value) : null
    return read?.kind === 'name' ? read.name : null
  },
})

/** Signatures are renewed when a twelfth of their validity has passed. */
const dnssecSchema: z.ZodType<DnssecSource> = closedMap(
  {
    validity: seconds('a time', 86_400, 2_592_000).default(259_200),
    dnskey_ttl: seconds('a TTL', 60, 86_400).default(defaultDnskeyTtlSeconds),
    unsign: trueOrFalse.default(false),
    foreign_keys: list(
      text('the rdata of a DNSKEY record such as "257 3 13 mdss…"', /\S/, '257 3 13 AAAA'),
      '["257 3 13 mdss…"]',
    )
      .max(16)
      .default([]),
  },
  '{}, or { validity: 3d }',
).transform(({ validity, dnskey_ttl, unsign, foreign_keys }) => ({
  validity,
  dnskeyTtl: dnskey_ttl,
  isUnsigning: unsign,
  foreignKeys: foreign_keys,
}))

const dayMs = 86_400_000

/** `*.` stands for one label, and is the first one (RFC 8461 §4.1). */
const mxPattern = leaf({
  expected: 'the name of an exchange such as mx1.example.com, or *.example.com',
  fallback: 'mx.invalid',
  read(value) {
    const name = typeof value === 'string' ? bareName(value) : ''
    return name.includes('.') && isHostName(name.replace(/^\*\./, '')) ? name : null
  },
})

const mtaStsSchema: z.ZodType<MtaStsSource> = closedMap(
  {
    domain: text('the mail domain such as example.com', /^[^\s@]+$/, 'example.com', (value) => {
      const behind = /@([^\s@]+)$/.exec(scalarText(value))?.[1]
      return behind === undefined ? null : `write ${behind}, what is behind the @`
    }),
    mode: oneOf(mtaStsModes),
    max_age: seconds('a time', 1, longestMaxAgeSeconds).default(604_800),
    mx: oneOrMany(mxPattern).optional(),
  },
  '{ domain: example.com, mode: testing }',
).transform(({ max_age, ...policy }) => ({ ...policy, maxAgeSeconds: max_age }))

function adviseOnZone(value: unknown): string | null {
  const given = scalarText(value)
  if (Array.isArray(value) || /^\S+[,\s]\s*\S+$/.test(given))
    return 'one file is one zone, give the other a file of its own'
  const above = /^\*\.([^\s*]+)$/.exec(given)?.[1]
  return above === undefined ? null : `write ${above}, and "*" as an owner in records`
}

const shape = {
  zone: text(
    'a name of a zone such as smtp.example.com',
    /^(?:[^\s${}*\\]|\\\S)(?:[^\s${}\\]|\\\S)*$/,
    'zone.invalid',
    adviseOnZone,
  ),
  ttl: ttl.default(defaultTtlSeconds),
  min_ttl: ttl.optional(),
  soa: soaSchema,
  targets: namedMap(targetSchema, 'mx1: { addresses: [192.0.2.1] }').default(new Map()),
  probes: namedMap(probeSchema, 'smtp: { level: ehlo }').default(new Map()),
  pools: namedMap(poolSchema, 'eu: { probe: smtp, targets: [mx1, mx2] }').default(new Map()),
  steering: namedMap(rulesSchema, 'inbound: [{ pools: [eu] }]').default(new Map()),
  on_all_down: onAllDownSchema.default({ kind: 'all' }),
  on_removed: oneOf(['keep', 'drop']).optional(),
  dnssec: dnssecSchema.optional(),
  internal: networks.default([]),
  slots: slotsSchema(ttl).default([]),
  mta_sts: oneOrMany(mtaStsSchema).optional(),
  force_names_until: day.optional(),
  records: namedMap(
    recordSchema({ steered: ttl, plain: plainTtl }),
    '"@": { NS: ns1, MX: { steer: inbound } }',
  ),
  records_file: recordsFile.optional(),
}

/** Where the YAML leaves it to the SOA of the master file. */
export const soaOfFile: SoaSource = {
  mname: '.',
  rname: '.',
  refresh: 3600,
  retry: 600,
}

type ZoneShape = z.infer<z.ZodObject<typeof shape>>

const toSource = ({
  min_ttl,
  on_all_down,
  on_removed,
  records_file,
  mta_sts,
  force_names_until: forced,
  ...zone
}: ZoneShape): ZoneSource => ({
  ...zone,
  mtaSts: mta_sts,
  // To the end of that day.
  forceNamesUntilMs: forced === undefined ? undefined : forced + dayMs,
  minTtl: min_ttl,
  onAllDown: on_all_down,
  onRemoved: on_removed,
  recordsFile: records_file,
})

export const zoneSchema: z.ZodType<ZoneSource> = closedMap(shape).transform(toSource)

/** Of a zone with `records_file`, whose records and SOA may all be there. */
export const zoneWithFileSchema: z.ZodType<ZoneSource> = closedMap({
  ...shape,
  soa: soaSchema.default(() => soaOfFile),
  records: shape.records.default(new Map()),
}).transform(toSource)

/** Record data is taken as written: `010` stays `010`, and `1.10` does not become 1.1. */
export const isRecordData = (path: DocumentPath): boolean =>
  path[0] === 'records' &&
  (path.length === 3 || (path.length > 3 && (typeof path[3] === 'number' || path[3] === 'data')))
