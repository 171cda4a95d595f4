// The state of reading a master file, and what records and directives have in common: tokens, names, TTLs, types, and
// where their mistakes are.

import type { Name, NameKey } from '../wire/name.ts'
import { type MasterScan, nextInEntry, type Token } from '../wire/presentation.ts'
import { readPeriod } from '../wire/rdata/number-field.ts'
import type { ParsedRdata } from '../wire/rdata/parse.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRType } from '../wire/rrtype.ts'
import { readRecordType } from '../zone/compile/compile-records.ts'
import { warnUnusualTtl } from '../zone/compile/compilation.ts'
import { readName } from '../zone/compile/names.ts'
import { badRdata } from '../zone/compile/rrset.ts'
import { type ProblemCode, type Problems, pathOfPlace } from '../zone/compile/problem.ts'
import type { MasterRdata, MasterSet } from '../zone/compile/zone-source.ts'

export interface MasterRequest {
  /** Name of the file below the zones folder. */
  readonly name: string
  readonly apex: Name
  /** Of records before any TTL is stated, in seconds. */
  readonly ttl: number
  /** Records that are read at most, those of `$GENERATE` included; 1,000,000 by default. */
  readonly maxRecords?: number
  /**
   * The file is that of another server, read by an operator: `$INCLUDE` may lead anywhere, and records of classes other
   * than IN are left out.
   */
  readonly isForeign?: boolean
}

/** Where things stand, by place: the last step of the paths of problems. */
export interface Places {
  readonly files: readonly { readonly name: string; readonly octets: Uint8Array }[]
  /** Index in `files`. */
  readonly fileNumbers: NumberColumn
  /** Offset of the owner, the type or the directive. */
  readonly keyOffsets: NumberColumn
  /** Offset of the data. */
  readonly valueOffsets: NumberColumn
}

/** Whole numbers from 0 to 2³¹ − 1, in four octets each. */
export class NumberColumn {
  #numbers = new Int32Array(64)
  length = 0

  /** Returns the index of the number. */
  push(number: number): number {
    if (this.length === this.#numbers.length) {
      const longer = new Int32Array(2 * this.length)
      longer.set(this.#numbers)
      this.#numbers = longer
    }
    this.#numbers[this.length] = number
    return this.length++
  }

  at(index: number): number | undefined {
    return index < this.length ? this.#numbers[index] : undefined
  }
}

interface Position {
  readonly key: number
  readonly value: number
}

export const defaultMaxRecords = 1_000_000

/** After so many nothing further is read: 100 are shown. */
const maxProblems = 1000

/** The longest entry: as long as the longest rdata can be in parentheses. */
const maxEntryOctets = 300_000

/** RFC 2181 §8. */
const maxTtlSeconds = 2 ** 31 - 1

export interface MasterFile {
  readonly number: number
  /** This file and those that include it, the outermost first. */
  readonly names: readonly string[]
  readonly scan: MasterScan
  origin: Name
  /** Offset of the entry that is read. */
  start: number
  /** Of the entry that is read: whether it goes on, has ended, or had something that is no token. */
  entry: 'open' | 'ended' | 'broken'
}

export interface Owner {
  readonly name: Name
  readonly key: NameKey
}

/** The state of reading, over all files. */
export interface Reading {
  readonly request: MasterRequest
  readonly apexKey: NameKey
  readonly problems: Problems
  readonly places: Places & { readonly files: Places['files'][number][] }
  readonly owners: Map<NameKey, { readonly name: Name; readonly sets: SetDraft[] }>
  soa: SoaRecord | null
  /** Of `$TTL`. */
  defaultTtl: number | null
  /** The one stated last at a record. */
  lastTtl: number | null
  /** Those that were warned of. */
  readonly unusualTtls: Set<number>
  /** The one stated last; null: there is none; `bad`: it had a mistake. */
  owner: Owner | 'bad' | null
  /** By type: what signers make of a zone. */
  readonly leftOut: LeftOut
  /** By class, where the request leaves them out. */
  readonly otherClasses: LeftOut
  recordsLeft: number
  /** Where octets of records are put behind each other. */
  chunk: Uint8Array
  chunkUsed: number
}

export interface LeftOut {
  readonly counts: Map<string, number>
  firstPlace: number
}

export interface SoaRecord {
  readonly rdata: Rdata
  /** Seconds. */
  readonly ttl: number
  readonly place: number
}

interface SetDraft extends MasterSet {
  readonly rdata: MasterRdata[]
}

export const isFull = ({ problems, recordsLeft }: Reading): boolean =>
  problems.list.length >= maxProblems || recordsLeft <= 0

/** A place in the file that is read. */
export function placeAt(
  { places }: Reading,
  { number }: MasterFile,
  { key, value }: Position,
): number {
  places.keyOffsets.push(key)
  places.valueOffsets.push(value)
  return places.fileNumbers.push(number)
}

export const at = (offset: number): Position => ({ key: offset, value: offset })

export interface Mistake {
  readonly code: ProblemCode
  readonly message: string
}

/** Reports a mistake at an offset. Returns null, as what an entry without a further request gives. */
export function refuse(
  reading: Reading,
  file: MasterFile,
  offset: number,
  { code, message }: Mistake,
): null {
  reading.problems.refuse(code, pathOfPlace(placeAt(reading, file, at(offset))), message)
  return null
}

export const syntax = (message: string): Mistake => ({ code: 'syntax', message })

/** The next token; null: the entry ended, or what follows is no token, which is reported. */
export function nextToken(reading: Reading, file: MasterFile): Token | null {
  const { scan } = file
  const from = scan.at
  const scanned = nextInEntry(scan)
  switch (scanned.kind) {
    case 'token':
      if (scan.at - file.start <= maxEntryOctets) return scan.tokens.at(-1) ?? null
      return refuseEntry(reading, file, file.start, 'the entry is too long: is a parenthesis open?')
    case 'end':
      file.entry = 'ended'
      return null
    case 'bad':
      return refuseEntry(
        reading,
        file,
        scan.at >= scan.octets.length ? file.start : from,
        scanned.why,
      )
    default:
      return scanned satisfies never
  }
}

export const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09

/** Reports what is no token, and goes on after the line where it stands. */
function refuseEntry(reading: Reading, file: MasterFile, from: number, why: string): null {
  const { scan } = file
  let offset = from
  while (isBlank(scan.octets[offset])) offset++
  refuse(reading, file, offset, syntax(why))
  file.entry = 'broken'
  const lineEnd = scan.octets.indexOf(0x0a, offset)
  scan.at = lineEnd < 0 ? scan.octets.length : lineEnd + 1
  scan.depth = 0
  scan.tokens.length = 0
  return null
}

/** false: what follows is no token, which is reported. */
export function readToEnd(reading: Reading, file: MasterFile): boolean {
  while (nextToken(reading, file) !== null);
  return file.entry === 'ended'
}

/** RFC 2308 §4, then RFC 1035 §5.1, then the TTL of the YAML. */
export const ttlOf = ({ defaultTtl, lastTtl, request }: Reading): number =>
  defaultTtl ?? lastTtl ?? request.ttl

/** null: it is no name, which is reported. */
export function readNameToken(reading: Reading, file: MasterFile, token: Token): Name | null {
  const parsed = readName(token.text, file.origin)
  if (parsed.kind === 'name' && !token.quoted) return parsed.name
  const why = parsed.kind === 'bad' ? parsed.why : 'expected no quotes around it'
  return refuse(reading, file, token.from, { code: 'bad-name', message: `bad name: ${why}` })
}

/** null: it is none, which is reported. */
export function readTtl(reading: Reading, file: MasterFile, token: Token): number | null {
  const ttl = token.quoted ? null : readPeriod(token.text)
  if (ttl === null || ttl > maxTtlSeconds) {
    const shown = token.text.slice(0, 60)
    const message = `the TTL is "${shown}", expected seconds 0–${maxTtlSeconds}, or with units as in 1h30m`
    return refuse(reading, file, token.from, { code: 'bad-value', message })
  }
  if (!reading.unusualTtls.has(ttl)) {
    const count = reading.problems.list.length
    const place = reading.places.fileNumbers.length
    warnUnusualTtl(reading.problems, pathOfPlace(place), ttl)
    if (reading.problems.list.length > count) {
      placeAt(reading, file, at(token.from))
      reading.unusualTtls.add(ttl)
    }
  }
  return ttl
}

/**
 * Types that signers make of a zone. ZONEMD is among them, since it is the digest of the zone that the file was, without
 * what the YAML adds.
 */
const signersTypes =
  /^(?:RRSIG|NSEC|NSEC3|NSEC3PARAM|DNSKEY|CDS|CDNSKEY|ZONEMD|TYPE(?:46|47|48|50|51|59|60|63))$/i

/** Whether it is the mnemonic of a type, of those included that signers make. */
export const isTypeWord = (text: string): boolean =>
  signersTypes.test(text) || readRecordType(text).kind === 'type'

export function readType(
  reading: Reading,
  file: MasterFile,
  token: Token,
): number | 'left-out' | null {
  if (signersTypes.test(token.text)) return leaveOut(reading, file, token, reading.leftOut)
  const read = readRecordType(token.text)
  return read.kind === 'type' ? read.type : refuse(reading, file, token.from, read)
}

/** Counts a record that is left out by the word that it is left out for, and remembers where the first one stands. */
export function leaveOut(
  reading: Reading,
  file: MasterFile,
  { text, from }: Token,
  leftOut: LeftOut,
): 'left-out' {
  if (leftOut.counts.size === 0) leftOut.firstPlace = placeAt(reading, file, at(from))
  const name = text.toUpperCase()
  leftOut.counts.set(name, (leftOut.counts.get(name) ?? 0) + 1)
  return 'left-out'
}

/** A record before its rdata. */
export interface RecordHead {
  readonly owner: Owner
  readonly ttl: number
  readonly type: number
}

const chunkOctets = 4096

/** Longer ones are kept as they are. */
const maxPackedOctets = 512

/**
 * The same octets in a chunk that many share: a million records would take 140 MB more in arrays of their own, each of which
 * is 240 octets of memory, where a view is 104.
 */
function packed(reading: Reading, octets: Uint8Array): Uint8Array {
  const { length } = octets
  if (length > maxPackedOctets) return octets
  if (reading.chunkUsed + length > reading.chunk.length) {
    reading.chunk = new Uint8Array(chunkOctets)
    reading.chunkUsed = 0
  }
  const view = reading.chunk.subarray(reading.chunkUsed, reading.chunkUsed + length)
  view.set(octets)
  reading.chunkUsed += length
  return view
}

/** A list that is begun with its first set has room for it alone; an empty one that is added to, for seventeen. */
function addSet(reading: Reading, { name, key }: Owner, set: SetDraft): void {
  const { owners } = reading
  const known = owners.get(key)
  if (known) known.sets.push(set)
  else owners.set(key, { name: packed(reading, name), sets: [set] })
}

/** Adds a record to its set, or reports what is wrong with it. */
export function addRecord(
  reading: Reading,
  { owner, ttl, type }: RecordHead,
  parsed: ParsedRdata,
  place: number,
): void {
  const { problems, owners } = reading
  if (parsed.kind === 'bad') {
    problems.refuse('bad-rdata', pathOfPlace(place), badRdata(type, parsed.why, true))
    return
  }
  if (type === RRType.SOA) {
    if (owner.key === reading.apexKey) reading.soa ??= { rdata: parsed.rdata, ttl, place }
    else problems.refuse('forbidden-type', pathOfPlace(place), 'an SOA stands at the apex', 'key')
    return
  }
  if (--reading.recordsLeft === 0) {
    const { maxRecords = defaultMaxRecords } = reading.request
    const message = `more than ${maxRecords} records, expected fewer: split the zone`
    problems.refuse('too-large', pathOfPlace(place), message, 'key')
    return
  }
  const { octets, compressible } = parsed.rdata
  const rdata = { octets: packed(reading, octets), compressible, place }
  const set = owners.get(owner.key)?.sets.find((one) => one.type === type)
  if (!set) {
    addSet(reading, owner, { kind: 'plain', type, ttl, rdata: [rdata] })
    return
  }
  if (set.ttl !== ttl) {
    const message = `a TTL of ${ttl} in a set that begins with ${set.ttl}, which all of it gets (RFC 2181 §5.2)`
    problems.warn('ttl-differs', pathOfPlace(place), message, 'key')
  }
  set.rdata.push(rdata)
}
