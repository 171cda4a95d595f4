// Overrides that lie in the store. What an operator says holds here at once; the store hears of it with the next turn,
// and if it is away, when it comes back.
//
//   in the store, not here     another instance set it
//   here, not in the store     another instance undid it; or, if the store lost its memory, it is put back
//   said while it was away     is written, unless what lies there was set later

import {
  expireOverrides,
  keyOfOverride,
  type Override,
  type OverrideAction,
  overrideLimit,
  type OverrideWeight,
  setOverride,
} from '../../health/overrides.ts'
import { hintCommand } from '../own-votes.ts'
import type { OverrideChanges, OverrideStore, SetOverrideResult } from '../cluster-votes.ts'
import { type StateKeys, isInstanceName } from './schema.ts'
import type { Command } from './redis-link.ts'

/** null: it is undone. */
type Said = Override | null

export const formatOverride = (override: Override, from?: string): string =>
  JSON.stringify({ ...override, from })

const longestRecord = 2048

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' &&
  value.length >= min &&
  value.length <= max &&
  !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(value)

/** Up to the year 9999. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && value < 253_402_300_800_000

const weightLimits = { factor: 100, absolute: 65_535, share: 0.99 }

export class RedisOverrides implements OverrideStore {
  readonly isPersistent = true
  readonly #onSaid: () => void
  readonly #instance: string
  readonly #listeners = new Set<(change: OverrideChanges) => void>()
  /** What the store is to hear. */
  readonly #said = new Map<string, Said>()
  #inFlight: ReadonlyMap<string, Said> = new Map()
  #list: readonly Override[] = []

  constructor(instance: string, onSaid: () => void) {
    this.#instance = instance
    this.#onSaid = onSaid
  }

  list(): readonly Override[] {
    return this.#list
  }

  set(override: Override): SetOverrideResult {
    const taken = setOverride(this.#list, override)
    if (taken.kind === 'full') return taken
    this.#list = taken.list
    this.#say(keyOfOverride(override), override)
    return { kind: 'set', replaced: taken.replaced }
  }

  remove(id: string): Override | null {
    const removed = this.#list.find((one) => one.id === id) ?? null
    if (removed === null) return null
    this.#list = this.#list.filter((one) => one !== removed)
    this.#say(keyOfOverride(removed), null)
    return removed
  }

  expire(nowMs: number): readonly Override[] {
    const expiry = expireOverrides(this.#list, nowMs)
    this.#list = expiry.list
    // The store keeps no clock of ours: whoever sees that one has ended takes it out.
    for (const one of expiry.ended) this.#say(keyOfOverride(one), null)
    return expiry.ended
  }

  subscribe(onForeignChange: (change: OverrideChanges) => void): () => void {
    this.#listeners.add(onForeignChange)
    return () => void this.#listeners.delete(onForeignChange)
  }

  /** Takes in all that lies in the store: fields and values in turn. How many of them were no good. */
  applyStored(fields: readonly unknown[], isStoreEmptied: boolean): number {
    const { found, origins, rejected } = readFields(fields)
    if (isStoreEmptied) for (const one of this.#list) this.#putBack(one)
    for (const [key, override] of this.#said) {
      const there = found.get(key)
      if (override && there && there.setMs > override.setMs) this.#said.delete(key)
      else if (override) found.set(key, override)
      else found.delete(key)
    }
    const next = [...found.values()].sort((a, b) => a.setMs - b.setMs).slice(0, overrideLimit)
    const change = compare(this.#list, next, origins)
    this.#list = next
    if (change.set.length + change.removed.length > 0)
      for (const call of this.#listeners) call(change)
    return rejected
  }

  /** What the store is to be told, after `receive`. */
  pendingCommands(keys: StateKeys, instance: string): readonly Command[] {
    this.#inFlight = new Map(this.#said)
    if (this.#inFlight.size === 0) return []
    const commands = [...this.#inFlight].map(([key, override]): Command => {
      if (override === null) return ['hdel', keys.overrides, key]
      return ['hset', keys.overrides, key, formatOverride(override, this.#instance)]
    })
    return [...commands, hintCommand(keys, { instance, about: 'overrides' })]
  }

  /** It heard of it. */
  confirmWritten(): void {
    for (const [key, override] of this.#inFlight)
      if (this.#said.get(key) === override) this.#said.delete(key)
    this.#inFlight = new Map()
  }

  hasPending(): boolean {
    return this.#said.size > 0
  }

  #putBack(override: Override): void {
    const key = keyOfOverride(override)
    if (!this.#said.has(key)) this.#said.set(key, override)
  }

  #say(key: string, override: Said): void {
    // What is undone and set again keeps one entry a key, so there are never many more than may be in force.
    if (this.#said.size < 2 * overrideLimit || this.#said.has(key)) this.#said.set(key, override)
    this.#onSaid()
  }
}

/** The key of each must be what the override says, or one could hide behind another. */
function readFields(fields: readonly unknown[]): {
  readonly found: Map<string, Override>
  readonly origins: ReadonlyMap<Override, string | null>
  readonly rejected: number
} {
  const found = new Map<string, Override>()
  const origins = new Map<Override, string | null>()
  let rejected = 0
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const override = parseOverride(fields[i + 1])
    if (override === null || keyOfOverride(override) !== fields[i]) {
      rejected++
      continue
    }
    found.set(keyOfOverride(override), override)
    origins.set(override, parseOrigin(fields[i + 1]))
  }
  return { found, origins, rejected }
}

function compare(
  before: readonly Override[],
  next: readonly Override[],
  origins: ReadonlyMap<Override, string | null>,
): OverrideChanges {
  const textsBefore = new Set(before.map((one) => formatOverride(one)))
  const texts = new Set(next.map((one) => formatOverride(one)))
  const keys = new Set(next.map(keyOfOverride))
  return {
    set: next
      .filter((one) => !textsBefore.has(formatOverride(one)))
      .map((override) => ({ override, from: origins.get(override) ?? null })),
    removed: before
      .filter((one) => !texts.has(formatOverride(one)))
      .map((override) => ({ override, isReplaced: keys.has(keyOfOverride(override)) })),
  }
}

// An override as it lies in the store: JSON with these fields, read as strictly as an admin request is, and `from`: the
// instance that was told, for the logs of the others.

/** null: not one. */
export function parseOverride(value: unknown): Override | null {
  const given = readJson(value)
  if (given === null) return null
  const action = readAction(given['action'])
  const { id, zone, target, pool, why, by, setMs, untilMs } = given
  const isNamed = isText(id, 1, 64) && isText(zone, 1, 255) && isText(target, 1, 255)
  if (action === null || !isNamed || !(pool === null || isText(pool, 1, 255))) return null
  if (!isText(why, 0, 200) || !isText(by, 0, 100)) return null
  if (!isTime(setMs)) return null
  const named = { id, zone, target, pool, action, why, by, setMs }
  if (untilMs === null) return action.kind === 'disable' ? { ...named, untilMs } : null
  return isTime(untilMs) ? { ...named, untilMs } : null
}

/** Of what parseOverride takes; null: it is not told. */
function parseOrigin(value: unknown): string | null {
  const from = readJson(value)?.['from']
  return isInstanceName(from) ? from : null
}

function readJson(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'string' || value.length > longestRecord) return null
  try {
    const parsed: unknown = JSON.parse(value)
    return isMap(parsed) ? parsed : null
  } catch {
    return null
  }
}

function readAction(value: unknown): OverrideAction | null {
  if (!isMap(value)) return null
  const { kind, weight } = value
  if (kind === 'drain' || kind === 'disable' || kind === 'up') return { kind }
  const read = kind === 'weight' ? readWeight(weight) : null
  return read && { kind: 'weight', weight: read }
}

function readWeight(value: unknown): OverrideWeight | null {
  if (!isMap(value)) return null
  const { unit, value: amount } = value
  if (unit !== 'factor' && unit !== 'absolute' && unit !== 'share') return null
  if (typeof amount !== 'number' || !(amount >= 0 && amount <= weightLimits[unit])) return null
  return { unit, value: amount }
}
