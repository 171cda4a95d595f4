// What one probe saw (design §5). Nothing here says what follows from it: that is health/verdict.ts.

export type OutcomeKind =
  /** Final 220, and a 250 to EHLO where the level asks for it. */
  | 'ok'
  /** Refused, reset, or no answer to connect. */
  | 'dead'
  /** Connected, but no greeting: silence, or end of stream. */
  | 'mute'
  /** 421 or another 4xx greeting: later, perhaps. */
  | 'busy'
  /** 5xx greeting: refuses us, or everyone. */
  | 'refusing'
  /** Not SMTP, or past the probe's budgets of octets and lines. */
  | 'garbage'
  /** Greeted, then failed in the dialogue. */
  | 'stuck'
  /** A fault of this host: descriptors, ports, routes, a stalled loop. */
  | 'self'

export interface DialogueLine {
  /** Milliseconds since the probe began. */
  readonly atMs: number
  /** `<` from the target, `>` to it, `*` what happened to the connection. */
  readonly from: '<' | '>' | '*'
  /** Printable: control and non-ASCII octets escaped as \xNN, cut at 512 characters. */
  readonly text: string
}

export interface Outcome {
  readonly kind: OutcomeKind
  /** Stable word for logs and metrics, e.g. `connect-refused`, `banner-timeout`. */
  readonly reason: string
  /** The reply code that decided, if one did. */
  readonly code: number | null
  readonly durationMs: number
  /** At most 40 lines. */
  readonly dialogue: readonly DialogueLine[]
}
