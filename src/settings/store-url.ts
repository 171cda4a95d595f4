// The setting `state`: `memory`, or the URL of the Redis where instances share what they see. The
// URL is redis:// or rediss:// with one host, or redis+sentinel:// or rediss+sentinel:// with the
// hosts of the Sentinels and the name of the primary. It may contain a password, so no message
// repeats it.

import { z } from 'zod'

/** `memory`, or the URL of a store. Not a leaf(), whose message would show the value. */
export const storeUrl: z.ZodType<'memory' | StoreUrl> = z.unknown().transform((value, context) => {
  if (value === 'memory') return value
  const url = typeof value === 'string' ? parseStoreUrl(value) : null
  if (url !== null) return url
  context.issues.push({ code: 'custom', input: undefined, message: expectedState })
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
  readonly isTls: boolean
  readonly username: string | null
  readonly password: string | null
  readonly database: number
}

const expectedState =
  'expected memory, redis://HOST:PORT, rediss://HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/NAME'

const redisPort = 6379

const sentinelPort = 26_379

const maxSentinels = 16

const maxUrlCharacters = 2048

const urlPattern =
  /^(redis|rediss)(\+sentinel)?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^/?#\s]*))?$/

/** null: the text is not the URL of a store. */
export function parseStoreUrl(url: string): StoreUrl | null {
  const match = url.length <= maxUrlCharacters ? urlPattern.exec(url) : null
  if (!match) return null
  const [, scheme, sentinel, user = '', hosts = '', path = ''] = match
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

/** `hosts`: `HOST:PORT,HOST:PORT…`; `name`: that of the primary. */
function parseSentinels(hosts: string, name: string): StoreUrl['where'] | null {
  const sentinels = hosts.split(',').map((host) => parseHost(host, sentinelPort))
  const isName = /^[\w.-]{1,63}$/.test(name)
  const valid = sentinels.filter((sentinel) => sentinel !== null)
  if (!isName || valid.length !== sentinels.length || valid.length > maxSentinels) return null
  return { kind: 'sentinel', sentinels: valid, name }
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
