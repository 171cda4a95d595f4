// Streams of server-sent events that are open. The control thread writes each message once; here it goes to all of them.
//
//   open at once       16, further ones are refused (503 busy)
//   not read           256 KiB wait for a client, then its stream is cut
//   15 minutes         then it is ended: the browser comes back, and goes on where it was
//   nothing to say     a comment every 10 s, so that proxies and browsers see that it lives
//
// A stream that has missed a message is ended too, and gets it when it comes back.

import type { ServerResponse } from 'node:http'

import type { AdminCounters } from '../admin-counters.ts'
import type { StreamFrame } from './messages.ts'

export const streamLimits: Readonly<
  Record<'open' | 'unsentOctets' | 'longestMs' | 'commentEveryMs' | 'retryAfterMs', number>
> = {
  open: 16,
  unsentOctets: 256 * 1024,
  longestMs: 15 * 60_000,
  commentEveryMs: 10_000,
  /** After which a refused client may ask again. */
  retryAfterMs: 5000,
}

const comment = Buffer.from(':\n\n')

type Response = Pick<ServerResponse, 'write' | 'end' | 'destroy' | 'once' | 'writableLength'>

interface OpenStream {
  readonly response: Response
  readonly openedMs: number
  /** Of the last message that was written. */
  sequence: number
}

interface StreamsOptions {
  readonly counters: AdminCounters
  readonly monotonicMs: () => number
  /** Told whenever it changes: how many are open or about to be. */
  readonly onCount: (count: number) => void
}

export class Streams {
  readonly #options: StreamsOptions
  readonly #open = new Set<OpenStream>()
  #opening = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  /** Takes a place for a stream whose beginning is being asked for; false: there is none. */
  reserve(): boolean {
    if (this.#open.size + this.#opening >= streamLimits.open) {
      this.#options.counters.add('streamsRefused')
      return false
    }
    this.#opening++
    this.#report()
    return true
  }

  /** Gives the place back: there is no stream. */
  release(): void {
    this.#opening--
    this.#report()
  }

  /** Puts a stream in its place, whose head and beginning were written. `sequence`: of the last message in it. */
  add(response: Response, sequence: number): void {
    this.#opening--
    const stream = { response, sequence, openedMs: this.#options.monotonicMs() }
    this.#open.add(stream)
    this.#report()
    response.once('close', () => {
      this.#open.delete(stream)
      this.#report()
    })
    this.#timer ??= setInterval(() => this.#onTimer(), streamLimits.commentEveryMs)
  }

  /** Encoded once, however many streams there are. */
  broadcast({ sequence, text }: StreamFrame): void {
    const octets = Buffer.from(text)
    for (const stream of this.#open) {
      if (sequence === null) this.#write(stream, octets)
      else if (sequence === stream.sequence + 1) {
        stream.sequence = sequence
        this.#write(stream, octets)
      } else if (sequence > stream.sequence) stream.response.end()
    }
  }

  #write({ response }: OpenStream, octets: Uint8Array): void {
    response.write(octets)
    if (response.writableLength <= streamLimits.unsentOctets) return
    this.#options.counters.add('streamsCut')
    response.destroy()
  }

  #onTimer(): void {
    const nowMs = this.#options.monotonicMs()
    for (const stream of this.#open)
      if (nowMs - stream.openedMs >= streamLimits.longestMs) stream.response.end()
      else this.#write(stream, comment)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #report(): void {
    const count = this.#open.size + this.#opening
    this.#options.counters.set('streams', count)
    this.#options.onCount(count)
  }
}
