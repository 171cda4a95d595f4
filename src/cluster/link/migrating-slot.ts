// Commands while our slot moves to another node of a Redis Cluster. The node that gives it away still answers for the
// keys that it has; for each that it lacks, be it moved or not yet made, it names the one that takes it (ASK), which
// answers where ASKING comes before: before each command, or once before a transaction.
//
// What was redirected is sent there, over a connection that is opened for that and closed when it is over. Where the
// answer is another redirection the whole batch has failed, since a part of it would look as if keys were missing.

import type { Command, Reply } from './command.ts'
import type { HostPort } from './slot-owner.ts'

/** A connection to the node that takes the slot. */
export interface TakerConnection {
  readonly lastErrorCode: string | null
  /** Resolves to whether it is established, once it is, or has failed, or after `withinMs`. */
  whenReady(withinMs: number): Promise<boolean>
  runAsking(commands: readonly Command[], isAtomic: boolean): Promise<readonly Reply[] | null>
  close(): void
}

/** The connection is closed when nothing was redirected for so long. */
const idleMs = 10_000

export class MigratingSlot {
  /** Code of the error for which the last batch could not be completed; null: it was. */
  lastErrorCode: string | null = null
  /** Commands that were sent to the taker so far. */
  asked = 0
  readonly #open: (at: HostPort) => TakerConnection
  readonly #connectMs: number
  #taker: { readonly at: HostPort; readonly connection: TakerConnection } | null = null
  #idle: ReturnType<typeof setTimeout> | undefined

  constructor(open: (at: HostPort) => TakerConnection, connectMs: number) {
    this.#open = open
    this.#connectMs = connectMs
  }

  /** The replies to the commands, those that were redirected (`askAt`) replaced by what the taker says; null: it says nothing. */
  async complete(
    commands: readonly Command[],
    replies: readonly Reply[],
    isAtomic: boolean,
  ): Promise<readonly Reply[] | null> {
    this.lastErrorCode = null
    const at = replies.map(askAtOf).find((address) => address !== null)
    if (at === undefined) return replies
    const redirected = commands.filter((_, i) => askAtOf(replies[i]) !== null)
    const answers = await this.#ask(at, redirected, isAtomic)
    if (answers === null) return null
    const rest = [...answers]
    return replies.map((reply) => (askAtOf(reply) === null ? reply : (rest.shift() ?? reply)))
  }

  close(): void {
    clearTimeout(this.#idle)
    this.#taker?.connection.close()
    this.#taker = null
  }

  async #ask(
    at: HostPort,
    commands: readonly Command[],
    isAtomic: boolean,
  ): Promise<readonly Reply[] | null> {
    const taker = this.#connectionTo(at)
    if (!(await taker.whenReady(this.#connectMs))) return this.#fail(taker.lastErrorCode)
    this.asked += commands.length
    const answers = await taker.runAsking(commands, isAtomic)
    if (answers === null) return this.#fail(taker.lastErrorCode)
    return answers.some((reply) => askAtOf(reply) !== null) ? this.#fail(null) : answers
  }

  #fail(code: string | null): null {
    this.lastErrorCode = code ?? 'ASK'
    return null
  }

  #connectionTo(at: HostPort): TakerConnection {
    const isSame = this.#taker?.at.host === at.host && this.#taker.at.port === at.port
    if (!isSame) this.close()
    this.#taker ??= { at, connection: this.#open(at) }
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.close(), idleMs)
    this.#idle.unref()
    return this.#taker.connection
  }
}

const askAtOf = (reply: Reply | undefined): HostPort | null =>
  reply?.kind === 'error' ? (reply.askAt ?? null) : null
