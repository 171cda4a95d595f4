// The types of parsed settings, and of the rows that describe them (settings-table.ts).

import type { z } from 'zod'
import type { Endpoint } from '../lib/ip.ts'
import type { UdpSetting } from '../transport/udp/udp-transport.ts'
import type { AnnounceValues } from './admin-settings.ts'
import type { RateLimitValues } from './answer-settings.ts'
import type { ProbeLimitValues, SourceAddress } from './probing-settings.ts'
import type { StoreUrl } from './store-url.ts'
import type { ProxyValues, TlsValues, TransferValues } from './stream-settings.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['auto', 'text', 'json'] as const
export type LogFormatSetting = (typeof logFormats)[number]

export const switches = ['on', 'off'] as const
type Switch = (typeof switches)[number]

/** What of the store counts once there is a secret: only authentic records, or all of them for a while. */
export const sealModes = ['permit', 'require'] as const
export type SealMode = (typeof sealModes)[number]

/** Paths of MaxMind databases. */
export interface GeoIpValues {
  readonly country?: string | undefined
  readonly asn?: string | undefined
}

/** Every setting by its key, parsed. Only a setting without a fixed default can be absent. */
export interface SettingValues {
  readonly zones: string
  readonly listen: readonly Endpoint[]
  readonly admin: Endpoint | 'off'
  readonly admin_hosts?: readonly string[] | undefined
  readonly console_url?: string | undefined
  readonly history_addresses: number
  readonly admin_read: 'open' | 'token'
  /** Before every path of the admin server: '' or such as `/mxsteer`. */
  readonly admin_prefix: string
  readonly console: Switch
  readonly admin_token?: string | undefined
  readonly admin_token_file?: string | undefined
  readonly load_token?: string | undefined
  readonly load_token_file?: string | undefined
  readonly state_dir?: string | undefined
  readonly state: 'memory' | StoreUrl
  readonly state_namespace: string
  readonly state_username?: string | undefined
  readonly state_password?: string | undefined
  readonly state_password_file?: string | undefined
  readonly state_sentinel_username?: string | undefined
  readonly state_sentinel_password?: string | undefined
  readonly state_sentinel_password_file?: string | undefined
  readonly state_secret?: readonly Uint8Array[] | undefined
  readonly state_secret_file?: string | undefined
  readonly state_secret_mode: SealMode
  readonly state_ca?: string | undefined
  readonly state_certificate?: string | undefined
  readonly state_key?: string | undefined
  readonly state_server_name?: string | undefined
  /** Interval of heartbeats in the store, in milliseconds. */
  readonly state_heartbeat: number
  /** How long votes of other instances count while the store is out of reach, in milliseconds. */
  readonly peer_hold: number
  readonly vantages: number
  readonly workers?: number | undefined
  readonly transport: UdpSetting
  readonly resolver?: Endpoint | undefined
  readonly instance?: string | undefined
  readonly site: string
  /** How long answers go on after SIGTERM, in seconds. */
  readonly lameduck: number
  /** How long `/readyz` waits for the first round of probes at most, in seconds. */
  readonly ready_within: number
  /** Largest UDP response, in octets. */
  readonly max_udp: number
  /** The most zone files that are read from the folder of zones. */
  readonly max_zone_files: number
  readonly log_level: LogLevel
  readonly log_format: LogFormatSetting
  /** NSID (RFC 5001) as text, or `off`. */
  readonly nsid?: string | undefined
  /** Answer to CH TXT id.server as text, or `off`. */
  readonly chaos_identity?: string | undefined
  /** Answer to CH TXT version.server as text, or `off`. */
  readonly chaos_version: string
  readonly cookie_secret?: readonly Uint8Array[] | undefined
  readonly cookie_secret_file?: string | undefined
  readonly canaries?: readonly Endpoint[] | undefined
  readonly probe_source?: readonly SourceAddress[] | undefined
  readonly geoip?: GeoIpValues | undefined
  /** `keys`: path of the folder of keys. */
  readonly force_unsigned?: readonly string[] | undefined
  readonly dnssec?: { readonly keys: string } | undefined
  readonly announce?: AnnounceValues | undefined
  readonly rate_limit?: RateLimitValues | undefined
  readonly probe_limits?: ProbeLimitValues | undefined
  readonly tls?: TlsValues | undefined
  readonly proxy?: ProxyValues | undefined
  readonly transfer?: TransferValues | undefined
}

export type SettingKey = keyof SettingValues

/** The settings that one source gives: mxsteer.yaml, the environment or the command line. */
export type GivenSettings = Partial<SettingValues>

export interface SettingRow<Value> {
  readonly schema: z.ZodType<Value>
  /** Flag of `mxsteer serve`: the placeholder of its value, and its text in --help. */
  readonly flag?: { readonly value: string; readonly help: string }
  /** Only mxsteer.yaml can give it: it has neither a flag nor a variable. */
  readonly isFileOnly?: true
  /** A list: the variable is split at commas, and the flag may be repeated. */
  readonly isList?: true
  /** No diagnostic shows its value or its line. */
  readonly isSecret?: true
  /** Markdown for the reference: what is accepted. */
  readonly accepts: string
  /** Markdown for the reference: what the setting does. */
  readonly about: string
}

/** A default value, written as mxsteer.yaml would give it. */
interface FixedDefault {
  readonly default: string
}

/** Markdown for the reference: what applies without the setting. */
interface OtherDefault {
  readonly otherwise: string
}

export type SettingsTable = {
  readonly [Key in SettingKey]-?: SettingRow<NonNullable<SettingValues[Key]>> &
    (undefined extends SettingValues[Key] ? OtherDefault : FixedDefault)
}
