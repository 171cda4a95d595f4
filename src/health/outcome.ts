// What one probe saw. Nothing here says what follows from it: that is health/verdict.ts.

import type { TlsReport } from './tls-report.ts'

export type OutcomeKind =
  /** Final 220, and a 250 to EHLO where the level asks for it. */
  | 'ok'
  /** Refused, reset, or no answer to connect. */
  | 'dead'
  /** Connected, but no greeting: silence, or end of stream. */
  | 'mute'
  /** 421 or another 4xx greeting, or a 4xx to MAIL or RCPT: later, perhaps. */
  | 'busy'
  /** 5xx, or any x.7.x: refuses us, or everyone. */
  | 'refusing'
  /** Not SMTP, or past the probe's budgets of octets and lines. */
  | 'garbage'
  /** Greeted, then failed in the dialogue. */
  | 'stuck'
  /** All well but for TLS: `tls` says what is wrong, and how badly. */
  | 'tls'
  /** All well, but the greeting took long. */
  | 'slow'
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
  /** Where the dialogue came as far as TLS, or should have. */
  readonly tls?: TlsReport
  /** Whether STARTTLS was among the keywords before TLS; absent: EHLO was not answered. */
  readonly hasStarttls?: boolean
  /** At most 40 lines. */
  readonly dialogue: readonly DialogueLine[]
}
