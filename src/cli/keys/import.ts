// `mxsteer keys import FILE…`: keys that other servers sign with, so that a zone moves here without a change of its DS.
// A pair of BIND's files says all; of a private key alone the command line says the zone, and whether it is a ZSK.

import { existsSync } from 'node:fs'

import { describeFailure, readRegularFile } from '../../files/read-file.ts'
import { adoptedTimes, readImportedKey } from '../../dnssec/import-key.ts'
import { type KeyFile, readKeyPair, type ZoneKey } from '../../dnssec/key-file.ts'
import { lookIntoKeyFolder, writeKey } from '../../dnssec/key-folder.ts'
import { firstRefusal, isEntryPoint } from '../../dnssec/key-set.ts'
import { systemClock } from '../../lib/clock.ts'
import { keyOfName, type Name, nameToText } from '../../wire/name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { fail, failAt, parseFlags } from '../commands/flags.ts'
import { printJson, printLines } from '../text/output.ts'
import { dsLine, findKeyFolder, keyReport, keyTitle, readZone, roleOf } from './key-command.ts'

const name = 'keys import'
const maxOctets = 16_384

interface Owner {
  /** null: the file has to say. */
  readonly zone: Name | null
  readonly flags: 256 | 257
  readonly nowMs: number
}

type Imported =
  | { readonly kind: 'key'; readonly key: ZoneKey }
  | { readonly kind: 'bad'; readonly why: string }

export async function importKeys(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(name, argv)
  if (flags.kind === 'bad') return fail(name, flags.why)
  if (flags.words.length === 0)
    return fail(name, 'which files? Such as Ksmtp.example.com.+013+12345.private')
  const given = flags.values['zone']
  const zone = given === undefined ? null : readZone(String(given))
  if (zone?.kind === 'bad') return fail(name, zone.why)
  const found = await findKeyFolder(flags.values)
  if (found.kind === 'bad') return failAt(name, found.why)
  const nowMs = systemClock.wallMs()
  const owner: Owner = { zone: zone?.zone ?? null, flags: flags.values['zsk'] ? 256 : 257, nowMs }
  // The two files of a pair may both be named.
  const keys = new Map<string, ZoneKey>()
  for (const file of flags.words) {
    const read = await readKey(file, owner)
    if (read.kind === 'bad') return failAt(name, read.why)
    keys.set(Buffer.from(read.key.dnskey).toString('hex'), read.key)
  }
  return putInto(found.folder, [...keys.values()], {
    nowMs,
    asJson: flags.values['json'] !== undefined,
  })
}

async function readKey(file: string, { zone, flags, nowMs }: Owner): Promise<Imported> {
  const base = file.replace(/\.(?:key|private)$/, '')
  const isPair = existsSync(`${base}.key`) && existsSync(`${base}.private`)
  const secret = await readFile(isPair ? `${base}.private` : file)
  if (secret.kind === 'bad') return secret
  if (!isPair) {
    if (zone === null) return bad(`${file} does not say whose key it is: give --zone`)
    return asImported(readImportedKey(secret.file, { zone, flags, nowMs }))
  }
  const record = await readFile(`${base}.key`)
  if (record.kind === 'bad') return record
  const read = asImported(readKeyPair(record.file, secret.file))
  if (read.kind === 'bad') return read
  const { key } = read
  if (zone !== null && keyOfName(zone) !== keyOfName(key.zone))
    return bad(`${base}.key is a key of ${nameToText(key.zone)}`)
  return { kind: 'key', key: { ...key, times: adoptedTimes(key.times, nowMs) } }
}

const bad = (why: string): Extract<Imported, { kind: 'bad' }> => ({ kind: 'bad', why })

const asImported = (read: ReturnType<typeof readKeyPair>): Imported =>
  read.kind === 'key' ? read : bad(formatDiagnostics(read.diagnostics).trim())

type FileRead =
  | { readonly kind: 'file'; readonly file: KeyFile }
  | Extract<Imported, { kind: 'bad' }>

async function readFile(file: string): Promise<FileRead> {
  const read = await readRegularFile(file, { maxOctets })
  return read.kind === 'octets'
    ? { kind: 'file', file: { file, octets: read.octets } }
    : bad(`cannot read ${file}: ${describeFailure(read)}`)
}

async function putInto(
  folder: string,
  keys: readonly ZoneKey[],
  { nowMs, asJson }: { readonly nowMs: number; readonly asJson: boolean },
): Promise<number> {
  const reports: object[] = []
  for (const key of keys) {
    const written = await writeKey(folder, key)
    if (written.kind === 'failed') return fail(name, written.why, 1)
    const all = (await lookIntoKeyFolder(folder, [key.zone])).keys.get(keyOfName(key.zone)) ?? []
    reports.push(keyReport(folder, written.name, key))
    if (asJson) continue
    printLines([
      `${folder}/${written.name}.key: ${roleOf(key, all)} ${keyTitle(key)} of ${nameToText(key.zone)}`,
      ...(isEntryPoint(key) ? [dsLine(key, 2)] : []),
    ])
  }
  if (asJson) printJson({ keys: reports })
  for (const [key, zone] of new Map(keys.map((one) => [keyOfName(one.zone), one.zone]))) {
    const all = (await lookIntoKeyFolder(folder, [zone])).keys.get(key) ?? []
    const refusal = firstRefusal(all, nowMs)
    if (refusal?.atMs === nowMs)
      fail(name, `${nameToText(zone)} cannot be signed yet: ${refusal.refused.why}`)
  }
  return 0
}
