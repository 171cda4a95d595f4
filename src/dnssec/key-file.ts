// The files of a key as BIND's tools write and read them: `K<zone>.+013+45796.key` with the DNSKEY record, and
// `K<zone>.+013+45796.private` with the private key and the times at which the key changes its state.
//
// Fields of `.private` that only tell of the past are skipped. Others that are not known here are mistakes: a key must
// not do less than its file says. No diagnostic shows anything of a private key.

import type { KeyObject } from 'node:crypto'

import { printable } from '../lib/printable.ts'
import { type Name, nameToText, parseName } from '../wire/name.ts'
import { readUint16, textOctets } from '../wire/octets.ts'
import { nextInEntry, scanMasterFile, type Token } from '../wire/presentation.ts'
import { fromBase64, toBase64 } from '../wire/rdata/base64.ts'
import { parseRdataTokens } from '../wire/rdata/parse.ts'
import { RRType } from '../wire/rrtype.ts'
import type { ProblemCode } from '../zone/compile/problem.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import {
  type Algorithm,
  algorithmName,
  algorithmOfNumber,
  isSignedBy,
  privateKeyFrom,
  privateOctets,
  privateOctetsOf,
  publicKeyFrom,
} from './algorithms.ts'
import type { KeyFlags } from './dnskey.ts'
import { type KeyTimes, noTimes } from './key-set.ts'
import { createSigningKey, type SigningKey, signOctets } from './signing-key.ts'

/** A key of a zone with its times. */
export interface ZoneKey extends SigningKey {
  /** The zone, in the case that its file has. */
  readonly zone: Name
  readonly times: KeyTimes
}

/** A key whose private half is not here. */
export interface PublicZoneKey extends Pick<SigningKey, 'algorithm' | 'flags' | 'tag' | 'dnskey'> {
  readonly zone: Name
}

/** `line`: from 1; 0: there is none. */
export const keyDiagnostic = (
  file: string,
  line: number,
  code: ProblemCode,
  message: string,
): Diagnostic => ({
  severity: 'error',
  code,
  file,
  line,
  column: line > 0 ? 1 : 0,
  path: '',
  message: printable(message),
  excerpt: '',
})

export interface KeyFile {
  /** Path, as diagnostics name it. */
  readonly file: string
  readonly octets: Uint8Array
}

type Bad = { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

const bad = (file: string, line: number, message: string): Bad => ({
  kind: 'bad',
  diagnostics: [keyDiagnostic(file, line, 'bad-key', message)],
})

/** The key of a `.key` and a `.private` file; `bad`: they are none, or do not belong together. */
export function readKeyPair(
  publicFile: KeyFile,
  privateFile: KeyFile,
): { readonly kind: 'key'; readonly key: ZoneKey } | Bad {
  const read = readPublicKey(publicFile)
  const secret = readPrivateKey(privateFile)
  if (read.kind === 'bad' || secret.kind === 'bad') {
    const diagnostics = [read, secret].flatMap((one) => (one.kind === 'bad' ? one.diagnostics : []))
    return { kind: 'bad', diagnostics }
  }
  const { zone, algorithm, flags, publicKey } = read
  const isPair =
    algorithm === secret.algorithm && isKeyPair(algorithm, secret.privateKey, publicKey)
  if (!isPair) {
    const message = `the private key is not that of ${publicFile.file}`
    const diagnostic = keyDiagnostic(privateFile.file, 0, 'key-pair', message)
    return { kind: 'bad', diagnostics: [diagnostic] }
  }
  const signing = createSigningKey(algorithm, flags, secret.privateKey)
  return { kind: 'key', key: { ...signing, zone, times: secret.times } }
}

/** Tries a signature rather than compare octets, so that what is wrong in OpenSSL's use of the key shows too. */
function isKeyPair(algorithm: Algorithm, privateKey: KeyObject, publicKey: KeyObject): boolean {
  const octets = textOctets('Is the private key that of the public one?')
  const signature = signOctets(createSigningKey(algorithm, 257, privateKey), octets)
  return isSignedBy(algorithm, publicKey, octets, signature)
}

interface PublicKey {
  readonly zone: Name
  readonly flags: KeyFlags
  readonly algorithm: Algorithm
  readonly publicKey: KeyObject
  /** DNSKEY rdata. */
  readonly dnskey: Uint8Array
}

/** The one DNSKEY record of a `.key` file. */
export function readPublicKey({
  file,
  octets,
}: KeyFile): ({ readonly kind: 'public' } & PublicKey) | Bad {
  const scan = scanMasterFile(octets)
  let line = 0
  let record: readonly Token[] = []
  do {
    const scanned = nextInEntry(scan)
    if (scanned.kind === 'bad') return bad(file, lineAt(octets, scan.at), scanned.why)
    if (scanned.kind === 'token') continue
    const entry = scan.tokens.splice(0)
    const [first] = entry
    if (first === undefined) continue
    line = lineAt(octets, first.from)
    if (record.length > 0) return bad(file, line, 'a second record, expected one')
    record = entry
  } while (scan.at < octets.length || scan.tokens.length > 0)
  if (record.length === 0) return bad(file, 1, 'no DNSKEY record in it')
  const key = readRecord(record)
  return typeof key === 'string' ? bad(file, line, key) : { kind: 'public', ...key }
}

function lineAt(octets: Uint8Array, at: number): number {
  let line = 1
  for (let i = 0; i < at; i++) if (octets[i] === 0x0a) line++
  return line
}

/** A text: what is wrong. */
function readRecord(tokens: readonly Token[]): PublicKey | string {
  const at = tokens.findIndex(({ text }) => text.toUpperCase() === 'DNSKEY')
  const [owner, ...between] = tokens.slice(0, Math.max(0, at))
  const areTtlAndClass = between.every(({ text }) => /^(?:IN|\d{1,10})$/i.test(text))
  if (owner === undefined || !areTtlAndClass)
    return 'expected one record: the zone, IN DNSKEY, flags, 3, algorithm and public key'
  const zone = parseName(owner.text)
  if (zone.kind === 'bad') return `the zone: ${zone.why}`
  const parsed = parseRdataTokens(RRType.DNSKEY, tokens.slice(at + 1), zone.name)
  return parsed.kind === 'bad' ? parsed.why : keyOfRdata(zone.name, parsed.rdata.octets)
}

function keyOfRdata(zone: Name, rdata: Uint8Array): PublicKey | string {
  const flags = readUint16(rdata, 0)
  if (flags !== 256 && flags !== 257)
    return `flags ${flags}, expected 257 or 256${(flags & 0x80) > 0 ? ': the key is revoked' : ''}`
  if (rdata[2] !== 3) return `protocol ${rdata[2]}, expected 3`
  const algorithm = algorithmOfNumber(rdata[3] as number)
  if (algorithm === null) return unknownAlgorithm(rdata[3] as number)
  const publicKey = publicKeyFrom(algorithm, rdata.subarray(4))
  if (publicKey === null) return `the public key is not valid for ${algorithmName(algorithm)}`
  return { zone, flags, algorithm, publicKey, dnskey: rdata }
}

const unknownAlgorithm = (number: number | string): string =>
  `algorithm ${number}, expected 13 (ECDSAP256SHA256) or 15 (ED25519)`

interface PrivateKey {
  readonly algorithm: Algorithm
  readonly privateKey: KeyObject
  readonly times: KeyTimes
}

const timeNames = {
  Created: 'createdMs',
  Publish: 'publishMs',
  Activate: 'activateMs',
  Inactive: 'inactiveMs',
  Delete: 'deleteMs',
  SyncPublish: 'syncPublishMs',
  SyncDelete: 'syncDeleteMs',
  DSPublish: 'dsPublishMs',
} as const satisfies Record<string, keyof KeyTimes>

/** A number that BIND's tools keep and do not use. */
const dsTtlField = 'MaxTTL'

const timeFields: ReadonlyMap<string, keyof KeyTimes> = new Map(Object.entries(timeNames))

/** What BIND notes of a key's past and of its neighbours, none of which changes what the key does. */
const skippedFields = new Set(
  'Predecessor Successor RollPeriod Lifetime DSPubCount DSRemCount DSRemoved DNSKEYChange ZRRSIGChange KRRSIGChange DSChange'.split(
    ' ',
  ),
)

/** What a field that cannot be honoured means. */
const refusedFields: ReadonlyMap<string, string> = new Map([
  ['Revoke', 'revocation (RFC 5011) is not done here: remove the line, or the key'],
  ['Engine', 'the private key is in a hardware module, which is not read'],
  ['Label', 'the private key is in a hardware module, which is not read'],
])

interface Field {
  readonly line: number
  readonly value: string
}

/** A `.private` file. Without times and in a format before v1.3 it is of a key that is always active, as in BIND. */
export function readPrivateKey({
  file,
  octets,
}: KeyFile): ({ readonly kind: 'private' } & PrivateKey) | Bad {
  const fields = readFields(file, new TextDecoder('latin1').decode(octets))
  if (!(fields instanceof Map)) return fields
  const secret = readSecret(file, fields)
  if (secret.kind === 'bad') return secret
  const times = readTimes(file, fields)
  if (times.kind === 'bad') return times
  return { ...secret, times: times.times }
}

function readFields(file: string, text: string): Map<string, Field> | Bad {
  const fields = new Map<string, Field>()
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const [, name = '', value = ''] = /^([A-Za-z-]{1,40}):[ \t]*(.*?)\s*$/.exec(line) ?? []
    if (name === '')
      return bad(file, i + 1, 'expected a field and its value, such as "Algorithm: 13"')
    if (fields.has(name)) return bad(file, i + 1, `a second "${name}"`)
    const refused = refusedFields.get(name)
    if (refused !== undefined) return bad(file, i + 1, refused)
    fields.set(name, { line: i + 1, value })
  }
  return fields
}

function readSecret(
  file: string,
  fields: ReadonlyMap<string, Field>,
): ({ readonly kind: 'private' } & Omit<PrivateKey, 'times'>) | Bad {
  const format = fields.get('Private-key-format')
  if (!format || !/^v1\.\d{1,3}$/.test(format.value))
    return bad(file, format?.line ?? 1, 'expected "Private-key-format: v1.3"')
  const number = /^\d{1,3}(?= |$)/.exec(fields.get('Algorithm')?.value ?? '')?.[0]
  const algorithm = number === undefined ? null : algorithmOfNumber(Number(number))
  if (algorithm === null)
    return bad(file, fields.get('Algorithm')?.line ?? 1, unknownAlgorithm(number ?? 'is missing'))
  const secret = fields.get('PrivateKey')
  const octets = secret ? fromBase64(secret.value) : null
  const privateKey = octets ? privateKeyFrom(algorithm, withLeadingZeros(algorithm, octets)) : null
  if (privateKey === null)
    return bad(file, secret?.line ?? 1, `expected "PrivateKey:" and 32 octets in base64`)
  return { kind: 'private', algorithm, privateKey }
}

/** Where more are missing, which one key in 16 million has, the file is taken for one that was cut. */
const maxLeadingZeros = 2

/** BIND leaves out the zero octets that the scalar of ECDSA begins with: one key in 256 has some. */
function withLeadingZeros(algorithm: Algorithm, octets: Uint8Array): Uint8Array {
  const missing = privateOctets - octets.length
  if (algorithm !== 13 || missing <= 0 || missing > maxLeadingZeros) return octets
  const whole = new Uint8Array(privateOctets)
  whole.set(octets, missing)
  return whole
}

function withoutLeadingZeros(algorithm: Algorithm, octets: Uint8Array): Uint8Array {
  let from = 0
  if (algorithm === 13) while (from < maxLeadingZeros && octets[from] === 0) from++
  return octets.subarray(from)
}

function readTimes(
  file: string,
  fields: ReadonlyMap<string, Field>,
): { readonly kind: 'times'; readonly times: KeyTimes } | Bad {
  const times: { -readonly [Name in keyof KeyTimes]: KeyTimes[Name] } = { ...noTimes }
  for (const [name, { line, value }] of fields) {
    const field = timeFields.get(name)
    if (name === dsTtlField) {
      if (/^\d{1,10}$/.test(value)) times.dsTtlSeconds = Number(value)
      continue
    }
    if (field === undefined) {
      if (skippedFields.has(name) || headFields.has(name)) continue
      return bad(file, line, `unknown field "${name}"`)
    }
    const ms = readKeyTime(value)
    if (ms === null) return bad(file, line, 'expected a time in UTC as YYYYMMDDHHMMSS')
    times[field] = ms
  }
  const wrong = wrongOrder(times)
  if (wrong !== null) return bad(file, fields.get(wrong.field)?.line ?? 1, wrong.why)
  const isOld = Number(fields.get('Private-key-format')?.value.slice(3)) < 3
  const isAlways = isOld && times.publishMs === null && times.activateMs === null
  return { kind: 'times', times: isAlways ? { ...times, publishMs: 0, activateMs: 0 } : times }
}

const headFields: ReadonlySet<string> = new Set(['Private-key-format', 'Algorithm', 'PrivateKey'])

const isBefore = (a: number | null, b: number | null): boolean => a !== null && b !== null && a <= b

function wrongOrder({
  publishMs,
  activateMs,
  inactiveMs,
  deleteMs,
}: KeyTimes): { readonly field: string; readonly why: string } | null {
  if (isBefore(inactiveMs, activateMs))
    return { field: 'Inactive', why: 'Inactive has to be after Activate' }
  if (isBefore(deleteMs, publishMs))
    return { field: 'Delete', why: 'Delete has to be after Publish' }
  return null
}

/** Milliseconds since 1970 of YYYYMMDDHHMMSS in UTC; null: it is no time. */
export function readKeyTime(text: string): number | null {
  const [, date, hour, minute, second] = /^(\d{8})(\d\d)(\d\d)(\d\d)$/.exec(text) ?? []
  if (date === undefined) return null
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
  const ms = Date.parse(`${day}T${hour}:${minute}:${second}Z`)
  // Date.parse takes 30 February for 2 March.
  return ms >= 0 && keyTimeText(ms) === text ? ms : null
}

/** The time as YYYYMMDDHHMMSS in UTC. Milliseconds are cut off. */
export const keyTimeText = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')

/** The name of a key's files without `.key` and `.private`: `Kmail.example.com.+013+45796`. */
export const keyFileName = ({
  zone,
  algorithm,
  tag,
}: Pick<ZoneKey, 'zone' | 'algorithm' | 'tag'>): string =>
  `${keyFilePrefix(zone)}0${algorithm}+${String(tag).padStart(5, '0')}`

/** The file of what an offline key of the zone has signed: `Kmail.example.com.skr`. */
export const responseFileName = (zone: Name): string => `${keyFilePrefix(zone).slice(0, -1)}skr`

/** What the names of all files of a zone's keys begin with: `Kmail.example.com.+`. */
export function keyFilePrefix(zone: Name): string {
  let text = ''
  for (let at = 0; at < zone.length - 1; at += 1 + (zone[at] as number)) {
    for (let i = 1; i <= (zone[at] as number); i++) text += fileOctet(zone[at + i] as number)
    text += '.'
  }
  return `K${text === '' ? '.' : text}+`
}

function fileOctet(octet: number): string {
  const character = String.fromCharCode(octet)
  if (/[A-Za-z0-9_-]/.test(character)) return character.toLowerCase()
  return `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
}

/** The texts of a key's two files. */
export function keyFileTexts(key: ZoneKey): { readonly public: string; readonly private: string } {
  const { zone, flags, algorithm, tag, dnskey, privateKey } = key
  const times = timeLines(key.times)
  const role = flags === 257 ? 'key-signing' : 'zone-signing'
  const owner = nameToText(zone)
  return {
    public: linesOf([
      `; This is a ${role} key, keyid ${tag}, for ${owner}`,
      ...times.map((time) => `; ${time}`),
      `${owner} IN DNSKEY ${flags} 3 ${algorithm} ${toBase64(dnskey.subarray(4))}`,
    ]),
    private: linesOf([
      'Private-key-format: v1.3',
      `Algorithm: ${algorithm} (${algorithmName(algorithm)})`,
      `PrivateKey: ${toBase64(withoutLeadingZeros(algorithm, privateOctetsOf(privateKey)))}`,
      ...times,
    ]),
  }
}

function timeLines(times: KeyTimes): readonly string[] {
  const lines = Object.entries(timeNames).flatMap(([name, field]) => {
    const ms = times[field]
    return ms === null ? [] : [`${name}: ${keyTimeText(ms)}`]
  })
  const { dsTtlSeconds } = times
  return dsTtlSeconds === null ? lines : [...lines, `${dsTtlField}: ${dsTtlSeconds}`]
}

/** The text of a `.private` with other times. What else stands in it stays. */
export const withOtherTimes = (text: string, times: KeyTimes): string =>
  linesOf([
    ...text
      .split('\n')
      .filter((line) => line.trim() !== '' && !isTimeLine(line.split(':', 1).join())),
    ...timeLines(times),
  ])

const isTimeLine = (name: string): boolean => timeFields.has(name) || name === dsTtlField

/** The text of a `.key` with other times, which are comments in it. */
export function withOtherComments(text: string, times: KeyTimes): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const rest = lines.filter((line) => !isTimeLine(/^; ([A-Za-z]+):/.exec(line)?.[1] ?? ''))
  const head = rest.findIndex((line) => !line.startsWith(';'))
  const comments = timeLines(times).map((line) => `; ${line}`)
  return linesOf([...rest.slice(0, head), ...comments, ...rest.slice(head)])
}

const linesOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
