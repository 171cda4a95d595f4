// The settings: each with its key in mxsteer.yaml, its flag, its variable and what it may be.
// Keys, defaults and bounds are documented in docs/zone-reference.md.

import type { z } from 'zod'
import { parseEndpoint, type Endpoint } from '../lib/ip.ts'
import { adminToken, type AnnounceValues, announce } from './admin-settings.ts'
import {
  canaries,
  type ProbeLimitValues,
  type SourceAddress,
  probeLimits,
  probeSource,
} from './probing-settings.ts'
import {
  chaosText,
  cookieSecrets,
  nsid,
  rateLimit,
  type RateLimitValues,
} from './answer-settings.ts'
import type { UdpSetting } from '../transport/udp/udp-transport.ts'
import { type StateValues, stateSchemas } from './cluster-settings.ts'
import { type StreamValues, proxy, tls, transfer } from './stream-settings.ts'
import {
  closedMap,
  isIntegerWithin,
  leaf,
  oneOf,
  oneOrMany,
  seconds,
  text,
} from '../zonefile/leaf.ts'

const endpoint = leaf({
  expected: 'ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300',
  fallback: '127.0.0.1:5300',
  read: (value) => (typeof value === 'string' ? parseEndpoint(value.trim()) : null),
})

/** Of a server, so that port 0 is none. */
const resolver: z.ZodType<Endpoint> = leaf({
  expected: 'ADDRESS:PORT of a resolver such as 127.0.0.1:53',
  fallback: '127.0.0.1:53',
  read(value) {
    const found = typeof value === 'string' ? parseEndpoint(value.trim()) : null
    return found && found.port > 0 ? found : null
  },
})

/** null: off. */
const admin: z.ZodType<Endpoint | 'off'> = leaf({
  expected: 'ADDRESS:PORT such as 127.0.0.1:8053, or off',
  fallback: 'off',
  read(value) {
    // YAML 1.2 reads `off` as text, but `false` is what it would be to many.
    if (value === 'off' || value === false) return 'off'
    return typeof value === 'string' ? parseEndpoint(value.trim()) : null
  },
})

/** Flags and variables are text: digits are as good as a number. */
const count = (what: string, min: number, max: number): z.ZodType<number> =>
  leaf({
    expected: `${what} from ${min} to ${max}`,
    fallback: min,
    read(value) {
      const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
      return isIntegerWithin(number, min, max) ? number : null
    },
  })

const path = text('a path', /^[^\0]{1,4096}$/, '.')
const label = text('a name of letters, digits, dots and hyphens', /^[\w.-]{1,63}$/, 'name')

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

const transports: readonly UdpSetting[] = ['auto', 'mmsg', 'dgram']

export interface SettingValues extends StateValues {
  listen?: readonly Endpoint[] | undefined
  admin?: Endpoint | 'off' | undefined
  admin_token?: string | undefined
  admin_token_file?: string | undefined
  load_token?: string | undefined
  load_token_file?: string | undefined
  zones?: string | undefined
  state_dir?: string | undefined
  workers?: number | undefined
  transport?: UdpSetting | undefined
  resolver?: Endpoint | undefined
  instance?: string | undefined
  site?: string | undefined
  /** Seconds. */
  lameduck?: number | undefined
  /** Seconds. */
  ready_within?: number | undefined
  /** Octets. */
  max_udp?: number | undefined
  log_level?: LogLevel | undefined
  /** Text, or `off`; so are the two below. */
  nsid?: string | undefined
  chaos_identity?: string | undefined
  chaos_version?: string | undefined
  cookie_secret?: readonly Uint8Array[] | undefined
  cookie_secret_file?: string | undefined
  canaries?: readonly Endpoint[] | undefined
  probe_source?: readonly SourceAddress[] | undefined
}
export type SettingKey = keyof SettingValues

type Schemas = { readonly [Key in SettingKey]-?: z.ZodType<NonNullable<SettingValues[Key]>> }

export const settingSchemas: Schemas = {
  listen: oneOrMany(endpoint),
  admin,
  admin_token: adminToken,
  admin_token_file: path,
  load_token: adminToken,
  load_token_file: path,
  zones: path,
  state_dir: path,
  ...stateSchemas,
  workers: count('a count', 1, 256),
  transport: oneOf(transports),
  resolver,
  instance: label,
  site: label,
  lameduck: seconds('a time', 0, 3600),
  ready_within: seconds('a time', 0, 3600),
  max_udp: count('a size in octets', 512, 4096),
  log_level: oneOf(logLevels),
  nsid,
  chaos_identity: chaosText,
  chaos_version: chaosText,
  cookie_secret: cookieSecrets,
  cookie_secret_file: path,
  canaries,
  probe_source: probeSource,
}
export const settingKeys: readonly SettingKey[] = Object.keys(settingSchemas) as SettingKey[]

const optional = Object.fromEntries(
  Object.entries(settingSchemas).map(([key, schema]) => [key, schema.optional()]),
)

export interface GeoIp {
  readonly country?: string | undefined
  readonly asn?: string | undefined
}

/** What only the file can say. */
export interface FileOnly extends StreamValues {
  readonly announce?: AnnounceValues | undefined
  readonly geoip?: GeoIp | undefined
  readonly rate_limit?: RateLimitValues | undefined
  readonly probe_limits?: ProbeLimitValues | undefined
}

/** mxsteer.yaml. */
export const settingsFileSchema: z.ZodType<SettingValues & FileOnly> = closedMap({
  ...(optional as { [Key in SettingKey]: z.ZodOptional<Schemas[Key]> }),
  geoip: closedMap({ country: path.optional(), asn: path.optional() }).optional(),
  announce: announce.optional(),
  rate_limit: rateLimit.optional(),
  probe_limits: probeLimits.optional(),
  tls: tls.optional(),
  proxy: proxy.optional(),
  transfer: transfer.optional(),
})
