// Overrides in the store: one hash, a JSON record per override. What an operator orders is in force here at once; the
// store gets it with the next sync, or when it is back if it is out of reach.
//
//   in the store, not here     another instance set it
//   here, not in the store     another instance removed it; if the store has lost its data, it is written again
//   set while it was away      is written, unless the one in the store was set later
//
// With a secret: a forged record is not there, and what is known in its place is written again; an override that was
// removed, replaced or expired at this instance and lies in the store again is a replay, and is removed again.
//   of a target of no zone     kept while there is room: another instance may have a newer zone file

import { z } from 'zod'
import {
  expireOverrides,
  keyOfOverride,
  type Override,
  overrideLimit,
  setOverride,
  withinOverrideLimits,
} from '../../health/overrides.ts'
import { hintCommand } from '../own-votes.ts'
import type { OverrideChanges, OverrideStore, SetOverrideResult } from '../cluster-votes.ts'
import type { StoredFields } from './bounded-read.ts'
import { KnownFields } from './known-fields.ts'
import {
  isInstanceName,
  latestTimeMs,
  maxRecordLength,
  parseJsonRecord,
  printablePattern,
  type StateKeys,
} from './schema.ts'
import type { Command } from '../link/command.ts'
import { isSealedAsOurs, type StoreSeals } from './store-seals.ts'

/** A change that the store does not have yet; null removes the override. */
type Pending = Override | null

/** A value of the hash and the record that it is; null if it is none. */
interface ReadRecord {
  readonly value: unknown
  /** null if the value is not a record of an override, or is ignored. */
  readonly record: OverrideRecord | null
  /** Whether it is not authentic. */
  readonly isIgnored: boolean
  /** Whether this instance would seal it the same way. */
  readonly isSealed: boolean
  /** Whether the same value is to be read the same way next time. */
  readonly isLasting: boolean
}

/** What all fields of the hash come to. */
interface RecordsRead {
  readonly stored: Map<string, Override>
  readonly origins: Map<Override, string | null>
  rejected: number
}

/** An override as it is stored. */
interface OverrideRecord {
  readonly override: Override
  /** Name of the instance that received it, for the logs of the others; null if the record has none. */
  readonly from: string | null
}

const text = (min: number, max: number): z.ZodString =>
  z.string().min(min).max(max).regex(printablePattern)

const time = z.number().gt(0).lt(latestTimeMs)

const weightSchema = z.discriminatedUnion('unit', [
  z.object({ unit: z.literal('factor'), value: z.number().min(0).max(100) }),
  z.object({ unit: z.literal('absolute'), value: z.number().min(0).max(65_535) }),
  z.object({ unit: z.literal('share'), value: z.number().min(0).max(0.99) }),
])

const actionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['drain', 'disable', 'up']) }),
  z.object({ kind: z.literal('weight'), weight: weightSchema }),
])

/** Fields that are not listed are ignored, so that a later version can add some. */
const recordSchema = z
  .object({
    id: text(1, 64),
    zone: text(1, 255),
    target: text(1, 255),
    pool: text(1, 255).nullable(),
    action: actionSchema,
    why: text(0, 200),
    by: text(0, 100),
    setMs: time,
    untilMs: time.nullable(),
    from: z.unknown().optional(),
  })
  .refine(({ untilMs, action }) => untilMs !== null || action.kind === 'disable')

/** The record of an override; `from` is the instance that received it. */
export const formatOverride = (override: Override, from?: string): string =>
  JSON.stringify({ ...override, from })

/** null if the value is not a record of an override. */
export function parseOverride(value: unknown): OverrideRecord | null {
  const record = parseJsonRecord(recordSchema, value, maxRecordLength)
  if (record === null) return null
  const { from, ...override } = record
  return { override, from: isInstanceName(from) ? from : null }
}

interface RedisOverridesOptions {
  readonly keys: StateKeys
  readonly instance: string
  readonly seals: StoreSeals
  /** Called when there is something to write. */
  readonly onPending: () => void
}

/** Overrides that ended here whose replays are recognised. */
const endedLimit = 2 * overrideLimit

export class RedisOverrides implements OverrideStore {
  readonly isPersistent = true
  readonly #options: RedisOverridesOptions
  readonly #listeners = new Set<(change: OverrideChanges) => void>()
  /** Key of an override → the change to be written. */
  readonly #pending = new Map<string, Pending>()
  /** The part of `#pending` that `pendingCommands` returned last. */
  #inFlight: ReadonlyMap<string, Pending> = new Map()
  readonly #known = new KnownFields()
  /** What the fields of the hash were when they were last read, so that they are parsed once. */
  #records: ReadonlyMap<string, ReadRecord> = new Map()
  #list: readonly Override[] = []
  /** Ids of overrides that ended at this instance, oldest first. */
  readonly #ended = new Set<string>()
  /** Whether the overrides in the store have been read, and what another secret sealed been written again. */
  #hasRead = false

  constructor(options: RedisOverridesOptions) {
    this.#options = options
  }

  list(): readonly Override[] {
    return this.#list
  }

  setKnownKeys(keys: ReadonlySet<string>): void {
    this.#known.replace(keys)
    this.#list = withinOverrideLimits(this.#list, this.#isKnown)
  }

  /** Fields of overrides of known targets, in turns, to be read of a store that has too many to read all. */
  nextKnownKeys(): readonly string[] {
    return this.#known.next()
  }

  set(override: Override): SetOverrideResult {
    const result = setOverride(this.#list, override, this.#isKnown)
    if (result.kind === 'full') return result
    this.#list = result.list
    if (result.replaced) this.#noteEnd(result.replaced)
    this.#queueWrite(keyOfOverride(override), override)
    return { kind: 'set', replaced: result.replaced }
  }

  remove(id: string): Override | null {
    const removed = this.#list.find((one) => one.id === id) ?? null
    if (removed === null) return null
    this.#list = this.#list.filter((one) => one !== removed)
    this.#noteEnd(removed)
    this.#queueWrite(keyOfOverride(removed), null)
    return removed
  }

  expire(nowMs: number): readonly Override[] {
    const expiry = expireOverrides(this.#list, nowMs)
    this.#list = expiry.list
    // Overrides do not expire in the store by themselves: the first instance that finds one expired removes it.
    for (const one of expiry.ended) {
      this.#noteEnd(one)
      this.#queueWrite(keyOfOverride(one), null)
    }
    return expiry.ended
  }

  subscribe(onForeignChange: (change: OverrideChanges) => void): () => void {
    this.#listeners.add(onForeignChange)
    return () => void this.#listeners.delete(onForeignChange)
  }

  /**
   * Takes over the contents of the store, keeping pending changes, and what is known of fields that were not read.
   * Returns the number of records rejected. `isStoreEmptied`: the store has lost its data, so what is known here is written again.
   */
  applyStored({ fields, asked }: StoredFields, isStoreEmptied: boolean): number {
    const { stored, origins, rejected } = this.#readRecords(fields)
    const read = asked && new Set(asked)
    for (const one of this.#list)
      if (read?.has(keyOfOverride(one)) === false) stored.set(keyOfOverride(one), one)
    if (isStoreEmptied) for (const one of this.#list) this.#restore(one)
    for (const [key, override] of this.#pending) {
      const current = stored.get(key)
      if (override && current && current.setMs > override.setMs) this.#pending.delete(key)
      else if (override) stored.set(key, override)
      else stored.delete(key)
    }
    const oldestFirst = [...stored.values()].sort((a, b) => a.setMs - b.setMs)
    const next = withinOverrideLimits(oldestFirst, this.#isKnown)
    const change = compareLists(this.#list, next, origins)
    this.#list = next
    if (change.set.length + change.removed.length > 0)
      for (const call of this.#listeners) call(change)
    return rejected
  }

  /** Commands that write the pending changes, and a hint; to be asked for after `applyStored`. */
  pendingCommands(): readonly Command[] {
    const { keys, instance, seals } = this.#options
    this.#inFlight = new Map(this.#pending)
    if (this.#inFlight.size === 0) return []
    const commands = [...this.#inFlight].map(([key, override]): Command => {
      if (override === null) return ['hdel', keys.overrides, key]
      const place = { key: keys.overrides, field: key }
      return ['hset', keys.overrides, key, seals.sign(place, formatOverride(override, instance))]
    })
    return [...commands, hintCommand(keys, { instance, about: 'overrides' })]
  }

  /** The store has executed the commands of `pendingCommands`. */
  confirmWritten(): void {
    for (const [key, override] of this.#inFlight)
      if (this.#pending.get(key) === override) this.#pending.delete(key)
    this.#inFlight = new Map()
  }

  hasPending(): boolean {
    return this.#pending.size > 0
  }

  readonly #isKnown = (override: Override): boolean => this.#known.has(keyOfOverride(override))

  #readRecords(fields: readonly unknown[]): RecordsRead {
    const read: RecordsRead = { stored: new Map(), origins: new Map(), rejected: 0 }
    const records = new Map<string, ReadRecord>()
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const field = String(fields[i])
      const record = this.#readRecord(field, fields[i + 1])
      records.set(field, record)
      this.#addRecord(read, field, record)
    }
    this.#records = records
    this.#hasRead = true
    return read
  }

  /** What is not authentic is opened every time, so that it is counted. */
  #readRecord(field: string, value: unknown): ReadRecord {
    const before = this.#records.get(field)
    if (before?.isLasting && before.value === value) return before
    const { seals, keys } = this.#options
    const opened = seals.openSigned('override', { key: keys.overrides, field }, value)
    const record = opened.kind === 'record' ? parseOverride(opened.value) : null
    const isSealed = isSealedAsOurs(opened)
    const isIgnored = opened.kind === 'ignored'
    return { value, record, isIgnored, isSealed, isLasting: isSealed || !seals.isSealing }
  }

  /** The field of each record must be the key of its override, or one record could hide behind another. */
  #addRecord(read: RecordsRead, field: string, { record, isIgnored, isSealed }: ReadRecord): void {
    const { seals } = this.#options
    const isValid = record !== null && keyOfOverride(record.override) === field
    if (!isValid && !isIgnored) read.rejected++
    if (!isValid || this.#isReplay(record)) {
      if (seals.isRequired) this.#correct(read, field, isValid)
      return
    }
    read.stored.set(field, record.override)
    read.origins.set(record.override, record.from)
    if (seals.isSealing && !this.#hasRead && !isSealed) this.#restore(record.override)
  }

  #isReplay({ override, from }: OverrideRecord): boolean {
    const { seals } = this.#options
    const isEnded = seals.isRequired && this.#ended.has(override.id)
    if (!isEnded || this.#pending.has(keyOfOverride(override))) return false
    seals.reportReplay('override', from)
    return true
  }

  /** The store has something else where an override is known, or has one again that ended here. */
  #correct({ stored }: RecordsRead, key: string, isReplay: boolean): void {
    const known = this.#list.find((one) => keyOfOverride(one) === key)
    if (known) stored.set(key, known)
    if (known) this.#restore(known)
    else if (isReplay) this.#queueWrite(key, null)
  }

  #noteEnd({ id }: Override): void {
    this.#ended.add(id)
    for (const oldest of this.#ended) {
      if (this.#ended.size <= endedLimit) break
      this.#ended.delete(oldest)
    }
  }

  #restore(override: Override): void {
    const key = keyOfOverride(override)
    if (!this.#pending.has(key)) this.#pending.set(key, override)
  }

  #queueWrite(key: string, change: Pending): void {
    // Removing and setting again keeps one entry per key, so the bound is seldom reached.
    if (this.#pending.size < 2 * overrideLimit || this.#pending.has(key))
      this.#pending.set(key, change)
    this.#options.onPending()
  }
}

function compareLists(
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
