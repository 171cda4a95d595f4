// How ioredis is to behave: nothing queued while there is no connection, nothing sent twice, every wait with an end.
// Its defaults queue without bound, replay commands, and wait for minutes on a peer that is gone.

import type { RedisOptions } from 'ioredis'
import type { StoreAddress } from './store-address.ts'

export interface LinkTimes {
  readonly connectMs: number
  readonly commandMs: number
  /** How long a waiting command may wait. */
  readonly blockMs: number
  readonly longestRetryMs: number
}

export type LinkOptions = RedisOptions & { replyMapping: 'legacy' }

const firstRetryMs = 50

export function linkOptions(
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
