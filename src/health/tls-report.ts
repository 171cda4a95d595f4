// What a probe demands of TLS, and what it found. How the findings come about: probe/smtp/tls-judgement.ts.

export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
type TlsVersion = (typeof tlsVersions)[number]

/** A TLSA record (RFC 6698 §2.1). */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

/** TLS settings of a probe profile. */
export interface TlsProfile {
  readonly mode: 'starttls' | 'implicit'
  /** Exchange name: sent as SNI, and the certificate has to cover it; null to do neither. */
  readonly serverName: string | null
  /** Exchange slots that the target stands behind, which the certificate should cover too: senders ask for these. */
  readonly slotNames: readonly string[]
  readonly minVersion: TlsVersion
  /** Whether a finding of severity `failure` takes the target out. */
  readonly isRequired: boolean
  /** Days before the certificate expires from which on it is a warning, and critical. */
  readonly warningDays: number
  readonly criticalDays: number
  /** TLSA records by which senders judge the target at this port: of its own name, or of names that it is behind. */
  readonly tlsa: readonly TlsaRecord[]
}

/** A single TLS problem that a probe has found. */
export interface TlsFinding {
  /** Stable identifier, e.g. `certificate-expired`. */
  readonly reason: string
  /** `failure`: a sender that requires TLS does not deliver. */
  readonly severity: 'warning' | 'critical' | 'failure'
  readonly text: string
}

/** SHA-256 and SHA-512 in hexadecimal, by `SELECTOR MATCHING-TYPE` of TLSA (RFC 6698 §2.1). */
export type CertificateDigests = Readonly<Record<'0 1' | '0 2' | '1 1' | '1 2', string>>

/** What a target presented in a TLS session. */
export interface PresentedCertificate {
  /** The names that its certificate is for, in lower case; at most 32. */
  readonly names: readonly string[]
  /** Of each certificate of the chain, the server's own first; at most ten. */
  readonly chain: readonly CertificateDigests[]
}

/** What one probe found out about TLS. */
export interface TlsReport {
  /** Negotiated protocol version; null if there was no session. */
  readonly version: string | null
  /** Whole days until the server certificate expires, negative if it has; null if none was presented. */
  readonly daysLeft: number | null
  /** `unusable`: there are TLSA records, but none that SMTP uses (RFC 7672 §3.1.3). */
  readonly dane: 'match' | 'mismatch' | 'unusable' | 'none'
  /** Absent: there was no session, or no certificate in it. */
  readonly presented?: PresentedCertificate
  /** All TLS problems found, the most severe first. */
  readonly findings: readonly TlsFinding[]
}

/** The report of a probe that got no TLS session. */
export const noSession = (reason: string, text: string): TlsReport => ({
  version: null,
  daysLeft: null,
  dane: 'none',
  findings: [{ reason, severity: 'failure', text }],
})
