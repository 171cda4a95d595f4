// The order in which certificates and TLSA records are replaced (RFC 7671 §8): a sender judges the certificate that a target
// presents now by a set that it may have kept for its TTL. So a record has to be in every cache before its certificate is
// presented, and stays until its certificate is presented no more.

import type { PresentedCertificate } from '../health/tls-report.ts'
import { type HandedTlsa, ttlUntilMs } from './handed-out.ts'

/** Whether records match what is presented; unknown: by a record that is not compared here, such as a whole certificate. */
export type TlsaMatch = 'match' | 'mismatch' | 'unknown'

/** Usage 3 is of the server's own certificate, 2 of any in its chain; others count for nobody (RFC 7672 §3.1.3). */
export function matchTlsa(records: readonly string[], { chain }: PresentedCertificate): TlsaMatch {
  const matches = records.map((record): TlsaMatch => {
    const [usage, selector = '', matchingType = '', data] = record.split(' ')
    if (usage !== '2' && usage !== '3') return 'mismatch'
    if (matchingType === '0') return 'unknown'
    const key = `${selector} ${matchingType}`
    const candidates = usage === '3' ? chain.slice(0, 1) : chain
    const isMatch = candidates.some((digests) => (digests as Record<string, string>)[key] === data)
    return isMatch ? 'match' : 'mismatch'
  })
  return (
    matches.find((one) => one === 'match') ?? matches.find((one) => one === 'unknown') ?? 'mismatch'
  )
}

export type TlsaMistake =
  /** The certificate that is presented matches none of the new records; `didMatch`: it did match the old ones. */
  | { readonly kind: 'excludes-certificate'; readonly didMatch: boolean }
  /** Sets without a common record are in caches at once, until `safeFromMs`. */
  | { readonly kind: 'order'; readonly safeFromMs: number; readonly isPublishedAlready: boolean }

interface TlsaChange {
  /** Sets of the target that were handed out. */
  readonly before: readonly HandedTlsa[]
  readonly records: readonly string[]
  /** What it presents at each of its addresses, as far as probes saw it. */
  readonly presented: readonly PresentedCertificate[]
}

/** What is wrong with replacing the set of a target by these records now; null: nothing that is known. */
export function judgeTlsaChange(
  { before, records, presented }: TlsaChange,
  nowMs: number,
): TlsaMistake | null {
  const held = before.filter((one) => ttlUntilMs(one, nowMs) > nowMs)
  const isSame = held.some((one) => one.lastMs === null && isEqual(one.records, records))
  if (records.length === 0 || isSame) return null
  const excluded = presented.filter((one) => matchTlsa(records, one) === 'mismatch')
  if (excluded.length > 0) {
    const didMatch = held.some(({ records: old }) =>
      excluded.some((one) => matchTlsa(old, one) === 'match'),
    )
    return { kind: 'excludes-certificate', didMatch }
  }
  const apart = held.filter((one) => !one.records.some((record) => records.includes(record)))
  // One certificate can match several records: of its key, and of its authority.
  const isSeenByAll =
    presented.length > 0 &&
    presented.every((certificate) =>
      [...apart.map((one) => one.records), records].every(
        (set) => matchTlsa(set, certificate) === 'match',
      ),
    )
  if (apart.length === 0 || isSeenByAll) return null
  return {
    kind: 'order',
    safeFromMs: Math.max(...apart.map((one) => ttlUntilMs(one, nowMs))),
    isPublishedAlready: apart.every(({ lastMs }) => lastMs !== null),
  }
}

const isEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one))

/**
 * From when on every cache that has a set of the target has this record in it, milliseconds since 1970; null: it is not
 * published.
 */
export function inCachesFromMs(
  handed: readonly HandedTlsa[],
  record: string,
  nowMs: number,
): number | null {
  const present = handed.find(({ lastMs }) => lastMs === null)
  if (!present?.records.includes(record)) return null
  const without = handed.filter((one) => !one.records.includes(record))
  return Math.max(present.firstMs, ...without.map((one) => ttlUntilMs(one, nowMs)))
}
