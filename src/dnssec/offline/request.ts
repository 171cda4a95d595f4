// The request to an offline key: the DNSKEY records of the keys that sign the zone, from each time on at which they change. It is what
// dnssec-ksr of BIND and keymgr of Knot print, and what their `sign` reads.

import { type Name, nameToText } from '../../wire/name.ts'
import { formatRdata } from '../../wire/rdata/format.ts'
import { RRType } from '../../wire/rrtype.ts'
import { isEntryPoint, isInDnskey, type TimedKey } from '../key-set.ts'
import type { Diagnostic } from '../../zonefile/diagnostic.ts'
import type { KeyFile } from '../key-file.ts'
import { datedLine, readDatedRecords } from './dated-records.ts'

/** What is to be in DNSKEY beside the keys of the offline side, from a time on. */
export interface RequestedKeys {
  readonly fromMs: number
  /** DNSKEY rdata. */
  readonly dnskeys: readonly Uint8Array[]
}

export interface KeyRequest {
  readonly zone: Name
  /** TTL of DNSKEY, seconds. */
  readonly ttlSeconds: number
  /** By time, one at least. */
  readonly parts: readonly [RequestedKeys, ...RequestedKeys[]]
}

/** The keys with flags 256 by their times, and those of other signers, which are always there. null: there is none now. */
export function keyRequest(
  zone: Name,
  keys: readonly TimedKey[],
  foreign: readonly Uint8Array[],
  { nowMs, ttlSeconds }: { readonly nowMs: number; readonly ttlSeconds: number },
): KeyRequest | null {
  const own = keys.filter((key) => !isEntryPoint(key))
  const changes = own
    .flatMap(({ times }) => [times.publishMs, times.activateMs, times.deleteMs])
    .filter((ms) => ms !== null && ms > nowMs) as number[]
  const times = [nowMs, ...new Set(changes.sort((a, b) => a - b))]
  const parts = times.flatMap((fromMs): RequestedKeys[] => {
    const present = own.filter((key) => isInDnskey(key, fromMs))
    const dnskeys = [...present.map(({ dnskey }) => dnskey), ...foreign]
    return present.length === 0 ? [] : [{ fromMs, dnskeys }]
  })
  const changed = parts.filter(({ dnskeys }, i) => !isSame(dnskeys, parts[i - 1]?.dnskeys))
  const [first, ...others] = changed
  if (first === undefined || first.fromMs !== nowMs) return null
  return { zone, ttlSeconds, parts: [first, ...others] }
}

const isSame = (keys: readonly Uint8Array[], others: readonly Uint8Array[] | undefined): boolean =>
  keys.length === others?.length &&
  keys.every((key, i) => Buffer.compare(key, others[i] as Uint8Array) === 0)

export const keyRequestLines = ({ zone, ttlSeconds, parts }: KeyRequest): readonly string[] =>
  parts.flatMap(({ fromMs, dnskeys }) => [
    datedLine('KeySigningRequest', fromMs),
    ...dnskeys.map((key) =>
      recordLine(zone, ttlSeconds, 'DNSKEY', formatRdata(RRType.DNSKEY, key)),
    ),
    '',
  ])

export const recordLine = (zone: Name, ttlSeconds: number, type: string, data: string): string =>
  `${nameToText(zone)} ${ttlSeconds} IN ${type} ${data}`

export type RequestRead =
  | { readonly kind: 'request'; readonly request: KeyRequest }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

export function readKeyRequest(file: KeyFile): RequestRead {
  const read = readDatedRecords(file, 'KeySigningRequest')
  if (read.kind === 'bad') return read
  const [first, ...others] = read.parts.map(({ fromMs, records }) => ({
    fromMs,
    dnskeys: records.filter(({ type }) => type === RRType.DNSKEY).map(({ rdata }) => rdata),
  }))
  const ttlSeconds = read.parts[0]?.records[0]?.ttlSeconds ?? 0
  if (first === undefined) return { kind: 'bad', diagnostics: [] }
  return { kind: 'request', request: { zone: read.zone, ttlSeconds, parts: [first, ...others] } }
}
