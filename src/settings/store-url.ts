// The URL of a store: redis:// or rediss:// with one host, redis+sentinel:// or rediss+sentinel:// with those of the
// Sentinels and the name of the primary. It may hold a password, so what is wrong with it is never shown.

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
