// The keys in force in this process. They are read with the zones, and come into force together with them or not at all.

import { isDeepStrictEqual } from 'node:util'

import { type Name, type NameKey, nameToText } from '../wire/name.ts'
import type { Zone } from '../zone/zone.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { Admitted } from '../zonefile/zone-keeper.ts'
import { keyDiagnostic, keyTimeText, type ZoneKey } from './key-file.ts'
import { firstForeignGap } from './key-set.ts'
import { type KeysRead, readKeys, type ZoneKeys } from './key-folder.ts'
import { KeyViews, type ZoneKeysView } from './key-view.ts'
import { type ZoneKeysData, zoneKeysData } from './keys-in-force.ts'
import type { SigningTime } from './signing-clock.ts'

export interface KeyKeeper {
  /** null: the settings name none. */
  readonly folder: string | null
  /** Reads the keys of those zones that are signed, and puts them in force if all can be. Changed: another key, or time. */
  admit(zones: Iterable<Zone>): Promise<Admitted>
  /** For the answering threads: the same object until other keys are in force. */
  current(): readonly ZoneKeysData[]
  /** What the keys in force do now. */
  views(): readonly ZoneKeysView[]
}

/** `time`: what keys go by. The first keys that are read tell it that they have been made. */
export function createKeyKeeper(
  folder: string | null,
  time: Pick<SigningTime, 'nowMs' | 'learn'>,
): KeyKeeper {
  const views = new KeyViews()
  let isFirst = true
  const nowMs = (keys: ZoneKeys): number => {
    if (isFirst) time.learn(lastCreatedMs(keys))
    isFirst = false
    return time.nowMs()
  }
  let inForce: ZoneKeys = new Map()
  /** Zones that are signed, and are not to become unsigned. */
  let bound: ReadonlySet<NameKey> = new Set()
  let data: readonly ZoneKeysData[] = []
  return {
    folder,
    async admit(zones) {
      const all = [...zones]
      const dropped = droppedFrom(bound, all)
      const read = await readKeysOf(folder, signedOf(all), inForce, nowMs)
      const keys = read.kind === 'read' ? read.keys : new Map<NameKey, readonly ZoneKey[]>()
      const gaps = foreignGapsOf(all, keys, time.nowMs())
      const isRefused = dropped.length > 0 || gaps.some(({ severity }) => severity === 'error')
      if (read.kind === 'rejected' || isRefused) {
        const diagnostics = read.kind === 'rejected' ? read.diagnostics : read.warnings
        return { kind: 'rejected', diagnostics: [...dropped, ...gaps, ...diagnostics] }
      }
      const next = zoneKeysData(read.keys)
      const isChanged = !isDeepStrictEqual(data, next)
      inForce = read.keys
      bound = new Set(all.filter(isBound).map(({ apexKey }) => apexKey))
      if (isChanged) data = next
      return { kind: 'admitted', warnings: [...read.warnings, ...gaps], isChanged }
    },
    current: () => data,
    views: () => views.at(inForce, time.nowMs()),
  }
}

/** When the newest of the keys was made, milliseconds since 1970; 0: none says so. */
const lastCreatedMs = (keys: ZoneKeys): number =>
  Math.max(0, ...[...keys.values()].flat().map(({ times }) => times.createdMs ?? 0))

const isBound = ({ signing }: Zone): boolean => signing !== null && !signing.isUnsigning

/**
 * Resolvers refuse the answers of a zone that is no longer signed for as long as its parent has a DS. A zone that is served
 * no more is somebody else's matter.
 */
const droppedFrom = (bound: ReadonlySet<NameKey>, zones: readonly Zone[]): readonly Diagnostic[] =>
  zones
    .filter(({ apexKey, signing }) => signing === null && bound.has(apexKey))
    .map(({ apex }) => {
      const message = `the zone is signed, and "dnssec" is gone from its file: write dnssec: { unsign: true } until the parent has no DS of it any more`
      return keyDiagnostic(nameToText(apex), 0, 'dnssec-dropped', message)
    })

/** Algorithms of keys of other signers with which no key here signs: now an error, later a warning. */
function foreignGapsOf(
  zones: readonly Zone[],
  keys: ZoneKeys,
  nowMs: number,
): readonly Diagnostic[] {
  return zones.flatMap(({ apex, apexKey, signing }) => {
    const foreign = signing?.foreignKeys.map((dnskey) => dnskey[3] as number) ?? []
    const gap = firstForeignGap(keys.get(apexKey) ?? [], foreign, nowMs)
    if (gap === null) return []
    const when = gap.atMs === nowMs ? '' : ` from ${keyTimeText(gap.atMs)} (UTC) on`
    const message = `algorithm ${gap.algorithm} is in DNSKEY by "foreign_keys", and no key of it here signs the zone${when}`
    const diagnostic = keyDiagnostic(nameToText(apex), 0, 'key-algorithm-gap', message)
    return [gap.atMs === nowMs ? diagnostic : { ...diagnostic, severity: 'warning' as const }]
  })
}

const signedOf = (zones: readonly Zone[]): readonly Name[] =>
  zones.filter(({ signing }) => signing !== null).map(({ apex }) => apex)

async function readKeysOf(
  folder: string | null,
  zones: readonly Name[],
  before: ZoneKeys,
  nowMs: (keys: ZoneKeys) => number,
): Promise<KeysRead> {
  if (zones.length === 0) return { kind: 'read', keys: new Map(), warnings: [] }
  if (folder !== null) return readKeys({ folder, zones, nowMs, before })
  const diagnostics = zones.map((zone) => {
    const message = `the settings name no folder of keys, and its zone file has "dnssec": expected dnssec: { keys: DIR }`
    return keyDiagnostic(nameToText(zone), 0, 'dnssec-no-key', message)
  })
  return { kind: 'rejected', diagnostics }
}
