// The response of an offline key: DNSKEY, CDS and CDNSKEY of a zone with their signatures, for one period after the other.
//
// Each signature has to be right, by a key of flags 257 that is in the same DNSKEY set and whose `.key` file is in the folder: so a
// response that was made by another key, or that somebody changed, is refused whole. When its periods begin and end counts later
// (periods.ts), since that is a matter of the time.

import { keyOfName, type Name, nameToText } from '../../wire/name.ts'
import { readUint16 } from '../../wire/octets.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import type { Diagnostic } from '../../zonefile/diagnostic.ts'
import { judgeSignature, readSignature, type SetSignature } from '../chain-of-trust.ts'
import { keyDiagnostic, type KeyFile } from '../key-file.ts'
import { type DatedRecords, type KeyRecord, readDatedRecords } from './dated-records.ts'

/** A set as it was signed. It crosses to answering threads. */
export interface GivenSet {
  readonly type: number
  /** That of the signatures, seconds. */
  readonly ttlSeconds: number
  readonly rdatas: readonly Uint8Array[]
  /** RRSIG rdata. */
  readonly signatures: readonly Uint8Array[]
}

export interface KeyPeriod {
  readonly fromMs: number
  /** In which all its signatures are valid, milliseconds since 1970. */
  readonly validFromMs: number
  readonly validUntilMs: number
  readonly sets: readonly GivenSet[]
  /** In the file, from 1. */
  readonly line: number
}

export interface KeyResponse {
  readonly zone: Name
  /** One at least, by time. */
  readonly periods: readonly [KeyPeriod, ...KeyPeriod[]]
}

export type ResponseRead =
  | { readonly kind: 'response'; readonly response: KeyResponse }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

/** `known`: DNSKEY rdata of the keys with flags 257 whose `.key` files are there. */
export function readKeyResponse(
  file: KeyFile,
  zone: Name,
  known: readonly Uint8Array[],
): ResponseRead {
  const read = readDatedRecords(file, 'SignedKeyResponse')
  if (read.kind === 'bad') return read
  if (keyOfName(read.zone) !== keyOfName(zone)) {
    const message = `it is of ${nameToText(read.zone)}, expected ${nameToText(zone)}`
    return { kind: 'bad', diagnostics: [keyDiagnostic(file.file, 1, 'key-response', message)] }
  }
  const diagnostics: Diagnostic[] = []
  const periods: KeyPeriod[] = []
  for (const part of read.parts) {
    const period = periodOf(part, zone, known)
    if (period.kind === 'period') periods.push(period.period)
    else
      for (const { line, why } of period.mistakes)
        diagnostics.push(keyDiagnostic(file.file, line, 'key-response', why))
  }
  const [first, ...others] = periods
  return diagnostics.length > 0 || first === undefined
    ? { kind: 'bad', diagnostics: diagnostics.slice(0, maxMistakes) }
    : { kind: 'response', response: { zone, periods: [first, ...others] } }
}

const maxMistakes = 20

type PeriodRead =
  | { readonly kind: 'period'; readonly period: KeyPeriod }
  | { readonly kind: 'bad'; readonly mistakes: readonly Mistake[] }

interface Mistake {
  readonly line: number
  readonly why: string
}

function periodOf(
  { fromMs, line, records }: DatedRecords,
  zone: Name,
  known: readonly Uint8Array[],
): PeriodRead {
  const keys = records.filter(({ type }) => type === RRType.DNSKEY)
  const dnskeys = keys.map(({ rdata }) => rdata)
  if (!dnskeys.some((key) => isOneOf(key, known))) {
    const why =
      'no key with flags 257 in this DNSKEY set has its .key file here: it was made by another key'
    return { kind: 'bad', mistakes: [{ line, why }] }
  }
  const signing = dnskeys.filter((key) => isOneOf(key, known))
  const mistakes: Mistake[] = []
  const signed: SetSignature[] = []
  const sets: GivenSet[] = []
  for (const type of [RRType.DNSKEY, RRType.CDS, RRType.CDNSKEY]) {
    const read = setOf(records, type, { apex: zone, dnskeys: signing })
    mistakes.push(...read.mistakes)
    signed.push(...read.signed)
    if (read.set !== null) sets.push(read.set)
  }
  mistakes.push(...gaps(dnskeys, signed, line))
  if (mistakes.length > 0) return { kind: 'bad', mistakes }
  const validFromMs = Math.max(...signed.map(({ inception }) => inception * 1000))
  const validUntilMs = Math.min(...signed.map(({ expiration }) => expiration * 1000))
  return { kind: 'period', period: { fromMs, validFromMs, validUntilMs, sets, line } }
}

interface SetRead {
  /** null: the period has none of the type. */
  readonly set: GivenSet | null
  readonly signed: readonly SetSignature[]
  readonly mistakes: readonly Mistake[]
}

function setOf(records: readonly KeyRecord[], type: number, by: SignedBy): SetRead {
  const own = records.filter((record) => record.type === type)
  const over = records.filter((record) => isOver(record, type))
  const [first] = own
  if (first === undefined) {
    const why = `a signature of ${typeToText(type)}, which is not here`
    return { set: null, signed: [], mistakes: over.map(({ line }) => ({ line, why })) }
  }
  const { ttlSeconds, line } = first
  const rdatas = own.map(({ rdata }) => rdata)
  const mistakes: Mistake[] = []
  const signed: SetSignature[] = []
  for (const record of over) {
    const judged = judge(record, { type, ttlSeconds, rdatas }, by)
    if ('why' in judged) mistakes.push(judged)
    else signed.push(judged)
  }
  if (over.length === 0) mistakes.push({ line, why: `${typeToText(type)} has no signature` })
  if (own.some((record) => record.ttlSeconds !== ttlSeconds))
    mistakes.push({ line, why: `the TTL of ${typeToText(type)} is not one` })
  const signatures = over.map(({ rdata }) => rdata)
  return { set: { type, ttlSeconds, rdatas, signatures }, signed, mistakes }
}

interface SignedBy {
  readonly apex: Name
  /** DNSKEY rdata of the keys that may have signed. */
  readonly dnskeys: readonly Uint8Array[]
}

const isOneOf = (key: Uint8Array, keys: readonly Uint8Array[]): boolean =>
  keys.some((one) => Buffer.compare(one, key) === 0)

const isOver = ({ type, rdata }: KeyRecord, covered: number): boolean =>
  type === RRType.RRSIG && readUint16(rdata, 0) === covered

function judge(
  { rdata, line }: KeyRecord,
  { type, ttlSeconds, rdatas }: Omit<GivenSet, 'signatures'>,
  by: SignedBy,
): SetSignature | Mistake {
  const signature = readSignature(rdata)
  if (signature === null) return { line, why: 'RRSIG: it ends too early' }
  const set = { owner: by.apex, type, rdatas }
  const of = `the signature of ${typeToText(type)} by key ${signature.tag}`
  if (signature.originalTtl !== ttlSeconds)
    return { line, why: `${of} is for a TTL of ${signature.originalTtl}` }
  switch (judgeSignature(set, signature, by, signature.inception)) {
    case 'valid':
      return signature
    case 'no-key':
    case 'unsupported':
      return { line, why: `${of}: it is no key with flags 257 whose .key file is here` }
    default:
      return { line, why: `${of} is wrong: the set or the signature has been changed` }
  }
}

/** Every algorithm of DNSKEY has to sign it (RFC 4035 §2.2). */
function gaps(
  dnskeys: readonly Uint8Array[],
  signed: readonly SetSignature[],
  line: number,
): readonly Mistake[] {
  const algorithms = new Set(dnskeys.map((key) => key[3] as number))
  return [...algorithms]
    .filter((one) => !signed.some((signature) => signature.algorithm === one))
    .map((one) => ({ line, why: `no signature of algorithm ${one}, which is in DNSKEY` }))
}
