// The store over ioredis: two connections, one for batches, one that waits for hints.
//
// A store that takes our octets but does not answer (stopped, half open) is given up within the command timeout: TCP
// would not notice for minutes. Of an error only a word gets out: messages of libraries may hold what was sent, and
// that may be a password.

import { Redis, type RedisOptions } from 'ioredis'

export function createRedisLink(
  address: StoreAddress,
  name: string,
  times: LinkTimes,
  random: () => number,
): StoreLink {
  const { commandMs, blockMs } = times
  const options = linkOptions(address, name, times, random)
  const batches = new Connection(new Redis({ ...options, commandTimeout: commandMs }))
  // Its timeouts leave room for the wait.
  const commandTimeout = blockMs + commandMs
  const waiting = new Connection(
    new Redis({ ...options, commandTimeout, socketTimeout: commandTimeout }),
  )
  return {
    run: (commands, isAtomic = false) => batches.run(commands, isAtomic),
    runBlocking: (command) => waiting.call(command),
    isReady: () => batches.isReady(),
    onReady: (call) => batches.onReady(call),
    lastErrorCode: () => batches.trouble,
    close() {
      batches.close()
      waiting.close()
    },
  }
}

/** Not an answer of the store, but none. */
const isSilence = (error: unknown): boolean =>
  error !== null && !(error instanceof Error && error.name === 'ReplyError')

const toReply = (error: unknown, value: unknown): Reply =>
  error ? { kind: 'error', code: errorCode(error) } : { kind: 'value', value }

class Connection {
  trouble: string | null = null
  readonly #client: Redis

  constructor(client: Redis) {
    this.#client = client
    client.on('error', (error: unknown) => this.#note(error))
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
    const replies = await batch.exec().catch((error: unknown) => this.#note(error))
    if (!replies) return null
    const silent = replies.find(([error]) => isSilence(error))
    // A batch that was not answered whole was not answered: the connection is of no more use.
    if (silent) return this.#giveUp(silent[0])
    this.trouble = null
    return replies.map(([error, value]) => toReply(error, value))
  }

  async call([command, ...args]: Command): Promise<Reply | null> {
    if (!this.isReady()) return null
    try {
      return { kind: 'value', value: await this.#client.call(command, ...args) }
    } catch (error) {
      return isSilence(error) ? this.#giveUp(error) : toReply(error, null)
    }
  }

  close(): void {
    this.#client.disconnect()
  }

  #giveUp(error: unknown): null {
    this.#note(error)
    if (this.isReady()) this.#client.disconnect(true)
    return null
  }

  #note(error: unknown): null {
    this.trouble = errorCode(error)
    return null
  }
}

interface RawError {
  readonly code?: unknown
  readonly message?: string
  readonly previousErrors?: readonly Error[]
}

/** One word out of an error. */
export function errorCode(error: unknown): string {
  const { code, message = '', previousErrors } = (error ?? {}) as RawError
  // Of a transaction that is refused: the reason, not the consequence.
  if (message.startsWith('EXECABORT') && previousErrors?.[0]) return errorCode(previousErrors[0])
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code
  if (message === 'Command timed out' || message.startsWith('Socket timeout')) return 'TIMEOUT'
  if (message.startsWith('All sentinels are unreachable')) return 'SENTINELS'
  return /^[A-Z]{2,20}(?= |$)/.exec(message)?.[0] ?? 'CLOSED'
}

// How ioredis is to behave: nothing queued while there is no connection, nothing sent twice, every wait with an end.
// Its defaults queue without bound, replay commands, and wait for minutes on a peer that is gone.

interface LinkTimes {
  readonly connectMs: number
  readonly commandMs: number
  /** How long a waiting command may wait. */
  readonly blockMs: number
  readonly longestRetryMs: number
}

type LinkOptions = RedisOptions & { replyMapping: 'legacy' }

const firstRetryMs = 50

function linkOptions(
  address: StoreAddress,
  name: string,
  { connectMs, commandMs, longestRetryMs }: LinkTimes,
  random: () => number,
): LinkOptions {
  const { username, password, database, tls } = address
  // With chance in it: instances that lost the store together must not come back together.
  const retryMs = (times: number): number =>
    Math.min(firstRetryMs * 2 ** Math.min(times, 10), longestRetryMs) * (0.5 + random() / 2)
  return {
    ...placeOptions(address, commandMs, retryMs),
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
    // What is a replica now, or not up yet, is left; with Sentinels the next connection finds the new primary.
    reconnectOnError: (error) => (/^(READONLY|LOADING|MASTERDOWN)/.test(error.message) ? 1 : false),
  }
}

function placeOptions(
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

// Where the store is and how one gets in, as the settings give it. Holds secrets: never to be logged.

interface HostPort {
  readonly host: string
  readonly port: number
}

type StoreEndpoint =
  | ({ readonly kind: 'one' } & HostPort)
  /** `name`: of the primary, as the Sentinels know it. */
  | { readonly kind: 'sentinel'; readonly sentinels: readonly HostPort[]; readonly name: string }

/** PEM texts; null: those of the system, none. */
interface StoreTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

export interface StoreAddress {
  readonly where: StoreEndpoint
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** null: in the clear. */
  readonly tls: StoreTls | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
}

// A hash read whole. By connection and client it comes as a list of fields and values in turn, or as an object.

/** Fields and values in turn; null: no answer. */
export async function readHash(link: StoreLink, key: string): Promise<readonly unknown[] | null> {
  const replies = await link.run([['hgetall', key]])
  if (replies === null) return null
  const value = replies[0]?.kind === 'value' ? replies[0].value : []
  return Array.isArray(value) ? (value as unknown[]) : Object.entries(value ?? {}).flat()
}

// What holds something of another type where we write is nobody's: it goes.

/** How many commands met such a key. */
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
  await link.run([['del', ...keys]])
  return wrong.length
}

// What the exchange asks of a store: batches of commands, one at a time, and a wait for hints. It never throws, and
// whatever it cannot do it says at once or within its timeouts; nothing is queued while the store is away.

export type Command = readonly [name: string, ...args: (string | number)[]]

export type Reply =
  | { readonly kind: 'value'; readonly value: unknown }
  /** `code`: first word of the store's error, such as WRONGTYPE, or of ours; never what was sent. */
  | { readonly kind: 'error'; readonly code: string }

export interface StoreLink {
  /** One reply a command; null: the store is away, or was silent. `isAtomic`: all or nothing, and nobody between. */
  run(commands: readonly Command[], isAtomic?: boolean): Promise<readonly Reply[] | null>
  /** The same over a connection of its own, for a command that waits. */
  runBlocking(command: Command): Promise<Reply | null>
  isReady(): boolean
  /** Calls back each time that a connection stands anew. */
  onReady(call: () => void): void
  /** Why the last attempt failed; null: it did not. */
  lastErrorCode(): string | null
  close(): void
}
