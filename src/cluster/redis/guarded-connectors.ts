// How ioredis gets its sockets: to one address, or to the primary that Sentinels name, and to these. Every socket has a
// guard before the parser (reply-guard.ts), and nothing that a Sentinel says ends the attempts.

import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

import { AbstractConnector, type Redis, type RedisOptions, SentinelConnector } from 'ioredis'

type Connector = NonNullable<RedisOptions['Connector']>
type GuardSocket = (socket: Socket) => void
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
      this.stream = tls ? connectTls({ host, port, ...tls }) : connect({ host, port })
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
