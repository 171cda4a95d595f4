// What a probe is to demand of TLS, and what it found. How one follows from the other: tls-judgement.ts.

export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
type TlsVersion = (typeof tlsVersions)[number]

/** RFC 6698 §2.1. */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

export interface TlsProfile {
  readonly mode: 'starttls' | 'implicit'
  /** The exchange: SNI, and what the certificate must name; null: nobody said, so neither. */
  readonly serverName: string | null
  readonly minVersion: TlsVersion
  /** Whether trouble that makes a strict sender turn away takes the target out. */
  readonly isRequired: boolean
  readonly warningDays: number
  readonly criticalDays: number
  /** The zone's own records for this exchange and port. */
  readonly tlsa: readonly TlsaRecord[]
}

export interface TlsFinding {
  /** Stable word, e.g. `certificate-expired`. */
  readonly reason: string
  /** `failure`: a sender that insists on TLS does not deliver. */
  readonly severity: 'warning' | 'critical' | 'failure'
  readonly text: string
}

export interface TlsReport {
  /** null: no session came about. */
  readonly version: string | null
  /** Whole days until the server's own certificate ends; negative: past. null: none was seen. */
  readonly daysLeft: number | null
  /** `unusable`: records there are, but none that SMTP goes by (RFC 7672 §3.1.3). */
  readonly dane: 'match' | 'mismatch' | 'unusable' | 'none'
  /** The worst first. */
  readonly findings: readonly TlsFinding[]
}

/** The report of a session that did not come about. */
export const noSession = (reason: string, text: string): TlsReport => ({
  version: null,
  daysLeft: null,
  dane: 'none',
  findings: [{ reason, severity: 'failure', text }],
})
