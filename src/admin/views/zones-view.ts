// The zones that are served as JSON: what they steer and by which rules, the text of their files, and what a refused load
// found wrong with what is on disk.

import { conditionsText } from '../../explain/rule-view.ts'
import { isoTime } from '../../lib/clock.ts'
import type { Policy, Pool, SelectedSet, SteeredSet } from '../../steer/policy.ts'
import { nameToText } from '../../wire/name.ts'
import { typeToText } from '../../wire/rrtype.ts'
import type { Zone } from '../../zone/zone.ts'
import { type Diagnostic, maskSecrets } from '../../zonefile/diagnostic.ts'
import type { LoadedTarget } from '../../zonefile/load-zones.ts'
import { refuse, type Reply, text } from '../reply.ts'

/** A zone as it was loaded. */
export interface ServedZone {
  /** Without the final dot. */
  readonly name: string
  /** That is answered now. */
  readonly serial: number
  /** Name of its file in the folder. */
  readonly file: string
  /** Of its contents: equal on all instances that serve the same. */
  readonly hash: string
  /** When these contents were put in force, on the wall clock. */
  readonly loadedMs: number
  readonly zone: Zone
}

/** Octets of files by their names in the folder. */
type Files = ReadonlyMap<string, { readonly octets: Uint8Array }>

export interface ZonesSources {
  readonly served: () => readonly ServedZone[]
  readonly targets: () => readonly LoadedTarget[]
  readonly warnings: () => readonly Diagnostic[]
  /** Of what is served. */
  readonly files: () => Files
  /** The last load, where it was refused: its mistakes, and the files that have them; null: it was taken over. */
  readonly refused: () => RefusedLoad | null
}

export interface RefusedLoad {
  readonly atMs: number
  readonly mistakes: readonly Diagnostic[]
  readonly files: Files
}

export interface ZonesView {
  readonly zones: readonly ZoneView[]
  /** Zones that follow: ask for them with `after`. */
  readonly more: number
  /** Of the last load: 0 where it was taken over. */
  readonly mistakes: number
}

export interface ZoneView {
  readonly zone: string
  readonly serial: number
  readonly loadedAt: string | null
  readonly file: string
  readonly hash: string
  /** Names that the zone has. */
  readonly names: number
  readonly signed: boolean
  readonly steered: readonly SteeredName[]
  readonly policies: readonly PolicyView[]
  readonly pools: readonly PoolView[]
  readonly targets: readonly TargetView[]
  readonly warnings: readonly Mistake[]
}

export interface SteeredName {
  /** Without the final dot. */
  readonly name: string
  readonly type: string
  readonly policy: string
  /** Seconds, as of the two. */
  readonly ttl: number
  readonly minTtl: number
}

interface PolicyView {
  readonly name: string
  readonly onAllDown: string
  readonly rules: readonly {
    /** The conditions in prose, such as `continent EU or AF`; null: everyone else. */
    readonly when: string | null
    readonly pools: readonly string[]
  }[]
}

interface PoolView {
  readonly name: string
  readonly minHealthy: number
  readonly spill: Pool['spill']
  readonly panic: number
  readonly spread: boolean
  readonly targets: readonly { readonly target: string; readonly weight: number }[]
}

interface TargetView {
  readonly name: string
  readonly region: string | null
  readonly rack: string | null
  readonly addresses: readonly string[]
}

/** A mistake or warning at its place in a file. */
export interface Mistake extends Pick<
  Diagnostic,
  'severity' | 'code' | 'line' | 'column' | 'path' | 'message'
> {}

export interface ZoneProblemsView {
  /** Of the load that was refused; null: the last one was taken over. */
  readonly at: string | null
  readonly files: readonly {
    /** Name in the folder, or the path of what is no file of it. */
    readonly file: string
    /** The zone that is served from a file of that name; null: none. */
    readonly zone: string | null
    /** As it was then, secrets as asterisks; null: it is not kept. */
    readonly text: string | null
    readonly mistakes: readonly Mistake[]
  }[]
}

const most = { zones: 100, steered: 100, targets: 500, warnings: 100, files: 16, mistakes: 200 }

/** Files of so many octets are shown. */
export const shownOctets: number = 256 * 1024

/** `after`: the name of a zone; those whose names follow it are shown. */
export function zonesView(sources: ZonesSources, after: string): ZonesView {
  const all = sources
    .served()
    .filter(({ name }) => name > after)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const byZone = Map.groupBy(sources.targets(), ({ zone }) => zone)
  const warnings = sources.warnings()
  return {
    zones: all
      .slice(0, most.zones)
      .map((one) => zoneView(one, byZone.get(one.name) ?? [], warnings)),
    more: Math.max(0, all.length - most.zones),
    mistakes: sources.refused()?.mistakes.length ?? 0,
  }
}

function zoneView(
  { name, serial, loadedMs, file, hash, zone }: ServedZone,
  targets: readonly LoadedTarget[],
  warnings: readonly Diagnostic[],
): ZoneView {
  const policies = policiesOf(zone)
  return {
    zone: name,
    serial,
    loadedAt: isoTime(loadedMs),
    file,
    hash,
    names: zone.nodes.size,
    signed: zone.signing !== null,
    steered: steeredNames(zone).slice(0, most.steered),
    policies: policies.map(policyView),
    pools: [...new Set(policies.flatMap(poolsOf))].map(poolView),
    targets: targets.slice(0, most.targets).map(({ target }) => ({
      name: target.name,
      region: target.region,
      rack: target.rack,
      addresses: target.addresses.map((one) => one.text),
    })),
    warnings: warnings
      .filter((one) => isOfFile(one, file))
      .slice(0, most.warnings)
      .map(mistakeView),
  }
}

/** Diagnostics have the path of a file, with the folder. */
const isOfFile = (diagnostic: Diagnostic, name: string): boolean =>
  diagnostic.file === name || diagnostic.file.endsWith(`/${name}`)

const selectedSets = function* ({ nodes, steered = nodes }: Zone): Generator<{
  readonly name: string
  readonly set: SelectedSet
}> {
  for (const { owner, sets } of steered.values())
    for (const set of sets.values())
      if (isSelected(set)) yield { name: nameToText(owner).slice(0, -1), set }
}

const isSelected = (set: SteeredSet | { readonly kind: 'plain' }): set is SelectedSet =>
  'policy' in set

export function steeredNames(zone: Zone): readonly SteeredName[] {
  const names: SteeredName[] = []
  for (const { name, set } of selectedSets(zone)) {
    const { ttl, minTtl, policy } = set
    names.push({ name, type: typeToText(set.type), policy: policy.name, ttl, minTtl })
  }
  return names
}

function policiesOf(zone: Zone): readonly Policy[] {
  const byName = new Map<string, Policy>()
  for (const { set } of selectedSets(zone)) byName.set(set.policy.name, set.policy)
  return [...byName.values()]
}

const poolsOf = ({ rules, onAllDown }: Policy): readonly Pool[] => [
  ...rules.flatMap(({ pools }) => pools),
  ...(onAllDown.kind === 'backup' ? [onAllDown.pool] : []),
]

const policyView = ({ name, rules, onAllDown }: Policy): PolicyView => ({
  name,
  onAllDown: onAllDown.kind === 'backup' ? `pool ${onAllDown.pool.name}` : onAllDown.kind,
  rules: rules.map(({ when, pools }) => ({
    when: when && conditionsText(when),
    pools: pools.map((one) => one.name),
  })),
})

const poolView = ({ name, minHealthy, spill, panic, isSpread, members }: Pool): PoolView => ({
  name,
  minHealthy,
  spill,
  panic,
  spread: isSpread,
  targets: members.map(({ target, weight }) => ({ target: target.name, weight })),
})

const mistakeView = ({ severity, code, line, column, path, message }: Diagnostic): Mistake => ({
  severity,
  code,
  line,
  column,
  path,
  message,
})

/** The file of a zone as it was read for what is served. 404 `unknown-zone` or `text-too-long`. */
export function zoneFileReply({ served, files }: ZonesSources, name: string): Reply {
  const wanted = name.toLowerCase().replace(/\.$/, '')
  const found = served().find((one) => one.name === wanted)
  if (found === undefined)
    return refuse(404, 'unknown-zone', `unknown zone ${JSON.stringify(name.slice(0, 255))}`)
  const shown = shownText(files().get(found.file)?.octets)
  if (shown === null)
    return refuse(
      404,
      'text-too-long',
      `files of more than ${shownOctets} octets are not shown: read ${found.file} itself`,
    )
  return text(shown)
}

function shownText(octets: Uint8Array | undefined): string | null {
  if (octets === undefined || octets.length > shownOctets) return null
  return new TextDecoder().decode(octets).split('\n').map(maskSecrets).join('\n')
}

export function zoneProblemsView({ served, refused }: ZonesSources): ZoneProblemsView {
  const load = refused()
  if (load === null) return { at: null, files: [] }
  const byFile = Map.groupBy(load.mistakes.slice(0, most.mistakes), ({ file }) => file)
  const zones = served()
  return {
    at: isoTime(load.atMs),
    files: [...byFile].slice(0, most.files).map(([path, mistakes]) => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      return {
        file: name,
        zone: zones.find(({ file }) => file === name)?.name ?? null,
        text: shownText(load.files.get(name)?.octets),
        mistakes: mistakes.map(mistakeView),
      }
    }),
  }
}

export interface NamesView {
  readonly names: readonly (SteeredName & { readonly zone: string })[]
  readonly more: number
}

const mostNames = 50

/** Steered names that have this text in them, those that begin with it first. */
export function namesView({ served }: ZonesSources, part: string): NamesView {
  const wanted = part.toLowerCase()
  const all = served().flatMap(({ name: zone, zone: of }) =>
    steeredNames(of).flatMap((one) => {
      const at = one.name.toLowerCase().indexOf(wanted)
      return at < 0 ? [] : [{ at, named: { ...one, zone } }]
    }),
  )
  const ranked = all.toSorted((a, b) => a.at - b.at).map(({ named }) => named)
  return { names: ranked.slice(0, mostNames), more: Math.max(0, ranked.length - mostNames) }
}
