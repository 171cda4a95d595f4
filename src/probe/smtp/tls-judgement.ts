// Judges certificates and version of a TLS session as a sender that requires valid TLS does.
//
//   TLSA of the zone            what is checked
//   usage 3 matches             nothing more: neither name nor dates (RFC 7672 §3.1.1)
//   usage 2 matches             signatures up to that certificate, name, dates (RFC 7672 §3.1.2)
//   usable, but none matches    failure: DANE senders do not deliver
//   none usable                 chain to a trusted root, name, dates
//
// Names of exchange slots (`slots:` of the zone) warn, wherever the name is checked.
//
// In every case the version must be at least the minimum of the profile. Pure: octets, the time and the result of OpenSSL
// are arguments.

import { createHash } from 'node:crypto'
import type {
  CertificateDigests,
  TlsFinding,
  TlsProfile,
  TlsReport,
  TlsaRecord,
} from '../../health/tls-report.ts'
import { listed } from '../../lib/listed.ts'
import { tlsVersions } from '../../health/tls-report.ts'

export interface PeerCertificate {
  readonly der: Uint8Array
  /** Its SubjectPublicKeyInfo in DER. */
  readonly publicKeyDer: Uint8Array
  readonly validFromMs: number
  readonly validToMs: number
  /** Whether it is signed by the next certificate of the chain, or by itself if it is the last. */
  readonly isSigned: boolean
}

export interface PeerTls {
  /** The names that the server's own certificate is for, in lower case. */
  readonly names: readonly string[]
  /** As OpenSSL names it, e.g. `TLSv1.3`. */
  readonly version: string
  /** The server's own certificate first; at most ten. */
  readonly chain: readonly PeerCertificate[]
  /** OpenSSL's error about the chain except for dates, e.g. `DEPTH_ZERO_SELF_SIGNED_CERT`; null if it is trusted. */
  readonly chainFault: string | null
  /** Whether the certificate has the name in the profile, or the profile has none. */
  readonly isNameRight: boolean
  /** Those of the profile's exchange slots that the certificate does not have. */
  readonly uncoveredSlots: readonly string[]
}

type Dane = 'ee' | 'ta' | 'mismatch' | 'unusable' | 'none'

const dayMs = 86_400_000
const namesShown = 3
const severities = ['failure', 'critical', 'warning']

export function judgeTls(peer: PeerTls, profile: TlsProfile, wallMs: number): TlsReport {
  const dane = matchDane(peer, profile.tlsa)
  const findings = [
    ...judgeVersion(peer.version, profile),
    ...(dane === 'mismatch' ? [failure('tlsa-mismatch', 'no TLSA record matches')] : []),
    ...(dane === 'ee' ? [] : judgeDates(peer, profile, wallMs)),
    ...(dane === 'ee' ? [] : judgeName(peer, profile)),
    ...(dane === 'ee' ? [] : judgeSlots(peer)),
    ...(dane === 'ee' || dane === 'ta' ? [] : judgeChain(peer)),
  ]
  const leaf = peer.chain[0]
  return {
    version: peer.version,
    daysLeft: leaf ? Math.floor((leaf.validToMs - wallMs) / dayMs) : null,
    dane: dane === 'ee' || dane === 'ta' ? 'match' : dane,
    ...(leaf && { presented: { names: peer.names, chain: peer.chain.map(digestsOf) } }),
    findings: findings.sort(
      (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
    ),
  }
}

const digestsOf = ({ der, publicKeyDer }: PeerCertificate): CertificateDigests => ({
  '0 1': hexDigest('sha256', der),
  '0 2': hexDigest('sha512', der),
  '1 1': hexDigest('sha256', publicKeyDer),
  '1 2': hexDigest('sha512', publicKeyDer),
})

const hexDigest = (algorithm: string, octets: Uint8Array): string =>
  createHash(algorithm).update(octets).digest('hex')

const failure = (reason: string, text: string): TlsFinding => ({
  reason,
  severity: 'failure',
  text,
})

function judgeVersion(version: string, { minVersion }: TlsProfile): readonly TlsFinding[] {
  const order: readonly string[] = tlsVersions
  if (order.indexOf(version) >= order.indexOf(minVersion)) return []
  return [failure('tls-version', `${version} is older than ${minVersion}`)]
}

function judgeDates(
  { chain: [leaf] }: PeerTls,
  { warningDays, criticalDays }: TlsProfile,
  wallMs: number,
): readonly TlsFinding[] {
  if (!leaf) return []
  const left = (leaf.validToMs - wallMs) / dayMs
  if (left <= 0) return [failure('certificate-expired', `expired ${Math.ceil(-left)} days ago`)]
  if (leaf.validFromMs > wallMs) return [failure('certificate-not-yet-valid', 'not valid yet')]
  if (left > warningDays) return []
  const severity = left <= criticalDays ? 'critical' : 'warning'
  return [{ reason: 'certificate-expires', severity, text: `expires in ${Math.floor(left)} days` }]
}

const judgeName = ({ isNameRight }: PeerTls, { serverName }: TlsProfile): readonly TlsFinding[] =>
  serverName === null || isNameRight
    ? []
    : [failure('certificate-name', `the certificate does not name ${serverName}`)]

/** A warning alone: senders that come by the target's own name are well served. */
const judgeSlots = ({ uncoveredSlots }: PeerTls): readonly TlsFinding[] => {
  if (uncoveredSlots.length === 0) return []
  const text = `the certificate does not name ${listed(uncoveredSlots, namesShown)}`
  return [{ reason: 'certificate-slots', severity: 'warning', text }]
}

const judgeChain = ({ chainFault }: PeerTls): readonly TlsFinding[] =>
  chainFault === null
    ? []
    : [failure('certificate-untrusted', `not trusted by a known root: ${chainFault}`)]

/** Whether SMTP can use the record: usages 0 and 1 are not for SMTP (RFC 7672 §3.1.3), unknown numbers not defined. */
const isUsable = ({ usage, selector, matchingType }: TlsaRecord): boolean =>
  (usage === 2 || usage === 3) && selector <= 1 && matchingType <= 2

function matchDane({ chain }: PeerTls, records: readonly TlsaRecord[]): Dane {
  if (records.length === 0) return 'none'
  const usable = records.filter(isUsable)
  if (usable.length === 0) return 'unusable'
  const [leaf] = chain
  if (!leaf) return 'mismatch'
  if (usable.some((record) => record.usage === 3 && isMatch(record, leaf))) return 'ee'
  const anchors = usable.filter((record) => record.usage === 2)
  return anchors.some((record) => isAnchored(record, chain)) ? 'ta' : 'mismatch'
}

/** Whether a certificate of the chain matches and every certificate below it is signed by the next. */
function isAnchored(record: TlsaRecord, chain: readonly PeerCertificate[]): boolean {
  const at = chain.findIndex((certificate) => isMatch(record, certificate))
  return at >= 0 && chain.slice(0, at).every((certificate) => certificate.isSigned)
}

function isMatch({ selector, matchingType, data }: TlsaRecord, one: PeerCertificate): boolean {
  const whole = selector === 0 ? one.der : one.publicKeyDer
  const seen =
    matchingType === 0
      ? whole
      : createHash(matchingType === 1 ? 'sha256' : 'sha512')
          .update(whole)
          .digest()
  return Buffer.compare(seen, data) === 0
}
