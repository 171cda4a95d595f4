// Entry of an answering worker thread: its own sockets, the shared health table, the catalog last published.

import { getRandomValues } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

import type { AnswerContext, Respond } from '../../answer/context.ts'
import { createCounters } from '../../answer/counters.ts'
import { createRespond } from '../../answer/respond.ts'
import { createBeginTransfer } from '../../answer/transfer/transfer.ts'
import { createLocate } from '../../geo/places.ts'
import { openHealthTable } from '../../health/table.ts'
import { systemClock } from '../../lib/clock.ts'
import { createChance } from '../../lib/random.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import { createScopes } from '../../steer/scope/scopes.ts'
import { type PackedCatalog, openCatalog } from '../../zone/packed-catalog.ts'
import { answerInTurns } from './udp-turns.ts'
import { createBatchClock } from './batch-clock.ts'
import { contained, containedTransfers } from './contained.ts'
import { openMailbox } from './mailbox.ts'
import { createGuards, throughProxy } from './answering.ts'
import type { FromWorker, ToWorker, WorkerBirth } from './messages.ts'
import { isListed } from '../../lib/network-list.ts'
import { streamLimits } from '../stream/stream-limits.ts'
import { type Streams, listenStreams, noStreams } from '../stream/streams.ts'
import { listenUdp } from '../udp/udp-dgram.ts'
import { loadLibc } from '../udp/udp-libc.ts'

const birth = workerData as WorkerBirth
const control = parentPort as MessagePort
const tell = (message: FromWorker): void => control.postMessage(message)
const counters = createCounters(birth.countersBuffer)

let catalog = openCatalog(birth.catalog)
let locate = createLocate(birth.places)
const scopes = createScopes()

const streamSettings = birth.streams ?? noStreams
let streams: Streams | null = null

/** What blocks between batches reads the time once for each of them. */
const batchClock = createBatchClock(systemClock)

const context: AnswerContext = {
  catalog: () => catalog,
  health: openHealthTable(birth.healthBuffer),
  ...createChance(getRandomValues(new Int32Array(4))),
  clock: birth.kind === 'mmsg' ? batchClock : systemClock,
  locate: (octets, family, prefixLength) => locate(octets, family, prefixLength),
  scopes,
  counters,
  maxUdpOctets: birth.maxUdpOctets,
  identity: birth.answering.identity,
  ...createGuards(birth.answering),
  tcpIdleMs: () => (streams?.isLameduck() ? 0 : streamLimits.idleMs),
  mayTransfer: (octets) => isListed(streamSettings.transferAllow, octets),
}
const respond = contained(createRespond(context), counters)

function publish(next: PackedCatalog): void {
  const opened = openCatalog(next)
  scopes.prepare(opened)
  catalog = opened
}

function usePlaces(places: PlaceNetworks): void {
  locate = createLocate(places)
  scopes.use(places)
  scopes.prepare(catalog)
}

/** What lives on the event loop: everything but UDP by mmsg. */
async function serveOnLoop(): Promise<void> {
  const closers: { close(): Promise<void> }[] = []
  let receiveOctets: number | null = null
  for (const endpoint of birth.endpoints) {
    if (birth.kind === 'dgram') {
      const udp = await listenUdp(endpoint, respond, counters)
      receiveOctets = Math.min(receiveOctets ?? Infinity, udp.receiveOctets)
      closers.push(udp)
    }
  }
  const beginTransfer = containedTransfers(createBeginTransfer(context), counters)
  const respondProxied = proxiedResponder()
  const sources = { respond, respondProxied, beginTransfer, counters, clock: systemClock }
  streams = await listenStreams(birth.endpoints, streamSettings, sources)
  closers.push(streams)
  control.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'catalog':
        return publish(message.catalog)
      case 'places':
        return usePlaces(message.places)
      case 'certificate':
        return streams?.setCertificate(message.pair)
      case 'lameduck':
        return streams?.lameduck()
      case 'stop':
        return void Promise.all(closers.map((one) => one.close())).then(() => process.exit(0))
      default:
        return message satisfies never
    }
  })
  tell({ kind: 'listening', receiveOctets })
}

function proxiedResponder(): Respond {
  if (streamSettings.proxy === null) return respond
  const guards = createGuards(throughProxy(birth.answering))
  return contained(createRespond({ ...context, ...guards }), counters)
}

async function serveBlocking(): Promise<void> {
  const libc = await loadLibc()
  const { maxUdpOctets, sockets } = birth
  const mailbox = openMailbox(control, birth.mailFlag)
  answerInTurns({
    sockets,
    mailbox,
    publish,
    usePlaces,
    clock: batchClock,
    libc,
    respond,
    counters,
    maxUdpOctets,
    onStop: () => process.exit(0),
  })
  tell({
    kind: 'listening',
    receiveOctets: Math.min(...sockets.map((socket) => socket.receiveOctets)),
  })
}

async function serve(): Promise<void> {
  usePlaces(birth.places)
  await (birth.kind === 'mmsg' ? serveBlocking() : serveOnLoop())
}

serve().catch((error: NodeJS.ErrnoException) => {
  tell({ kind: 'failed', code: error.code ?? 'worker-failed', message: error.message })
  process.exit(1)
})
