// Follows the event stream with blocking reads. A hint names what to read, never its contents: one that is forged or
// duplicated costs a read, a lost one a delay until the next full read.
//
// Some stores and proxies before them refuse reads that block, or close the connection on one. Where the same read is
// answered if it does not block, the stream is polled, and a blocking read is tried from time to time:
//
//   an error reply                       polled from now on
//   closed or silent for long enough,    the same; not where the reply was cut off by the link, which comes again
//   while batches are answered
//   a cluster moves the slot             polled this once

import type { Clock } from '../../lib/clock.ts'
import { raiseLater } from '../../lib/raise-later.ts'
import { type Hint, parseHint, parseStreamId, type StateTimes } from './schema.ts'
import type { Command, Reply } from '../link/command.ts'
import type { StoreLink } from '../link/redis-link.ts'
import type { StreamEnds } from './snapshot.ts'

interface HintReaderOptions {
  readonly link: StoreLink
  /** Key of the Redis stream of hints. */
  readonly key: string
  readonly times: Pick<StateTimes, 'blockMs' | 'hintPollMs' | 'blockAgainMs'>
  readonly clock: Clock
  readonly onHints: (hints: readonly Hint[]) => void
  /** Called with the code of an error when polling begins, and with null when it is over. */
  readonly onPolling: (why: string | null) => void
}

const eventsPerRead = 500
const maxPauseMs = 500
/** A connection that fails for so long, while the other one is fine, is closed on purpose: a new one takes 5 s at most. */
const patienceMs = 8000
/** What is over by itself: a node of a cluster has, gets or gives away the slot, or becomes a replica. */
const passingCodes = new Set(
  'ASK MOVED TRYAGAIN CLUSTERDOWN UNBLOCKED READONLY LOADING MASTERDOWN'.split(' '),
)
/** The link has cut the connection off for what came over it. */
const cutCodes = new Set(['PROTOCOL', 'OVERSIZED'])
/** The id before the first entry of a stream. */
const streamStart = '0-0'

export class HintReader {
  readonly #options: HintReaderOptions
  /** Id of the last entry read; null until the first snapshot says where to begin. */
  #lastRead: string | null = null
  #newest: string | null = null
  #rejected = 0
  /** Why the stream is polled; null: it is not. */
  polling: string | null = null
  #blockAgainAtMs = -Infinity
  /** The last read did not block, for a reason that passes. */
  #isPolledOnce = false
  /** Since when blocking reads have had no reply while there was a connection for batches. */
  #silentSinceMs: number | null = null
  #isStopped = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: HintReaderOptions) {
    this.#options = options
    // The other connection may be opened some seconds after this one.
    options.link.onReady(() => (this.#silentSinceMs = null))
    void this.#readNext()
  }

  /**
   * Compares the ends of the stream with the last id read; null if the stream is too large, which is not read on before
   * another snapshot has its ends. Returns whether entries may have been missed: they were trimmed, the stream was
   * replaced, or a read failed.
   */
  hasMissedEvents(ends: StreamEnds | null): boolean {
    if (ends === null) this.#lastRead = null
    if (ends === null) return true
    const { oldest, newest } = ends
    const lastRead = this.#lastRead
    this.#newest = newest
    const isReplaced = lastRead !== null && compareIds(newest ?? streamStart, lastRead) < 0
    if (lastRead === null || isReplaced) this.#lastRead = newest ?? streamStart
    return lastRead === null || isReplaced || (oldest !== null && compareIds(oldest, lastRead) > 0)
  }

  /** Seconds between the last entry read and the newest one, on the clock of the store. */
  lagSeconds(): number {
    const [newestMs] = parseStreamId(this.#newest) ?? [0, 0]
    const [lastReadMs] = parseStreamId(this.#lastRead) ?? [0, 0]
    return lastReadMs === 0 ? 0 : Math.max(0, newestMs - lastReadMs) / 1000
  }

  /** Entries read so far that were not hints. */
  rejected(): number {
    return this.#rejected
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #readNext(): Promise<void> {
    const from = this.#lastRead
    const reply = from === null ? null : await this.#read(from)
    if (this.#isStopped) return
    const isAnswered = reply?.kind === 'value'
    if (isAnswered && this.#lastRead === from) this.#deliver(reply.value)
    // No reply: an entry too large for the link would come again. The next snapshot says where to go on.
    if (reply === null && this.#lastRead === from) this.#lastRead = null
    this.#timer = setTimeout(() => void this.#readNext(), this.#pauseMs(isAnswered))
  }

  #pauseMs(isAnswered: boolean): number {
    const { blockMs, hintPollMs } = this.#options.times
    if (this.polling !== null || this.#isPolledOnce) return hintPollMs
    return isAnswered ? 0 : Math.min(blockMs, maxPauseMs)
  }

  async #read(from: string): Promise<Reply | null> {
    const { link, key, times, clock } = this.#options
    this.#isPolledOnce = false
    if (this.polling !== null && clock.monotonicMs() < this.#blockAgainAtMs) return this.#poll(from)
    const blocking: Command = ['xread', 'COUNT', eventsPerRead, 'BLOCK', times.blockMs]
    const reply = await link.runBlocking([...blocking, 'STREAMS', key, from])
    if (this.#isStopped) return null
    if (reply?.kind === 'value') {
      this.#silentSinceMs = null
      this.#setPolling(null)
      return reply
    }
    const why = reply === null ? this.#silenceCode() : reply.code
    if (why === null) return reply
    const polled = await this.#poll(from)
    this.#isPolledOnce = polled?.kind === 'value'
    if (this.#isPolledOnce && !passingCodes.has(why)) this.#setPolling(why)
    return polled
  }

  #poll(from: string): Promise<Reply | null> {
    const { link, key } = this.#options
    return link
      .run([['xread', 'COUNT', eventsPerRead, 'STREAMS', key, from]])
      .then((replies) => replies?.[0] ?? null)
  }

  /** Why there was no reply, once that has been so for long enough not to be a connection that is just being opened. */
  #silenceCode(): string | null {
    const { link, clock } = this.#options
    const code = link.lastBlockingErrorCode() ?? 'CLOSED'
    const nowMs = clock.monotonicMs()
    if (!link.isReady() || cutCodes.has(code)) this.#silentSinceMs = null
    else this.#silentSinceMs ??= nowMs
    const isPolling = this.polling !== null
    const isLong = this.#silentSinceMs !== null && nowMs - this.#silentSinceMs >= patienceMs
    return isLong || isPolling ? code : null
  }

  #setPolling(why: string | null): void {
    const { times, clock, onPolling } = this.#options
    const before = this.polling
    this.polling = why
    this.#blockAgainAtMs = clock.monotonicMs() + times.blockAgainMs
    if ((before === null) !== (why === null)) onPolling(why)
  }

  #deliver(value: unknown): void {
    const { hints, rejected, lastId } = readEvents(value)
    if (lastId !== null) this.#lastRead = lastId
    this.#rejected += rejected
    try {
      if (hints.length > 0) this.#options.onHints(hints)
    } catch (error) {
      raiseLater(error)
    }
  }
}

interface EventsRead {
  readonly hints: readonly Hint[]
  readonly rejected: number
  /** null if there were no entries. */
  readonly lastId: string | null
}

/** The reply of XREAD: `[[key, [[id, [field, value …]] …]]]`, or null if no entry arrived in time. */
function readEvents(value: unknown): EventsRead {
  const entries: unknown = (value as [[unknown, unknown]] | null)?.[0]?.[1]
  const hints: Hint[] = []
  let rejected = 0
  let lastId: string | null = null
  for (const entry of Array.isArray(entries) ? (entries as unknown[]) : []) {
    const [id, fields] = Array.isArray(entry) ? (entry as unknown[]) : []
    if (parseStreamId(id) !== null) lastId = id as string
    const hint = parseHint(fields)
    if (hint) hints.push(hint)
    else rejected++
  }
  return { hints, rejected, lastId }
}

function compareIds(a: string, b: string): number {
  const [aMs, aNumber] = parseStreamId(a) ?? [0, 0]
  const [bMs, bNumber] = parseStreamId(b) ?? [0, 0]
  return aMs - bMs || aNumber - bNumber
}
