// Reads the stream of hints, waiting for the next. A hint says where to look, never what is there: one that is forged,
// doubled or lost costs a look, or the wait for the next look at everything.

import { parseHint, parseStreamId, type Hint } from './schema.ts'
import type { StoreLink } from './redis-link.ts'

interface HintReaderOptions {
  readonly link: StoreLink
  readonly key: string
  readonly blockMs: number
  readonly onHints: (hints: readonly Hint[]) => void
}

const eventsARead = 500
const longestPauseMs = 500
const nothing = '0-0'

export class HintReader {
  readonly #options: HintReaderOptions
  /** null: not known yet where to begin. */
  #last: string | null = null
  #newest: string | null = null
  #rejected = 0
  #isStopped = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: HintReaderOptions) {
    this.#options = options
    void this.#turn()
  }

  /** What the store says of its oldest and newest event. Whether events were missed. */
  hasMissedEvents(oldest: string | null, newest: string | null): boolean {
    const last = this.#last
    this.#newest = newest
    const isBack = last !== null && compareIds(newest ?? nothing, last) < 0
    if (last === null || isBack) this.#last = newest ?? nothing
    return last === null || isBack || (oldest !== null && compareIds(oldest, last) > 0)
  }

  /** How much older the last event read is than the newest, on the store's clock. */
  lagSeconds(): number {
    const [newestMs] = parseStreamId(this.#newest) ?? [0, 0]
    const [lastMs] = parseStreamId(this.#last) ?? [0, 0]
    return lastMs === 0 ? 0 : Math.max(0, newestMs - lastMs) / 1000
  }

  /** Events that were no hints. */
  rejected(): number {
    return this.#rejected
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #turn(): Promise<void> {
    const { link, key, blockMs } = this.#options
    const from = this.#last
    const command = ['xread', 'COUNT', eventsARead, 'BLOCK', blockMs, 'STREAMS', key] as const
    const reply = from === null ? null : await link.runBlocking([...command, from])
    if (this.#isStopped) return
    const isFine = reply?.kind === 'value'
    if (isFine && this.#last === from) this.#take(reply.value)
    const pauseMs = isFine ? 0 : Math.min(blockMs, longestPauseMs)
    this.#timer = setTimeout(() => void this.#turn(), pauseMs)
  }

  #take(value: unknown): void {
    const { hints, rejected, lastId } = readEvents(value)
    if (lastId !== null) this.#last = lastId
    this.#rejected += rejected
    if (hints.length > 0) this.#options.onHints(hints)
  }
}

interface EventsRead {
  readonly hints: readonly Hint[]
  readonly rejected: number
  readonly lastId: string | null
}

/** `[[key, [[id, [field, value …]] …]]]`, or null where nothing came in time. */
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
