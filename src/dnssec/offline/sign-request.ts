// The response of an offline key to a request: where its private key is, DNSKEY, CDS and CDNSKEY are signed for one period after the
// other. A period ends where the keys in DNSKEY, or those that the parent is to name, change, and after ten days otherwise.
//
// Signatures begin an hour before their period and end ten days after it: so that clocks may differ, and a period that a server cannot
// take over is bridged by the one before.

import { formatRdata } from '../../wire/rdata/format.ts'
import { typeToText } from '../../wire/rrtype.ts'
import { type ApexRdatas, apexRdatas } from '../dnskey.ts'
import { isEntryPoint, isInDnskey, isSyncedAt, type TimedKey } from '../key-set.ts'
import { octetsToSign, rrsigRdata } from '../rrsig.ts'
import { type SigningKey, signOctets } from '../signing-key.ts'
import { datedLine } from './dated-records.ts'
import { type KeyRequest, recordLine } from './request.ts'
import { formatRrsig } from './rrsig-text.ts'

const periodMs = 10 * 86_400_000
const overlapMs = 10 * 86_400_000
const skewMs = 3_600_000

interface SigningWanted {
  /** Of the zone; those with flags 256 are left alone. */
  readonly keys: readonly (SigningKey & TimedKey)[]
  /** Until when DNSKEY is signed, milliseconds since 1970. */
  readonly untilMs: number
  /** CDS and CDNSKEY ask the parent to drop its DS (RFC 8078 §4). */
  readonly isUnsigning: boolean
}

interface Signers {
  readonly published: readonly (SigningKey & TimedKey)[]
  readonly synced: readonly (SigningKey & TimedKey)[]
}

export type RequestSigned =
  | { readonly kind: 'signed'; readonly lines: readonly string[] }
  /** `why` is for people. */
  | { readonly kind: 'refused'; readonly why: string }

export function signRequest(request: KeyRequest, wanted: SigningWanted): RequestSigned {
  const { untilMs } = wanted
  const entries = wanted.keys.filter(isEntryPoint)
  const lines: string[] = []
  const starts = startsOf(request, entries, untilMs)
  if (starts.length === 0)
    return { kind: 'refused', why: 'the request begins after the time until which to sign' }
  for (const [i, fromMs] of starts.entries()) {
    const signers = signersAt(entries, fromMs)
    const dnskeys = request.parts.findLast((part) => part.fromMs <= fromMs)?.dnskeys ?? []
    const lacking = lackingAlgorithm(dnskeys, signers.published)
    if (lacking !== null) {
      const when = new Date(fromMs).toISOString()
      const why = `at ${when} no key with flags 257 of algorithm ${lacking} is in DNSKEY, by its times`
      return { kind: 'refused', why }
    }
    lines.push(datedLine('SignedKeyResponse', fromMs))
    const validity = {
      inception: Math.floor((fromMs - skewMs) / 1000),
      expiration: Math.floor(((starts[i + 1] ?? untilMs) + overlapMs) / 1000),
    }
    // Keys of the request that are none of here are keys with flags 256, and those of other signers.
    const here = { published: dnskeysOf(signers.published), synced: dnskeysOf(signers.synced) }
    for (const set of apexRdatas(request.zone, here, dnskeys, wanted.isUnsigning))
      lines.push(...signedLines(request, set, { signers: signers.published, validity }))
    lines.push('')
  }
  return { kind: 'signed', lines }
}

const dnskeysOf = (keys: readonly SigningKey[]): readonly Uint8Array[] =>
  keys.map(({ dnskey }) => dnskey)

/** When periods begin. */
function startsOf(
  { parts }: KeyRequest,
  entries: readonly TimedKey[],
  untilMs: number,
): readonly number[] {
  const [{ fromMs }] = parts
  const ofKeys = entries.flatMap(({ times }) => [
    times.publishMs,
    times.activateMs,
    times.deleteMs,
    times.syncPublishMs,
    times.syncDeleteMs,
  ])
  const changes = [...parts.map((part) => part.fromMs), ...ofKeys]
    .filter((ms) => ms !== null && ms >= fromMs && ms < untilMs)
    .sort((a, b) => (a as number) - (b as number)) as number[]
  return [...new Set(changes)].flatMap((beginMs, i, all) => {
    const endMs = all[i + 1] ?? untilMs
    const count = Math.ceil((endMs - beginMs) / periodMs)
    return Array.from({ length: count }, (_, turn) => beginMs + turn * periodMs)
  })
}

function signersAt(entries: readonly (SigningKey & TimedKey)[], nowMs: number): Signers {
  const published = entries.filter((key) => isInDnskey(key, nowMs))
  return { published, synced: published.filter((key) => isSyncedAt(key, nowMs)) }
}

function lackingAlgorithm(
  dnskeys: readonly Uint8Array[],
  signers: readonly TimedKey[],
): number | null {
  const algorithms = dnskeys.map((key) => key[3] as number)
  return algorithms.find((one) => !signers.some(({ algorithm }) => algorithm === one)) ?? null
}

function signedLines(
  { zone, ttlSeconds }: KeyRequest,
  { type, rdatas }: ApexRdatas,
  {
    signers,
    validity,
  }: {
    readonly signers: readonly SigningKey[]
    readonly validity: { readonly inception: number; readonly expiration: number }
  },
): readonly string[] {
  const rdata = rdatas.map((octets) => ({ octets, compressible: [] }))
  const set = { owner: zone, type, originalTtl: ttlSeconds, rdata }
  const signatures = signers.map((key) => {
    const signed = octetsToSign(set, key, zone, validity)
    return rrsigRdata(signed, signOctets(key, signed.octets)).octets
  })
  return [
    ...rdatas.map((one) => recordLine(zone, ttlSeconds, typeToText(type), formatRdata(type, one))),
    ...signatures.map((one) => recordLine(zone, ttlSeconds, 'RRSIG', formatRrsig(one))),
  ]
}
