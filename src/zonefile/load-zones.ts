// A folder of zone files → every zone compiled, or every mistake of every file.

import { createHash } from 'node:crypto'
import type { WatchedIdentity } from '../reputation/profile.ts'
import type { AgentProfile } from '../weights/agent-check.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import { slotKey } from '../watch/slot-key.ts'
import type { Member, Target, TargetAddress } from '../steer/policy.ts'
import { type CompiledZone, compileZone } from '../zone/compile/compile.ts'
import type { ZoneSource } from '../zone/compile/zone-source.ts'
import type { NameKey } from '../wire/name.ts'
import type { Zone } from '../zone/zone.ts'
import type { Allocation, AllocationRound } from './allocation.ts'
import { contentHash } from './content-hash.ts'
import type { Mistake } from './mistake.ts'
import { probedAs } from './probe-profile.ts'
import { type ReadFile, readFolder } from './read-folder.ts'
import { type ZoneFile, readZone } from './read-zone.ts'
import { gatherMistakes } from './gather-mistakes.ts'
import { watchedIdentities } from './watched-identity.ts'
import type { SerialKeeper, SerialRound } from './serials.ts'

export type ZonesLoaded =
  | {
      readonly kind: 'loaded'
      readonly catalogZones: ReadonlyMap<NameKey, Zone>
      readonly watched: readonly WatchedAddress[]
      readonly targets: readonly LoadedTarget[]
      readonly identities: readonly WatchedIdentity[]
      readonly zones: readonly { readonly name: string; readonly serial: number }[]
      readonly warnings: readonly Mistake[]
      /** Moves with the content of any file. */
      readonly hash: string
      /** Moves with what the zones say: the same on every instance that has them. */
      readonly content: string
    }
  | { readonly kind: 'rejected'; readonly mistakes: readonly Mistake[] }

export interface LoadedTarget {
  /** Without final dot. */
  readonly zone: string
  readonly target: Target
  readonly pools: readonly LoadedMembership[]
  /** Who says of it how much mail it wants. */
  readonly agent: AgentProfile | null
}

export interface LoadedMembership {
  readonly pool: string
  readonly member: Member
  readonly availabilityTarget: number | null
}

export async function loadZones(
  folder: string,
  allocation: Allocation,
  serials: SerialKeeper,
): Promise<ZonesLoaded> {
  const read = await readFolder(folder)
  if (read.kind === 'bad') return { kind: 'rejected', mistakes: read.mistakes }
  const rounds = { places: allocation.begin(), serials: serials.begin() }
  const loading: Loading = { ...rounds, watched: new Map(), owners: new Map(), ready: [] }
  const mistakes = [...read.mistakes, ...read.files.flatMap((file) => loadFile(loading, file))]
  if (mistakes.some((mistake) => mistake.severity === 'error')) {
    return { kind: 'rejected', mistakes: gatherMistakes(mistakes) }
  }
  rounds.places.commit()
  rounds.serials.commit()
  const hash = createHash('sha256')
  for (const file of read.files) hash.update(JSON.stringify([file.name, hashOf(file.octets)]))
  return {
    kind: 'loaded',
    catalogZones: new Map(loading.ready.map(({ zone }) => [zone.apexKey, zone])),
    watched: [...loading.watched.values()],
    targets: loading.ready.flatMap(loadedTargets),
    identities: loading.ready.flatMap(({ identities }) => identities),
    zones: loading.ready.map(({ name, zone }) => ({ name, serial: zone.serial })),
    warnings: gatherMistakes(mistakes),
    hash: hash.digest('hex'),
    content: contentHash(loading.ready.map(({ source }) => source)),
  }
}

const loadedTargets = ({ name, source, compiled }: ReadyZone): readonly LoadedTarget[] =>
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

const hashOf = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

/** What one load gathers, file by file. */
interface Loading {
  readonly places: AllocationRound
  readonly serials: SerialRound
  /** By slot, zone and target: several targets may stand behind one endpoint. */
  readonly watched: Map<string, WatchedAddress>
  /** Zone → the file that has it. */
  readonly owners: Map<string, string>
  readonly ready: ReadyZone[]
}

interface ReadyZone {
  readonly name: string
  readonly source: ZoneSource
  readonly zone: Zone
  readonly compiled: CompiledZone
  readonly identities: readonly WatchedIdentity[]
}

function loadFile(loading: Loading, { file, octets }: ReadFile): readonly Mistake[] {
  const zoneFile = readZone(file, octets)
  const { document, source } = zoneFile
  if (!document || !source) return zoneFile.mistakes
  const name = source.zone.replace(/\.$/, '').toLowerCase()
  const serial = loading.serials.serialOf(name, hashOf(octets), source.soa.serial)
  const compiled = compileZone({
    source,
    serial,
    slotOf: (address, target, probe) =>
      watchAddress(loading, { name, source, target, probe, address }),
    rowOf: (pool, target) => loading.places.rowOf(`${name} ${pool} ${target}`),
    targetIndexOf: (target) => loading.places.targetIndexOf(`${name} ${target}`),
  })
  const { zone } = compiled
  if (zone) {
    const identities = watchedIdentities(name, source, compiled.targets)
    loading.ready.push({ name, source, zone, compiled, identities })
  }
  const problems = compiled.problems.filter((problem) => !zoneFile.isRepaired(problem))
  const mistakes = [...zoneFile.mistakes, ...problems.map((problem) => document.toMistake(problem))]
  return [...mistakes, ...claimName(loading, zoneFile, name)]
}

function claimName(
  { owners }: Loading,
  { file, document }: ZoneFile,
  name: string,
): readonly Mistake[] {
  const other = owners.get(name)
  if (other === undefined) {
    owners.set(name, file)
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
  return document ? [document.toMistake(problem)] : []
}

interface Watching {
  readonly name: string
  readonly source: ZoneSource
  readonly target: string
  readonly probe: string
  readonly address: TargetAddress
}

/** The slot of an address under a profile: one for all pools and zones that want it probed alike. */
function watchAddress(
  loading: Loading,
  { name, source, target, probe, address }: Watching,
): number | null {
  const probed = probedAs(source, { probe, target, address: address.text }, name)
  if (!probed) return null
  const slot = loading.places.slotOf(slotKey(probed))
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
