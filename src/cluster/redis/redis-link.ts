// The connection to the store, by ioredis: one connection for batches of commands, one for commands that block.
//
// A store that accepts octets but does not answer (stopped, half open) is given up within the command timeout; TCP alone
// would take minutes to notice. What is no reply to our commands is cut off (reply-guard.ts), and the link opens again with
// backoff. Of an error only its code is passed on: messages of libraries may contain what was sent, a password for
// instance.

import { Redis, type RedisOptions } from 'ioredis'

import { addressConnector, sentinelConnector } from './guarded-connectors.ts'
import { guardReplies, type LinkFault } from './reply-guard.ts'

/** Connects to the store and keeps reconnecting until `close`. `name` is shown by CLIENT LIST. */
export function createRedisLink(
  address: StoreAddress,
  name: string,
  times: LinkTimes,
  random: () => number,
): StoreLink {
  const { commandMs, blockMs, maxRetryMs } = times
  const faults: Record<LinkFault, number> = { malformed: 0, unasked: 0, oversized: 0, exception: 0 }
  const open = (timeouts: Pick<RedisOptions, 'commandTimeout' | 'socketTimeout'>): Connection => {
    const backoff = createBackoff(maxRetryMs, random)
    const guard: GuardSocket = (socket) =>
      guardReplies(socket, (fault) => {
        faults[fault]++
        backoff.recordFault()
      })
    const options = linkOptions(address, name, times, { retryMs: backoff.retryMs, guard })
    return new Connection(new Redis({ ...options, ...timeouts }), backoff.retryMs)
  }
  const batches = open({ commandTimeout: commandMs })
  // Both timeouts include the time that the command may block.
  const commandTimeout = blockMs + commandMs
  const blocking = open({ commandTimeout, socketTimeout: commandTimeout })
  return {
    run: (commands, isAtomic = false) => batches.run(commands, isAtomic),
    runBlocking: (command) => blocking.call(command),
    isReady: () => batches.isReady(),
    onReady: (call) => batches.onReady(call),
    lastErrorCode: () => batches.lastErrorCode,
    faults: () => ({ ...faults }),
    reset() {
      batches.reset()
      blocking.reset()
    },
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
  readonly #retryMs: (times: number) => number
  /** How many connections became ready so far. */
  #opened = 0
  #ends = 0
  #isClosed = false
  /** Called when the connection ends, for what is asked over it now. */
  readonly #onEnd = new Set<() => void>()

  constructor(client: Redis, retryMs: (times: number) => number) {
    this.#client = client
    this.#retryMs = retryMs
    client.on('error', (error: unknown) => this.#recordError(errorCode(error)))
    client.on('ready', () => {
      this.#opened++
      this.#ends = 0
    })
    client.on('close', () => this.#onEnd.forEach((call) => call()))
    client.on('end', () => this.#openAgain())
  }

  isReady(): boolean {
    return this.#client.status === 'ready'
  }

  onReady(call: () => void): void {
    this.#client.on('ready', call)
  }

  async run(commands: readonly Command[], isAtomic: boolean): Promise<readonly Reply[] | null> {
    if (!this.isReady()) return null
    const opened = this.#opened
    const list = commands.map((command) => [...command])
    const batch = isAtomic ? this.#client.multi(list) : this.#client.pipeline(list)
    const replies = await this.#whileOpen(batch.exec(), (error) => this.#fail(error, opened))
    if (!replies) return null
    const unanswered = replies.find(([error]) => isNoReply(error))
    // After a missing reply the later ones cannot be assigned to commands any more.
    if (unanswered) return this.#fail(unanswered[0], opened)
    this.lastErrorCode = null
    return replies.map(([error, value]) => toReply(error, value))
  }

  async call([name, ...args]: Command): Promise<Reply | null> {
    if (!this.isReady()) return null
    const opened = this.#opened
    const reply = this.#client
      .call(name, ...args)
      .then((value): Reply => ({ kind: 'value', value }))
    return this.#whileOpen(reply, (error) =>
      isNoReply(error) ? this.#fail(error, opened) : toReply(error, null),
    )
  }

  reset(): void {
    if (!this.#isClosed) this.#client.disconnect(true)
  }

  close(): void {
    this.#isClosed = true
    this.#client.disconnect()
  }

  /** Resolves to null as soon as the connection ends: ioredis leaves commands pending until they time out. */
  #whileOpen<T>(reply: Promise<T>, onError: (error: unknown) => T | null): Promise<T | null> {
    return new Promise((resolve) => {
      const onEnd = (): void => {
        this.#recordError('CLOSED')
        resolve(null)
      }
      this.#onEnd.add(onEnd)
      void reply.catch(onError).then((value) => {
        this.#onEnd.delete(onEnd)
        resolve(value)
      })
    })
  }

  /** A batch failed that was sent over the connection with this number. */
  #fail(error: unknown, opened: number): null {
    const isCurrent = this.isReady() && opened === this.#opened
    // An aborted transaction was answered; what ended an earlier connection is known better than how its commands ended.
    if (isCurrent || this.lastErrorCode === null) this.lastErrorCode = errorCode(error)
    if (isCurrent && isNoReply(error)) this.#client.disconnect(true)
    return null
  }

  /** That a connection was closed says less than why it was. */
  #recordError(code: string): void {
    if (code !== 'CLOSED' || this.lastErrorCode === null) this.lastErrorCode = code
  }

  /** ioredis gives up where a connection cannot even be attempted. */
  #openAgain(): void {
    if (this.#isClosed) return
    const open = (): void => void (this.#isClosed || this.#client.connect().catch(() => {}))
    setTimeout(open, this.#retryMs(++this.#ends)).unref()
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

type GuardSocket = Parameters<typeof addressConnector>[0]

const minRetryMs = 50

/** Faults that follow each other by less than this belong to one run; a retry takes 5 s at most. */
const faultRunMs = 30_000

interface Backoff {
  /** Delay before the attempt with this number since a connection was ready. */
  readonly retryMs: (times: number) => number
  /** A connection was cut off: a store that is ready each time, and sends garbage each time, has to be waited for too. */
  recordFault(): void
}

function createBackoff(maxRetryMs: number, random: () => number): Backoff {
  let faults = 0
  let lastFaultMs = -Infinity
  return {
    // With jitter: instances that lost the store together must not all reconnect at the same moment.
    retryMs: (times) =>
      Math.min(minRetryMs * 2 ** Math.min(Math.max(times, faults), 10), maxRetryMs) *
      (0.5 + random() / 2),
    recordFault() {
      const nowMs = performance.now()
      faults = nowMs - lastFaultMs > faultRunMs ? 1 : faults + 1
      lastFaultMs = nowMs
    },
  }
}

interface LinkHooks {
  readonly retryMs: (times: number) => number
  readonly guard: GuardSocket
}

function linkOptions(
  address: StoreAddress,
  name: string,
  { connectMs, commandMs }: LinkTimes,
  { retryMs, guard }: LinkHooks,
): LinkOptions {
  const { username, password, database, tls } = address
  return {
    ...endpointOptions(address, commandMs, { retryMs, guard }),
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
  { retryMs, guard }: LinkHooks,
): RedisOptions {
  if (where.kind === 'one')
    return { host: where.host, port: where.port, Connector: addressConnector(guard) }
  return {
    Connector: sentinelConnector(guard, retryMs),
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
  /** How many connections were cut off since the start, by what the store had sent. */
  faults(): Readonly<Record<LinkFault, number>>
  /** Ends the connections and opens new ones. */
  reset(): void
  close(): void
}
