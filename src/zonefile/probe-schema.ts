// The shape of a `probes:` entry. Keys, defaults and bounds are documented in docs/zone-reference.md; what needs
// more than one value to judge is checked in zone/compile/check-probes.ts.

import { probeLevels, proxyVersions, roundLevels } from '../probe/smtp/profile.ts'
import { tlsVersions } from '../health/tls-report.ts'
import { isHostName } from '../zone/compile/names.ts'
import type { ProbeSource } from '../zone/compile/zone-source.ts'
import { closedMap, durationMs, integer, leaf, oneOf, oneOrMany, text } from './leaf.ts'
import type { z } from 'zod'

const hostName = leaf({
  expected: 'a host name to give in EHLO',
  fallback: 'probe.invalid',
  read: (value) => (typeof value === 'string' && isHostName(value) ? value : null),
})

/** Printable and without what could end the command; a local part, and mostly a domain. */
const mailbox = text('a mailbox such as probe@example.com', /^[^\s<>\\"]{1,254}$/, 'a@b.invalid')

const yesOrNo = leaf({
  expected: 'true or false',
  fallback: false,
  read: (value) => (typeof value === 'boolean' ? value : null),
})

const expectSchema = closedMap({
  banner: oneOrMany(text('a text of the banner', /^[\x20-\x7e]{1,200}$/, 'x')).default([]),
  ehlo: oneOrMany(text('a keyword such as STARTTLS', /^[A-Za-z0-9-]{1,64}$/, 'SIZE')).default([]),
})

export const probeSchema: z.ZodType<ProbeSource> = closedMap({
  port: integer('a port', 1, 65_535).default(25),
  level: oneOf(probeLevels).default('ehlo'),
  rounds: oneOf(roundLevels).optional(),
  ehlo: hostName.optional(),
  tls: oneOf(['starttls', 'implicit']).optional(),
  tls_min: oneOf(tlsVersions).default('TLSv1.2'),
  require_tls: yesOrNo.default(false),
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
  command_timeout: durationMs('10ms', '5m', '5s').default(5000),
  slow_after: durationMs('10ms', '5m', '8s').default(8000),
  slow_start: durationMs('0s', '1d', '0s').default(0),
}).transform((keys) => ({
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
