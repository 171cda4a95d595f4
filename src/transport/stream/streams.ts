// All listeners that need an event loop: TCP, TLS, and TCP and UDP through a proxy, opened and closed together.

import type { Respond } from '../../answer/context.ts'
import type { Endpoint, Network } from '../../lib/ip.ts'
import type { HandedSocket } from '../handed-socket.ts'
import { respondThroughProxy } from './proxy-protocol.ts'
import {
  type ListeningPlace,
  type StreamListener,
  listenProxiedTcp,
  listenTcp,
  placesOf,
} from './tcp.ts'
import { type StreamContext, type StreamOptions, createStreamContext } from './stream-table.ts'
import type { CertificatePair, TlsListener } from './tls.ts'

/** The settings of streams, which the control thread passes to workers (structured clone). */
export interface StreamSettings {
  /** DNS over TLS; null: none. */
  readonly tls: { readonly listen: readonly Endpoint[]; readonly pair: CertificatePair } | null
  /** Endpoints for proxies, and the networks from which they connect; null: none. */
  readonly proxy: { readonly listen: readonly Endpoint[]; readonly from: readonly Network[] } | null
  /** Networks of clients that may transfer zones. */
  readonly transferAllow: readonly Network[]
}

interface StreamsOptions extends StreamOptions {
  /** The responder for datagrams that come through a proxy, which has rate limits of its own. */
  readonly respondProxied: Respond
  /** Sockets that came bound, to be used in place of opening those endpoints. */
  readonly handed: readonly HandedSocket[]
}

/** Plain TCP alone, and no zone transfers. */
export const noStreams: StreamSettings = { tls: null, proxy: null, transferAllow: [] }

export interface Streams {
  /** Puts a TLS certificate in force for handshakes that begin from now on. */
  setCertificate(pair: CertificatePair): void
  /** Announces the end: idle connections are closed early, and answers tell clients so (RFC 7828). */
  lameduck(): void
  isLameduck(): boolean
  /**
   * Stops listening, as another process does; open connections go on as before an end. Resolves when the last of them has
   * ended.
   */
  leaveSockets(): Promise<void>
  /** Stops listening and ends all connections; resolves when they are closed. */
  close(): Promise<void>
}

/** The settings with another certificate; without TLS they are unchanged. */
export const withCertificate = (settings: StreamSettings, pair: CertificatePair): StreamSettings =>
  settings.tls === null ? settings : { ...settings, tls: { ...settings.tls, pair } }

/** How long connections have to send their last answers. */
const closeWithinMs = 500

/** Opens all listeners. Rejects with the first bind's errno. */
export async function listenStreams(
  endpoints: readonly Endpoint[],
  settings: StreamSettings,
  options: StreamsOptions,
): Promise<Streams> {
  const context = createStreamContext(options)
  const listeners: StreamListener[] = []
  const tls: TlsListener[] = []
  const placesAt = (endpoint: Endpoint): readonly ListeningPlace[] =>
    placesOf(endpoint, options.handed)
  for (const place of endpoints.flatMap(placesAt)) listeners.push(await listenTcp(place, context))
  if (settings.tls !== null) {
    // node:tls and node:dgram are loaded where they are configured.
    const { listenTls } = await import('./tls.ts')
    for (const place of settings.tls.listen.flatMap(placesAt))
      tls.push(await listenTls(place, context, settings.tls.pair))
  }
  if (settings.proxy !== null)
    listeners.push(...(await listenProxied(settings.proxy, context, options)))
  let stopped: Promise<unknown> | null = null
  const stopListening = (): Promise<unknown> =>
    (stopped ??= Promise.all([...listeners, ...tls].map((listener) => listener.close())))
  return {
    setCertificate: (pair) => tls.forEach((listener) => listener.setCertificate(pair)),
    lameduck: () => void (context.table.isLameduck = true),
    isLameduck: () => context.table.isLameduck,
    async leaveSockets() {
      context.table.isLameduck = true
      await stopListening()
    },
    async close() {
      const closed = stopListening()
      await context.table.close(closeWithinMs)
      await closed
    },
  }
}

async function listenProxied(
  { listen, from }: NonNullable<StreamSettings['proxy']>,
  context: StreamContext,
  { respondProxied, counters, handed }: StreamsOptions,
): Promise<readonly StreamListener[]> {
  const listeners: StreamListener[] = []
  const { listenUdp } = await import('../udp/udp-dgram.ts')
  const respond = respondThroughProxy(respondProxied, from, counters)
  for (const endpoint of listen) {
    for (const place of placesOf(endpoint, handed))
      listeners.push(await listenProxiedTcp(place, context, from))
    listeners.push(await listenUdp(endpoint, respond, { counters, handed }))
  }
  return listeners
}
