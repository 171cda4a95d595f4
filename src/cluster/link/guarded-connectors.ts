// How ioredis gets its sockets: to one address, to the primary that Sentinels name, and to these, or to the primary that
// has our slot in a cluster (slot-owner.ts). Every socket has a guard before the parser (reply-guard.ts), and nothing that
// a Sentinel or a node says ends the attempts.

import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

import { AbstractConnector, Redis, type RedisOptions, SentinelConnector } from 'ioredis'

import { errorCode } from './error-code.ts'
import { type HostPort, type NodeAnswer, nodesOf, redirectionOf, SlotOwner } from './slot-owner.ts'

type Connector = NonNullable<RedisOptions['Connector']>
export type GuardSocket = (socket: Socket) => void
/** Replies are mapped as with RESP2. */
export type LinkOptions = RedisOptions & { replyMapping: 'legacy' }
type EmitError = (type: string, error: Error) => void

/** What ioredis hands to a connector; `tls` is absent for plain TCP. */
interface AddressOptions {
  readonly host: string
  readonly port: number
  readonly tls?: ConnectionOptions
  readonly disconnectTimeout: number
}

/** Connects to the host and port of the options. */
export const addressConnector = (guard: GuardSocket): Connector =>
  class extends AbstractConnector {
    readonly #options: AddressOptions

    constructor(options: unknown) {
      super((options as AddressOptions).disconnectTimeout)
      this.#options = options as AddressOptions
    }

    async connect(): Promise<Socket> {
      const { host, port, tls } = this.#options
      this.connecting = true
      this.stream = openSocket({ host, port }, tls)
      this.stream.once('error', (error) => (this.firstError = error))
      guard(this.stream)
      return this.stream
    }
  }

/** What is used here of ioredis' class, of which its types show less. */
declare class SentinelMethods extends AbstractConnector {
  constructor(options: unknown)
  override connect(emit: EmitError): Promise<Socket>
  connectToSentinel(sentinel: unknown, options?: RedisOptions): Redis
}

const OpenSentinelConnector = SentinelConnector as unknown as typeof SentinelMethods

/** Asks the Sentinels of the options for the primary and connects to it. */
export const sentinelConnector = (
  guard: GuardSocket,
  retryMs: (times: number) => number,
): Connector =>
  class extends OpenSentinelConnector {
    override connectToSentinel(sentinel: unknown, options: RedisOptions = {}): Redis {
      return super.connectToSentinel(sentinel, { ...options, Connector: addressConnector(guard) })
    }

    /** An address that cannot be connected to (no host, a port of 99999) would end the attempts of ioredis for good. */
    override async connect(emit: EmitError): Promise<Socket> {
      for (let times = 1; ; times++) {
        try {
          const socket = await super.connect(emit)
          guard(socket)
          return socket
        } catch (error) {
          if (!this.connecting) throw error
        }
        emit('error', Object.assign(new Error('no usable primary'), { code: 'SENTINELS' }))
        await new Promise((resolve) => setTimeout(resolve, retryMs(times)))
        if (!this.connecting) throw new Error('Connection is closed.')
      }
    }

    /** `info`: what INFO of a primary says; null where it says nothing, on which ioredis would throw. */
    override check(info: unknown): boolean {
      return typeof info === 'object' && info !== null && super.check(info)
    }
  }

interface OwnerOptions {
  readonly seeds: readonly HostPort[]
  /** Any of our keys. */
  readonly key: string
  /** Options of the connections over which nodes are asked where it is. */
  readonly questions: LinkOptions
}

/** A cluster chooses a new primary within seconds: one round of questions a second finds it soon after. */
const maxSearchPauseMs = 1000

/** Asks nodes of a cluster for the primary that has our keys and connects to it. */
export const ownerConnector = (
  guard: GuardSocket,
  retryMs: (times: number) => number,
  { seeds, key, questions }: OwnerOptions,
): Connector =>
  class extends AbstractConnector {
    readonly #tls: ConnectionOptions | undefined = (
      questions as AddressOptions | { tls?: undefined }
    ).tls
    readonly #owner = new SlotOwner(seeds, (at) => askNode(at, key, questions, guard))

    constructor() {
      super(questions.disconnectTimeout ?? 0)
    }

    async connect(emit: EmitError): Promise<Socket> {
      this.connecting = true
      for (let times = 1; ; times++) {
        const found = await this.#owner.find(() => this.connecting)
        if (!this.connecting) throw new Error('Connection is closed.')
        if (found.kind === 'found') return this.#open(found.at)
        emit('error', Object.assign(new Error('no primary has our slot'), { code: found.code }))
        const pauseMs = Math.min(retryMs(times), maxSearchPauseMs)
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
        if (!this.connecting) throw new Error('Connection is closed.')
      }
    }

    #open(at: HostPort): Socket {
      this.stream = openSocket(at, this.#tls)
      this.stream.once('error', (error) => (this.firstError = error))
      guard(this.stream)
      return this.stream
    }
  }

const openSocket = ({ host, port }: HostPort, tls: ConnectionOptions | undefined): Socket =>
  tls ? connectTls({ host, port, ...tls }) : connect({ host, port })

/** Asks a node for one of our keys over a connection of its own, and for the nodes that it knows. */
async function askNode(
  at: HostPort,
  key: string,
  questions: LinkOptions,
  guard: GuardSocket,
): Promise<NodeAnswer> {
  const client = new Redis({
    ...questions,
    ...at,
    Connector: addressConnector(guard),
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: null,
    reconnectOnError: null,
  })
  let code: string | null = null
  client.on('error', (error: unknown) => (code = errorCode(error)))
  try {
    await client.connect()
    const asked = client.pipeline([
      ['getrange', key, 0, 0],
      ['cluster', 'slots'],
    ])
    const [[error] = [null], [, slots] = [null, null]] = (await asked.exec()) ?? []
    return answerOf(error, nodesOf(slots, at.host), at)
  } catch (error) {
    return { kind: 'unusable', code: code ?? errorCode(error), hasAnswered: false }
  } finally {
    client.disconnect()
  }
}

/** A node that does not let this user ask for the key may have it: what is sent to it next tells. */
function answerOf(error: Error | null, nodes: readonly HostPort[], { host }: HostPort): NodeAnswer {
  const to = error && redirectionOf('MOVED', error.message, host)
  if (to) return { kind: 'moved', to, nodes }
  const code = error && errorCode(error)
  if (code === null || /^(NOPERM|WRONGTYPE|ASK)$/.test(code)) return { kind: 'owner', nodes }
  return { kind: 'unusable', code, hasAnswered: error?.name === 'ReplyError' }
}
