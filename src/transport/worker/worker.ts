// Entry of an answering worker thread. It opens the sockets of its kind, answers from the catalog last published and
// the shared health table, and obeys the messages of the control thread. Importing this module starts the worker.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { AnswerContext, Respond } from '../../answer/context.ts'
import { createCounters } from '../../answer/counters.ts'
import { createRespond } from '../../answer/respond.ts'
import { createBeginTransfer } from '../../answer/transfer/transfer.ts'
import { SigningClock, systemSuspendedMs } from '../../dnssec/signing-clock.ts'
import { CatalogSigners } from '../../dnssec/zone-signer.ts'
import { createLocate } from '../../geo/places.ts'
import { openHealthTable } from '../../health/table.ts'
import { systemClock } from '../../lib/clock.ts'
import { isListed } from '../../lib/ip.ts'
import { createRandom } from '../../lib/random.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import { Scopes } from '../../steer/scope/scope-cache.ts'
import { streamLimits } from '../stream/stream-table.ts'
import type { Streams } from '../stream/streams.ts'
import type { UdpListener } from '../udp/udp-dgram.ts'
import { loadLibc } from '../udp/udp-libc.ts'
import { CatalogInForce } from './catalog-in-force.ts'
import { withErrorBoundary, withTransferErrorBoundary } from './error-boundary.ts'
import {
  createAdmission,
  type FromWorker,
  openMessageQueue,
  forProxiedClients,
  type ToWorker,
  type WorkerInit,
} from './messages.ts'
import { createBatchClock, runPollLoop } from './poll-loop.ts'

const init = workerData as WorkerInit

const controlPort = parentPort as MessagePort

const report = (message: FromWorker): void => controlPort.postMessage(message)

const counters = createCounters(init.countersBuffer)

let locate = createLocate(init.places)

const scopes = new Scopes(() => counters.add('decisionsEmptied'))

const transferAllow = init.streams?.transferAllow ?? []

let streams: Streams | null = null

const signingClock = new SigningClock(
  { wallMs: systemClock.wallMs(), monotonicMs: systemClock.monotonicMs() },
  init.signingClock ?? null,
  systemSuspendedMs,
)

/** The clock of a worker that blocks: the time is read once for each batch of queries. */
const batchClock = createBatchClock(systemClock, signingClock)

const clock = init.kind === 'mmsg' ? batchClock : systemClock

const signingMs =
  init.kind === 'mmsg'
    ? (): number => batchClock.signingMs()
    : (): number => signingClock.at(systemClock.wallMs(), systemClock.monotonicMs())

const signers = new CatalogSigners(
  { wallMs: signingMs, monotonicMs: () => clock.monotonicMs() },
  counters,
  {
    isTimeKnown() {
      signingMs()
      return signingClock.trust !== 'behind'
    },
    stopwatchMs: () => systemClock.monotonicMs(),
  },
)

const catalogs = new CatalogInForce(init.catalog, init.keys ?? [], { wallMs: signingMs }, signers)

const context: AnswerContext = {
  catalog: () => catalogs.current(),
  health: openHealthTable(init.healthBuffer),
  random: createRandom(init.seed),
  clock,
  signers,
  locate: (octets, family, prefixLength) => locate(octets, family, prefixLength),
  scopes,
  counters,
  maxUdpOctets: init.maxUdpOctets,
  identity: init.answering.identity,
  ...createAdmission(init.answering),
  tcpIdleMs: () => (streams?.isLameduck() ? 0 : streamLimits.idleMs),
  mayTransfer: (octets) => isListed(transferAllow, octets),
}

const respond = withErrorBoundary(createRespond(context), counters)

function publish(next: Extract<ToWorker, { kind: 'catalog' }>): void {
  catalogs.publish(next.catalog, next.keys)
  scopes.prepare(catalogs.current())
}

function usePlaces(places: PlaceNetworks): void {
  locate = createLocate(places)
  scopes.use(places)
  scopes.prepare(catalogs.current())
}

/**
 * Serves everything but UDP by mmsg, on Node's event loop. Rejects with the errno of the first bind that fails.
 *
 * A worker of kind `mmsg` loads none of Node's network modules, which are a fifth of the memory of a thread.
 */
async function serveOnEventLoop(): Promise<void> {
  const { listenStreams, noStreams } = await import('../stream/streams.ts')
  const udp: UdpListener[] = []
  for (const endpoint of init.kind === 'dgram' ? init.endpoints : []) {
    const { listenUdp } = await import('../udp/udp-dgram.ts')
    udp.push(await listenUdp(endpoint, respond, { counters, handed: init.handed }))
  }
  const beginTransfer = withTransferErrorBoundary(createBeginTransfer(context), counters)
  const respondProxied = proxiedResponder()
  const { handed } = init
  const options = { respond, respondProxied, beginTransfer, counters, clock: systemClock, handed }
  const opened = await listenStreams(init.endpoints, init.streams ?? noStreams, options)
  streams = opened
  let closedUdp: Promise<unknown> | null = null
  const closeUdp = (): Promise<unknown> =>
    (closedUdp ??= Promise.all(udp.map((listener) => listener.close())))
  controlPort.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'catalog':
        return publish(message)
      case 'places':
        return usePlaces(message.places)
      case 'certificate':
        return opened.setCertificate(message.pair)
      case 'lameduck':
        return opened.lameduck()
      case 'leave-sockets':
        return void Promise.all([closeUdp(), opened.leaveSockets()]).then(() => process.exit(0))
      case 'stop':
        return void Promise.all([closeUdp(), opened.close()]).then(() => process.exit(0))
      default:
        return message satisfies never
    }
  })
  const receiveOctets = Math.min(...udp.map((listener) => listener.receiveOctets))
  report({ kind: 'listening', receiveOctets: udp.length === 0 ? null : receiveOctets })
}

/** The responder for datagrams that a proxy brings, with rate limits of its own. Without a proxy it is not called. */
function proxiedResponder(): Respond {
  if (!init.streams?.proxy) return respond
  const admission = createAdmission(forProxiedClients(init.answering))
  return withErrorBoundary(createRespond({ ...context, ...admission }), counters)
}

/** Serves UDP by mmsg in a loop that blocks. Rejects with the errno of the first bind that fails. */
async function serveBlocking(): Promise<void> {
  const libc = await loadLibc()
  const { maxUdpOctets, sockets, wakeupFd } = init
  if (wakeupFd === null) throw new Error('an mmsg worker has a wakeup')
  const messages = openMessageQueue(controlPort, init.messageFlag)
  runPollLoop({
    sockets,
    wakeupFd,
    messages,
    publish,
    usePlaces,
    clock: batchClock,
    libc,
    respond,
    counters,
    maxUdpOctets,
    onStop: () => process.exit(0),
  })
  report({
    kind: 'listening',
    receiveOctets: Math.min(...sockets.map((socket) => socket.receiveOctets)),
  })
}

async function serve(): Promise<void> {
  usePlaces(init.places)
  await (init.kind === 'mmsg' ? serveBlocking() : serveOnEventLoop())
}

serve().catch((error: NodeJS.ErrnoException) => {
  report({ kind: 'failed', code: error.code ?? 'worker-failed', message: error.message })
  process.exit(1)
})
