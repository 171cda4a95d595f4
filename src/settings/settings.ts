// The server's settings: flags over environment over mxsteer.yaml over defaults, every mistake in one go.

import { availableParallelism, hostname } from 'node:os'
import { type AnnounceSettings, announceOf } from './announce-settings.ts'
import { adminTokenOf, loadTokenOf } from './admin-token.ts'
import {
  rateLimitOf,
  readSecretFile,
  type RateLimitSettings,
  type SecretFile,
} from './answer-settings.ts'
import { printable } from '../zonefile/excerpt.ts'
import type { Mistake } from '../zonefile/mistake.ts'
import { type ProbingSettings, probingOf } from './probing-settings.ts'
import { readOne } from '../zonefile/read-folder.ts'
import { type FileSettings, readSettingsFile } from './settings-file.ts'
import { type Given, givenMistake, readGiven } from './settings-given.ts'
import type { Endpoint } from '../lib/ip.ts'
import type { UdpSetting } from '../transport/udp/udp-choice.ts'
import type { GeoIp, LogLevel, SettingValues } from './settings-schema.ts'
import { type SharedStateSettings, stateOf } from './state-settings.ts'
import { type StreamsGiven, endpointTwice, streamsOf } from './stream-settings.ts'
import { variablesGiven } from './settings-variables.ts'

export interface Settings {
  readonly listen: readonly Endpoint[]
  /** null: off. */
  readonly admin: Endpoint | null
  /** null: none; then only a loopback address takes writes. */
  readonly adminToken: string | null
  /** Of who may tell loads of targets and nothing else; null: none. */
  readonly loadToken: string | null
  /** Folder of what is kept over restarts; null: nothing is. */
  readonly stateDir: string | null
  /** Folder of zone files. */
  readonly zones: string
  /** memory: this instance is alone. */
  readonly state: 'memory' | SharedStateSettings
  readonly workers: number
  readonly transport: UdpSetting
  /** Whom to ask about the targets' identity; null: nobody. */
  readonly resolver: Endpoint | null
  readonly instance: string
  readonly site: string
  readonly lameduckSeconds: number
  /** Bound of waiting for the first round of probes. */
  readonly readyWithinSeconds: number
  readonly maxUdpOctets: number
  readonly logLevel: LogLevel
  readonly geoip: GeoIp
  readonly canaries: readonly Endpoint[]
  readonly probing: ProbingSettings
  /** null: nobody is told. */
  readonly announce: AnnounceSettings | null
  readonly answers: AnswerSettings
  readonly streams: StreamsGiven
}

/** null: off. */
export interface AnswerSettings {
  readonly nsid: string | null
  readonly chaosIdentity: string | null
  readonly chaosVersion: string | null
  /** The first one signs; none: one by chance, for this process alone. */
  readonly cookieSecrets: readonly Uint8Array[]
  readonly rateLimit: RateLimitSettings | null
}

export type FlagValues = Readonly<Record<string, string | readonly string[] | undefined>>

export interface SettingsInput {
  readonly flags: FlagValues
  readonly env: Readonly<Record<string, string | undefined>>
  /** Overridden by the flag `config`; without either no file is read. */
  readonly configFile?: string | undefined
  /** What the machine is; of this process unless a test says otherwise. */
  readonly host?: { readonly name: string; readonly parallelism: number }
}

export type SettingsLoaded =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly warnings: readonly Mistake[]
    }
  | { readonly kind: 'rejected'; readonly mistakes: readonly Mistake[] }

export async function loadSettings(input: SettingsInput): Promise<SettingsLoaded> {
  const host = input.host ?? { name: hostname(), parallelism: availableParallelism() }
  const file = await readFile(
    input.flags['config'] ?? input.env['MXSTEER_CONFIG'] ?? input.configFile,
  )
  const variables = variablesGiven(input.env)
  const env = readGiven(variables.given)
  const flags = readGiven(flagsGiven(input.flags))
  const mistakes = [...file.mistakes, ...env.mistakes, ...flags.mistakes]
  if (mistakes.some((mistake) => mistake.severity === 'error'))
    return { kind: 'rejected', mistakes }
  const { geoip = {}, rate_limit: rateLimit, tls, proxy, transfer, ...rest } = file.values
  const { announce, probe_limits: probeLimits, ...fromFile } = rest
  const values = { ...fromFile, ...env.values, ...flags.values }
  const secrets = await cookieSecretsOf(values)
  if (secrets.kind === 'bad') return { kind: 'rejected', mistakes: [...mistakes, secrets.mistake] }
  const general = withDefaults(values, geoip, host)
  const streams = streamsOf({ tls, proxy, transfer }, general.listen)
  const twice = endpointTwice(general.listen, streams)
  if (twice !== null)
    return { kind: 'rejected', mistakes: [...mistakes, givenMistake('listen', 'bad-value', twice)] }
  const token = await adminTokenOf(values)
  if (token.kind === 'bad') return { kind: 'rejected', mistakes: [...mistakes, token.mistake] }
  const load = await loadTokenOf(values)
  if (load.kind === 'bad') return { kind: 'rejected', mistakes: [...mistakes, load.mistake] }
  const state = await stateOf(values)
  if (state.kind === 'bad') return { kind: 'rejected', mistakes: [...mistakes, state.mistake] }
  const settings = {
    ...general,
    state: state.state,
    announce: announceOf(announce),
    probing: probingOf(values.probe_source, probeLimits),
    streams,
    adminToken: token.token,
    loadToken: load.token,
    answers: answersOf(values, rateLimitOf(rateLimit, general.workers), secrets.secrets, host.name),
  }
  return { kind: 'settings', settings, warnings: [...mistakes, ...variables.warnings] }
}

async function readFile(name: string | readonly string[] | undefined): Promise<FileSettings> {
  if (typeof name !== 'string') return { values: {}, mistakes: [] }
  const read = await readOne(name)
  if (read.kind === 'bad') return { values: {}, mistakes: [read.mistake] }
  return readSettingsFile(name, read.octets)
}

/** Flags are keys with hyphens; parsing the command line has refused unknown ones. */
function flagsGiven(flags: FlagValues): readonly Given[] {
  const given: Given[] = []
  for (const [flag, value] of Object.entries(flags)) {
    if (value === undefined || flag === 'config') continue
    given.push({ origin: `--${flag}`, key: flag.replaceAll('-', '_'), value })
  }
  return given
}

function withDefaults(
  values: SettingValues,
  geoip: GeoIp,
  host: { readonly name: string; readonly parallelism: number },
): Omit<
  Settings,
  'announce' | 'probing' | 'answers' | 'streams' | 'adminToken' | 'loadToken' | 'state'
> {
  const { listen, admin = { address: '127.0.0.1', port: 8053 } } = values
  return {
    listen: listen ?? [{ address: '127.0.0.1', port: 5300 }],
    admin: admin === 'off' ? null : admin,
    zones: values.zones ?? 'zones',
    stateDir: values.state_dir ?? null,
    workers: values.workers ?? Math.min(256, host.parallelism),
    transport: values.transport ?? 'auto',
    resolver: values.resolver ?? null,
    instance: values.instance ?? instanceName(host.name),
    site: values.site ?? 'default',
    lameduckSeconds: values.lameduck ?? 5,
    readyWithinSeconds: values.ready_within ?? 30,
    maxUdpOctets: values.max_udp ?? 1232,
    logLevel: values.log_level ?? 'info',
    geoip,
    canaries: values.canaries ?? [],
  }
}

const instanceName = (host: string): string =>
  printable(host)
    .replace(/[^\w.-]/g, '-')
    .slice(0, 63) || 'mxsteer'

/** Secrets given by themselves go before those of the file: what signs can be put in force without touching it. */
async function cookieSecretsOf(values: SettingValues): Promise<SecretFile> {
  const given = values.cookie_secret ?? []
  if (values.cookie_secret_file === undefined) return { kind: 'secrets', secrets: given }
  const read = await readSecretFile(values.cookie_secret_file)
  return read.kind === 'bad' ? read : { kind: 'secrets', secrets: [...given, ...read.secrets] }
}

function answersOf(
  values: SettingValues,
  rateLimit: RateLimitSettings | null,
  cookieSecrets: readonly Uint8Array[],
  hostName: string,
): AnswerSettings {
  const instance = values.instance ?? instanceName(hostName)
  return {
    nsid: unlessOff(values.nsid ?? instance),
    chaosIdentity: unlessOff(values.chaos_identity ?? instance),
    // The name without the number: who looks for servers of a certain version finds none.
    chaosVersion: unlessOff(values.chaos_version ?? 'mxsteer'),
    cookieSecrets,
    rateLimit,
  }
}

const unlessOff = (text: string): string | null => (text === 'off' ? null : text)
