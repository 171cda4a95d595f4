// From the files of a folder to their zones, compiled and packed, or to the mistakes of every file.
// What goes in and what comes out is plain data or shared memory, since it happens in a thread of its
// own (run-load.ts).

import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { withKeptSets } from '../departed/kept-zone.ts'
import type { NameMemory } from '../departed/name-memory.ts'
import {
  beginNames,
  keptText,
  type KnownNames,
  type NameRound,
  type ZoneDepartures,
} from '../departed/name-round.ts'
import { bareName } from '../lib/bare-name.ts'
import { toCanonicalJson } from '../lib/hash.ts'
import {
  beginSerials,
  type KnownSerials,
  type SerialRound,
  type ZoneSerials,
} from '../lib/zone-serials.ts'
import { type ZoneMail, zoneMailOf } from '../coherence/zone-mail.ts'
import { gridSecondsOf } from '../lib/signing-grid.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import type { CheckedAddress } from '../reputation/findings.ts'
import { listIdentities } from '../reputation/zone-identities.ts'
import type { Member, Target, TargetAddress } from '../steer/policy.ts'
import { slotKey } from '../watch/slot-key.ts'
import type { AgentProfile } from '../weights/agent-watch.ts'
import { type CompiledZone, compileZone } from '../zone/compile/compile.ts'
import { sendingPools } from '../zone/compile/check/spf-addresses.ts'
import { type DocumentPath, type Problem, withoutConsequences } from '../zone/compile/problem.ts'
import type { ZoneSource } from '../zone/compile/zone-source.ts'
import { type PackedCatalog, packCatalog } from '../zone/packed-catalog.ts'
import type { Zone } from '../zone/zone.ts'
import { type Allocation, type AllocationRound, beginAllocation } from './allocation.ts'
import { type ConfigDocument, parseDocument } from './document.ts'
import { gatherDiagnostics, maxPerFile, type Diagnostic } from './diagnostic.ts'
import { isMap } from './leaf.ts'
import { checkOtherZones, zoneNameOf, type ZonesBefore } from './other-zones.ts'
import { resolveProbe } from './probe-profile.ts'
import type { ReadFile } from './read-folder.ts'
import { applyRepairs, nearPaths, type ShapeProblem, shapeProblems } from './schema-problems.ts'
import {
  digestRecords,
  masterDiagnostics,
  type OpenMasterFile,
  placeOf,
  readMasterRecords,
  takeRecords,
} from './master-records.ts'
import { placesOfZone, type ZonePlaces } from '../coherence/zone-places.ts'
import { isRecordData, zoneSchema, zoneWithFileSchema } from './zone-schema.ts'

/** The files, and what the load before has left behind. */
export interface LoadJob {
  readonly folder: string
  readonly files: readonly ReadFile[]
  /** Of files that could not be read. */
  readonly diagnostics: readonly Diagnostic[]
  readonly allocation: Allocation
  readonly serials: KnownSerials
  readonly names: KnownNames
  /** Now, in milliseconds since 1970. */
  readonly wallMs: number
}

export type ZonesRead =
  | ({ readonly kind: 'loaded' } & FolderContent)
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

interface FolderContent {
  /** Its generation is 0. */
  readonly packed: PackedCatalog
  readonly watched: readonly WatchedAddress[]
  readonly targets: readonly LoadedTarget[]
  readonly identities: readonly CheckedAddress[]
  readonly zones: readonly ReturnType<typeof zoneNameOf>[]
  /** What each zone tells of its mail. */
  readonly mail: readonly ZoneMail[]
  readonly places: ZonePlaces
  readonly warnings: readonly Diagnostic[]
  /** Hash of names and contents of all files. */
  readonly hash: string
  /**
   * Hash of what the zones contain (`hashContent`): equal on all instances that serve the same.
   */
  readonly content: string
  /** For the load after this one, if this one is put in force. */
  readonly allocation: Allocation
  readonly serials: ZoneSerials
  readonly names: NameMemory
  readonly departures: readonly ZoneDepartures[]
  /** Names of the zones that keep nothing that leaves them. */
  readonly dropping: readonly string[]
}

export interface LoadedTarget {
  /** Name of the zone without the final dot. */
  readonly zone: string
  readonly target: Target
  readonly pools: readonly LoadedMembership[]
  /** The agent that reports its load; null: none. */
  readonly agent: AgentProfile | null
  /** Whether it sends mail: it is in a pool that a `spf:` of the zone names, or there is no `spf:`. */
  readonly isSender: boolean
}

interface LoadedMembership {
  readonly pool: string
  readonly member: Member
  /** Share of handshakes that should succeed, 0 to 1; null: none is set. */
  readonly availabilityTarget: number | null
}

/** In all zones together: some seconds of work. Of those behind it no SPF is compared with the addresses of targets. */
const spfTermsLimit = 12_000_000

/** What a load reports while it goes on, to tell which file it was at if it does not end. */
export interface LoadProgress {
  /** Called before anything is done with the file; with the folder, before its zones are packed. */
  begin(file: string): void
  /** Called when a file is done that has mistakes. */
  refuse(diagnostics: readonly Diagnostic[]): void
}

export async function readZones(
  job: LoadJob,
  progress: LoadProgress,
  open: OpenMasterFile,
): Promise<ZonesRead> {
  const opened = new Map<string, Uint8Array>()
  const loading: Loading = {
    folder: job.folder,
    named: new Set(),
    async open(name) {
      progress.begin(join(job.folder, name))
      const read = await open(name)
      opened.set(name, read.kind === 'octets' ? read.octets : new Uint8Array())
      return read
    },
    indexes: beginAllocation(job.allocation),
    serials: beginSerials(job.serials, job.wallMs),
    names: beginNames(job.names, job.wallMs),
    watched: new Map(),
    others: { files: new Map(), targets: new Map() },
    spfTerms: { left: spfTermsLimit },
    loaded: [],
  }
  const diagnostics: Diagnostic[] = []
  for (const file of job.files) {
    progress.begin(file.file)
    const found = await loadFile(loading, file)
    if (found.some(isError)) progress.refuse(found)
    diagnostics.push(...found)
  }
  for (const name of opened.keys()) loading.named.add(name)
  const named = new Set([...loading.named].map((name) => join(job.folder, name)))
  const isNamed = ({ code, file }: Diagnostic): boolean => code === 'not-read' && named.has(file)
  diagnostics.push(...job.diagnostics.filter((one) => !isNamed(one)))
  const gathered = gatherDiagnostics(diagnostics)
  if (diagnostics.some(isError)) return { kind: 'rejected', diagnostics: gathered }
  progress.begin(job.folder)
  const files = [...job.files, ...[...opened].map(([name, octets]) => ({ name, octets }))]
  return { kind: 'loaded', ...assemble(loading, gathered), hash: hashFiles(files) }
}

const isError = ({ severity }: Diagnostic): boolean => severity === 'error'

function assemble(
  { loaded, watched, indexes, serials, names }: Loading,
  warnings: readonly Diagnostic[],
): Omit<FolderContent, 'hash'> {
  const zones = new Map(loaded.map(({ zone }) => [zone.apexKey, zone]))
  return {
    packed: packCatalog({ zones, generation: 0 }),
    watched: [...watched.values()],
    targets: loaded.flatMap(describeTargets),
    identities: loaded.flatMap(({ identities }) => identities),
    zones: loaded.map(zoneNameOf),
    mail: loaded.map(({ mail }) => mail),
    places: new Map(loaded.flatMap(({ places }) => [...places])),
    warnings,
    content: hashContent(loaded.map(({ digest }) => digest)),
    allocation: indexes.close(),
    serials: serials.close(),
    ...names.close(),
    dropping: loaded.filter(({ source }) => source.onRemoved === 'drop').map(({ name }) => name),
  }
}

function hashFiles(files: readonly Pick<ReadFile, 'name' | 'octets'>[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(JSON.stringify([file.name, hashOctets(file.octets)]))
  return hash.digest('hex')
}

function describeTargets({ name, source, compiled }: LoadedZone): readonly LoadedTarget[] {
  const sending = sendingPools(source)
  return compiled.targets.map(({ target, memberships }) => ({
    zone: name,
    target,
    pools: memberships.map((membership) => ({
      ...membership,
      availabilityTarget: source.pools.get(membership.pool)?.availabilityTarget ?? null,
    })),
    agent: agentOf(source, target),
    isSender: sending.size === 0 || memberships.some(({ pool }) => sending.has(pool)),
  }))
}

function agentOf({ targets }: ZoneSource, { name, addresses }: Target): AgentProfile | null {
  const agent = targets.get(name)?.agent
  const address = agent?.address ?? addresses[0]?.text
  if (!agent || address === undefined) return null
  return { address, port: agent.port, intervalMs: agent.intervalMs, send: agent.send ?? '' }
}

const hashOctets = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

/** What a load collects, file by file. */
interface Loading {
  readonly folder: string
  readonly open: OpenMasterFile
  /** Master files that the zones name, whether they were read or not. */
  readonly named: Set<string>
  readonly indexes: AllocationRound
  readonly serials: SerialRound
  readonly names: NameRound
  /** By slot, zone and target: several targets may share an endpoint. */
  readonly watched: Map<string, WatchedAddress>
  readonly others: ZonesBefore
  readonly spfTerms: { left: number }
  readonly loaded: LoadedZone[]
}

interface LoadedZone {
  /** Name of the zone, without the final dot and in lower case. */
  readonly name: string
  /** Name of its file in the folder. */
  readonly file: string
  readonly source: ZoneSource
  /** Of what it contains (`digestZone`). */
  readonly digest: string
  readonly zone: Zone
  readonly compiled: CompiledZone
  readonly identities: readonly CheckedAddress[]
  readonly mail: ZoneMail
  readonly places: ZonePlaces
}

async function loadFile(loading: Loading, read: ReadFile): Promise<readonly Diagnostic[]> {
  const zoneFile = readZone(read.file, read.octets)
  const { document, source } = zoneFile
  if (!document) return zoneFile.diagnostics
  const named = isMap(document.value) ? document.value['records_file'] : null
  if (typeof named === 'string') loading.named.add(named)
  if (!source) return document.toDiagnostics(zoneFile.problems)
  if (source.recordsFile === undefined)
    return document.toDiagnostics(loadZone(loading, zoneFile, source, read.changedMs))
  // A path with a mistake was repaired with one that leads nowhere.
  if (zoneFile.problems.some(({ path }) => path[0] === 'records_file'))
    return document.toDiagnostics(zoneFile.problems)
  const master = await readMasterRecords(source, loading.open)
  const changedMs = Math.max(read.changedMs, master.changedMs)
  const problems = master.isWhole
    ? [...master.problems, ...loadZone(loading, zoneFile, master.source, changedMs)]
    : [...zoneFile.problems, ...master.problems]
  const { document: inYaml = [], master: inMaster = [] } = Object.groupBy(problems, (problem) =>
    placeOf(problem) === null ? 'document' : 'master',
  )
  return [
    ...document.toDiagnostics(inYaml),
    ...masterDiagnostics(master.places, inMaster, (name) => join(loading.folder, name)),
  ]
}

/** Compiles a zone; returns all problems of its file. */
function loadZone(
  loading: Loading,
  zoneFile: ZoneFile,
  source: ZoneSource,
  changedMs: number,
): readonly Problem[] {
  const name = bareName(source.zone)
  const digest = digestZone(source)
  const { serial: explicit, serial_after: after } = source.soa
  const isMoving = source.dnssec !== undefined && explicit === undefined
  const gridSeconds = isMoving ? gridSecondsOf(source.dnssec.validity) : undefined
  const request = { digest, explicit, after, changedMs, gridSeconds }
  const serial = loading.serials.assign(name, request)
  const compiled = compileZone({
    source,
    ...(source.master && { masterRecords: takeRecords(source.master) }),
    serial,
    takeSlot: (address, target, probe) =>
      watchAddress(loading, { name, source, target, probe, address }),
    takeRow: (pool, target) => loading.indexes.takeRow(`${name} ${pool} ${target}`),
    takeTargetIndex: (target) => loading.indexes.takeTargetIndex(`${name} ${target}`),
    spfTerms: loading.spfTerms,
  })
  if (compiled.zone) {
    const zone = keepNames(loading, compiled.zone, { name, source, request })
    const identities = listIdentities(name, source, compiled.targets)
    const targets = compiled.targets.map(({ target }) => target)
    const mail = zoneMailOf({ source, zone, targets, policies: compiled.policies })
    const places = placesOfZone(zoneFile.document, { name, source, zone })
    const file = basename(zoneFile.file)
    loading.loaded.push({ name, file, source, digest, zone, compiled, identities, mail, places })
  }
  const problems = compiled.problems.filter((problem) => !zoneFile.isRepaired(problem))
  const found = { name, file: zoneFile.file, targets: compiled.zone ? compiled.targets : [] }
  return [
    ...withoutConsequences([...zoneFile.problems, ...problems]),
    ...checkOtherZones(loading.others, found),
  ]
}

interface LoadingZone {
  readonly name: string
  readonly source: ZoneSource
  readonly request: Parameters<SerialRound['assign']>[1]
}

/** The zone with the names that have left it; they are content, so that it has another serial with them. */
function keepNames(
  { names, serials }: Loading,
  zone: Zone,
  { name, source, request }: LoadingZone,
): Zone {
  const kept = names.depart(name, zone, source.onRemoved === 'drop')
  if (kept.length === 0) return zone
  const digest = shortHash(`${request.digest} ${keptText(kept)}`)
  return withKeptSets(zone, kept, serials.assign(name, { ...request, digest }))
}

interface ProbedAddress {
  /** Name of the zone, as its file gives it. */
  readonly name: string
  readonly source: ZoneSource
  readonly target: string
  readonly probe: string
  readonly address: TargetAddress
}

/**
 * The health slot of an address: one for all pools and zones that probe it with the same profile.
 * null: there is no such probe, or no slot is left.
 */
function watchAddress(
  loading: Loading,
  { name, source, target, probe, address }: ProbedAddress,
): number | null {
  const probed = resolveProbe(source, { probe, target, address: address.text }, name)
  if (!probed) return null
  const slot = loading.indexes.takeSlot(slotKey(probed))
  if (slot === null) return null
  const { text, family } = address
  loading.watched.set(`${slot} ${name} ${target}`, {
    slot,
    zone: name,
    target,
    address: text,
    family,
    ...(probed.address !== text && { probeAddress: probed.address }),
    profile: probed.profile,
    ...(probed.senderTls.tlsa.length > 0 && { senderTls: probed.senderTls }),
  })
  return slot
}

/**
 * Digest of what a zone contains, 16 characters. Comments, the order of keys, the name of the file
 * and a serial that the server chose itself do not change it.
 */
export function digestZone(source: ZoneSource): string {
  const { master } = source
  const json = toCanonicalJson({ ...source, master: undefined, recordsFile: undefined })
  return shortHash(master ? `${json} ${digestRecords(master)}` : json)
}

/** Hash of what all zones contain, 16 characters, by the digest of each. */
export const hashContent = (digests: readonly string[]): string =>
  shortHash([...digests].sort().join('\n'))

const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 16)

// A problem that the schema finds does not end the reading of a file: the value is repaired with a valid one and the
// checks of zone/compile/compile.ts run too, so that the operator sees every problem at once. A
// repaired zone is never served.

interface ZoneFile {
  readonly file: string
  readonly document: ConfigDocument | null
  /** null: nothing further can be checked. */
  readonly source: ZoneSource | null
  /** Of the YAML, where that leads to no document. */
  readonly diagnostics: readonly Diagnostic[]
  /** Of the document and of its schema. */
  readonly problems: readonly Problem[]
  /** Whether a problem at this path may only follow from a repair, so that it is not reported. */
  readonly isRepaired: (problem: Problem) => boolean
}

const maxRepairRounds = 4

/** Sections without which every name in the others would be unknown. */
const essential = ['zone', 'targets', 'probes', 'pools', 'steering', 'records']

/** `source` has every default filled in. */
export function readZone(file: string, octets: Uint8Array): ZoneFile {
  const parsed = parseDocument(file, octets, isRecordData)
  const unreadable = { file, source: null, document: null, problems: [], isRepaired: () => false }
  if (parsed.kind === 'bad') return { ...unreadable, diagnostics: parsed.diagnostics }
  const { document } = parsed
  const { source, problems, repaired } = readSource(document.value)
  const isNear = nearPaths(repaired)
  return {
    file,
    document,
    source,
    diagnostics: [],
    problems: [...document.problems, ...problems],
    isRepaired: ({ severity, path }) =>
      problems.length > 0 && (severity === 'warning' || isNear(path)),
  }
}

interface SourceRead {
  readonly source: ZoneSource | null
  readonly problems: readonly Problem[]
  /** Paths of what is not as it was written. */
  readonly repaired: readonly DocumentPath[]
}

function readSource(value: unknown): SourceRead {
  let problems: readonly Problem[] = []
  const repaired: DocumentPath[] = []
  for (let round = 0; round < maxRepairRounds; round++) {
    const parsed = parseShape(value)
    if (parsed === null) return { source: null, problems: [tooManyMistakes], repaired }
    if (parsed.success) return { source: parsed.data, problems, repaired }
    const shape = shapeProblems(parsed.error.issues, value)
    // Problems of later rounds are caused by the repairs.
    if (round === 0) problems = shape.map(({ problem }) => problem)
    repaired.push(...shape.map(({ problem }) => problem.path))
    // With so many problems, none that a later check finds would be shown.
    const isLast = shape.length > maxPerFile || shape.some(isFatal)
    if (round === 0 && isLast) return { source: null, problems, repaired }
    if (!applyRepairs(value, shape)) return { source: null, problems, repaired }
  }
  return { source: null, problems, repaired }
}

/** null: zod ran out of stack, on which it puts each issue of a list. */
function parseShape(value: unknown): ReturnType<typeof zoneSchema.safeParse> | null {
  try {
    const hasFile = isMap(value) && 'records_file' in value
    return (hasFile ? zoneWithFileSchema : zoneSchema).safeParse(value)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

const tooManyMistakes: Problem = {
  severity: 'error',
  code: 'more-mistakes',
  path: [],
  at: 'value',
  message: 'more mistakes than can be listed: is this a zone file?',
}

const isFatal = ({ problem: { path, code }, repair }: ShapeProblem): boolean =>
  path.length === 0 ||
  (path.length === 1 &&
    (code === 'unknown-key' ? repair.kind !== 'rename' : essential.includes(String(path[0]))))
