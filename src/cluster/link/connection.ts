// One connection to a store, by ioredis, opened again whenever it ends. Failures are values: null where there was no
// answer, and the code of the last error.

import type { Redis } from 'ioredis'

import { errorCode, type RawError } from './error-code.ts'
import type { Command, Reply } from './command.ts'
import { type HostPort, redirectionOf } from './slot-owner.ts'

/** Whether the error means that there was no answer, as opposed to an error reply of the store. */
const isNoReply = (error: unknown): boolean =>
  error !== null && !(error instanceof Error && error.name === 'ReplyError')

/** The command was not the matter: the node is not, or not any more, the one that has our keys. */
const isOfNode = (error: unknown): boolean =>
  error !== null && /^(MOVED|CLUSTERDOWN)$/.test(errorCode(error))

export class Connection {
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

  /** Resolves to whether it is established, once it is, or has failed, or after `withinMs`. */
  whenReady(withinMs: number): Promise<boolean> {
    if (this.isReady()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#client.off('ready', end).off('close', end)
        resolve(this.isReady())
      }
      const timer = setTimeout(end, withinMs)
      this.#client.on('ready', end).on('close', end)
    })
  }

  async run(commands: readonly Command[], isAtomic: boolean): Promise<readonly Reply[] | null> {
    if (!this.isReady()) return null
    const opened = this.#opened
    const list = commands.map((command) => [...command])
    const batch = isAtomic ? this.#client.multi(list) : this.#client.pipeline(list)
    const replies = await this.#whileOpen(batch.exec(), (error) =>
      this.#askAddress(error) ? list.map(() => [error as Error, null]) : this.#fail(error, opened),
    )
    if (!replies) return null
    // After a missing reply the later ones cannot be assigned to commands any more. Where a node does not have our keys
    // any more, replies before it could be mistaken for a store that has lost some.
    const failed = replies.find(([error]) => isNoReply(error) || isOfNode(error))
    if (failed) return this.#fail(failed[0], opened)
    this.lastErrorCode = null
    return replies.map(([error, value]) => this.#toReply(error, value))
  }

  /** As `run`, to the node that takes our slot while another one still has it. */
  async runAsking(
    commands: readonly Command[],
    isAtomic: boolean,
  ): Promise<readonly Reply[] | null> {
    if (!isAtomic) {
      const sent = commands.flatMap((command): Command[] => [['asking'], command])
      const replies = await this.run(sent, false)
      return replies && replies.filter((_, i) => i % 2 === 1)
    }
    const replies = await this.run([['asking'], ['multi'], ...commands, ['exec']], false)
    const executed = replies?.at(-1)
    if (executed?.kind !== 'value') return executed ? commands.map(() => executed) : null
    return (executed.value as unknown[]).map((value) =>
      value instanceof Error ? this.#toReply(value, null) : this.#toReply(null, value),
    )
  }

  async call([name, ...args]: Command): Promise<Reply | null> {
    if (!this.isReady()) return null
    const opened = this.#opened
    const reply = this.#client.call(name, ...args).then((value): Reply => {
      this.lastErrorCode = null
      return { kind: 'value', value }
    })
    return this.#whileOpen(reply, (error) =>
      isNoReply(error) ? this.#fail(error, opened) : this.#toReply(error, null),
    )
  }

  reset(): void {
    if (!this.#isClosed) this.#client.disconnect(true)
  }

  close(): void {
    this.#isClosed = true
    this.#client.disconnect()
  }

  #toReply(error: unknown, value: unknown): Reply {
    if (!error) return { kind: 'value', value }
    const askAt = this.#askAddress(error)
    return { kind: 'error', code: errorCode(error), ...(askAt === null ? {} : { askAt }) }
  }

  /** Where an error sends the command, or the transaction that it ended; null: nowhere. */
  #askAddress(error: unknown): HostPort | null {
    const { message = '', previousErrors } = (error ?? {}) as RawError
    const ownHost = this.#client.stream.remoteAddress ?? ''
    return redirectionOf('ASK', previousErrors?.[0]?.message ?? message, ownHost)
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
