// What a dialogue is told, and what it asks for: the two sides of smtp-dialogue.ts.

import type { Outcome } from '../../health/outcome.ts'
import type { PeerTls } from './tls-judgement.ts'

export type DialogueInput =
  | { readonly kind: 'start' | 'abort' }
  | { readonly kind: 'end' }
  /** `header`: what the driver has written before anything else, for the record. */
  | { readonly kind: 'connected'; readonly header?: string }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'secured'; readonly peer: PeerTls; readonly wallMs: number }
  /** The TLS handshake failed; `why` is OpenSSL's word. */
  | { readonly kind: 'insecure'; readonly why: string }
  | { readonly kind: 'failed'; readonly errno: string }
  /** `stalled`: our own timer came late, so silence proves nothing about the target. */
  | { readonly kind: 'deadline'; readonly stalled: boolean }

/**
 * `done`: both have said goodbye. `fin`: our end, and a second for the target to do likewise. `destroy`: at once, with a
 * reset where it talks on.
 */
export type Closing = 'done' | 'fin' | 'destroy'

export type DialogueAction =
  | { readonly kind: 'write'; readonly line: string }
  /** Start TLS as a client; `secured` or `insecure` is the answer. */
  | { readonly kind: 'secure' }
  /** Replaces the deadline before it. Milliseconds on the clock of `feed`. */
  | { readonly kind: 'arm'; readonly deadlineMs: number }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly close: Closing }
