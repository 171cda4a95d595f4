// The life of a thread that blocks: it answers in turns, and between them lets the event loop run once.
//
// A turn ends when mail has come, or after a second, since Node and V8 have small tasks of their own to do there.

import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import type { PackedCatalog } from '../../zone/packed-catalog.ts'
import type { BatchClock } from './batch-clock.ts'
import type { Mailbox } from './mailbox.ts'
import type { ToWorker } from './messages.ts'
import type { BatchOptions } from '../udp/udp-batch.ts'
import { listenMmsg } from '../udp/udp-mmsg.ts'
import type { MmsgSocket } from '../udp/udp-socket.ts'

const turnMs = 1000

export interface TurnsOptions extends BatchOptions {
  readonly sockets: readonly MmsgSocket[]
  readonly mailbox: Mailbox
  readonly clock: BatchClock
  readonly publish: (catalog: PackedCatalog) => void
  readonly usePlaces: (places: PlaceNetworks) => void
  /** Called between turns, when the last batch was answered. */
  readonly onStop: () => void
}

/** Binds, throwing the bind's errno, and goes on until it is stopped. */
export function answerInTurns(options: TurnsOptions): void {
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
