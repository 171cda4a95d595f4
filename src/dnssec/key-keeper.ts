// The keys in force in this process. They are read with the zones, and come into force together with them or not at all.

import { isDeepStrictEqual } from 'node:util'

import type { SignedZones } from '../persistence/state-format.ts'
import { keyOfName, type Name, type NameKey, nameToBareText, nameToText } from '../wire/name.ts'
import type { Zone } from '../zone/zone.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import type { ZonePlaces } from '../coherence/zone-places.ts'
import type { Admitted } from '../zonefile/zone-keeper.ts'
import { keyDiagnostic, keyTimeText, type ZoneKey } from './key-file.ts'
import { firstForeignGap } from './key-set.ts'
import { type KeysRead, readKeys, type ZoneKeys } from './key-folder.ts'
import { digestKeys, type KnownKey, rememberedKeys, rememberZones } from './key-memory.ts'
import { KeyViews, type ZoneKeysView } from './key-view.ts'
import { type ZoneKeysData, zoneKeysData } from './keys-in-force.ts'
import { type OfflineKeys, unansweredWishes } from './offline/periods.ts'
import type { SigningTime } from './signing-clock.ts'

export interface KeyKeeper {
  /** null: the settings name none. */
  readonly folder: string | null
  /**
   * Reads the keys of those zones that are signed, and puts them in force if all can be. Changed: another key, or time.
   * `places`: where their files say what they are.
   */
  admit(zones: Iterable<Zone>, places?: ZonePlaces): Promise<Admitted>
  /** For the answering threads: the same object until other keys are in force. */
  current(): readonly ZoneKeysData[]
  /** What the keys in force do now. */
  views(): readonly ZoneKeysView[]
  /** Digest of the public keys and their times, to compare instances; empty: no zone is signed. */
  digest(): string
  /** What a later process has to know. */
  remembered(): SignedZones
}

/** What an earlier process knew. */
interface KeyMemory {
  readonly signed: SignedZones
  /** Names of zones, without the final dot and in lower case, that may become unsigned by this start. */
  readonly forceUnsigned: readonly string[]
}

const noMemory: KeyMemory = { signed: new Map(), forceUnsigned: [] }

/** `time`: what keys go by. The first keys that are read tell it that they have been made. */
export const createKeyKeeper = (
  folder: string | null,
  time: Pick<SigningTime, 'nowMs' | 'learn'>,
  memory: KeyMemory = noMemory,
): KeyKeeper => new FolderKeeper(folder, time, memory)

class FolderKeeper implements KeyKeeper {
  readonly folder: string | null
  readonly #time: Pick<SigningTime, 'nowMs' | 'learn'>
  readonly #views = new KeyViews()
  /** null: keys have been read since. */
  #memory: KeyMemory | null
  #inForce: ZoneKeys = new Map()
  #offline: ReadonlyMap<NameKey, OfflineKeys> = new Map()
  /** Those that are signed. */
  #zones: readonly Zone[] = []
  #data: readonly ZoneKeysData[] = []

  constructor(
    folder: string | null,
    time: Pick<SigningTime, 'nowMs' | 'learn'>,
    memory: KeyMemory,
  ) {
    this.folder = folder
    this.#time = time
    this.#memory = memory
  }

  async admit(zones: Iterable<Zone>, places: ZonePlaces = new Map()): Promise<Admitted> {
    const all = [...zones]
    const dropped = all
      .filter((zone) => zone.signing === null && this.#isBound(zone))
      .map((zone) => dropping(zone, places))
    const signed = all.filter(({ signing }) => signing !== null)
    const read = await this.#read(signed, places)
    const keys = read.kind === 'read' ? read.keys : new Map<NameKey, readonly ZoneKey[]>()
    const offline = read.kind === 'read' ? read.offline : new Map<NameKey, OfflineKeys>()
    const nowMs = this.#time.nowMs()
    const gaps = signed.flatMap((zone) => {
      const own = keys.get(zone.apexKey) ?? []
      const response = offline.get(zone.apexKey)
      return response === undefined
        ? foreignGaps(zone, own, places, nowMs)
        : unansweredWishes(zone, own, response, nowMs).map((message) => ({
            ...placed(zone.apex, places, 'key-response', message),
            severity: 'warning' as const,
          }))
    })
    const isRefused = dropped.length > 0 || gaps.some(({ severity }) => severity === 'error')
    if (read.kind === 'rejected' || isRefused) {
      const diagnostics = read.kind === 'rejected' ? read.diagnostics : read.warnings
      return { kind: 'rejected', diagnostics: [...dropped, ...gaps, ...diagnostics] }
    }
    const next = zoneKeysData(read.keys, offline)
    const isChanged = !isDeepStrictEqual(this.#data, next)
    this.#inForce = read.keys
    this.#offline = offline
    this.#zones = signed
    this.#memory = null
    if (isChanged) this.#data = next
    return { kind: 'admitted', warnings: [...read.warnings, ...gaps], isChanged }
  }

  current(): readonly ZoneKeysData[] {
    return this.#data
  }

  views(): readonly ZoneKeysView[] {
    return this.#views.at(this.#inForce, this.#offline, this.#time.nowMs())
  }

  digest(): string {
    return digestKeys(this.#inForce, this.#offline)
  }

  remembered(): SignedZones {
    return rememberZones(this.#zones, (apexKey) => this.#inForce.get(apexKey) ?? [])
  }

  /** Whether a zone was signed, and not to become unsigned. */
  #isBound({ apex, apexKey }: Zone): boolean {
    if (this.#memory === null)
      return this.#zones.some((one) => one.apexKey === apexKey && !one.signing?.isUnsigning)
    const name = nameToBareText(apex)
    const before = this.#memory.signed.get(name)
    if (before === undefined || before.isUnsigning) return false
    return !this.#memory.forceUnsigned.includes(name)
  }

  async #read(signed: readonly Zone[], places: ZonePlaces): Promise<KeysRead> {
    if (signed.length === 0)
      return { kind: 'read', keys: new Map(), offline: new Map(), warnings: [] }
    const { folder } = this
    if (folder === null)
      return { kind: 'rejected', diagnostics: signed.map((zone) => lackingFolder(zone, places)) }
    const nowMs = (keys: ZoneKeys): number => {
      if (this.#memory !== null) this.#time.learn(lastCreatedMs(keys))
      return this.#time.nowMs()
    }
    const zones = signed.map(({ apex }) => apex)
    return readKeys({
      folder,
      zones,
      nowMs,
      before: this.#before(zones),
      ...(this.#memory === null && { offlineBefore: this.#offline }),
    })
  }

  #before(zones: readonly Name[]): ReadonlyMap<NameKey, readonly KnownKey[]> {
    const memory = this.#memory
    if (memory === null) return this.#inForce
    return new Map(
      zones.map((apex) => {
        const before = memory.signed.get(nameToBareText(apex))
        return [keyOfName(apex), before === undefined ? [] : rememberedKeys(apex, before)]
      }),
    )
  }
}

/** When the newest of the keys was made, milliseconds since 1970; 0: none says so. */
const lastCreatedMs = (keys: ZoneKeys): number =>
  [...keys.values()].flat().reduce((last, { times }) => Math.max(last, times.createdMs ?? 0), 0)

/**
 * Resolvers refuse the answers of a zone that is no longer signed for as long as its parent has a DS. A zone that is served
 * no more is somebody else's matter.
 */
const dropping = ({ apex }: Zone, places: ZonePlaces): Diagnostic =>
  placed(
    apex,
    places,
    'dnssec-dropped',
    `the zone is signed, and "dnssec" is gone from its file: write dnssec: { unsign: true } until the parent has no DS of it any more`,
  )

const lackingFolder = ({ apex }: Zone, places: ZonePlaces): Diagnostic =>
  placed(
    apex,
    places,
    'dnssec-no-key',
    `the settings name no folder of keys, and its zone file has "dnssec": expected dnssec: { keys: DIR }`,
  )

/** An algorithm of keys of other signers with which no key here signs: now an error, later a warning. */
function foreignGaps(
  { apex, signing }: Zone,
  keys: readonly ZoneKey[],
  places: ZonePlaces,
  nowMs: number,
): readonly Diagnostic[] {
  const foreign = signing?.foreignKeys.map((dnskey) => dnskey[3] as number) ?? []
  const gap = firstForeignGap(keys, foreign, nowMs)
  if (gap === null) return []
  const when = gap.atMs === nowMs ? '' : ` from ${keyTimeText(gap.atMs)} (UTC) on`
  const message = `algorithm ${gap.algorithm} is in DNSKEY by "foreign_keys", and no key of it here signs the zone${when}`
  const diagnostic = placed(apex, places, 'key-algorithm-gap', message)
  return [gap.atMs === nowMs ? diagnostic : { ...diagnostic, severity: 'warning' }]
}

/** A mistake of a zone, in its file where that is known. */
function placed(
  apex: Name,
  places: ZonePlaces,
  code: 'dnssec-dropped' | 'dnssec-no-key' | 'key-algorithm-gap' | 'key-response',
  message: string,
): Diagnostic {
  const place = places.get(nameToBareText(apex))
  const diagnostic = keyDiagnostic(place?.file ?? nameToText(apex), 0, code, message)
  return place === undefined ? diagnostic : { ...diagnostic, ...place }
}
