// Records under times, as requests and responses of offline keys have them: those of BIND's dnssec-ksr and of Knot's keymgr.
//
//   ;; SignedKeyResponse 1.0 20261129120000 (…)        BIND: the time as in key files; Knot: seconds since 1970
//   mail.example.com. 3600 IN DNSKEY 257 3 13 …
//
// Records are those of a master file, each with its zone and TTL. Other comments are skipped.

import { keyOfName, type Name, nameToText, parseName } from '../../wire/name.ts'
import { nextInEntry, scanMasterFile, type Token } from '../../wire/presentation.ts'
import { parseRdataTokens } from '../../wire/rdata/parse.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import type { Diagnostic } from '../../zonefile/diagnostic.ts'
import { keyDiagnostic, type KeyFile, keyTimeText, readKeyTime } from '../key-file.ts'
import { parseRrsig } from './rrsig-text.ts'

export type DatedKind = 'KeySigningRequest' | 'SignedKeyResponse'

export interface KeyRecord {
  /** DNSKEY, CDS, CDNSKEY or RRSIG. */
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: Uint8Array
  /** In the file, from 1. */
  readonly line: number
}

/** The records that hold from a time on, until those of the next one do. */
export interface DatedRecords {
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly line: number
  readonly records: readonly KeyRecord[]
}

export type DatedRead =
  | { readonly kind: 'read'; readonly zone: Name; readonly parts: readonly DatedRecords[] }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

export const maxDatedOctets = 4_194_304
const maxParts = 2000
const maxRecords = 64
/** More mistakes than these are not told. */
const maxMistakes = 20

const types: ReadonlySet<number> = new Set([
  RRType.DNSKEY,
  RRType.CDS,
  RRType.CDNSKEY,
  RRType.RRSIG,
])

const header = /^;+ ?(KeySigningRequest|SignedKeyResponse) \d+\.\d+ (\d{1,14})(?= |$)/

interface Part {
  readonly fromMs: number
  readonly line: number
  readonly records: KeyRecord[]
}

/** Reads a whole file, and tells of all mistakes at once. Times without records are left out. */
export function readDatedRecords({ file, octets }: KeyFile, kind: DatedKind): DatedRead {
  const reader = new Reader(file, kind)
  const lines = new TextDecoder('latin1').decode(octets).split('\n')
  const scan = scanMasterFile(octets)
  let begun = 0
  let line = 1
  let lineFrom = 0
  do {
    const scanned = nextInEntry(scan)
    if (scanned.kind === 'token') continue
    const entry = scan.tokens.splice(0)
    const at = entry[0]?.from ?? scan.at
    for (; lineFrom < at; lineFrom++) if (octets[lineFrom] === lineFeed) line++
    for (; begun < line; begun++) reader.line(lines[begun] ?? '', begun + 1)
    if (scanned.kind === 'bad') return reader.end({ line, why: scanned.why })
    if (entry.length > 0) reader.record(entry, line)
  } while (scan.at < octets.length || scan.tokens.length > 0)
  return reader.end(null)
}

const lineFeed = 0x0a

class Reader {
  readonly #file: string
  readonly #kind: DatedKind
  readonly #parts: Part[] = []
  readonly #mistakes: Diagnostic[] = []
  #zone: Name | null = null

  constructor(file: string, kind: DatedKind) {
    this.#file = file
    this.#kind = kind
  }

  /** Each line in its order, before the record that begins there. */
  line(text: string, number: number): void {
    const [, kind, time = ''] = header.exec(text) ?? []
    if (kind !== undefined && this.#mistakes.length < maxMistakes) this.#begin(kind, time, number)
  }

  record(tokens: readonly Token[], number: number): void {
    if (this.#mistakes.length < maxMistakes) this.#record(tokens, number)
  }

  /** `broken`: where the rest of the file could not be read. */
  end(broken: { readonly line: number; readonly why: string } | null): DatedRead {
    if (broken !== null) this.#mistake(broken.line, broken.why)
    const parts = this.#parts.filter(({ records }) => records.length > 0)
    if (this.#mistakes.length === 0 && this.#zone === null)
      this.#mistake(1, `no record under a line such as ";; ${this.#kind} 1.0 20261129120000"`)
    return this.#mistakes.length > 0 || this.#zone === null
      ? { kind: 'bad', diagnostics: this.#mistakes }
      : { kind: 'read', zone: this.#zone, parts }
  }

  #mistake(line: number, message: string): void {
    this.#mistakes.push(keyDiagnostic(this.#file, line, 'key-response', message))
  }

  #begin(kind: string, time: string, line: number): void {
    const fromMs = time.length === 14 ? readKeyTime(time) : Number(time) * 1000
    const before = this.#parts.at(-1)
    if (kind !== this.#kind) this.#mistake(line, `it is a ${kind}, expected a ${this.#kind}`)
    else if (fromMs === null || fromMs > maxTimeMs)
      this.#mistake(line, 'expected a time in UTC as YYYYMMDDHHMMSS')
    else if (before !== undefined && fromMs <= before.fromMs)
      this.#mistake(line, `the time is not after the one of line ${before.line}`)
    else if (this.#parts.length >= maxParts) this.#mistake(line, `more than ${maxParts} times`)
    else this.#parts.push({ fromMs, line, records: [] })
  }

  #record(tokens: readonly Token[], line: number): void {
    const part = this.#parts.at(-1)
    if (part === undefined) {
      this.#mistake(line, `a record before any line ";; ${this.#kind} 1.0 TIME"`)
      return
    }
    if (part.records.length >= maxRecords) {
      this.#mistake(line, `more than ${maxRecords} records under one time`)
      return
    }
    const record = readRecord(tokens, line)
    if (typeof record === 'string') return this.#mistake(line, record)
    const { owner, ...rest } = record
    this.#zone ??= owner
    if (keyOfName(owner) === keyOfName(this.#zone)) part.records.push(rest)
    else this.#mistake(line, `a record of ${nameToText(owner)}, expected ${nameToText(this.#zone)}`)
  }
}

/** As far as RRSIG can have it (RFC 4034 §3.1.5). */
const maxTimeMs = 0xffff_ffff * 1000

const form = 'expected the zone, its TTL, IN, DNSKEY, CDS, CDNSKEY or RRSIG, and data'

function readRecord(
  tokens: readonly Token[],
  line: number,
): (KeyRecord & { readonly owner: Name }) | string {
  const [owner, ...rest] = tokens
  const name = parseName(owner?.text ?? '')
  if (name.kind === 'bad') return `the zone: ${name.why}`
  const at = rest.findIndex(({ text: word }) => types.has(typeOf(word)))
  const between = rest.slice(0, at).map(({ text: word }) => word.toUpperCase())
  const ttl = between.find((word) => word !== 'IN')
  const isWhole = at > 0 && between.length <= 2 && new Set(between).size === between.length
  if (!isWhole || ttl === undefined || !/^\d{1,10}$/.test(ttl)) return form
  const type = typeOf(rest[at]?.text ?? '')
  const rdata = readRdata(type, rest.slice(at + 1))
  return typeof rdata === 'string'
    ? `${typeToText(type)}: ${rdata}`
    : { owner: name.name, type, ttlSeconds: Number(ttl), rdata, line }
}

const typeOf = (word: string): number => typeFromWord.get(word.toUpperCase()) ?? 0

const typeFromWord: ReadonlyMap<string, number> = new Map(
  Array.from(types, (type) => [typeToText(type), type]),
)

function readRdata(type: number, tokens: readonly Token[]): Uint8Array | string {
  if (type === RRType.RRSIG) return parseRrsig(tokens.map(({ text }) => text))
  const parsed = parseRdataTokens(type, tokens, Uint8Array.of(0))
  return parsed.kind === 'bad' ? parsed.why : parsed.rdata.octets
}

/** The last line: without one Knot takes a file for cut off. */
export const lastLine = (kind: DatedKind, nowMs: number): string =>
  `;; ${kind} 1.0 generated at ${new Date(nowMs).toISOString()} by mxsteer`

/** The line that records from a time on stand under, as BIND's dnssec-ksr writes it. */
export const datedLine = (kind: DatedKind, fromMs: number): string =>
  `;; ${kind} 1.0 ${keyTimeText(fromMs)} (${new Date(fromMs).toUTCString()})`
