// The server's settings: flags over environment over mxsteer.yaml over defaults, every mistake in one go.

import { availableParallelism, hostname } from 'node:os'
import type { Endpoint } from '../lib/ip.ts'
import { nearest } from '../lib/suggest-name.ts'
import type { UdpSetting } from '../transport/udp/udp-transport.ts'
import type { DocumentPath, Problem, ProblemCode } from '../zone/compile/problem.ts'
import { type ConfigDocument, parseDocument } from '../zonefile/document.ts'
import { maskSecrets, printable, type Diagnostic } from '../zonefile/diagnostic.ts'
import { readOne } from '../zonefile/read-folder.ts'
import { shapeProblems } from '../zonefile/schema-problems.ts'
import { adminTokenOf, announceOf, type AnnounceSettings, loadTokenOf } from './admin-settings.ts'
import {
  rateLimitOf,
  type RateLimitSettings,
  readSecretFile,
  type SecretFile,
} from './answer-settings.ts'
import {
  expectedState,
  secretStateKeys,
  type SharedStateSettings,
  stateOf,
} from './cluster-settings.ts'
import { probingOf, type ProbingSettings } from './probing-settings.ts'
import {
  type FileOnly,
  type GeoIp,
  type LogLevel,
  type SettingKey,
  settingKeys,
  settingSchemas,
  settingsFileSchema,
  type SettingValues,
} from './settings-schema.ts'
import { endpointTwice, type StreamsGiven, streamsOf } from './stream-settings.ts'

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
interface AnswerSettings {
  readonly nsid: string | null
  readonly chaosIdentity: string | null
  readonly chaosVersion: string | null
  /** The first one signs; none: one by chance, for this process alone. */
  readonly cookieSecrets: readonly Uint8Array[]
  readonly rateLimit: RateLimitSettings | null
}

type FlagValues = Readonly<Record<string, string | readonly string[] | undefined>>

export interface SettingsInput {
  readonly flags: FlagValues
  readonly env: Readonly<Record<string, string | undefined>>
  /** Overridden by the flag `config`; without either no file is read. */
  readonly configFile?: string | undefined
  /** Defaults to the host that this process runs on. */
  readonly host?: Host
}

interface Host {
  readonly name: string
  /** Count of processors. */
  readonly parallelism: number
}

type SettingsLoaded =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly warnings: readonly Diagnostic[]
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

export async function loadSettings(input: SettingsInput): Promise<SettingsLoaded> {
  const host = input.host ?? { name: hostname(), parallelism: availableParallelism() }
  const file = await readFile(
    input.flags['config'] ?? input.env['MXSTEER_CONFIG'] ?? input.configFile,
  )
  const variables = variablesGiven(input.env)
  const env = readGiven(variables.given)
  const flags = readGiven(flagsGiven(input.flags))
  const diagnostics = [...file.diagnostics, ...env.diagnostics, ...flags.diagnostics]
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error'))
    return { kind: 'rejected', diagnostics }
  const resolved = await resolve({ ...file.values, ...env.values, ...flags.values }, host)
  return resolved.kind === 'bad'
    ? { kind: 'rejected', diagnostics: [...diagnostics, resolved.diagnostic] }
    : { ...resolved, warnings: [...diagnostics, ...variables.warnings] }
}

type Resolved =
  | { readonly kind: 'settings'; readonly settings: Settings }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** Fills in defaults and reads the files that settings name. The first of these that is wrong is reported alone. */
async function resolve(values: SettingValues & FileOnly, host: Host): Promise<Resolved> {
  const { tls, proxy, transfer } = values
  const cookies = await cookieSecretsOf(values)
  if (cookies.kind === 'bad') return cookies
  const general = withDefaults(values, host)
  const streams = streamsOf({ tls, proxy, transfer }, general.listen)
  const twice = endpointTwice(general.listen, streams)
  if (twice !== null)
    return { kind: 'bad', diagnostic: originDiagnostic('listen', 'bad-value', twice) }
  const admin = await adminTokenOf(values)
  if (admin.kind === 'bad') return admin
  const load = await loadTokenOf(values)
  if (load.kind === 'bad') return load
  const state = await stateOf(values)
  if (state.kind === 'bad') return state
  const rateLimit = rateLimitOf(values.rate_limit, general.workers)
  const settings: Settings = {
    ...general,
    state: state.state,
    announce: announceOf(values.announce),
    probing: probingOf(values.probe_source, values.probe_limits),
    streams,
    adminToken: admin.token,
    loadToken: load.token,
    answers: answersOf(values, rateLimit, cookies.secrets, host.name),
  }
  return { kind: 'settings', settings }
}

async function readFile(name: string | readonly string[] | undefined): Promise<FileSettings> {
  if (typeof name !== 'string') return { values: {}, diagnostics: [] }
  const read = await readOne(name)
  if (read.kind === 'bad') return { values: {}, diagnostics: [read.diagnostic] }
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
  values: SettingValues & FileOnly,
  host: Host,
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
    geoip: values.geoip ?? {},
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

// mxsteer.yaml → the settings that it gives.

interface FileSettings {
  readonly values: SettingValues & FileOnly
  readonly diagnostics: readonly Diagnostic[]
}

export function readSettingsFile(file: string, octets: Uint8Array): FileSettings {
  const parsed = parseDocument(file, octets)
  if (parsed.kind === 'bad') return { values: {}, diagnostics: parsed.diagnostics }
  const { document, diagnostics } = parsed
  // Everything is optional: a file of comments alone is a good one.
  const read = settingsFileSchema.safeParse(document.value ?? {})
  const issues = read.success ? [] : read.error.issues
  const problems = shapeProblems(issues, document.value).map(({ problem }) =>
    withoutSecret(problem),
  )
  const found = [...diagnostics, ...problems.map((problem) => document.toDiagnostic(problem))]
  return { values: read.success ? read.data : {}, diagnostics: hideSecrets(document, found) }
}

/** What stands at `state` may be a URL with a slip in it, and its password. */
const withoutSecret = (problem: Problem): Problem =>
  problem.path[0] === 'state' ? { ...problem, message: expectedState } : problem

/** Nor is it shown by the excerpt of another mistake on its line; and so are the secrets of cookies. */
function hideSecrets(
  document: ConfigDocument,
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  const lines = new Set(secretPaths(document.value).map((path) => lineOf(document, path)))
  return diagnostics.map((one) => (lines.has(one.line) ? { ...one, excerpt: '' } : one))
}

function secretPaths(value: unknown): DocumentPath[] {
  const {
    admin_token: token,
    load_token: loadToken,
    cookie_secret: cookies,
  } = (value ?? {}) as Record<string, unknown>
  const paths: DocumentPath[] = []
  for (const key of secretStateKeys) if (Object.hasOwn(value ?? {}, key)) paths.push([key])
  if (token !== undefined) paths.push(['admin_token'])
  if (loadToken !== undefined) paths.push(['load_token'])
  if (cookies !== undefined) paths.push(['cookie_secret'])
  if (Array.isArray(cookies)) for (const i of cookies.keys()) paths.push(['cookie_secret', i])
  return paths
}

const anyProblem: Omit<Problem, 'path'> = {
  severity: 'error',
  code: 'bad-value',
  at: 'value',
  message: '',
}

const lineOf = (document: ConfigDocument, path: DocumentPath): number =>
  document.toDiagnostic({ ...anyProblem, path }).line

// Environment variables → settings. Unknown ones are let be, since orchestrators set variables of their own
// (`MXSTEER_PORT`, `MXSTEER_SERVICE_HOST` for a service of that name); a slip of the pen is warned of.

const prefix = 'MXSTEER_'

const variables: ReadonlyMap<string, string> = new Map(
  settingKeys.map((key) => [prefix + key.toUpperCase(), key]),
)

/** Comma-separated. */
const lists: ReadonlySet<string> = new Set(['listen', 'cookie_secret', 'canaries', 'probe_source'])

interface VariablesGiven {
  readonly given: readonly Given[]
  readonly warnings: readonly Diagnostic[]
}

/** Empty variables count as absent, as composing tools leave them. */
function variablesGiven(env: Readonly<Record<string, string | undefined>>): VariablesGiven {
  const given: Given[] = []
  const warnings: Diagnostic[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(prefix) || !value) continue
    const key = variables.get(name)
    if (key !== undefined && lists.has(key))
      given.push({ origin: name, key, value: value.split(',') })
    else if (key !== undefined) given.push({ origin: name, key, value })
    else if (name !== `${prefix}CONFIG`) warnings.push(...warnOfSlip(name))
  }
  return { given, warnings }
}

function warnOfSlip(name: string): readonly Diagnostic[] {
  const meant = nearest(name, [...variables.keys(), `${prefix}CONFIG`])
  if (!meant || name === `${prefix}PORT`) return []
  const message = `unknown variable, did you mean ${meant}?`
  return [originDiagnostic(name, 'unknown-variable', message, 'warning')]
}

// Settings given one by one, as flags or variables: mistakes name the flag or the variable, not a line.

interface Given {
  /** `--listen` or `MXSTEER_LISTEN`. */
  readonly origin: string
  readonly key: string
  readonly value: string | readonly string[]
}

interface GivenSettings {
  readonly values: SettingValues
  readonly diagnostics: readonly Diagnostic[]
}

function readGiven(given: readonly Given[]): GivenSettings {
  const values: Record<string, unknown> = {}
  const diagnostics: Diagnostic[] = []
  for (const { origin, key, value } of given) {
    if (!isSettingKey(key)) {
      const meant = nearest(key, settingKeys)
      const message = `unknown setting${meant ? `, did you mean ${meant.replaceAll('_', '-')}?` : ''}`
      diagnostics.push(originDiagnostic(origin, 'unknown-key', message))
      continue
    }
    const parsed = settingSchemas[key].safeParse(value)
    if (!parsed.success) {
      // A list has a mistake an item; all of them are said.
      for (const issue of parsed.error.issues) {
        // What stands at the state may be a URL with a slip in it, and its password.
        const message = key === 'state' ? expectedState : issue.message
        diagnostics.push(originDiagnostic(origin, 'bad-value', message))
      }
    } else {
      values[key] = parsed.data
    }
  }
  return { values, diagnostics }
}

const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(settingSchemas, key)

function originDiagnostic(
  origin: string,
  code: ProblemCode,
  message: string,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic {
  const nowhere = { line: 0, column: 0, path: '', excerpt: '' }
  return { severity, code, file: origin, ...nowhere, message: printable(maskSecrets(message)) }
}
