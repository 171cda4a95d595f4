// The server's settings. Flags override environment variables, those override mxsteer.yaml, that
// overrides the defaults.

import { availableParallelism, hostname } from 'node:os'
import type { Endpoint } from '../lib/ip.ts'
import type { UdpSetting } from '../transport/udp/udp-transport.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { printable } from '../lib/printable.ts'
import {
  announceSettings,
  type AnnounceSettings,
  readAdminToken,
  readLoadToken,
} from './admin-settings.ts'
import { rateLimitSettings, type RateLimitSettings, readCookieSecrets } from './answer-settings.ts'
import { readState, type SharedStateSettings } from './cluster-settings.ts'
import { probingSettings, type ProbingSettings } from './probing-settings.ts'
import type {
  GeoIpValues,
  GivenSettings,
  LogFormatSetting,
  LogLevel,
  SettingValues,
} from './setting-values.ts'
import {
  originDiagnostic,
  readFlags,
  readSettingsFile,
  readVariables,
  type SourceRead,
} from './settings-sources.ts'
import { settingKeys, settingsTable } from './settings-table.ts'
import { sharedEndpoint, streamSettings, type StreamSettings } from './stream-settings.ts'
import { readSmallFile } from '../zonefile/read-folder.ts'

/**
 * Settings in the form that the server takes: defaults filled in, named files read, the admin and
 * state maps resolved.
 */
export interface Settings {
  readonly listen: readonly Endpoint[]
  /** null: there is no admin server. */
  readonly admin: Endpoint | null
  /** Names that the admin server may be asked by, in lower case and without a final dot. */
  readonly adminHosts: readonly string[]
  /** Where a browser finds the console of this instance; null: it is not said. */
  readonly consoleUrl: string | null
  /** With more addresses no history of probes is kept; 0: none is. */
  readonly historyAddresses: number
  /** Who may read from the admin server; `token` only where there is an admin token. */
  readonly adminRead: 'open' | 'token'
  /** Before every path of the admin server, such as `/mxsteer`; '': nothing. */
  readonly adminPrefix: string
  readonly hasConsole: boolean
  /** Token for every write; null: only a loopback address takes writes. */
  readonly adminToken: string | null
  /** Token for reports of load and nothing else; null: none. */
  readonly loadToken: string | null
  /** Folder of the state file; null: nothing is kept over a restart. */
  readonly stateDir: string | null
  /** Path of the folder of zone files. */
  readonly zones: string
  /** The most zone files that are read from it. */
  readonly maxZoneFiles: number
  /** `memory`: this instance shares nothing. */
  readonly state: 'memory' | SharedStateSettings
  readonly workers: number
  readonly transport: UdpSetting
  /** Recursive resolver for the PTR and DNS list queries of `identity` and for DS at parents; null: none is set. */
  readonly resolver: Endpoint | null
  readonly instance: string
  readonly site: string
  readonly lameduckSeconds: number
  /** How long readiness waits at most for the first round of probes. */
  readonly readyWithinSeconds: number
  readonly maxUdpOctets: number
  readonly logLevel: LogLevel
  readonly logFormat: LogFormatSetting
  readonly geoip: GeoIpValues
  /** Path of the folder of keys that zones are signed with; null: none is set. */
  readonly keysFolder: string | null
  /** Zones that this start may serve unsigned, without the final dot and in lower case. */
  readonly forceUnsigned: readonly string[]
  readonly canaries: readonly Endpoint[]
  readonly probing: ProbingSettings
  /** null: the announce hook is off. */
  readonly announce: AnnounceSettings | null
  readonly answers: AnswerSettings
  readonly streams: StreamSettings
}

interface AnswerSettings {
  /** Text of EDNS NSID; null: off, as of the two below. */
  readonly nsid: string | null
  readonly chaosIdentity: string | null
  readonly chaosVersion: string | null
  /** The first one signs cookies. Empty: the process makes a random one. */
  readonly cookieSecrets: readonly Uint8Array[]
  /** null: the rate limit is off. */
  readonly rateLimit: RateLimitSettings | null
}

export interface SettingsInput {
  readonly flags: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Overridden by the flag `config` and by MXSTEER_CONFIG. Without any of them no file is read. */
  readonly configFile?: string | undefined
  /** Defaults to the host that this process runs on. */
  readonly host?: Host
}

interface Host {
  readonly name: string
  /** Number of processors available to the process. */
  readonly parallelism: number
}

type SettingsLoaded =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly warnings: readonly Diagnostic[]
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

/**
 * Reads the settings from all sources. Never rejects: whatever is wrong in a file, a variable or a
 * flag is a diagnostic, and those of all sources are reported at once.
 */
export async function loadSettings(input: SettingsInput): Promise<SettingsLoaded> {
  const host = input.host ?? { name: hostname(), parallelism: availableParallelism() }
  const file = await readFile(
    input.flags['config'] ?? input.env['MXSTEER_CONFIG'] ?? input.configFile,
  )
  const env = readVariables(input.env)
  const flags = readFlags(input.flags)
  const diagnostics = [...file.diagnostics, ...env.diagnostics, ...flags.diagnostics]
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error'))
    return { kind: 'rejected', diagnostics }
  const values = withDefaults({ ...file.values, ...env.values, ...flags.values })
  const resolved = await resolve(values, host)
  return resolved.kind === 'bad'
    ? { kind: 'rejected', diagnostics: [...diagnostics, resolved.diagnostic] }
    : { ...resolved, warnings: [...diagnostics, ...env.warnings] }
}

async function readFile(name: string | readonly string[] | undefined): Promise<SourceRead> {
  if (typeof name !== 'string') return { values: {}, diagnostics: [] }
  const read = await readSmallFile(name)
  if (read.kind === 'bad') return { values: {}, diagnostics: [read.diagnostic] }
  return readSettingsFile(name, read.octets)
}

function withDefaults(given: GivenSettings): SettingValues {
  const values: Record<string, unknown> = { ...given }
  for (const key of settingKeys) {
    const row = settingsTable[key]
    if ('default' in row) values[key] ??= row.schema.parse(row.default)
  }
  // The type of settingsTable ties `default` to the keys that SettingValues requires.
  return values as unknown as SettingValues
}

type Resolved =
  | { readonly kind: 'settings'; readonly settings: Settings }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/**
 * Reads the files that settings name and derives what follows from others. Only the first error is
 * reported.
 */
async function resolve(values: SettingValues, host: Host): Promise<Resolved> {
  const cookies = await readCookieSecrets(values)
  if (cookies.kind === 'bad') return cookies
  const streams = streamSettings(values, values.listen)
  const shared = sharedEndpoint(values.listen, streams)
  if (shared !== null)
    return { kind: 'bad', diagnostic: originDiagnostic('listen', 'bad-value', shared) }
  const admin = await readAdminToken(values)
  if (admin.kind === 'bad') return admin
  if (values.admin_read === 'token' && admin.token === null) {
    const message = 'nobody could read: set admin_token or admin_token_file as well'
    return { kind: 'bad', diagnostic: originDiagnostic('admin_read', 'bad-value', message) }
  }
  const load = await readLoadToken(values)
  if (load.kind === 'bad') return load
  const state = await readState(values)
  if (state.kind === 'bad') return state
  const general = generalSettings(values, host)
  const settings: Settings = {
    ...general,
    state: state.state,
    announce: announceSettings(values.announce),
    probing: probingSettings(values.probe_source, values.probe_limits),
    streams,
    adminToken: admin.token,
    loadToken: load.token,
    answers: {
      nsid: unlessOff(values.nsid ?? general.instance),
      chaosIdentity: unlessOff(values.chaos_identity ?? general.instance),
      chaosVersion: unlessOff(values.chaos_version),
      cookieSecrets: cookies.secrets,
      rateLimit: rateLimitSettings(values.rate_limit, general.workers),
    },
  }
  return { kind: 'settings', settings }
}

/** The settings that need no file and no other setting. */
const generalSettings = (
  values: SettingValues,
  host: Host,
): Omit<
  Settings,
  'announce' | 'probing' | 'answers' | 'streams' | 'adminToken' | 'loadToken' | 'state'
> => ({
  listen: values.listen,
  admin: values.admin === 'off' ? null : values.admin,
  adminHosts: values.admin_hosts ?? [],
  consoleUrl: values.console_url ?? null,
  historyAddresses: values.history_addresses,
  adminRead: values.admin_read,
  adminPrefix: values.admin_prefix,
  hasConsole: values.console === 'on',
  zones: values.zones,
  maxZoneFiles: values.max_zone_files,
  stateDir: values.state_dir ?? null,
  workers: values.workers ?? Math.min(256, host.parallelism),
  transport: values.transport,
  resolver: values.resolver ?? null,
  instance: values.instance ?? instanceName(host.name),
  site: values.site,
  lameduckSeconds: values.lameduck,
  readyWithinSeconds: values.ready_within,
  maxUdpOctets: values.max_udp,
  logLevel: values.log_level,
  logFormat: values.log_format,
  geoip: values.geoip ?? {},
  keysFolder: values.dnssec?.keys ?? null,
  forceUnsigned: values.force_unsigned ?? [],
  canaries: values.canaries ?? [],
})

/** The host's name as the setting `instance` accepts it. */
const instanceName = (hostName: string): string =>
  printable(hostName)
    .replace(/[^\w.-]/g, '-')
    .slice(0, 63) || 'mxsteer'

const unlessOff = (text: string): string | null => (text === 'off' ? null : text)
