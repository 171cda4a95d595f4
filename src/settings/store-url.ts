// The setting `state`: `memory`, or the URL of the Redis where instances share what they see. The
// URL is redis:// or rediss:// with one host, redis+sentinel:// or rediss+sentinel:// with the
// hosts of the Sentinels and the name of the primary, or redis+cluster:// or rediss+cluster:// with
// some nodes of the cluster. It may contain a password, so no message repeats it.

import { z } from 'zod'

/** `memory`, or the URL of a store. Not a leaf(), whose message would show the value. */
export const storeUrl: z.ZodType<'memory' | StoreUrl> = z.unknown().transform((value, context) => {
  if (value === 'memory') return value
  const url = typeof value === 'string' ? parseStoreUrl(value) : null
  if (url !== null) return url
  const isCluster = typeof value === 'string' && /^rediss?\+cluster:/.test(value)
  const message = isCluster ? expectedCluster : expectedState
  context.issues.push({ code: 'custom', input: undefined, message })
  return z.NEVER
})

interface HostPort {
  readonly host: string
  readonly port: number
}

export interface StoreUrl {
  readonly where:
    | ({ readonly kind: 'one' } & HostPort)
    | { readonly kind: 'sentinel'; readonly sentinels: readonly HostPort[]; readonly name: string }
    /** `seeds`: nodes that know the others. */
    | { readonly kind: 'cluster'; readonly seeds: readonly HostPort[] }
  readonly isTls: boolean
  readonly username: string | null
  readonly password: string | null
  readonly database: number
}

const expectedState =
  'expected memory, redis://HOST:PORT, rediss://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/NAME or redis+cluster://HOST:PORT,HOST:PORT'

const redisPort = 6379

const sentinelPort = 26_379

/** Sentinels, or nodes of a cluster. */
const maxHosts = 16

const expectedCluster = `expected redis+cluster://HOST:PORT,HOST:PORT or rediss+cluster://…, with 1 to ${maxHosts} nodes and no database: a cluster has one`

const maxUrlCharacters = 2048

const urlPattern =
  /^(redis|rediss)(\+sentinel|\+cluster)?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^/?#\s]*))?$/

/** null: the text is not the URL of a store. */
export function parseStoreUrl(url: string): StoreUrl | null {
  const match = url.length <= maxUrlCharacters ? urlPattern.exec(url) : null
  if (!match) return null
  const [, scheme, kind, user = '', hosts = '', path = ''] = match
  const credentials = parseCredentials(user)
  const where = parseWhere(kind, hosts, path)
  const database = kind || path === '' ? 0 : Number(/^\d{1,4}$/.exec(path)?.[0] ?? NaN)
  if (!credentials || !where || Number.isNaN(database)) return null
  return { where, isTls: scheme === 'rediss', ...credentials, database }
}

function parseWhere(
  kind: string | undefined,
  hosts: string,
  path: string,
): StoreUrl['where'] | null {
  if (kind === '+sentinel') return parseSentinels(hosts, path)
  return kind === '+cluster' ? parseCluster(hosts, path) : parseOne(hosts)
}

function parseOne(text: string): StoreUrl['where'] | null {
  const host = parseHost(text, redisPort)
  return host && { kind: 'one', ...host }
}

/** `hosts`: `HOST:PORT,HOST:PORT…`; `name`: that of the primary. */
function parseSentinels(hosts: string, name: string): StoreUrl['where'] | null {
  const sentinels = parseHosts(hosts, sentinelPort)
  const isName = /^[\w.-]{1,63}$/.test(name)
  return isName && sentinels ? { kind: 'sentinel', sentinels, name } : null
}

/** A cluster has one database. */
function parseCluster(hosts: string, path: string): StoreUrl['where'] | null {
  const seeds = parseHosts(hosts, redisPort)
  return seeds && /^0?$/.test(path) ? { kind: 'cluster', seeds } : null
}

/** `HOST:PORT,HOST:PORT…`; null: one of them is none, or there are too many. */
function parseHosts(text: string, defaultPort: number): readonly HostPort[] | null {
  const hosts = text.split(',').map((host) => parseHost(host, defaultPort))
  const valid = hosts.filter((host) => host !== null)
  return valid.length === hosts.length && valid.length <= maxHosts ? valid : null
}

function parseHost(text: string, defaultPort: number): HostPort | null {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([\w.-]{1,253}))(?::(\d{1,5}))?$/i.exec(text)
  if (!match) return null
  const port = match[3] === undefined ? defaultPort : Number(match[3])
  return port > 0 && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : null
}

/** `USER:PASSWORD`, `:PASSWORD`, or `USER`, percent-encoded. */
function parseCredentials(text: string): Pick<StoreUrl, 'username' | 'password'> | null {
  const colon = text.indexOf(':')
  try {
    const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon))
    const password = colon < 0 ? '' : decodeURIComponent(text.slice(colon + 1))
    return { username: username || null, password: password || null }
  } catch {
    return null
  }
}
