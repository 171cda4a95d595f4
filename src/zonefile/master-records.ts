// From `records_file` to the records of a zone: the files that it needs are asked for one after the other, the SOA is that
// of the YAML or else of the file, and problems get the file, line and column of the master file.

import { createHash } from 'node:crypto'
import {
  type MasterContent,
  type MasterRead,
  readMasterFile,
} from '../masterfile/read-master-file.ts'
import type { Places } from '../masterfile/reading.ts'
import { printable } from '../lib/printable.ts'
import { type Name, type NameKey, nameToText, rootName } from '../wire/name.ts'
import { nameEnd } from '../wire/rdata/name-field.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { readName } from '../zone/compile/names.ts'
import { type Problem, pathOfPlace } from '../zone/compile/problem.ts'
import type {
  MasterOwner,
  MasterRecords,
  SoaSource,
  ZoneSource,
} from '../zone/compile/zone-source.ts'
import { cutDiagnostics, type Diagnostic, excerptAt, maxPerFile } from './diagnostic.ts'
import { soaOfFile } from './zone-schema.ts'

/** What reading of a master file below the zones folder gave. */
export type MasterFileRead =
  | (Extract<MasterContent, { kind: 'octets' }> & {
      /** When it was last changed, in milliseconds since 1970. */
      readonly changedMs: number
    })
  | Exclude<MasterContent, { kind: 'octets' }>

/** Reads a master file, by its name below the zones folder. */
export type OpenMasterFile = (name: string) => Promise<MasterFileRead>

interface SourceRead {
  /** With the records of the file, and its SOA where the YAML has none. */
  readonly source: ZoneSource
  /** false: a file was refused, so that nothing more can be said of the zone. */
  readonly isWhole: boolean
  readonly problems: readonly Problem[]
  readonly places: Places
  /** When the last one of the files was changed. */
  readonly changedMs: number
}

/** `source` names a master file. */
export async function readMasterRecords(
  source: ZoneSource,
  open: OpenMasterFile,
): Promise<SourceRead> {
  let changedMs = 0
  let isWhole = true
  const reading = readMasterFile({
    name: source.recordsFile ?? '',
    apex: apexOf(source),
    ttl: source.ttl,
  })
  let step = reading.next()
  while (!step.done) {
    const read = await open(step.value)
    if (read.kind === 'octets') changedMs = Math.max(changedMs, read.changedMs)
    else isWhole = false
    step = reading.next(read)
  }
  const { records: master, soa, problems, places } = step.value
  const chosen = chooseSoa(source, soa)
  const whole = { ...source, master, soa: chosen.soa }
  const found = isWhole ? [...problems, ...chosen.problems] : problems
  return { source: whole, isWhole, problems: found, places, changedMs }
}

/** The root where the name is bad, which compiling reports. */
function apexOf({ zone }: ZoneSource): Name {
  const parsed = readName(zone.endsWith('.') ? zone : `${zone}.`, rootName)
  return parsed.kind === 'name' ? parsed.name : rootName
}

function chooseSoa(
  { soa: given }: ZoneSource,
  found: MasterRead['soa'],
): { readonly soa: SoaSource; readonly problems: readonly Problem[] } {
  const isInFile = given === soaOfFile
  if (isInFile && found) return { soa: readSoa(found.rdata), problems: [] }
  if (isInFile) {
    const message =
      'missing, expected a map such as { mname: ns1, rname: hostmaster.example.com. }, or an SOA in the file that records_file names'
    const problem = { code: 'missing', path: ['soa'], at: 'value', message } as const
    return { soa: given, problems: [{ severity: 'error', ...problem }] }
  }
  if (!found) return { soa: given, problems: [] }
  const message = 'the SOA of the zone is that of `soa:`: this one is left out'
  const path = pathOfPlace(found.place)
  return {
    soa: given,
    problems: [{ severity: 'warning', code: 'superseded', path, at: 'key', message }],
  }
}

/** What is chosen as the serial is greater than that of the file, since the YAML moves it as well. */
export function readSoa({ octets }: Rdata): SoaSource {
  const mnameEnd = nameEnd(octets, 0) ?? 0
  const rnameEnd = nameEnd(octets, mnameEnd) ?? 0
  const numbers = new DataView(octets.buffer, octets.byteOffset + rnameEnd)
  return {
    mname: nameToText(octets.subarray(0, mnameEnd)),
    rname: nameToText(octets.subarray(mnameEnd, rnameEnd)),
    serial_after: numbers.getUint32(0),
    refresh: numbers.getUint32(4),
    retry: numbers.getUint32(8),
    expire: numbers.getUint32(12),
    minimum: numbers.getUint32(16),
  }
}

/** Each entry is taken out as it is read: what is compiled of the records would be in memory beside them else. */
export function* takeRecords(master: MasterRecords): Generator<readonly [NameKey, MasterOwner]> {
  for (const entry of master) {
    master.delete(entry[0])
    yield entry
  }
}

/** A hash costs as much a call as it does for some hundred characters. */
const partCharacters = 65_536

/** Digest of the records, in whatever order the owners stand. */
export function digestRecords(master: MasterRecords): string {
  const hash = createHash('sha256')
  let text = ''
  for (const key of [...master.keys()].sort()) {
    const sets = master.get(key)?.sets ?? []
    const sorted = sets.length > 1 ? sets.toSorted((a, b) => a.type - b.type) : sets
    for (const { type, ttl, rdata } of sorted) {
      text += `${key.length} ${key} ${type} ${ttl} ${rdata.length}`
      for (const { octets } of rdata) text += ` ${octets.length} ${latin1(octets)}`
      if (text.length < partCharacters) continue
      hash.update(text, 'latin1')
      text = ''
    }
  }
  return hash.update(text, 'latin1').digest('base64url')
}

const latin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('latin1')

/** The place of a problem in a master file; null: it stands in the YAML. */
export const placeOf = ({ path: [first, place] }: Problem): number | null =>
  first === 'records_file' && typeof place === 'number' ? place : null

interface Found {
  readonly problem: Problem
  readonly name: string
  readonly octets: Uint8Array
  readonly offset: number
}

/** Problems in master files, file by file as document.ts has them. `fileOf`: the path of a file by its name. */
export function masterDiagnostics(
  places: Places,
  problems: readonly Problem[],
  fileOf: (name: string) => string,
): readonly Diagnostic[] {
  const found = problems.flatMap((problem): Found[] => {
    const place = placeOf(problem) ?? 0
    const file = places.files[places.fileNumbers.at(place) ?? 0]
    const offsets = problem.at === 'key' ? places.keyOffsets : places.valueOffsets
    return file ? [{ problem, ...file, offset: offsets.at(place) ?? 0 }] : []
  })
  return [...Map.groupBy(found, ({ name }) => name).values()].flatMap((all) => {
    const sorted = all.toSorted((a, b) => rank(a) - rank(b) || a.offset - b.offset)
    const shown = sorted.slice(0, maxPerFile + 1)
    const lines = linesOf(shown)
    const diagnostics = shown.map((one) =>
      diagnosticAt(one, { file: fileOf(one.name), line: lines.get(one.offset) ?? 1 }),
    )
    return cutDiagnostics(diagnostics, maxPerFile, all.length)
  })
}

/** Errors come first, so that a warning never displaces an error. */
const rank = ({ problem: { severity } }: Found): number => (severity === 'error' ? 0 : 1)

/** Line by offset, in one pass over the file, which can be large. All are of one file. */
function linesOf(found: readonly Found[]): ReadonlyMap<number, number> {
  const lines = new Map<number, number>()
  let line = 1
  let next = found[0]?.octets.indexOf(0x0a) ?? -1
  for (const { offset, octets } of found.toSorted((a, b) => a.offset - b.offset)) {
    for (; next >= 0 && next < offset; next = octets.indexOf(0x0a, next + 1)) line++
    lines.set(offset, line)
  }
  return lines
}

/** Octets around a place that are decoded for its excerpt: more than any line that is written by hand. */
const reachOctets = 8192

function diagnosticAt(
  { problem, octets, offset }: Found,
  { file, line }: { readonly file: string; readonly line: number },
): Diagnostic {
  const { severity, code, message } = problem
  const lineStart = offset > 0 ? octets.lastIndexOf(0x0a, offset - 1) + 1 : 0
  const from = Math.max(lineStart, offset - reachOctets)
  const decoder = new TextDecoder()
  const before = decoder.decode(octets.subarray(from, offset))
  const after = decoder.decode(octets.subarray(offset, offset + reachOctets))
  return {
    severity,
    code,
    file,
    line,
    column: from - lineStart + before.length + 1,
    path: '',
    message: printable(message),
    excerpt: excerptAt(before + after, before.length),
  }
}
