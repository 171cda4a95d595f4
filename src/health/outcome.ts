// What one probe observed. What follows from it: verdict.ts.

import type { TlsReport } from './tls-report.ts'

/** Kind of an outcome; also a label of metrics and a field of logs. */
export type OutcomeKind =
  /** A final 220 greeting, and 250 to EHLO where the probe level includes it. */
  | 'ok'
  /** Connection refused, reset or timed out. */
  | 'dead'
  /** Connected, but no greeting: silence, or end of stream. */
  | 'mute'
  /** 421 or another 4xx greeting, or 4xx to MAIL or RCPT: a transient refusal (RFC 5321 §4.2.1). */
  | 'busy'
  /** 5xx, or any enhanced code x.7.x (RFC 3463 §3.8): refuses this prober, or every client. */
  | 'refusing'
  /** Not SMTP, or more octets or lines than the probe reads. */
  | 'garbage'
  /** Greeted, then failed in the dialogue. */
  | 'stuck'
  /** Everything passed except TLS; `tls` holds the findings and their severity. */
  | 'tls'
  /** Everything passed, but the greeting took long. */
  | 'slow'
  /** A fault of this host: no descriptors, ports or route, or a stalled event loop. */
  | 'self'

/** One line of the recorded dialogue. */
export interface DialogueLine {
  /** Milliseconds since the probe began. */
  readonly atMs: number
  /** `<` from the target, `>` to it, `*` an event of the connection. */
  readonly from: '<' | '>' | '*'
  /** Printable: control and non-ASCII octets are escaped as \xNN; at most 512 characters. */
  readonly text: string
}

/** Result of one probe of one address. */
export interface Outcome {
  readonly kind: OutcomeKind
  /** Stable identifier for logs and metrics, e.g. `connect-refused`, `banner-timeout`. */
  readonly reason: string
  /** SMTP reply code that decided the outcome; null if none did. */
  readonly code: number | null
  readonly durationMs: number
  /** Present if the dialogue reached TLS, or should have. */
  readonly tls?: TlsReport
  /** Whether STARTTLS was among the EHLO keywords before TLS; absent if EHLO was not answered. */
  readonly hasStarttls?: boolean
  /** The SMTP dialogue, at most 40 lines. */
  readonly dialogue: readonly DialogueLine[]
}
