// Loads a folder of zone files: every zone compiled, or every problem of every file.

import { createHash } from 'node:crypto'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import type { ReputationProfile, CheckedAddress } from '../reputation/findings.ts'
import type { Member, Target, TargetAddress } from '../steer/policy.ts'
import { slotKey } from '../watch/slot-key.ts'
import type { AgentProfile } from '../weights/agent-watch.ts'
import type { NameKey } from '../wire/name.ts'
import { type CompiledTarget, type CompiledZone, compileZone } from '../zone/compile/compile.ts'
import type { DocumentPath, Problem } from '../zone/compile/problem.ts'
import type { IdentitySource, ZoneSource } from '../zone/compile/zone-source.ts'
import type { Zone } from '../zone/zone.ts'
import type { Allocation, AllocationRound } from './allocation.ts'
import { type ConfigDocument, parseDocument } from './document.ts'
import { gatherDiagnostics, type Diagnostic } from './diagnostic.ts'
import { resolveProbe } from './probe-profile.ts'
import { type ReadFile, readFolder } from './read-folder.ts'
import { applyRepairs, type ShapeProblem, shapeProblems } from './schema-problems.ts'
import type { SerialKeeper, SerialRound } from './serials.ts'
import { isRecordData, zoneSchema } from './zone-schema.ts'

export type ZonesLoaded =
  | {
      readonly kind: 'loaded'
      readonly catalogZones: ReadonlyMap<NameKey, Zone>
      readonly watched: readonly WatchedAddress[]
      readonly targets: readonly LoadedTarget[]
      readonly identities: readonly CheckedAddress[]
      readonly zones: readonly { readonly name: string; readonly serial: number }[]
      readonly warnings: readonly Diagnostic[]
      /** Hash of names and contents of all files. */
      readonly hash: string
      /**
       * Hash of what the zones contain (`hashContent`): equal on all instances that serve the same.
       */
      readonly content: string
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

export interface LoadedTarget {
  /** Name of the zone without the final dot. */
  readonly zone: string
  readonly target: Target
  readonly pools: readonly LoadedMembership[]
  /** The agent that reports its load; null: none. */
  readonly agent: AgentProfile | null
}

interface LoadedMembership {
  readonly pool: string
  readonly member: Member
  /** Share of handshakes that should succeed, 0 to 1; null: none is set. */
  readonly availabilityTarget: number | null
}

/** Takes indexes of `allocation` and serials of `serials` only if every file is free of errors. */
export async function loadZones(
  folder: string,
  allocation: Allocation,
  serials: SerialKeeper,
): Promise<ZonesLoaded> {
  const read = await readFolder(folder)
  if (read.kind === 'bad') return { kind: 'rejected', diagnostics: read.diagnostics }
  const rounds = { indexes: allocation.begin(), serials: serials.begin() }
  const loading: Loading = { ...rounds, watched: new Map(), files: new Map(), loaded: [] }
  const diagnostics = [
    ...read.diagnostics,
    ...read.files.flatMap((file) => loadFile(loading, file)),
  ]
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error')) {
    return { kind: 'rejected', diagnostics: gatherDiagnostics(diagnostics) }
  }
  rounds.indexes.commit()
  rounds.serials.commit()
  const hash = createHash('sha256')
  for (const file of read.files) hash.update(JSON.stringify([file.name, hashOctets(file.octets)]))
  return {
    kind: 'loaded',
    catalogZones: new Map(loading.loaded.map(({ zone }) => [zone.apexKey, zone])),
    watched: [...loading.watched.values()],
    targets: loading.loaded.flatMap(describeTargets),
    identities: loading.loaded.flatMap(({ identities }) => identities),
    zones: loading.loaded.map(({ name, zone }) => ({ name, serial: zone.serial })),
    warnings: gatherDiagnostics(diagnostics),
    hash: hash.digest('hex'),
    content: hashContent(loading.loaded.map(({ source }) => source)),
  }
}

const describeTargets = ({ name, source, compiled }: LoadedZone): readonly LoadedTarget[] =>
  compiled.targets.map(({ target, memberships }) => ({
    zone: name,
    target,
    pools: memberships.map((membership) => ({
      ...membership,
      availabilityTarget: source.pools.get(membership.pool)?.availabilityTarget ?? null,
    })),
    agent: agentOf(source, target),
  }))

function agentOf({ targets }: ZoneSource, { name, addresses }: Target): AgentProfile | null {
  const agent = targets.get(name)?.agent
  const address = agent?.address ?? addresses[0]?.text
  if (!agent || address === undefined) return null
  return { address, port: agent.port, intervalMs: agent.intervalMs, send: agent.send ?? '' }
}

const hashOctets = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

/** What a load collects, file by file. */
interface Loading {
  readonly indexes: AllocationRound
  readonly serials: SerialRound
  /** By slot, zone and target: several targets may share an endpoint. */
  readonly watched: Map<string, WatchedAddress>
  /** File by the name of its zone. */
  readonly files: Map<string, string>
  readonly loaded: LoadedZone[]
}

interface LoadedZone {
  /** Name of the zone, without the final dot and in lower case. */
  readonly name: string
  readonly source: ZoneSource
  readonly zone: Zone
  readonly compiled: CompiledZone
  readonly identities: readonly CheckedAddress[]
}

function loadFile(loading: Loading, { file, octets }: ReadFile): readonly Diagnostic[] {
  const zoneFile = readZone(file, octets)
  const { document, source } = zoneFile
  if (!document || !source) return zoneFile.diagnostics
  const name = source.zone.replace(/\.$/, '').toLowerCase()
  const serial = loading.serials.assignSerial(name, hashOctets(octets), source.soa.serial)
  const compiled = compileZone({
    source,
    serial,
    takeSlot: (address, target, probe) =>
      watchAddress(loading, { name, source, target, probe, address }),
    takeRow: (pool, target) => loading.indexes.takeRow(`${name} ${pool} ${target}`),
    takeTargetIndex: (target) => loading.indexes.takeTargetIndex(`${name} ${target}`),
  })
  const { zone } = compiled
  if (zone) {
    const identities = listIdentities(name, source, compiled.targets)
    loading.loaded.push({ name, source, zone, compiled, identities })
  }
  const problems = compiled.problems.filter((problem) => !zoneFile.isRepaired(problem))
  const diagnostics = [
    ...zoneFile.diagnostics,
    ...problems.map((problem) => document.toDiagnostic(problem)),
  ]
  return [...diagnostics, ...checkDuplicate(loading, zoneFile, name)]
}

/** A diagnostic if another file has the same zone. */
function checkDuplicate(
  { files }: Loading,
  { file, document }: ZoneFile,
  name: string,
): readonly Diagnostic[] {
  const other = files.get(name)
  if (other === undefined) {
    files.set(name, file)
    return []
  }
  const message = `the zone ${name} is in ${other} too, expected it in one file`
  const problem = {
    severity: 'error',
    code: 'duplicate-zone',
    path: ['zone'],
    at: 'value',
    message,
  } as const
  return document ? [document.toDiagnostic(problem)] : []
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
  })
  return slot
}

/**
 * Hash of what the zones contain, 16 characters. Comments, the order of keys, names of files and
 * serials that the server chose itself do not change it.
 */
export function hashContent(sources: readonly ZoneSource[]): string {
  const zones = sources.map((source) => toCanonicalJson(source)).sort()
  return createHash('sha256').update(zones.join('\n')).digest('base64url').slice(0, 16)
}

/** As JSON.stringify, which is slower and which most texts do not need. */
const quote = (text: string): string =>
  /^[\w .:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text)

/** JSON with the keys of every map sorted, and without `at`, the position in the document. */
function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members: string[] = []
  for (const [key, member] of value instanceof Map ? value : Object.entries(value)) {
    if (key !== 'at' && member !== undefined)
      members.push(`${quote(key)}:${toCanonicalJson(member)}`)
  }
  return members.length === 1 ? `{${members[0]}}` : `{${members.sort().join(',')}}`
}

// Reading of one zone file.
//
// A problem that the schema finds does not end it: the value is repaired with a valid one and the
// checks of zone/compile/compile.ts run too, so that the operator sees every problem at once. A
// repaired zone is never served.

interface ZoneFile {
  readonly file: string
  readonly document: ConfigDocument | null
  /** null: nothing further can be checked. */
  readonly source: ZoneSource | null
  readonly diagnostics: readonly Diagnostic[]
  /** Whether a problem at this path may only follow from a repair, so that it is not reported. */
  readonly isRepaired: (problem: Problem) => boolean
}

const maxRepairRounds = 4

/** Sections without which every name in the others would be unknown. */
const essential = ['zone', 'targets', 'probes', 'pools', 'steering', 'records']

/** `source` has every default filled in. `diagnostics` are those of the YAML and of the schema. */
export function readZone(file: string, octets: Uint8Array): ZoneFile {
  const parsed = parseDocument(file, octets, isRecordData)
  const unreadable = { file, source: null, document: null, isRepaired: () => false }
  if (parsed.kind === 'bad') return { ...unreadable, diagnostics: parsed.diagnostics }
  const { document, diagnostics } = parsed
  const { source, problems } = readSource(document.value)
  const repaired = problems.map((problem) => problem.path)
  return {
    file,
    document,
    source,
    diagnostics: [...diagnostics, ...problems.map((problem) => document.toDiagnostic(problem))],
    isRepaired: ({ severity, path }) =>
      repaired.length > 0 &&
      (severity === 'warning' || repaired.some((other) => isPrefixOrExtension(path, other))),
  }
}

function readSource(value: unknown): { source: ZoneSource | null; problems: readonly Problem[] } {
  let problems: readonly Problem[] = []
  for (let round = 0; round < maxRepairRounds; round++) {
    const parsed = zoneSchema.safeParse(value)
    if (parsed.success) return { source: parsed.data, problems }
    const shape = shapeProblems(parsed.error.issues, value)
    // Problems of later rounds are caused by the repairs.
    if (round === 0) problems = shape.map(({ problem }) => problem)
    if (round === 0 && shape.some(isFatal)) return { source: null, problems }
    if (!applyRepairs(value, shape)) return { source: null, problems }
  }
  return { source: null, problems }
}

const isFatal = ({ problem: { path, code }, repair }: ShapeProblem): boolean =>
  path.length === 0 ||
  (path.length === 1 &&
    (code === 'unknown-key' ? repair.kind !== 'rename' : essential.includes(String(path[0]))))

/** Whether one path is a prefix of the other. */
const isPrefixOrExtension = (a: DocumentPath, b: DocumentPath): boolean =>
  a.slice(0, b.length).every((step, i) => step === b[i])

/**
 * The identities (greeting, PTR, DNS lists) that the pools of a zone have watched: one for each
 * address of each member. `zone`: its name without the final dot.
 */
const listIdentities = (
  zone: string,
  source: ZoneSource,
  targets: readonly CompiledTarget[],
): readonly CheckedAddress[] =>
  targets.flatMap(({ target, memberships }) =>
    memberships.flatMap(({ pool, member }) => {
      const identity = source.pools.get(pool)?.identity
      if (!identity) return []
      const profile = identityProfile(identity)
      return target.addresses.map(({ text }) => ({
        zone,
        pool,
        target: target.name,
        exchange: `${target.name}.${zone}`.toLowerCase(),
        address: text,
        weight: member.weight,
        profile,
      }))
    }),
  )

const identityProfile = ({
  greeting,
  ptr,
  intervalMs,
  dnsbl,
}: IdentitySource): ReputationProfile => ({
  greeting: greeting ?? true,
  ptr,
  intervalMs,
  lists: dnsbl?.lists ?? [],
  holdMs: dnsbl?.holdMs ?? 0,
  agree: dnsbl?.agree ?? 1,
  listedShare: dnsbl?.listedShare ?? 1,
})
