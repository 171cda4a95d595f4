// The connection to the store, by ioredis: one connection for batches of commands, one for commands that block.
//
// A store that accepts octets but does not answer (stopped, half open) is given up within the command timeout; TCP alone
// would take minutes to notice. Of an error only its code is passed on: messages of libraries may contain what was sent,
// a password for instance.

import { Redis, type RedisOptions } from 'ioredis'

/** Connects to the store and keeps reconnecting until `close`. `name` is shown by CLIENT LIST. */
export function createRedisLink(
  address: StoreAddress,
  name: string,
  times: LinkTimes,
  random: () => number,
): StoreLink {
  const { commandMs, blockMs } = times
  const options = linkOptions(address, name, times, random)
  const batches = new Connection(new Redis({ ...options, commandTimeout: commandMs }))
  // Both timeouts include the time that the command may block.
  const commandTimeout = blockMs + commandMs
  const blocking = new Connection(
    new Redis({ ...options, commandTimeout, socketTimeout: commandTimeout }),
  )
  return {
    run: (commands, isAtomic = false) => batches.run(commands, isAtomic),
    runBlocking: (command) => blocking.call(command),
    isReady: () => batches.isReady(),
    onReady: (call) => batches.onReady(call),
    lastErrorCode: () => batches.lastErrorCode,
    close() {
      batches.close()
      blocking.close()
    },
  }
}

/** Whether the error means that there was no answer, as opposed to an error reply of the store. */
const isNoReply = (error: unknown): boolean =>
  error !== null && !(error instanceof Error && error.name === 'ReplyError')

const toReply = (error: unknown, value: unknown): Reply =>
  error ? { kind: 'error', code: errorCode(error) } : { kind: 'value', value }

class Connection {
  /** Code of the last error; null after a successful batch. */
  lastErrorCode: string | null = null
  readonly #client: Redis

  constructor(client: Redis) {
    this.#client = client
    client.on('error', (error: unknown) => this.#recordError(error))
  }

  isReady(): boolean {
    return this.#client.status === 'ready'
  }

  onReady(call: () => void): void {
    this.#client.on('ready', call)
  }

  async run(commands: readonly Command[], isAtomic: boolean): Promise<readonly Reply[] | null> {
    if (!this.isReady()) return null
    const list = commands.map((command) => [...command])
    const batch = isAtomic ? this.#client.multi(list) : this.#client.pipeline(list)
    const replies = await batch.exec().catch((error: unknown) => this.#recordError(error))
    if (!replies) return null
    const unanswered = replies.find(([error]) => isNoReply(error))
    // After a missing reply the later ones cannot be assigned to commands any more.
    if (unanswered) return this.#reconnect(unanswered[0])
    this.lastErrorCode = null
    return replies.map(([error, value]) => toReply(error, value))
  }

  async call([name, ...args]: Command): Promise<Reply | null> {
    if (!this.isReady()) return null
    try {
      return { kind: 'value', value: await this.#client.call(name, ...args) }
    } catch (error) {
      return isNoReply(error) ? this.#reconnect(error) : toReply(error, null)
    }
  }

  close(): void {
    this.#client.disconnect()
  }

  #reconnect(error: unknown): null {
    this.#recordError(error)
    if (this.isReady()) this.#client.disconnect(true)
    return null
  }

  #recordError(error: unknown): null {
    this.lastErrorCode = errorCode(error)
    return null
  }
}

interface RawError {
  readonly code?: unknown
  readonly message?: string
  readonly previousErrors?: readonly Error[]
}

/** The code of an error in one upper-case word, `CLOSED` if it has none. Never contains what was sent. */
export function errorCode(error: unknown): string {
  const { code, message = '', previousErrors } = (error ?? {}) as RawError
  // An aborted transaction: the code of the command that was refused.
  if (message.startsWith('EXECABORT') && previousErrors?.[0]) return errorCode(previousErrors[0])
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code
  if (message === 'Command timed out' || message.startsWith('Socket timeout')) return 'TIMEOUT'
  if (message.startsWith('All sentinels are unreachable')) return 'SENTINELS'
  return /^[A-Z]{2,20}(?= |$)/.exec(message)?.[0] ?? 'CLOSED'
}

// Options of ioredis: nothing is queued without a connection, nothing is sent twice, every wait has a timeout. Its
// defaults queue without bound, replay commands, and wait for minutes on a peer that is gone.

interface LinkTimes {
  /** Timeout of establishing a connection, in milliseconds. */
  readonly connectMs: number
  /** Timeout of the reply to a command, in milliseconds. */
  readonly commandMs: number
  /** How long a blocking command may block. */
  readonly blockMs: number
  readonly maxRetryMs: number
}

type LinkOptions = RedisOptions & { replyMapping: 'legacy' }

const minRetryMs = 50

function linkOptions(
  address: StoreAddress,
  name: string,
  { connectMs, commandMs, maxRetryMs }: LinkTimes,
  random: () => number,
): LinkOptions {
  const { username, password, database, tls } = address
  // With jitter: instances that lost the store together must not all reconnect at the same moment.
  const retryMs = (times: number): number =>
    Math.min(minRetryMs * 2 ** Math.min(times, 10), maxRetryMs) * (0.5 + random() / 2)
  return {
    ...endpointOptions(address, commandMs, retryMs),
    ...(tls === null ? {} : { tls: { ...tls, rejectUnauthorized: true } }),
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    connectionName: `mxsteer-${name}`,
    db: database,
    protocol: 2,
    replyMapping: 'legacy',
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    disableClientInfo: true,
    connectTimeout: connectMs,
    disconnectTimeout: commandMs,
    keepAlive: 5000,
    retryStrategy: retryMs,
    // Leave a server that has become a replica or is still loading; Sentinels lead to the new primary.
    reconnectOnError: (error) => (/^(READONLY|LOADING|MASTERDOWN)/.test(error.message) ? 1 : false),
  }
}

function endpointOptions(
  { where, tls, sentinelUsername, sentinelPassword }: StoreAddress,
  commandMs: number,
  retryMs: (times: number) => number,
): RedisOptions {
  if (where.kind === 'one') return { host: where.host, port: where.port }
  return {
    sentinels: where.sentinels.map(({ host, port }) => ({ host, port })),
    name: where.name,
    sentinelRetryStrategy: retryMs,
    sentinelCommandTimeout: commandMs,
    enableTLSForSentinelMode: tls !== null,
    ...(tls === null ? {} : { sentinelTLS: { ...tls, rejectUnauthorized: true } }),
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
  }
}

// Address and credentials of the store, from the settings. Never to be logged.

interface HostPort {
  readonly host: string
  readonly port: number
}

type StoreEndpoint =
  | ({ readonly kind: 'one' } & HostPort)
  /** `name` is that of the primary, as the Sentinels know it. */
  | { readonly kind: 'sentinel'; readonly sentinels: readonly HostPort[]; readonly name: string }

/** PEM texts. Without `ca` the system's authorities are used; without `cert` and `key` no client certificate. */
interface StoreTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

/** Where the store is and how to log in; null credentials are not sent. */
export interface StoreAddress {
  readonly where: StoreEndpoint
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** TLS parameters; null for plain TCP. */
  readonly tls: StoreTls | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
}

/**
 * The hash in a reply to HGETALL, as alternating fields and values; empty if the reply is an error. ioredis returns a
 * list or an object, depending on the protocol version.
 */
export function hashOf(reply: Reply | undefined): readonly unknown[] {
  const value = reply?.kind === 'value' ? reply.value : []
  return Array.isArray(value) ? (value as unknown[]) : Object.entries(value ?? {}).flat()
}

/** Deletes the keys that hold another type than our commands need. Returns how many commands met such a key. */
export async function deleteWrongTypeKeys(
  link: StoreLink,
  commands: readonly Command[],
  replies: readonly Reply[],
): Promise<number> {
  const wrong = commands.filter((_, i) => {
    const reply = replies[i]
    return reply?.kind === 'error' && reply.code === 'WRONGTYPE'
  })
  if (wrong.length === 0) return 0
  const keys = new Set(wrong.map(([, key]) => key as string))
  await link.run([['unlink', ...keys]])
  return wrong.length
}

/** The list in a reply; empty if the reply is an error or something else. */
export const listOf = (reply: Reply | undefined): readonly unknown[] =>
  reply?.kind === 'value' && Array.isArray(reply.value) ? (reply.value as unknown[]) : []

// What the cluster needs of a store. Nothing here throws or rejects: failures are values, returned at once or within the
// timeouts, and nothing is queued while the store is out of reach.

/** A command and its arguments. */
export type Command = readonly [name: string, ...args: (string | number)[]]

export type Reply =
  | { readonly kind: 'value'; readonly value: unknown }
  /** `code` is the first word of an error reply, such as WRONGTYPE, or a code of `errorCode`. */
  | { readonly kind: 'error'; readonly code: string }

export interface StoreLink {
  /**
   * Sends commands in one batch. Resolves to one reply per command, or null if the store is out of reach or did not
   * answer. `isAtomic` sends them as a transaction (MULTI).
   */
  run(commands: readonly Command[], isAtomic?: boolean): Promise<readonly Reply[] | null>
  /** Sends a command that blocks, over the second connection; null as above. */
  runBlocking(command: Command): Promise<Reply | null>
  /** Whether there is a connection. */
  isReady(): boolean
  /** Calls back each time that a connection has been established. */
  onReady(call: () => void): void
  /** Code of the last error; null after a success. */
  lastErrorCode(): string | null
  close(): void
}
