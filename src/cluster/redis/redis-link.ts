// The store over ioredis: two connections, one for batches, one that waits for hints.
//
// A store that takes our octets but does not answer (stopped, half open) is given up within the command timeout: TCP
// would not notice for minutes. Of an error only a word gets out: messages of libraries may hold what was sent, and
// that may be a password.

import { Redis } from 'ioredis'
import { type LinkTimes, linkOptions } from './redis-options.ts'
import type { StoreAddress } from './store-address.ts'
import type { Command, Reply, StoreLink } from './store-link.ts'

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
    wait: (command) => waiting.call(command),
    isReady: () => batches.isReady(),
    onReady: (call) => batches.onReady(call),
    lastTrouble: () => batches.trouble,
    close() {
      batches.close()
      waiting.close()
    },
  }
}

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
    this.trouble = codeOf(error)
    return null
  }
}

const toReply = (error: unknown, value: unknown): Reply =>
  error ? { kind: 'error', code: codeOf(error) } : { kind: 'value', value }

/** Not an answer of the store, but none. */
const isSilence = (error: unknown): boolean =>
  error !== null && !(error instanceof Error && error.name === 'ReplyError')

interface RawError {
  readonly code?: unknown
  readonly message?: string
  readonly previousErrors?: readonly Error[]
}

/** One word out of an error. */
export function codeOf(error: unknown): string {
  const { code, message = '', previousErrors } = (error ?? {}) as RawError
  // Of a transaction that is refused: the reason, not the consequence.
  if (message.startsWith('EXECABORT') && previousErrors?.[0]) return codeOf(previousErrors[0])
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code
  if (message === 'Command timed out' || message.startsWith('Socket timeout')) return 'TIMEOUT'
  if (message.startsWith('All sentinels are unreachable')) return 'SENTINELS'
  return /^[A-Z]{2,20}(?= |$)/.exec(message)?.[0] ?? 'CLOSED'
}
