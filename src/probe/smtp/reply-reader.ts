// Whole SMTP replies out of octets that arrive split at any point.
//
// The lines of a reply must agree on the code, but postscreen and others change their mind after a 220- teaser,
// so a 4xx or 5xx may end a reply that began well.

import type { Excess } from './line-reader.ts'
import { LineReader } from './line-reader.ts'
import { canBeReply, parseReplyLine, textOf } from './reply-line.ts'
import type { Reply } from './smtp-script.ts'

export type NextReply =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'more' }
  | { readonly kind: 'excess'; readonly reason: Excess }
  | { readonly kind: 'mixed'; readonly code: number }
  /** No line of SMTP, or the beginning of one that cannot be. */
  | { readonly kind: 'stranger'; readonly octets: Uint8Array }

/** A line without end is judged once it is this long: enough to tell TLS and HTTP by name. */
const judgedFromOctets = 8

export class ReplyReader {
  readonly #lines = new LineReader()
  readonly #onLine: (octets: Uint8Array, code: number) => boolean
  #code: number | null = null
  #texts: string[] = []

  /** `onLine` learns of every line of a reply as it comes, and says whether its text matters. */
  constructor(onLine: (octets: Uint8Array, code: number) => boolean) {
    this.#onLine = onLine
  }

  /** Gives the reader what arrived; call `next` until it says something other than `reply`. */
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk)
  }

  next(): NextReply {
    for (;;) {
      const next = this.#lines.next()
      if (next.kind === 'excess') return next
      if (next.kind === 'more') return this.#judgePartial()
      const reply = this.#take(next.octets)
      if (reply !== null) return reply
    }
  }

  /** The octets of a line that has no end yet. Valid until the next call. */
  partial(): Uint8Array {
    return this.#lines.partial()
  }

  /** Whether what came of a line so far cannot begin a reply. */
  isStrange(): boolean {
    return !canBeReply(this.partial())
  }

  /** Forgets what arrived and was not read; says how many octets that was. */
  discard(): number {
    return this.#lines.discard()
  }

  #judgePartial(): NextReply {
    const octets = this.partial()
    return octets.length >= judgedFromOctets && this.isStrange()
      ? { kind: 'stranger', octets }
      : { kind: 'more' }
  }

  /** null: the reply goes on. */
  #take(octets: Uint8Array): NextReply | null {
    const line = parseReplyLine(octets)
    if (line === null) return { kind: 'stranger', octets }
    const { code, isPolicy } = line
    if (this.#onLine(octets, code)) this.#texts.push(textOf(octets))
    const before = this.#code
    const changedItsMind = before !== null && before < 400 && code >= 400
    if (before !== null && before !== code && !changedItsMind) return { kind: 'mixed', code }
    this.#code = code
    if (!line.isLast) return null
    const reply = { code, isPolicy, texts: this.#texts }
    this.#code = null
    this.#texts = []
    return { kind: 'reply', reply }
  }
}
