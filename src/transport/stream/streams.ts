// Everything that is answered over connections, and what comes through a proxy: what a worker with an event loop opens.

import type { Respond } from '../../answer/context.ts'
import type { Endpoint, Network } from '../../lib/ip.ts'
import { respondThroughProxy } from './proxy-protocol.ts'
import { type StreamListener, listenProxiedTcp, listenTcp } from './tcp.ts'
import { type StreamContext, type StreamOptions, createStreamContext } from './stream-table.ts'
import { type CertificatePair, type TlsListener, listenTls } from './tls.ts'
import { listenUdp } from '../udp/udp-dgram.ts'

/** As the control thread gives it to workers; structured-cloneable. */
export interface StreamSettings {
  readonly tls: { readonly listen: readonly Endpoint[]; readonly pair: CertificatePair } | null
  readonly proxy: { readonly listen: readonly Endpoint[]; readonly from: readonly Network[] } | null
  /** Who may take whole zones. */
  readonly transferAllow: readonly Network[]
}

interface StreamsOptions extends StreamOptions {
  /** For datagrams that come through a proxy. */
  readonly respondProxied: Respond
}

export const noStreams: StreamSettings = { tls: null, proxy: null, transferAllow: [] }

export interface Streams {
  /** For handshakes from now on. */
  setCertificate(pair: CertificatePair): void
  /** Connections that fall idle are closed; answers tell clients so. */
  lameduck(): void
  isLameduck(): boolean
  close(): Promise<void>
}

export const withCertificate = (settings: StreamSettings, pair: CertificatePair): StreamSettings =>
  settings.tls === null ? settings : { ...settings, tls: { ...settings.tls, pair } }

/** How long the last answers have to leave. */
const closeWithinMs = 500

/** Opens all listeners. Rejects with the first bind's errno. */
export async function listenStreams(
  endpoints: readonly Endpoint[],
  settings: StreamSettings,
  sources: StreamsOptions,
): Promise<Streams> {
  const service = createStreamContext(sources)
  const listeners: StreamListener[] = []
  const tls: TlsListener[] = []
  for (const endpoint of endpoints) listeners.push(await listenTcp(endpoint, service))
  for (const endpoint of settings.tls?.listen ?? [])
    tls.push(await listenTls(endpoint, service, (settings.tls as { pair: CertificatePair }).pair))
  if (settings.proxy !== null)
    listeners.push(...(await listenProxied(settings.proxy, service, sources)))
  return {
    setCertificate: (pair) => tls.forEach((listener) => listener.setCertificate(pair)),
    lameduck: () => void (service.table.isLameduck = true),
    isLameduck: () => service.table.isLameduck,
    async close() {
      const closed = [...listeners, ...tls].map((listener) => listener.close())
      await service.table.close(closeWithinMs)
      await Promise.all(closed)
    },
  }
}

async function listenProxied(
  { listen, from }: NonNullable<StreamSettings['proxy']>,
  service: StreamContext,
  { respondProxied, counters }: StreamsOptions,
): Promise<readonly StreamListener[]> {
  const listeners: StreamListener[] = []
  const respond = respondThroughProxy(respondProxied, from, counters)
  for (const endpoint of listen) {
    listeners.push(await listenProxiedTcp(endpoint, service, from))
    listeners.push(await listenUdp(endpoint, respond, counters))
  }
  return listeners
}
