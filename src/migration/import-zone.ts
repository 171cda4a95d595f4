// From a master file, or a zone transfer written as one, to a zone file: what cannot be served is left out and named, and
// what is left is what the compiler takes.

import { type Name, type NameKey, nameToText } from '../wire/name.ts'
import type { MasterRead } from '../masterfile/read-master-file.ts'
import type { SoaRecord } from '../masterfile/reading.ts'
import { compileZone } from '../zone/compile/compile.ts'
import { type Problem, type ProblemCode, pathOfPlace } from '../zone/compile/problem.ts'
import type {
  MasterOwner,
  MasterRecords,
  SoaSource,
  ZoneSource,
} from '../zone/compile/zone-source.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { documentOctetsLimit } from '../zonefile/document.ts'
import { readZone } from '../zonefile/load-zones.ts'
import { masterDiagnostics, placeOf, readSoa } from '../zonefile/master-records.ts'
import { soaBounds, zoneTtlBounds } from '../zonefile/zone-schema.ts'
import { offerPools, type PoolOffer } from './pool-offers.ts'
import { zoneYaml, type ZoneDraft } from './zone-yaml.ts'

export interface ZoneToImport {
  readonly apex: Name
  readonly master: MasterRead
  /** Where it comes from, for the first line of the file. */
  readonly from: string
  /** Whether what looks like a pool is written as one that is steered. */
  readonly isSteered: boolean
  /** The path of a master file by its name in messages. */
  readonly fileOf: (name: string) => string
}

export type ImportedZone =
  | {
      readonly kind: 'imported'
      readonly yaml: string
      /** What was left out or changed, with its place in the source. */
      readonly diagnostics: readonly Diagnostic[]
      /** Sentences about the zone as a whole. */
      readonly notes: readonly string[]
    }
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] }

export function importZone(zone: ZoneToImport): ImportedZone {
  const { apex, master, fileOf } = zone
  const diagnosticsOf = (problems: readonly Problem[]): readonly Diagnostic[] =>
    masterDiagnostics(master.places, problems, fileOf)
  const { soa } = master
  const found = master.problems.filter(isError)
  // One with a mistake is not missing.
  const hasSoa = soa !== null || found.some(({ message }) => message.startsWith('bad SOA'))
  const mistakes = [...found, ...(hasSoa ? [] : [withoutSoa(apex)])]
  if (soa === null || mistakes.length > 0)
    return { kind: 'refused', diagnostics: diagnosticsOf(mistakes) }
  const fitting = fittingSoa(readSoa(soa.rdata))
  const ttl = usualTtl(master.records, soa)
  const source = sourceOf(apex, ttl, fitting.soa)
  const kept = keepServable(source, master.records)
  const fatal = kept.problems.filter(isError)
  if (fatal.length > 0) return { kind: 'refused', diagnostics: diagnosticsOf(fatal) }
  const draft = { apex, ttl, soa: fitting.soa, owners: [...kept.records.values()], from: zone.from }
  const written = writeZone(draft, kept.records, zone.isSteered)
  if (Buffer.byteLength(written.yaml) > documentOctetsLimit)
    return { kind: 'refused', diagnostics: diagnosticsOf([tooLarge]) }
  const told = master.problems.filter(({ code }) => toldCodes.includes(code))
  return {
    kind: 'imported',
    yaml: written.yaml,
    diagnostics: diagnosticsOf([...told, ...kept.problems]),
    notes: [...fitting.notes, ...notesOn(soa, ttl, fitting.soa), ...written.notes],
  }
}

const isError = ({ severity }: Problem): boolean => severity === 'error'

/** Other warnings of the file are those that `check` has of the zone file too. */
const toldCodes: readonly ProblemCode[] = ['dnssec-left-out', 'class-left-out', 'ttl-differs']

const withoutSoa = (apex: Name): Problem => ({
  severity: 'error',
  code: 'missing',
  path: pathOfPlace(0),
  at: 'key',
  message: `there is no SOA of ${nameToText(apex)}, expected one, such as @ SOA ns1 hostmaster 1 1h 15m 4w 1h; of a file of another zone give the name with --zone`,
})

const tooLarge: Problem = {
  severity: 'error',
  code: 'too-large',
  path: pathOfPlace(0),
  at: 'key',
  message: `the zone file would have more than ${documentOctetsLimit} octets: name this file as the records_file of a zone file instead`,
}

function sourceOf(apex: Name, ttl: number, soa: SoaSource): ZoneSource {
  return {
    zone: nameToText(apex),
    ttl,
    soa,
    targets: new Map(),
    probes: new Map(),
    pools: new Map(),
    steering: new Map(),
    onAllDown: { kind: 'all' },
    internal: [],
    slots: [],
    records: new Map(),
  }
}

/** The TTL that most sets have, which then need none of their own; of equally many that of the SOA. */
function usualTtl(records: MasterRecords, soa: SoaRecord): number {
  const counts = new Map([[soa.ttl, 1]])
  for (const { sets } of records.values())
    for (const { ttl } of sets) counts.set(ttl, (counts.get(ttl) ?? 0) + 1)
  let [usual, most] = [soa.ttl, 0]
  for (const [ttl, count] of counts) if (count > most) [usual, most] = [ttl, count]
  return clamp(usual, zoneTtlBounds)
}

const clamp = (value: number, [least, most]: readonly [number, number]): number =>
  Math.min(Math.max(value, least), most)

function fittingSoa(found: SoaSource): { soa: SoaSource; notes: readonly string[] } {
  const notes: string[] = []
  const soa = { ...found }
  for (const key of ['refresh', 'retry', 'expire', 'minimum'] as const) {
    const [value = 0, fitting] = [found[key], clamp(found[key] ?? 0, soaBounds[key])]
    soa[key] = fitting
    if (value !== fitting) notes.push(`soa.${key} is ${value}, and becomes ${fitting}`)
  }
  return { soa, notes }
}

function notesOn(soa: SoaRecord, ttl: number, { minimum = 0, serial_after }: SoaSource): string[] {
  const notes = [`the serials that are served are greater than ${serial_after}`]
  if (soa.ttl === ttl) return notes
  const [before, after] = [Math.min(soa.ttl, minimum), Math.min(ttl, minimum)]
  const negative = before === after ? '' : `, negative answers ${after} in place of ${before}`
  return [...notes, `the SOA has the TTL of the zone, ${ttl} in place of ${soa.ttl}${negative}`]
}

interface Kept {
  readonly records: MasterRecords
  /** Warnings of what was left out, and errors of what would have to be mended first. */
  readonly problems: readonly Problem[]
}

/** Records that BIND loads and does not serve either, or that no zone file may have. */
const leftOutCodes: readonly ProblemCode[] = [
  'out-of-zone',
  'dname-with-data-below',
  'forbidden-type',
  'rrset-too-large',
  'bad-rdata',
]

/** What BIND's signer keeps at the apex, for itself. */
const bindPrivateType = 65_534

/** Compiles, leaves out what was refused, and compiles again: what hides other mistakes is gone then. */
function keepServable(source: ZoneSource, found: MasterRecords): Kept {
  const problems: Problem[] = []
  let records = withoutSets(found, ({ type }) => type !== bindPrivateType)
  if (records.size < found.size || countSets(records) < countSets(found)) {
    const place = placeOfType(found, bindPrivateType)
    problems.push(leftOut({ ...privateRecords, path: pathOfPlace(place) }))
  }
  for (;;) {
    const compiled = compileMasterOf({ ...source, master: records })
    const errors = compiled.filter(isError)
    const refused = errors.filter(({ code }) => leftOutCodes.includes(code))
    const places = new Map(refused.map((problem) => [placeOf(problem) ?? -1, problem]))
    problems.push(...[...places.values()].map(leftOut))
    if (refused.length === 0) return { records, problems: [...problems, ...errors.map(atFile)] }
    records = withoutPlaces(records, places)
  }
}

const countSets = (records: MasterRecords): number =>
  [...records.values()].reduce((sum, { sets }) => sum + sets.length, 0)

const placeOfType = (records: MasterRecords, wanted: number): number =>
  [...records.values()].flatMap(({ sets }) => sets).find(({ type }) => type === wanted)?.rdata[0]
    ?.place ?? 0

const privateRecords: Omit<Problem, 'path'> = {
  severity: 'warning',
  code: 'dnssec-left-out',
  at: 'key',
  message: 'TYPE65534 is what the signer of BIND keeps for itself',
}

const leftOut = (problem: Problem): Problem => ({
  ...problem,
  severity: 'warning',
  message: `left out: ${problem.message}`,
})

/** A mistake of the zone as a whole is shown at the begin of the file. */
const atFile = (problem: Problem): Problem =>
  placeOf(problem) === null ? { ...problem, path: pathOfPlace(0), at: 'key' } : problem

function compileMasterOf(source: ZoneSource): readonly Problem[] {
  let last = 0
  const take = (): number => ++last
  return compileZone({
    source,
    serial: 1,
    takeSlot: take,
    takeRow: take,
    takeTargetIndex: take,
  }).problems
}

const withoutSets = (
  records: MasterRecords,
  isKept: (set: MasterOwner['sets'][number]) => boolean,
): MasterRecords =>
  new Map(
    [...records].flatMap(([key, { name, sets }]): [NameKey, MasterOwner][] => {
      const kept = sets.filter(isKept)
      return kept.length > 0 ? [[key, { name, sets: kept }]] : []
    }),
  )

/** An owner is refused at the first place of its first set, a set at its first one, and a record at its own. */
function withoutPlaces(
  records: MasterRecords,
  places: ReadonlyMap<number, Problem>,
): MasterRecords {
  const kept = new Map<NameKey, MasterOwner>()
  for (const [key, { name, sets }] of records) {
    const atOwner = places.get(sets[0]?.rdata[0]?.place ?? -1)?.code
    if (atOwner === 'out-of-zone' || atOwner === 'dname-with-data-below') continue
    const left = sets.flatMap((set) => {
      const atSet = places.get(set.rdata[0]?.place ?? -1)?.code
      if (atSet !== undefined && atSet !== 'bad-rdata') return []
      const rdata = set.rdata.filter(({ place }) => !places.has(place))
      return rdata.length > 0 ? [{ ...set, rdata }] : []
    })
    if (left.length > 0) kept.set(key, { name, sets: left })
  }
  return kept
}

const copyOf = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1')

/** Every record once. */
function withoutCopies(records: MasterRecords): MasterRecords {
  return new Map(
    [...records].map(([key, { name, sets }]) => [
      key,
      {
        name,
        sets: sets.map((set) => ({
          ...set,
          rdata: [...new Map(set.rdata.map((one) => [copyOf(one.octets), one])).values()],
        })),
      },
    ]),
  )
}

function writeZone(
  draft: ZoneDraft,
  records: MasterRecords,
  isSteered: boolean,
): { readonly yaml: string; readonly notes: readonly string[] } {
  const owners = withoutCopies(records)
  const whole = { ...draft, owners: [...owners.values()] }
  const offer = offerPools(draft.apex, owners, draft.ttl)
  const steered = offer && offer.records.size > 0 ? zoneYaml(whole, offer, true) : null
  // An offer that would be refused is none, such as one of an address that no target may have.
  const isUsable = steered !== null && isAccepted(steered)
  const usable: PoolOffer | null = offer && !isUsable ? { ...offer, records: new Map() } : offer
  if (!isSteered) return { yaml: zoneYaml(whole, usable, false), notes: [] }
  if (steered !== null && isUsable) {
    const notes = [
      `steered: ${offer?.records.size} names, by the targets, pools and steering that were made for them`,
    ]
    return { yaml: steered, notes }
  }
  const notes = [
    'nothing looks like a pool: no MX of several exchanges with addresses in the zone, one label below it',
  ]
  return { yaml: zoneYaml(whole, usable, false), notes }
}

function isAccepted(yaml: string): boolean {
  const { source, problems } = readZone('steered.yaml', Buffer.from(yaml))
  return source !== null && ![...problems, ...compileMasterOf(source)].some(isError)
}
