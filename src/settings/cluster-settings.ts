// Settings of shared state: where the store is, who we are to it, how often we say that we live.
//
// Neither the URL nor a password ever shows: no mistake repeats them, and no excerpt shows their line.

import { z } from 'zod'
import { durationMs, leaf, text } from '../zonefile/leaf.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readOne } from '../zonefile/read-folder.ts'

export interface StateValues {
  state?: 'memory' | StoreUrl | undefined
  state_namespace?: string | undefined
  state_username?: string | undefined
  state_password?: string | undefined
  state_password_file?: string | undefined
  state_sentinel_username?: string | undefined
  state_sentinel_password?: string | undefined
  state_sentinel_password_file?: string | undefined
  /** PEM files. */
  state_ca?: string | undefined
  state_certificate?: string | undefined
  state_key?: string | undefined
  state_server_name?: string | undefined
  /** Milliseconds; so is the hold. */
  state_heartbeat?: number | undefined
  peer_hold?: number | undefined
  vantages?: number | undefined
}

/** Without the words of leaf(), which would show what was given. */
const state: z.ZodType<'memory' | StoreUrl> = z.unknown().transform((value, context) => {
  const read = value === 'memory' ? value : typeof value === 'string' ? parseStoreUrl(value) : null
  if (read !== null) return read
  context.issues.push({ code: 'custom', input: undefined, message: expectedState })
  return z.NEVER
})

const secret: z.ZodType<string> = z.unknown().transform((value, context): string => {
  if (typeof value === 'string' && isSecret(value)) return value
  context.issues.push({ code: 'custom', input: undefined, message: 'expected 1 to 512 characters' })
  return z.NEVER
})

const isSecret = (text: string): boolean => /^[^\p{Cc}]{1,512}$/u.test(text)

const path = text('a path', /^[^\0]{1,4096}$/, '.')

const word = text('a name of up to 128 characters', /^[^\p{Cc}\s]{1,128}$/u, 'name')

const namespace = text('a name of letters, digits and hyphens', /^[\w-]{1,40}$/, 'default')

const vantages: z.ZodType<number> = leaf({
  expected: 'a count from 1 to 7',
  fallback: 3,
  read: (value) => (/^[1-7]$/.test(String(value)) ? Number(value) : null),
})

type Schemas = { readonly [Key in keyof StateValues]-?: z.ZodType<NonNullable<StateValues[Key]>> }

export const stateSchemas: Schemas = {
  state,
  state_namespace: namespace,
  state_username: word,
  state_password: secret,
  state_password_file: path,
  state_sentinel_username: word,
  state_sentinel_password: secret,
  state_sentinel_password_file: path,
  state_ca: path,
  state_certificate: path,
  state_key: path,
  state_server_name: word,
  state_heartbeat: durationMs('200ms', '30s', '3s'),
  peer_hold: durationMs('0s', '1h', '5m'),
  vantages,
}

/** Keys whose line no excerpt shows. */
export const secretStateKeys: readonly (keyof StateValues)[] = [
  'state',
  'state_password',
  'state_sentinel_password',
]

interface StoreAccess {
  readonly where: StoreUrl['where']
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** PEM texts; null: in the clear. */
  readonly tls: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
  } | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
}

export interface SharedStateSettings {
  readonly address: StoreAccess
  readonly namespace: string
  readonly heartbeatMs: number
  /** How many instances probe an endpoint. */
  readonly vantages: number
  readonly peerHoldMs: number
}

type StateRead =
  | { readonly kind: 'state'; readonly state: 'memory' | SharedStateSettings }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** What is given by itself goes before a file, and that before the URL. */
export async function stateOf(values: StateValues): Promise<StateRead> {
  const { state: url = 'memory' } = values
  if (url === 'memory') return { kind: 'state', state: 'memory' }
  const files = [
    values.state_password_file,
    values.state_sentinel_password_file,
    values.state_ca,
    values.state_certificate,
    values.state_key,
  ]
  const texts: (string | null)[] = []
  for (const file of files) {
    const read = file === undefined ? null : await readOne(file)
    if (read?.kind === 'bad') return read
    texts.push(read && new TextDecoder().decode(read.octets))
  }
  const [password = null, sentinelPassword = null, ...pems] = texts
  for (const [i, found] of [password, sentinelPassword].entries())
    if (found !== null && !isSecret(firstLine(found))) return emptyFile(files[i] ?? '')
  const pem = pems.some((one) => one !== null) || values.state_server_name !== undefined
  if (pem && !url.isTls) return needsTls()
  return { kind: 'state', state: sharedState(values, url, { password, sentinelPassword, pems }) }
}

interface FileTexts {
  readonly password: string | null
  readonly sentinelPassword: string | null
  readonly pems: readonly (string | null)[]
}

function sharedState(values: StateValues, url: StoreUrl, files: FileTexts): SharedStateSettings {
  const { password, sentinelPassword, pems } = files
  const [ca, cert, key] = pems
  const servername = values.state_server_name
  const given = { ca, cert, key, servername }
  const tls = Object.fromEntries(Object.entries(given).filter(([, one]) => one))
  return {
    address: {
      where: url.where,
      username: values.state_username ?? url.username,
      password: values.state_password ?? (password && firstLine(password)) ?? url.password,
      database: url.database,
      tls: url.isTls ? tls : null,
      sentinelUsername: values.state_sentinel_username ?? null,
      sentinelPassword:
        values.state_sentinel_password ?? (sentinelPassword && firstLine(sentinelPassword)),
    },
    namespace: values.state_namespace ?? 'default',
    heartbeatMs: values.state_heartbeat ?? 3000,
    vantages: values.vantages ?? 3,
    peerHoldMs: values.peer_hold ?? 300_000,
  }
}

const firstLine = (content: string): string => content.split('\n')[0]?.trim() ?? ''

const needsTls = (): StateRead =>
  badState('state', 'expected a rediss:// URL, since files or a name for TLS are given')

const emptyFile = (file: string): StateRead =>
  badState(file, 'expected a password of 1 to 512 characters in its first line')

const badState = (file: string, message: string): StateRead => ({
  kind: 'bad',
  diagnostic: {
    severity: 'error',
    code: 'bad-value',
    file,
    line: 0,
    column: 0,
    path: '',
    excerpt: '',
    message,
  },
})

// The URL of a store: redis:// or rediss:// with one host, redis+sentinel:// or rediss+sentinel:// with those of the
// Sentinels and the name of the primary. It may hold a password, so what is wrong with it is never shown.

interface HostPort {
  readonly host: string
  readonly port: number
}

interface StoreUrl {
  readonly where:
    | ({ readonly kind: 'one' } & HostPort)
    | { readonly kind: 'sentinel'; readonly sentinels: readonly HostPort[]; readonly name: string }
  readonly isTls: boolean
  readonly username: string | null
  readonly password: string | null
  readonly database: number
}

export const expectedState =
  'expected memory, redis://HOST:PORT, rediss://HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/NAME'

const redisPort = 6379

const sentinelPort = 26_379

const sentinelLimit = 16

const longest = 2048

const pattern = /^(redis|rediss)(\+sentinel)?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^/?#\s]*))?$/

/** null: not one. */
export function parseStoreUrl(url: string): StoreUrl | null {
  const found = url.length <= longest ? pattern.exec(url) : null
  if (!found) return null
  const [, scheme, sentinel, user = '', hosts = '', path = ''] = found
  const credentials = parseCredentials(user)
  const where = sentinel ? parseSentinels(hosts, path) : parseOne(hosts)
  const database = sentinel || path === '' ? 0 : Number(/^\d{1,4}$/.exec(path)?.[0] ?? NaN)
  if (!credentials || !where || Number.isNaN(database)) return null
  return { where, isTls: scheme === 'rediss', ...credentials, database }
}

function parseOne(text: string): StoreUrl['where'] | null {
  const host = parseHost(text, redisPort)
  return host && { kind: 'one', ...host }
}

/** `HOST:PORT,…/NAME`; the database is 0, as Sentinels know none. */
function parseSentinels(hosts: string, name: string): StoreUrl['where'] | null {
  const sentinels = hosts.split(',').map((host) => parseHost(host, sentinelPort))
  const isNamed = /^[\w.-]{1,63}$/.test(name)
  const good = sentinels.filter((one) => one !== null)
  if (!isNamed || good.length !== sentinels.length || good.length > sentinelLimit) return null
  return { kind: 'sentinel', sentinels: good, name }
}

function parseHost(text: string, usualPort: number): HostPort | null {
  const found = /^(?:\[([0-9a-f:.]{2,45})\]|([\w.-]{1,253}))(?::(\d{1,5}))?$/i.exec(text)
  if (!found) return null
  const port = found[3] === undefined ? usualPort : Number(found[3])
  return port > 0 && port <= 65_535 ? { host: found[1] ?? found[2] ?? '', port } : null
}

/** `USER:PASSWORD`, `:PASSWORD`, or `USER`, percent-encoded. */
function parseCredentials(text: string): Pick<StoreUrl, 'username' | 'password'> | null {
  const at = text.indexOf(':')
  try {
    const username = decodeURIComponent(at < 0 ? text : text.slice(0, at))
    const password = at < 0 ? '' : decodeURIComponent(text.slice(at + 1))
    return { username: username || null, password: password || null }
  } catch {
    return null
  }
}
