// What consoles are told while they are open, as server-sent events (WHATWG HTML §9.2). One feed for all of them: the
// control thread looks, writes each message once, and the listener thread hands it to every stream.
//
//   hello      first: where the feed is
//   delta      rows and sections that changed; a look every 500 ms while a stream is open, and less often where looking would
//              take more than a hundredth of a core, unless a target has changed its state
//   event      an event of the log, at once
//   figures    every 2 s, without an id
//   resync     what is known is too old, or too much has changed: all is to be taken anew by /overview
//
// A console that is opened asks for all a moment later: it is looked for when its page is taken.
//
// The id of a message is BOOT:SEQUENCE. A stream that comes back gets what it missed out of the last messages (1 MiB, 2,000);
// those are kept while no stream is open too, but nothing is looked at then.

import { type EventRecord, eventLimits, type EventRing } from '../../history/event-ring.ts'
import { type Clock, isoTime, type Timer } from '../../lib/clock.ts'
import type { StreamFrame } from '../listener/messages.ts'
import { timed } from '../reply.ts'
import {
  changesText,
  LiveRows,
  overviewPieces,
  type LiveState,
  type RowSources,
} from './live-rows.ts'
import type { Figures, Overview } from './overview-rows.ts'

export interface StreamFeedSources extends RowSources {
  readonly events: EventRing
  readonly figures: (streams: number) => Figures
}

export interface StreamFeedOptions {
  /** 8 hexadecimal digits of this process. */
  readonly boot: string
  readonly sources: StreamFeedSources
  readonly clock: Clock
  readonly timer: Timer
}

/** Where a stream begins: `text` is written first, and covers everything up to `sequence`. */
export interface StreamStart {
  readonly text: string
  readonly sequence: number
}

/** `kept`: messages for streams that come back. */
export const feedLimits: {
  readonly [Key in 'lookEveryMs' | 'freshMs' | 'figuresEveryMs' | 'deltaOctets' | 'retryMs']: number
} & {
  readonly shares: { readonly calm: number; readonly urgent: number }
  readonly kept: { readonly messages: number; readonly octets: number }
} = {
  lookEveryMs: 500,
  /** Looking takes at most a hundredth of the time, and a twentieth where the state of a target has changed. */
  shares: { calm: 0.01, urgent: 0.05 },
  /** For those who ask for all: what was looked at so short a time ago is new enough. */
  freshMs: 250,
  figuresEveryMs: 2000,
  /** A larger delta is a resync. */
  deltaOctets: 128 * 1024,
  kept: { messages: eventLimits.kept, octets: 1 << 20 },
  retryMs: 1000,
}

export class StreamFeed {
  readonly #options: StreamFeedOptions
  readonly #rows: LiveRows
  readonly #kept: StreamFrame[] = []
  #keptLength = 0
  #sequence = 0
  #post: (frame: StreamFrame) => void = () => {}
  #streams = 0
  #cancel: (() => void) | null = null
  #lookedMs = -Infinity
  #spentMs = 0
  #isUrgent = false
  #figuresMs = -Infinity

  constructor(options: StreamFeedOptions) {
    this.#options = options
    this.#rows = new LiveRows(options.sources)
    options.sources.events.follow((record) => this.#onEvent(record))
  }

  get generation(): string {
    return `${this.#options.boot}:${this.#sequence}`
  }

  get streams(): number {
    return this.#streams
  }

  /** Octets of the messages that are kept, as UTF-16 units. */
  get keptLength(): number {
    return this.#keptLength
  }

  /** Each message goes to `post` from now on while there are streams. */
  follow(post: (frame: StreamFrame) => void): void {
    this.#post = post
  }

  /** How many streams are open, or about to be. */
  setStreams(count: number): void {
    this.#streams = count
    if (count > 0) this.#plan()
    else {
      this.#cancel?.()
      this.#cancel = null
    }
  }

  /** All rows as they are now, or were a moment ago. */
  overview(): Overview {
    const { sources, clock } = this.#options
    if (clock.monotonicMs() - this.#lookedMs > feedLimits.freshMs) this.#look()
    const { generation } = this
    const figures = sources.figures(this.#streams)
    return { generation, at: isoTime(clock.wallMs()), figures, ...(this.#rows.state as LiveState) }
  }

  /**
   * Looks for a console that is being opened, while the browser fetches its scripts: it asks for all then. Gives the JSON that it
   * will get, whose rows are known when they have been gone through. Nobody has proved yet that they may ask, so that it
   * takes no more than the share of urgent looks; null: it was looked at a moment ago.
   */
  foresee(): Iterable<string> | null {
    if (!this.#hasRested(feedLimits.shares.urgent)) return null
    this.#look()
    return overviewPieces(this.overview())
  }

  /** `since`: the generation that the stream knows; null: none. */
  open(since: string | null): StreamStart {
    this.overview()
    const { boot, clock } = this.#options
    const hello = { generation: this.generation, boot, at: isoTime(clock.wallMs()) }
    const begin = `retry: ${feedLimits.retryMs}\n${this.#message('hello', JSON.stringify(hello))}`
    return { text: `${begin}${this.#missedSince(since)}`, sequence: this.#sequence }
  }

  #missedSince(since: string | null): string {
    if (since === null) return ''
    const [, boot, digits] = /^([0-9a-f]{8}):(\d{1,15})$/.exec(since) ?? []
    const sequence = Number(digits)
    const oldest = this.#kept[0]?.sequence ?? this.#sequence + 1
    const isKnown = boot === this.#options.boot && sequence <= this.#sequence
    if (!isKnown || sequence + 1 < oldest) return this.#message('resync', '{}')
    const missed = this.#kept.filter((frame) => (frame.sequence ?? 0) > sequence)
    return missed.map(({ text }) => text).join('')
  }

  #plan(): void {
    this.#cancel ??= this.#options.timer(feedLimits.lookEveryMs, () => {
      this.#cancel = null
      // First, since a source may throw.
      if (this.#streams > 0) this.#plan()
      this.#turn()
    })
  }

  #turn(): void {
    const { clock, sources } = this.#options
    const nowMs = clock.monotonicMs()
    sources.events.flush(clock.wallMs())
    const { calm, urgent } = feedLimits.shares
    if (this.#hasRested(this.#isUrgent ? urgent : calm)) this.#look()
    if (nowMs - this.#figuresMs < feedLimits.figuresEveryMs) return
    this.#figuresMs = nowMs
    const figures = JSON.stringify(sources.figures(this.#streams))
    this.#post({ sequence: null, text: `event: figures\ndata: ${figures}\n\n` })
  }

  /** Whether another look takes no more than this share of the time since the last one. */
  #hasRested(share: number): boolean {
    return this.#options.clock.monotonicMs() - this.#lookedMs >= this.#spentMs / share
  }

  #look(): void {
    const { clock } = this.#options
    const wallMs = clock.wallMs()
    const isFirst = this.#rows.state === null
    const { value: look, spentMs } = timed(() => this.#rows.look(wallMs))
    this.#lookedMs = clock.monotonicMs()
    this.#spentMs = spentMs
    this.#isUrgent = false
    switch (look.kind) {
      case 'same':
        return
      case 'other-rows':
        // Nobody has seen any rows before the first look.
        return isFirst ? undefined : this.#send('resync', () => '{}')
      case 'changed': {
        const changes = changesText(look.changes, feedLimits.deltaOctets)
        if (changes === null) return this.#send('resync', () => '{}')
        const at = JSON.stringify(isoTime(wallMs))
        const fields = changes.slice(1)
        return this.#send('delta', () => `{"generation":"${this.generation}","at":${at},${fields}`)
      }
      default:
        return look satisfies never
    }
  }

  #onEvent(record: EventRecord): void {
    if (record.event.startsWith('target.')) this.#isUrgent = true
    this.#send('event', () => JSON.stringify(record))
  }

  /** `data`: JSON, made when the message has its number. */
  #send(event: string, data: () => string): void {
    this.#sequence++
    const frame = { sequence: this.#sequence, text: this.#message(event, data()) }
    this.#keep(frame)
    if (this.#streams > 0) this.#post(frame)
  }

  #keep(frame: StreamFrame): void {
    this.#kept.push(frame)
    this.#keptLength += frame.text.length
    const { messages, octets } = feedLimits.kept
    while (this.#kept.length > messages || this.#keptLength > octets)
      this.#keptLength -= this.#kept.shift()?.text.length ?? 0
  }

  /** JSON has no line feeds of its own, so that the data is one line. */
  #message(event: string, data: string): string {
    return `id: ${this.generation}\nevent: ${event}\ndata: ${data}\n\n`
  }
}
