// The schemas of `targets.<name>`, of a pool's `identity:` and of `probes.<name>`. Keys, defaults
// and bounds are documented in docs/zone-reference.md. Checks of several values together are in
// zone/compile/compile-pools.ts and check-probes.ts.

import { z } from 'zod'
import { type WarmUp, warmUpCurves } from '../health/effective-weight.ts'
import { tlsVersions } from '../health/tls-report.ts'
import { adviseOnPort } from '../lib/advice.ts'
import { bareName } from '../lib/bare-name.ts'
import { formatAddress, parseAddress } from '../lib/ip.ts'
import { probeLevels, proxyVersions, roundLevels } from '../probe/smtp/profile.ts'
import { isHostName } from '../zone/compile/names.ts'
import type {
  AgentSource,
  IdentitySource,
  ProbeSource,
  TargetSource,
} from '../zone/compile/zone-source.ts'
import {
  closedMap,
  durationMs,
  integer,
  list,
  isIntegerWithin,
  isMap,
  leaf,
  namedMap,
  oneOf,
  oneOrMany,
  share,
  passOn,
  scalarText,
  text,
  trueOrFalse,
} from './leaf.ts'

const address = text('an IPv4 or IPv6 address', /^.*$/, '192.0.2.1')

export const weight: z.ZodType<number> = leaf({
  expected: 'a weight from 0 to 65535, a whole number such as 3',
  fallback: 1,
  read: (value) => (isIntegerWithin(value, 0, 65_535) ? value : null),
  suggest(value) {
    const inMap = isMap(value) ? value['weight'] : undefined
    if (isIntegerWithin(inMap, 0, 65_535)) return `write ${inMap} alone`
    if (typeof value === 'number' && !Number.isInteger(value))
      return 'weights are whole numbers, so make all of the pool larger, such as 5 and 10 for 0.5 and 1'
    return typeof value === 'string' && /^\d+(?:\.\d+)? ?%$/.test(value)
      ? 'weights are no percentages: 3 and 1 are 75% and 25% of their pool'
      : null
  },
  json: { type: 'integer', minimum: 0, maximum: 65_535 },
})

const maxAddresses = 16

/** A count, or `all`: then Infinity. */
export const countOrAll = (limit: number): z.ZodType<number> =>
  leaf({
    expected: `a count from 1 to ${limit}, or all`,
    fallback: 1,
    read(value) {
      if (value === 'all') return Infinity
      return isIntegerWithin(value, 1, limit) ? value : null
    },
    json: { anyOf: [{ type: 'integer', minimum: 1, maximum: limit }, { const: 'all' }] },
    write: (value) => (value === Infinity ? 'all' : value),
  })

/** A calendar day, parsed to the Unix time in milliseconds of its start in UTC. */
export const day: z.ZodType<number> = leaf({
  expected: 'a date such as 2026-12-01',
  fallback: '2026-12-01',
  suggest: (value) => adviseOnDay(scalarText(value)),
  read(value) {
    if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return null
    const ms = Date.parse(`${value}T00:00:00Z`)
    // Date.parse takes 2026-02-30 for a day in March.
    return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== value ? null : ms
  },
  json: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' },
})

/** Of a day in the order of Europe, or with a time behind it: an order of month and day with slashes is open. */
function adviseOnDay(text: string): string | null {
  const [, date, month, year] = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text) ?? []
  if (year !== undefined && month !== undefined && date !== undefined)
    return `write ${year}-${month.padStart(2, '0')}-${date.padStart(2, '0')}`
  const whole = /^(\d{4}-\d\d-\d\d)[T ]/.exec(text)?.[1]
  return whole === undefined ? null : `write ${whole}, the day alone`
}

const firstShare = share(
  'a share above 0 and at most 1, such as 0.01 or 1%',
  0.01,
  (value) => value > 0 && value <= 1,
  { exclusiveMinimum: 0, maximum: 1 },
)

const warmUpSchema: z.ZodType<WarmUp> = closedMap(
  {
    from: day,
    days: integer('a number of days', 1, 365),
    curve: oneOf(warmUpCurves).default('exponential'),
    start: firstShare.default(0.01),
  },
  '{ from: 2026-12-01, days: 30 }',
).transform(({ from, ...rest }) => ({ fromMs: from, ...rest }))

const label = (what: string): z.ZodType<string> =>
  text(
    `${what} of letters, digits, dots, hyphens and underscores`,
    /^[\w.-]{1,63}$/,
    'region',
    (value) => {
      if (typeof value === 'number') return `write "${value}", in quotes`
      const joined = scalarText(value)
        .trim()
        .replaceAll(/[\s/]+/g, '-')
      return joined !== value && /^[\w.-]{1,63}$/.test(joined) ? `write ${joined}` : null
    },
  )

const agentAddress = leaf({
  expected: 'an IPv4 or IPv6 address',
  fallback: '192.0.2.1',
  read(value) {
    const parsed = typeof value === 'string' ? parseAddress(value) : null
    return parsed && formatAddress(parsed.octets)
  },
  json: { type: 'string', pattern: '^[0-9A-Fa-f:.]+$' },
})

/** The agent of a target: an endpoint that reports the load of its MTA. */
const agentSchema: z.ZodType<AgentSource> = closedMap(
  {
    port: integer('a port', 1, 65_535),
    address: agentAddress.optional(),
    interval: durationMs('1s', '1h', '10s').default(10_000),
    send: text(
      'a text of at most 200 printable characters',
      /^[\x20-\x7e\r\n]{1,200}$/,
      'x',
    ).optional(),
  },
  '{ port: 9777 }',
).transform(({ interval, ...agent }) => ({ ...agent, intervalMs: interval }))

const tlsaTexts = oneOrMany(text('a TLSA record such as 3 1 1 and a digest', /\S/, '3 1 1 00'))

/** Text or a list, or a map of those of the certificate in use and of the one that comes next. */
const tlsaSchema: z.ZodType<Pick<TargetSource, 'tlsa' | 'tlsaNext'>> = z
  .unknown()
  .transform((value, context) => {
    const schema = isMap(value) ? tlsaMap : tlsaTexts.transform((tlsa) => ({ tlsa }))
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    passOn(parsed.error.issues, [], context)
    return z.NEVER
  })

const tlsaMap = closedMap({ current: tlsaTexts, next: tlsaTexts.optional() }).transform(
  ({ current, next = [] }) => ({ tlsa: [...current, ...next], tlsaNext: next }),
)

export const targetSchema: z.ZodType<TargetSource> = closedMap(
  {
    addresses: list(address, '[192.0.2.1, 2001:db8::1]'),
    region: label('a name of a region').optional(),
    rack: label('a name of a rack').optional(),
    weight: weight.optional(),
    answers: countOrAll(maxAddresses).optional(),
    warmup: warmUpSchema.optional(),
    tlsa: tlsaSchema.optional(),
    probe_at: namedMap(
      text('ADDRESS or ADDRESS:PORT', /^\S+$/, '192.0.2.1'),
      '{ 192.0.2.1: 10.0.0.1:2525 }, the address that is served and where it is probed',
    ).default(new Map()),
    agent: agentSchema.optional(),
  },
  '{ addresses: [192.0.2.1] }',
).transform(({ probe_at, tlsa, ...target }) => ({ ...target, ...tlsa, probeAt: probe_at }))

/** The zone of a DNS list. Underscores are accepted, since some lists have them in their names. */
const listName = leaf({
  expected: 'the name of a DNS list such as zen.example.org',
  fallback: 'list.invalid',
  read(value) {
    const name = typeof value === 'string' ? bareName(value) : ''
    const labels = name.split('.')
    const isName = labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
    // An IPv6 address takes 64 octets before it (RFC 5782 §2.4).
    return isName && labels.length > 1 && name.length <= 180 ? name : null
  },
  json: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})+\\.?$' },
})

const listedWeight = share(
  'a share from 0.05 to 1, such as 0.5 or 50%',
  1,
  (value) => value >= 0.05 && value <= 1,
  { minimum: 0.05, maximum: 1 },
)

const dnsblSchema = closedMap(
  {
    lists: oneOrMany(listName),
    hold: durationMs('0s', '4w', '6h').default(6 * 3_600_000),
    agree: integer('a count', 1, 8).default(1),
    listed_weight: listedWeight.default(1),
  },
  '{ lists: [zen.example.org] }',
)

export const identitySchema: z.ZodType<IdentitySource> = closedMap(
  {
    greeting: trueOrFalse.optional(),
    ptr: trueOrFalse.default(true),
    interval: durationMs('1m', '1w', '1h').default(3_600_000),
    dnsbl: dnsblSchema.optional(),
  },
  '{ dnsbl: { lists: [zen.example.org] } }, or {}',
).transform(({ greeting, ptr, interval, dnsbl }) => ({
  greeting,
  ptr,
  intervalMs: interval,
  dnsbl: dnsbl && {
    lists: dnsbl.lists,
    holdMs: dnsbl.hold,
    agree: dnsbl.agree,
    listedShare: dnsbl.listed_weight,
  },
}))

const hostName = leaf({
  expected: 'a host name to give in EHLO, letters, digits and hyphens such as probe.example.com',
  fallback: 'probe.invalid',
  read: (value) => (typeof value === 'string' && isHostName(value) ? value : null),
  suggest(value) {
    const mended = scalarText(value).replaceAll('_', '-')
    return mended !== value && isHostName(mended) ? `write ${mended}` : null
  },
})

/** An address without the characters that could end or split the SMTP command. */
const mailbox = text(
  'a mailbox such as probe@example.com',
  /^[^\s<>\\"]{1,254}$/,
  'a@b.invalid',
  (value) => {
    const within = /^<([^\s<>\\"]+)>$/.exec(scalarText(value))?.[1]
    return within === undefined ? null : `write ${within}, without the brackets`
  },
)

const expectSchema = closedMap(
  {
    banner: oneOrMany(text('a text of the banner', /^[\x20-\x7e]{1,200}$/, 'x')).default([]),
    ehlo: oneOrMany(text('a keyword such as STARTTLS', /^[A-Za-z0-9-]{1,64}$/, 'SIZE')).default([]),
  },
  '{ banner: mx1.example.com, ehlo: STARTTLS }',
)

/** By what is probed, in the words of others. */
const levelsMeant = new Map([
  ['tcp', 'connect'],
  ['helo', 'ehlo'],
  ['starttls', 'tls'],
  ['ssl', 'tls'],
] as const)

export const probeSchema: z.ZodType<ProbeSource> = closedMap(
  {
    port: integer('a port', 1, 65_535, adviseOnPort).default(25),
    level: oneOf(probeLevels, levelsMeant).default('ehlo'),
    rounds: oneOf(roundLevels).optional(),
    ehlo: hostName.optional(),
    tls: oneOf(['starttls', 'implicit']).optional(),
    tls_min: oneOf(tlsVersions).default('TLSv1.2'),
    require_tls: trueOrFalse.default(false),
    cert_warning: durationMs('0s', '52w', '21d').default(21 * 86_400_000),
    cert_critical: durationMs('0s', '52w', '3d').default(3 * 86_400_000),
    tls_interval: durationMs('1s', '1d', '15m').default(900_000),
    rcpt_interval: durationMs('1s', '1d', '1h').default(3_600_000),
    recipient: mailbox.optional(),
    sender: mailbox.optional(),
    expect: expectSchema.default({ banner: [], ehlo: [] }),
    proxy: oneOf(proxyVersions).default('none'),
    source: oneOrMany(text('an IPv4 or IPv6 address', /^\S+$/, '192.0.2.1')).default([]),
    interval: durationMs('100ms', '1h', '20s').default(20_000),
    fast_interval: durationMs('50ms', '1h', '50ms').optional(),
    fall: integer('a count', 1, 100).default(3),
    rise: integer('a count', 1, 100).default(2),
    connect_timeout: durationMs('10ms', '1m', '5s').default(5000),
    banner_timeout: durationMs('10ms', '5m', '10s').default(10_000),
    command_timeout: durationMs('10ms', '5m', '15s').default(15_000),
    slow_after: durationMs('10ms', '5m', '8s').default(8000),
    slow_start: durationMs('0s', '1d', '0s').default(0),
  },
  '{ level: ehlo, interval: 20s }',
).transform((keys) => ({
  port: keys.port,
  level: keys.level,
  rounds: keys.rounds,
  ehlo: keys.ehlo,
  tls: keys.tls,
  tlsMin: keys.tls_min,
  requireTls: keys.require_tls,
  certWarningMs: keys.cert_warning,
  certCriticalMs: keys.cert_critical,
  tlsIntervalMs: keys.tls_interval,
  rcptIntervalMs: keys.rcpt_interval,
  recipient: keys.recipient,
  sender: keys.sender ?? '',
  expect: keys.expect,
  proxy: keys.proxy,
  sources: keys.source,
  fall: keys.fall,
  rise: keys.rise,
  intervalMs: keys.interval,
  fastIntervalMs: keys.fast_interval,
  connectTimeoutMs: keys.connect_timeout,
  bannerTimeoutMs: keys.banner_timeout,
  commandTimeoutMs: keys.command_timeout,
  slowAfterMs: keys.slow_after,
  slowStartMs: keys.slow_start,
}))
