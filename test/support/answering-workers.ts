// Answering workers as the control thread starts them, in threads of their own, for tests of UDP over both transports.

import { createHealthTable } from '../../src/health/table.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Endpoint } from '../../src/lib/ip.ts'
import { type UdpTransport, detectUdpTransport } from '../../src/transport/udp/udp-transport.ts'
import {
  type WorkerEvent,
  type Workers,
  type WorkersOptions,
  startWorkers,
} from '../../src/transport/worker/workers.ts'
import { packCatalog } from '../../src/zone/packed-catalog.ts'
import type { Zone } from '../../src/zone/zone.ts'
import { freePort } from './free-ports.ts'
import { catalogOf } from './zone-builder.ts'

/** Both transports; a test fails with the reason where one of them is not available. */
export const udpKinds = ['mmsg', 'dgram'] as const
export type UdpKind = (typeof udpKinds)[number]

export async function udpOf(kind: UdpKind): Promise<UdpTransport> {
  const detected = await detectUdpTransport(kind)
  if (detected.kind === 'unavailable') throw new Error(`no mmsg on this machine: ${detected.why}`)
  return detected.transport
}

export interface Answering {
  readonly workers: Workers
  readonly events: readonly WorkerEvent[]
  readonly port: number
  readonly endpoints: readonly Endpoint[]
}

export interface AnsweringOptions extends Partial<
  Pick<WorkersOptions, 'count' | 'entry' | 'clock' | 'udp'>
> {
  readonly addresses?: readonly string[]
  /** Replaces `addresses` on a free port. */
  readonly endpoints?: readonly Endpoint[]
  readonly zones: readonly Zone[]
}

const started = new Set<Workers>()

/** Stops all workers; to be called after each test. */
export async function stopAnswering(): Promise<void> {
  const workers = [...started]
  started.clear()
  await Promise.all(workers.map((one) => one.stop()))
}

/** Starts two workers on a free port of loopback, unless the options differ; they may not be listening yet. */
export async function startAnswering(
  kind: UdpKind,
  { addresses = ['127.0.0.1'], zones, endpoints: given, ...extra }: AnsweringOptions,
): Promise<Answering> {
  const port = given?.[0]?.port ?? (await freePort(addresses))
  const endpoints = given ?? addresses.map((address) => ({ address, port }))
  const events: WorkerEvent[] = []
  const workers = startWorkers({
    count: 2,
    udp: await udpOf(kind),
    init: {
      endpoints,
      catalog: packCatalog(catalogOf(...zones)),
      healthBuffer: createHealthTable(16).buffer,
      maxUdpOctets: 1232,
      answering: {
        identity: { nsid: null, chaosIdentity: null, chaosVersion: null },
        cookieSecrets: [],
        rateLimit: null,
      },
      places: { country: null, asn: null },
    },
    clock: systemClock,
    onEvent: (event) => events.push(event),
    ...extra,
  })
  started.add(workers)
  // Tests that do not wait for it find failures in the events.
  workers.listening.catch(() => {})
  return { workers, events, port, endpoints }
}
