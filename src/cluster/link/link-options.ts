// Options of ioredis: nothing is queued without a connection, nothing is sent twice, every wait has a timeout. Its
// defaults queue without bound, replay commands, and wait for minutes on a peer that is gone.

import type { RedisOptions } from 'ioredis'

import {
  addressConnector,
  type GuardSocket,
  type LinkOptions,
  ownerConnector,
  sentinelConnector,
} from './guarded-connectors.ts'
import type { HostPort } from './slot-owner.ts'

export interface LinkTimes {
  /** Timeout of establishing a connection, in milliseconds. */
  readonly connectMs: number
  /** Timeout of the reply to a command, in milliseconds. */
  readonly commandMs: number
  /** How long a blocking command may block. */
  readonly blockMs: number
  readonly maxRetryMs: number
}

const minRetryMs = 50

/** Faults that follow each other by less than this belong to one run; a retry takes 5 s at most. */
const faultRunMs = 30_000

interface Backoff {
  /** Delay before the attempt with this number since a connection was ready. */
  readonly retryMs: (times: number) => number
  /** A connection was cut off: a store that is ready each time, and sends garbage each time, has to be waited for too. */
  recordFault(): void
}

export function createBackoff(maxRetryMs: number, random: () => number): Backoff {
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

export interface LinkClient {
  /** Shown by CLIENT LIST. */
  readonly name: string
  /** Any of our keys: in a cluster it leads to the node that has all of them. */
  readonly key: string
}

export interface LinkHooks {
  readonly retryMs: (times: number) => number
  readonly guard: GuardSocket
  /** Another node has our slot. */
  readonly onMoved: () => void
}

export function linkOptions(
  address: StoreAddress,
  { name, key }: LinkClient,
  { connectMs, commandMs }: LinkTimes,
  hooks: LinkHooks,
): LinkOptions {
  const { username, password, database, tls, where } = address
  const basic: LinkOptions = {
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
    retryStrategy: hooks.retryMs,
    reconnectOnError: (error) => mustLeave(error, where, hooks),
  }
  if (where.kind !== 'cluster') return { ...basic, ...endpointOptions(address, commandMs, hooks) }
  const owner = { seeds: where.seeds, key, questions: { ...basic, commandTimeout: commandMs } }
  return { ...basic, Connector: ownerConnector(hooks.guard, hooks.retryMs, owner) }
}

/** Whether to leave a server for what it replies: it has become a replica, is still loading, or has not got our keys. */
function mustLeave({ message }: Error, { kind }: StoreEndpoint, { onMoved }: LinkHooks): 1 | false {
  if (kind !== 'cluster') return /^(READONLY|LOADING|MASTERDOWN)/.test(message) ? 1 : false
  if (message.startsWith('MOVED ')) onMoved()
  return /^(MOVED|CLUSTERDOWN|READONLY|LOADING|MASTERDOWN)/.test(message) ? 1 : false
}

function endpointOptions(
  { where, tls, sentinelUsername, sentinelPassword }: StoreAddress,
  commandMs: number,
  { retryMs, guard }: LinkHooks,
): Omit<RedisOptions, 'replyMapping'> {
  if (where.kind === 'cluster') return {}
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

export type StoreEndpoint =
  | ({ readonly kind: 'one' } & HostPort)
  /** `name` is that of the primary, as the Sentinels know it. */
  | { readonly kind: 'sentinel'; readonly sentinels: readonly HostPort[]; readonly name: string }
  /** Some nodes of a Redis Cluster, which know the others. */
  | { readonly kind: 'cluster'; readonly seeds: readonly HostPort[] }

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
