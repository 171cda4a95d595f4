// Feedback in the store: one hash with a field per target and writer, of which the latest report counts. It is read when
// a hint says that it has changed, at most three times per heartbeat, and every ten heartbeats anyway.
//
//   in the store, not here     reported to another instance
//   here, not in the store     withdrawn at another instance; if the store has lost its data, it is written again
//   reported while away        is written, unless the one in the store was reported later
//   expired for a minute       removed by the first instance that finds it
//   forged, and known here     is written again
//   of a target of no zone     kept while there is room: another instance may have a newer zone file
//
// A hash that is too large to be read whole is read by the fields of targets that zones here have.

import { z } from 'zod'
import { type Feedback, feedbackWriters } from '../../health/feedback.ts'
import { Standing } from '../../health/table.ts'
import type { Clock } from '../../lib/clock.ts'
import { hintCommand, inChunks } from '../own-votes.ts'
import type { FeedbackKey, FeedbackStore, SharedFeedback } from '../cluster-votes.ts'
import {
  countOf,
  readFields,
  type StoredFields,
  storedFields,
  usageCommand,
} from './bounded-read.ts'
import { KnownFields } from './known-fields.ts'
import type { OversizedRecords } from './oversized-records.ts'
import {
  latestTimeMs,
  maxRecordLength,
  maxRecordOctets,
  parseJsonRecord,
  printablePattern,
  type StateKeys,
  type StateTimes,
} from './schema.ts'
import { type Command, hashOf } from '../link/command.ts'
import { deleteWrongTypeKeys, type StoreLink } from '../link/redis-link.ts'
import type { SyncContext, SyncedPart } from './session.ts'
import { isSealedAsOurs, type StoreSeals } from './store-seals.ts'

interface RedisFeedbackOptions {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly instance: string
  readonly clock: Clock
  readonly times: StateTimes
  readonly seals: StoreSeals
  readonly oversized: OversizedRecords
  /** Called when there is something to write. */
  readonly onPending: () => void
}

/** Three writers for each of some 3000 targets that report. */
const feedbackLimit = 10_000

/** Feedback on targets that no zone here has; it takes no room from the others. */
const unknownLimit = 1000

/** The hash in the memory of the store, some 500 octets per record. */
const hashLimit = { elements: 2 * feedbackLimit, octets: 8 * 1024 * 1024 }

/** How long expired feedback stays in the store: longer than clocks of hosts should differ. */
const removeAfterMs = 60_000

/** A change that has been pending for longer yields to a later report in the store. */
const clockToleranceMs = 5000

const fieldsPerCommand = 500

const maxReasonLength = 200

/** A report lasts up to a day; the rest allows for clocks that differ. */
const maxLifetimeMs = 2 * 86_400_000

/** A change that the store does not have yet; `shared` is null if the feedback was withdrawn. */
interface Pending {
  readonly shared: SharedFeedback | null
  readonly atMs: number
}

const name = z
  .string()
  .max(255)
  .regex(/^[^\s\p{Cc}]+$/u)

/** Exactly these fields. `forced` is no standing that an MTA could give itself. */
const recordSchema = z
  .strictObject({
    zone: name,
    target: name,
    writer: z.enum(feedbackWriters),
    factor: z.number().min(0).max(1),
    standing: z.literal([Standing.normal, Standing.drained, Standing.disabled]),
    isDown: z.boolean(),
    reason: z.string().max(maxReasonLength).regex(printablePattern),
    load: z.number().min(0).max(1e12).nullable(),
    isShedding: z.boolean(),
    toldMs: z.number().min(0).max(latestTimeMs),
    untilMs: z.number(),
  })
  .refine(({ toldMs, untilMs }) => untilMs >= toldMs && untilMs <= toldMs + maxLifetimeMs)

/** The field of the hash that a record is stored under. */
export const keyOfFeedback = ({ zone, target, writer }: FeedbackKey): string =>
  `${zone} ${target} ${writer}`

export function formatFeedback({ zone, target, writer, feedback }: SharedFeedback): string {
  const { factor, standing, isDown, load, isShedding, reportedMs, untilMs } = feedback
  const reason = printable(feedback.reason)
  const value = { factor, standing, isDown, reason, load, isShedding, toldMs: reportedMs, untilMs }
  return JSON.stringify({ zone, target, writer, ...value })
}

/** null if the value is not a record of feedback. */
export function parseFeedback(value: unknown): SharedFeedback | null {
  const record = parseJsonRecord(recordSchema, value, maxRecordLength)
  if (record === null) return null
  const { zone, target, writer, toldMs, ...rest } = record
  return { zone, target, writer, feedback: { ...rest, reportedMs: toldMs } }
}

const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ').slice(0, maxReasonLength)

export class RedisFeedback implements FeedbackStore, SyncedPart {
  rejected = 0
  readonly #options: RedisFeedbackOptions
  readonly #listeners = new Set<() => void>()
  /** Fields of feedback on targets that zones here have. */
  readonly #known = new KnownFields()
  #byKey = new Map<string, SharedFeedback>()
  readonly #pending = new Map<string, Pending>()
  /** Keys of feedback that has been expired for long enough to be removed from the store. */
  #expired: readonly string[] = []
  #readAtMs = -Infinity
  #isReadRequested = true
  /** Whether the feedback in the store has been read, and what another secret sealed been written again. */
  #hasRead = false

  constructor(options: RedisFeedbackOptions) {
    this.#options = options
  }

  write(id: FeedbackKey, feedback: Feedback | null): void {
    const key = keyOfFeedback(id)
    const before = this.#byKey.get(key)
    if (feedback === null) this.#byKey.delete(key)
    else if (before || this.#byKey.size < feedbackLimit + unknownLimit)
      this.#byKey.set(key, { ...id, feedback })
    else return
    const isRepetition =
      before && feedback && id.writer === 'agent' && isRepeated(before.feedback, feedback)
    if (isRepetition) {
      this.#byKey.set(key, before)
      return
    }
    const shared = feedback && { ...id, feedback }
    this.#pending.set(key, { shared, atMs: this.#options.clock.wallMs() })
    this.#options.onPending()
  }

  list(): readonly SharedFeedback[] {
    return [...this.#byKey.values()]
  }

  setTargets(targets: readonly Pick<SharedFeedback, 'zone' | 'target'>[]): void {
    this.#known.replace(
      targets.flatMap(({ zone, target }) =>
        feedbackWriters.map((writer) => keyOfFeedback({ zone, target, writer })),
      ),
    )
  }

  subscribe(onForeignChange: () => void): () => void {
    this.#listeners.add(onForeignChange)
    return () => void this.#listeners.delete(onForeignChange)
  }

  /** A hint says that feedback has changed. */
  requestRead(): void {
    this.#isReadRequested = true
  }

  onReconnect(): void {
    this.#readAtMs = -Infinity
    this.#isReadRequested = true
  }

  onStoreEmptied(): void {
    const atMs = this.#options.clock.wallMs()
    for (const [key, shared] of this.#byKey) this.#restore(key, shared, atMs)
  }

  dueInMs(nowMs: number): number {
    const { heartbeatMs, snapshotMs } = this.#options.times
    return this.#readAtMs + (this.#isReadRequested ? heartbeatMs / 3 : snapshotMs) - nowMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    if (this.dueInMs(nowMs) <= 0 && !(await this.#read(nowMs))) return false
    return isFenced || this.#write()
  }

  async #read(nowMs: number): Promise<boolean> {
    this.#isReadRequested = false
    const stored = await this.#readStored()
    if (stored === null) {
      this.#isReadRequested = true
      return false
    }
    this.#applyStored(stored)
    this.#readAtMs = nowMs
    return true
  }

  /** Reads all of the hash, or the fields whose turn it is; null if the store did not answer. */
  async #readStored(): Promise<StoredFields | null> {
    const { link, keys, oversized } = this.#options
    const key = keys.feedback
    const sizes = await link.run([['hlen', key], usageCommand(key, hashLimit.elements)])
    if (sizes === null) return null
    const count = countOf(sizes[0]) ?? 0
    const octets = countOf(sizes[1]) ?? Infinity
    if (count === 0) return { fields: [], asked: null }
    if (count <= hashLimit.elements && octets <= hashLimit.octets) {
      const replies = await link.run([['hgetall', key]])
      return replies && { fields: hashOf(replies[0]), asked: null }
    }
    oversized.note({ key, field: null, octets: octets === Infinity ? 0 : octets })
    const asked = this.#known.next()
    const read = await readFields(link, oversized, [
      { key, fields: asked, maxOctets: maxRecordOctets },
    ])
    if (read === null) return null
    return storedFields(asked, read.replies[0])
  }

  #applyStored({ fields, asked }: StoredFields): void {
    const wallMs = this.#options.clock.wallMs()
    const stored = this.#readRecords(fields, wallMs)
    if (asked !== null) {
      const read = new Set(asked)
      for (const [key, shared] of this.#byKey) if (!read.has(key)) stored.set(key, shared)
    }
    for (const [key, { shared, atMs }] of this.#pending) {
      const current = stored.get(key)
      // Clocks of hosts differ: only a change that had to wait is compared by time.
      const hasWaited = wallMs - atMs > clockToleranceMs
      if (hasWaited && current && current.feedback.reportedMs > atMs) this.#pending.delete(key)
      else if (shared) stored.set(key, shared)
      else stored.delete(key)
    }
    const isSame = textOf(stored) === textOf(this.#byKey)
    this.#byKey = stored
    if (!isSame) for (const call of this.#listeners) call()
  }

  /** The unexpired records of the hash. Also notes which ones are to be removed, and counts what is rejected. */
  #readRecords(fields: readonly unknown[], wallMs: number): Map<string, SharedFeedback> {
    const stored = new Map<string, SharedFeedback>()
    const expired: string[] = []
    const { seals, keys } = this.#options
    let known = 0
    let unknown = 0
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const key = String(fields[i])
      const opened = seals.openSigned('feedback', { key: keys.feedback, field: key }, fields[i + 1])
      const shared = opened.kind === 'record' ? parseFeedback(opened.value) : null
      // The field must be the key of the record, or one record could hide behind another.
      const isValid = shared !== null && keyOfFeedback(shared) === key
      if (!isValid && opened.kind !== 'ignored') this.rejected++
      const current = isValid ? shared : seals.isRequired ? this.#byKey.get(key) : undefined
      if (current === undefined) continue
      const { untilMs } = current.feedback
      if (untilMs > wallMs) {
        const isKnown = this.#known.has(key)
        const hasRoom = isKnown ? ++known <= feedbackLimit : ++unknown <= unknownLimit
        if (!hasRoom) continue
        stored.set(key, current)
        const isToBeSealed = seals.isSealing && !this.#hasRead && !isSealedAsOurs(opened)
        if (!isValid || isToBeSealed) this.#restore(key, current, wallMs)
      } else if (isValid && untilMs < wallMs - removeAfterMs) expired.push(key)
    }
    this.#hasRead = true
    this.#expired = expired
    return stored
  }

  /** Has feedback written again, unless a change of it is to be written anyway. */
  #restore(key: string, shared: SharedFeedback, atMs: number): void {
    if (!this.#pending.has(key)) this.#pending.set(key, { shared, atMs })
  }

  async #write(): Promise<boolean> {
    const { link } = this.#options
    const pending = new Map(this.#pending)
    if (pending.size + this.#expired.length === 0) return true
    const commands = this.#writeCommands(pending)
    const replies = await link.run(commands)
    if (replies === null) return false
    this.#expired = []
    const wrongTypes = await deleteWrongTypeKeys(link, commands, replies)
    this.rejected += wrongTypes
    for (const [key, one] of pending)
      if (wrongTypes === 0 && this.#pending.get(key) === one) this.#pending.delete(key)
    return true
  }

  #writeCommands(pending: ReadonlyMap<string, Pending>): readonly Command[] {
    const { keys, instance, clock, seals } = this.#options
    const wallMs = clock.wallMs()
    const kept: string[][] = []
    const removed: string[] = []
    for (const [key, { shared }] of pending) {
      if (shared !== null && shared.feedback.untilMs > wallMs)
        kept.push([key, seals.sign({ key: keys.feedback, field: key }, formatFeedback(shared))])
      else removed.push(key)
    }
    return [
      ...inChunks(kept, fieldsPerCommand).map((part): Command => [
        'hset',
        keys.feedback,
        ...part.flat(),
      ]),
      ...inChunks([...removed, ...this.#expired], fieldsPerCommand).map((part): Command => [
        'hdel',
        keys.feedback,
        ...part,
      ]),
      ...(pending.size > 0 ? [hintCommand(keys, { instance, about: 'feedback' })] : []),
    ]
  }
}

/** Whether an agent repeats itself: what it repeats is written again only after half of its lifetime. */
function isRepeated(before: Feedback, next: Feedback): boolean {
  const lifetimeMs = next.untilMs - next.reportedMs
  if (before.untilMs - next.reportedMs < lifetimeMs / 2) return false
  const { factor, standing, isDown, reason } = before
  const isSame = factor === next.factor && standing === next.standing
  return isSame && isDown === next.isDown && reason === next.reason
}

const textOf = (byKey: ReadonlyMap<string, SharedFeedback>): string =>
  [...byKey.values()].map(formatFeedback).sort().join('\n')
