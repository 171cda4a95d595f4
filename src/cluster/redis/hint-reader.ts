// Follows the event stream with blocking reads. A hint names what to read, never its contents: one that is forged or
// duplicated costs a read, a lost one a delay until the next full read.

import { raiseLater } from '../../lib/raise-later.ts'
import { type Hint, parseHint, parseStreamId } from './schema.ts'
import type { StoreLink } from './redis-link.ts'
import type { StreamEnds } from './snapshot.ts'

interface HintReaderOptions {
  readonly link: StoreLink
  /** Key of the Redis stream of hints. */
  readonly key: string
  readonly blockMs: number
  readonly onHints: (hints: readonly Hint[]) => void
}

const eventsPerRead = 500
const maxPauseMs = 500
/** The id before the first entry of a stream. */
const streamStart = '0-0'

export class HintReader {
  readonly #options: HintReaderOptions
  /** Id of the last entry read; null until the first snapshot says where to begin. */
  #lastRead: string | null = null
  #newest: string | null = null
  #rejected = 0
  #isStopped = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: HintReaderOptions) {
    this.#options = options
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
    const { link, key, blockMs } = this.#options
    const from = this.#lastRead
    const command = ['xread', 'COUNT', eventsPerRead, 'BLOCK', blockMs, 'STREAMS', key] as const
    const reply = from === null ? null : await link.runBlocking([...command, from])
    if (this.#isStopped) return
    const isAnswered = reply?.kind === 'value'
    if (isAnswered && this.#lastRead === from) this.#deliver(reply.value)
    // No reply: an entry too large for the link would come again. The next snapshot says where to go on.
    if (reply === null && this.#lastRead === from) this.#lastRead = null
    const pauseMs = isAnswered ? 0 : Math.min(blockMs, maxPauseMs)
    this.#timer = setTimeout(() => void this.#readNext(), pauseMs)
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
