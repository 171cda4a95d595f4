// What the keys of each zone do, and what they come to if nobody does anything, for metrics and problems: read every second,
// and worked out anew when a key changes its state.

import { type Name, type NameKey, nameToBareText, rootName } from '../wire/name.ts'
import type { ZoneKeys } from './key-folder.ts'
import {
  firstRefusal,
  isEntryPoint,
  type KeyState,
  keyRolesAt,
  keyRolesInForce,
  keyStateAt,
  type TimedKey,
} from './key-set.ts'
import { responseDueMs } from './offline/mistakes.ts'
import {
  isInPeriod,
  type OfflineKeys,
  offlineRefusal,
  offlineRolesAt,
  offlineStateAt,
} from './offline/periods.ts'

/** Times in milliseconds since 1970. */
export interface ZoneKeysView {
  /** Name of the zone, without the final dot. */
  readonly zone: string
  readonly apex: Name
  readonly keys: readonly {
    readonly tag: number
    readonly algorithm: number
    readonly state: KeyState
  }[]
  /** DNSKEY rdata of the keys that sign DNSKEY now. */
  readonly entryPoints: readonly Uint8Array[]
  /** When an answer changes next because of a key; null: never. */
  readonly nextEventMs: number | null
  /** When the keys cannot sign the zone any more if nobody does anything, and why; null: never. */
  readonly refusal: {
    readonly atMs: number
    readonly why: string
    /** From when on it is to be told of, the present included. */
    readonly isDue: boolean
  } | null
  /** They cannot do what their files say now, and go on as before. */
  readonly goesOnAsBefore: boolean
  /** Resolvers that validate cannot be answered: what an offline key has signed has run out. */
  readonly hasLapsed: boolean
}

/** So many zones and keys of a zone are shown. */
const maxZones = 1000
const maxKeys = 16

export class KeyViews {
  #keys: ZoneKeys = new Map()
  #views: readonly ZoneKeysView[] = []
  /** When the views hold, milliseconds since 1970. */
  #fromMs = Infinity
  #untilMs = -Infinity

  /** The zones in the order of the keys. */
  at(
    keys: ZoneKeys,
    offline: ReadonlyMap<NameKey, OfflineKeys>,
    nowMs: number,
  ): readonly ZoneKeysView[] {
    if (keys === this.#keys && nowMs >= this.#fromMs && nowMs < this.#untilMs) return this.#views
    const shown = [...keys].filter(([, own]) => own.length > 0).slice(0, maxZones)
    this.#keys = keys
    this.#views = shown.map(([apexKey, own]) => {
      const response = offline.get(apexKey)
      return response ? offlineView(own, response, nowMs) : viewOf(own, nowMs)
    })
    this.#fromMs = nowMs
    // A response becomes due between two changes.
    const lookAgainMs = offline.size > 0 ? nowMs + 3_600_000 : Infinity
    const events = this.#views.map(({ nextEventMs }) => nextEventMs ?? Infinity)
    this.#untilMs = Math.min(lookAgainMs, ...events)
    return this.#views
  }
}

type OwnKeys = ZoneKeys extends ReadonlyMap<unknown, infer Keys> ? Keys : never

function viewOf(keys: OwnKeys, nowMs: number): ZoneKeysView {
  const apex = keys[0]?.zone ?? rootName
  const refusal = firstRefusal(keys, nowMs)
  const roles = keyRolesInForce(keys, nowMs)
  return {
    zone: nameToBareText(apex),
    apex,
    keys: keys.slice(0, maxKeys).map((key) => keyView(key, nowMs)),
    entryPoints: roles?.keySigners.map(({ dnskey }) => dnskey) ?? [],
    nextEventMs: roles?.nextEventMs ?? null,
    refusal: refusal && { atMs: refusal.atMs, why: refusal.refused.why, isDue: true },
    goesOnAsBefore: keyRolesAt(keys, nowMs).kind === 'refused',
    hasLapsed: false,
  }
}

function offlineView(keys: OwnKeys, offline: OfflineKeys, nowMs: number): ZoneKeysView {
  const { period, hasLapsed, dataSigners, nextEventMs } = offlineRolesAt(keys, offline, nowMs)
  const refusal = offlineRefusal(keys, offline, nowMs)
  const entries = offline.entryPoints.map((key) => ({
    tag: key.tag,
    algorithm: key.algorithm,
    state: offlineStateAt(key, keys, offline, nowMs),
  }))
  const apex = keys[0]?.zone ?? rootName
  const others = keys.filter((key) => !isEntryPoint(key)).map((key) => keyView(key, nowMs))
  return {
    zone: nameToBareText(apex),
    apex,
    keys: [...entries, ...others].slice(0, maxKeys),
    entryPoints: offline.entryPoints
      .filter((key) => isInPeriod(period, key))
      .map(({ dnskey }) => dnskey),
    nextEventMs,
    refusal: refusal && {
      atMs: refusal.atMs,
      why: refusal.refused.why,
      isDue: !refusal.isByTime || refusal.atMs - nowMs < responseDueMs,
    },
    goesOnAsBefore: false,
    hasLapsed: hasLapsed || dataSigners.length === 0,
  }
}

const keyView = (key: TimedKey, nowMs: number): ZoneKeysView['keys'][number] => ({
  tag: key.tag,
  algorithm: key.algorithm,
  state: keyStateAt(key, nowMs),
})
