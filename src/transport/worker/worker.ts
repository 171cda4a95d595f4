// Entry of an answering worker thread: its own sockets, the shared health table, the catalog last published.

import { getRandomValues } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { AnswerContext, Respond } from '../../answer/context.ts'
import { type Counters, createCounters } from '../../answer/counters.ts'
import { createRespond } from '../../answer/respond.ts'
import {
  type BeginTransfer,
  createBeginTransfer,
  type Transfer,
} from '../../answer/transfer/transfer.ts'
import { createLocate } from '../../geo/places.ts'
import { openHealthTable } from '../../health/table.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { isListed } from '../../lib/ip.ts'
import { createChance } from '../../lib/random.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import { createScopes } from '../../steer/scope/scope-cache.ts'
import { openCatalog, type PackedCatalog } from '../../zone/packed-catalog.ts'
import { streamLimits } from '../stream/stream-table.ts'
import { listenStreams, noStreams, type Streams } from '../stream/streams.ts'
import { type BatchOptions, listenMmsg } from '../udp/udp-batch.ts'
import { listenUdp } from '../udp/udp-dgram.ts'
import { loadLibc } from '../udp/udp-libc.ts'
import type { MmsgSocket } from '../udp/udp-socket.ts'
import {
  createGuards,
  type FromWorker,
  type Mailbox,
  openMailbox,
  throughProxy,
  type ToWorker,
  type WorkerBirth,
} from './messages.ts'

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

/** `respond` for transports: what it throws becomes silence and a count of `failures`. */
export const contained =
  (respond: Respond, counters: Counters): Respond =>
  (packet, offset, length, peer, out, outOffset) => {
    try {
      return respond(packet, offset, length, peer, out, outOffset)
    } catch {
      counters.add('failures')
      return 0
    }
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

/** As `contained`: a transfer that fails is not begun, or its connection is cut. */
const containedTransfers =
  (begin: BeginTransfer, counters: Counters): BeginTransfer =>
  (packet, offset, length, peer) => {
    try {
      const transfer = begin(packet, offset, length, peer)
      return transfer && containedTransfer(transfer, counters)
    } catch {
      counters.add('failures')
      return null
    }
  }

const containedTransfer = (transfer: Transfer, counters: Counters): Transfer => ({
  next(out, offset, octets) {
    try {
      return transfer.next(out, offset, octets)
    } catch {
      counters.add('failures')
      return -1
    }
  },
  end: () => transfer.end(),
})

const turnMs = 1000

serve().catch((error: NodeJS.ErrnoException) => {
  tell({ kind: 'failed', code: error.code ?? 'worker-failed', message: error.message })
  process.exit(1)
})

// A bug in answering one packet must not end the thread that answers all of them.

// The life of a thread that blocks: it answers in turns, and between them lets the event loop run once.
//
// A turn ends when mail has come, or after a second, since Node and V8 have small tasks of their own to do there.

interface TurnsOptions extends BatchOptions {
  readonly sockets: readonly MmsgSocket[]
  readonly mailbox: Mailbox
  readonly clock: BatchClock
  readonly publish: (catalog: PackedCatalog) => void
  readonly usePlaces: (places: PlaceNetworks) => void
  /** Called between turns, when the last batch was answered. */
  readonly onStop: () => void
}

/** Binds, throwing the bind's errno, and goes on until it is stopped. */
function answerInTurns(options: TurnsOptions): void {
  const { mailbox, clock, publish, usePlaces, onStop } = options
  let isStopping = false
  let hasNews = false

  const onMail = (mail: ToWorker): void => {
    hasNews = true
    if (mail.kind === 'stop') isStopping = true
    else if (mail.kind === 'places') usePlaces(mail.places)
    else if (mail.kind === 'catalog') publish(mail.catalog)
  }
  const listener = listenMmsg(options.sockets, {
    ...options,
    // Mail before answers: what is asked after a publish is answered by what was published.
    beforeAnswers() {
      clock.tick()
      mailbox.look(onMail)
    },
  })
  const turn = (): void => {
    clock.tick()
    const untilMs = clock.monotonicMs() + turnMs
    const isOver = (): boolean => hasNews || clock.monotonicMs() >= untilMs
    hasNews = false
    do listener.round()
    while (!isOver())
    if (isStopping) onStop()
    else setImmediate(turn)
  }
  setImmediate(turn)
}

// A clock that stands still while a batch of queries is answered: a read of the real one costs as much as a good part
// of an answer, and nothing that an answer is made of changes within a batch.

interface BatchClock extends Clock {
  /** Reads the real clock. */
  tick(): void
}

export function createBatchClock(clock: Clock): BatchClock {
  let wallMs = clock.wallMs()
  let monotonicMs = clock.monotonicMs()
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    tick() {
      wallMs = clock.wallMs()
      monotonicMs = clock.monotonicMs()
    },
  }
}
