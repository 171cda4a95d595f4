// Entry of an answering worker thread: its own sockets, the shared health table, the catalog last published.

import { parentPort, workerData } from 'node:worker_threads'

import { createCounters } from '../answer/counters.ts'
import { createRespond } from '../answer/respond.ts'
import { type Places, openPlaces, unknownPlaces } from '../geo/places.ts'
import { openHealthTable } from '../health/table.ts'
import { systemClock } from '../lib/clock.ts'
import { needsPlaces } from '../steer/needs-places.ts'
import type { Catalog } from '../zone/zone.ts'
import type { FromWorker, ToWorker, WorkerBirth } from './messages.ts'
import { listenTcp } from './tcp.ts'
import { listenUdp } from './udp-dgram.ts'

const birth = workerData as WorkerBirth
const tell = (message: FromWorker): void => parentPort?.postMessage(message)
const counters = createCounters(birth.countersBuffer)

let catalog: Catalog = birth.catalog
let places: Places = unknownPlaces

const respond = createRespond({
  catalog: () => catalog,
  health: openHealthTable(birth.healthBuffer),
  random: Math.random,
  locate: (octets, family) => places.locate(octets, family),
  counters,
  maxUdpOctets: birth.maxUdpOctets,
})

/** The GeoIP database is opened when the first rule asks for a place, before that rule is in force. */
async function publish(next: Catalog): Promise<void> {
  if (places === unknownPlaces && needsPlaces(next)) {
    const opened = await openPlaces(birth.geoip)
    if (opened.kind === 'broken') tell({ kind: 'places-broken', why: opened.why })
    else places = opened.places
  }
  // Opening took a while, and a newer catalog may have overtaken this one.
  if (next.generation >= catalog.generation) catalog = next
}

async function serve(): Promise<void> {
  await publish(birth.catalog)
  const closers: { close(): Promise<void> }[] = []
  for (const endpoint of birth.endpoints) {
    closers.push(await listenUdp(endpoint, respond, counters))
    closers.push(await listenTcp(endpoint, respond, counters, systemClock))
  }
  parentPort?.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'catalog':
        void publish(message.catalog)
        break
      case 'stop':
        void Promise.all(closers.map((closer) => closer.close())).then(() => process.exit(0))
        break
    }
  })
  tell({ kind: 'listening' })
}

serve().catch((error: NodeJS.ErrnoException) => {
  tell({ kind: 'failed', code: error.code ?? 'worker-failed', message: error.message })
  process.exit(1)
})
