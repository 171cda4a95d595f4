// What the keys of each zone do, and what they come to if nobody does anything, for metrics and problems: read every second,
// and worked out anew when a key changes its state.

import { nameToBareText, rootName } from '../wire/name.ts'
import type { ZoneKeys } from './key-folder.ts'
import {
  firstRefusal,
  type KeyState,
  keyRolesAt,
  keyRolesInForce,
  keyStateAt,
  type TimedKey,
} from './key-set.ts'

/** Times in milliseconds since 1970. */
export interface ZoneKeysView {
  /** Name of the zone, without the final dot. */
  readonly zone: string
  readonly keys: readonly {
    readonly tag: number
    readonly algorithm: number
    readonly state: KeyState
  }[]
  /** When an answer changes next because of a key; null: never. */
  readonly nextEventMs: number | null
  /** When the keys cannot sign the zone any more if nobody does anything, and why; null: never. */
  readonly refusal: { readonly atMs: number; readonly why: string } | null
  /** They cannot do what their files say now, and go on as before. */
  readonly goesOnAsBefore: boolean
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
  at(keys: ZoneKeys, nowMs: number): readonly ZoneKeysView[] {
    if (keys === this.#keys && nowMs >= this.#fromMs && nowMs < this.#untilMs) return this.#views
    const shown = [...keys.values()].filter((own) => own.length > 0).slice(0, maxZones)
    this.#keys = keys
    this.#views = shown.map((own) => viewOf(own, nowMs))
    this.#fromMs = nowMs
    this.#untilMs = Math.min(...this.#views.map(({ nextEventMs }) => nextEventMs ?? Infinity))
    return this.#views
  }
}

type OwnKeys = ZoneKeys extends ReadonlyMap<unknown, infer Keys> ? Keys : never

function viewOf(keys: OwnKeys, nowMs: number): ZoneKeysView {
  const zone = nameToBareText(keys[0]?.zone ?? rootName)
  const refusal = firstRefusal(keys, nowMs)
  return {
    zone,
    keys: keys.slice(0, maxKeys).map((key) => keyView(key, nowMs)),
    nextEventMs: keyRolesInForce(keys, nowMs)?.nextEventMs ?? null,
    refusal: refusal && { atMs: refusal.atMs, why: refusal.refused.why },
    goesOnAsBefore: keyRolesAt(keys, nowMs).kind === 'refused',
  }
}

const keyView = (key: TimedKey, nowMs: number): ZoneKeysView['keys'][number] => ({
  tag: key.tag,
  algorithm: key.algorithm,
  state: keyStateAt(key, nowMs),
})
