// Feedback that lies in the store: one hash, a field for each target and writer, of which the last word told counts.
// It is read when a hint says that it changed, a few times in a heartbeat at most, and now and then anyway.
//
//   in the store, not here     told to another instance
//   here, not in the store     its writer took it back there; or, if the store lost its memory, it is put back
//   told while it was away     is written, unless what lies there was told later
//   over for a minute          whoever sees it takes it out

import { type Feedback, type FeedbackWriter, feedbackWriters } from '../../health/feedback.ts'
import { Standing } from '../../health/table.ts'
import type { Clock } from '../../lib/clock.ts'
import { hintCommand, inChunks } from '../own-votes.ts'
import type { FeedbackStore, SharedFeedback, FeedbackKey } from '../cluster-votes.ts'
import type { StateKeys, StateTimes } from './schema.ts'
import { readHash, type Command, type StoreLink, deleteWrongTypeKeys } from './redis-link.ts'
import type { SyncContext, SyncedPart } from './session.ts'

interface StoreFeedbackParts {
  readonly link: StoreLink
  readonly keys: StateKeys
  readonly instance: string
  readonly clock: Clock
  readonly times: StateTimes
  /** Something is to be written. */
  readonly onSaid: () => void
}

/** Three writers for each of some 3000 targets that say something. */
const wordLimit = 10_000

const deadAfterMs = 60_000

const patienceMs = 5000

const fieldsACommand = 500

/** null: it was taken back then. */
interface Said {
  readonly word: SharedFeedback | null
  readonly atMs: number
}

export const keyOfFeedback = ({ zone, target, writer }: FeedbackKey): string =>
  `${zone} ${target} ${writer}`

const fields = 11

const textOf = (words: ReadonlyMap<string, SharedFeedback>): string =>
  [...words.values()].map(formatFeedback).sort().join('\n')

export function formatFeedback({ zone, target, writer, feedback }: SharedFeedback): string {
  const { factor, standing, isDown, reason, load, isShedding, reportedMs, untilMs } = feedback
  const numbers = { factor, standing, isDown, reason: plain(reason), load, isShedding }
  return JSON.stringify({ zone, target, writer, ...numbers, toldMs: reportedMs, untilMs })
}

const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ').slice(0, longestReason)

const longestReason = 200

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= longestName && /^[^\s\p{Cc}]+$/u.test(value)

const isWriter = (value: unknown): value is FeedbackWriter =>
  feedbackWriters.some((writer) => writer === value)

const isWithin = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most

/** An MTA cannot force itself up. */
const isStanding = (value: unknown): value is Standing =>
  value === Standing.normal || value === Standing.drained || value === Standing.disabled

/** A word of a day, and clocks that differ. */
const longestLifeMs = 2 * 86_400_000

const longestName = 255

const longestRecord = 2048

export class RedisFeedback implements FeedbackStore, SyncedPart {
  rejected = 0
  readonly #parts: StoreFeedbackParts
  readonly #listeners = new Set<() => void>()
  #words = new Map<string, SharedFeedback>()
  /** What the store is to hear. */
  readonly #said = new Map<string, Said>()
  #dead: readonly string[] = []
  #readAtMs = -Infinity
  #isHinted = true

  constructor(parts: StoreFeedbackParts) {
    this.#parts = parts
  }

  write(place: FeedbackKey, told: Feedback | null): void {
    const key = keyOfFeedback(place)
    const before = this.#words.get(key)
    if (told === null) this.#words.delete(key)
    else if (before || this.#words.size < wordLimit)
      this.#words.set(key, { ...place, feedback: told })
    else return
    const isOld = before && told && place.writer === 'agent' && saysTheSame(before.feedback, told)
    if (isOld) {
      this.#words.set(key, before)
      return
    }
    const word = told && { ...place, feedback: told }
    this.#said.set(key, { word, atMs: this.#parts.clock.wallMs() })
    this.#parts.onSaid()
  }

  list(): readonly SharedFeedback[] {
    return [...this.#words.values()]
  }

  subscribe(onForeignWord: () => void): () => void {
    this.#listeners.add(onForeignWord)
    return () => void this.#listeners.delete(onForeignWord)
  }

  /** A hint says that it changed. */
  requestRead(): void {
    this.#isHinted = true
  }

  onReconnect(): void {
    this.#readAtMs = -Infinity
    this.#isHinted = true
  }

  onStoreEmptied(): void {
    const atMs = this.#parts.clock.wallMs()
    for (const [key, word] of this.#words)
      if (!this.#said.has(key)) this.#said.set(key, { word, atMs })
  }

  dueInMs(nowMs: number): number {
    const { heartbeatMs, snapshotMs } = this.#parts.times
    return this.#readAtMs + (this.#isHinted ? heartbeatMs / 3 : snapshotMs) - nowMs
  }

  async sync({ nowMs, isFenced }: SyncContext): Promise<boolean> {
    if (this.dueInMs(nowMs) <= 0 && !(await this.#read(nowMs))) return false
    return isFenced || this.#write()
  }

  async #read(nowMs: number): Promise<boolean> {
    const { link, keys } = this.#parts
    this.#isHinted = false
    const counted = await link.run([['hlen', keys.feedback]])
    const count = counted?.[0]?.kind === 'value' ? Number(counted[0].value) : 0
    const isReadable = count <= 2 * wordLimit
    const found = isReadable && count > 0 ? await readHash(link, keys.feedback) : []
    if (counted === null || found === null) {
      this.#isHinted = true
      return false
    }
    if (isReadable) this.#receive(found)
    else this.rejected++
    this.#readAtMs = nowMs
    return true
  }

  #receive(fields: readonly unknown[]): void {
    const wallMs = this.#parts.clock.wallMs()
    const found = new Map<string, SharedFeedback>()
    const dead: string[] = []
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const word = parseFeedback(fields[i + 1])
      const key = String(fields[i])
      // The key of each must be what the word says, or one could hide behind another.
      if (!word || keyOfFeedback(word) !== key) this.rejected++
      else if (word.feedback.untilMs > wallMs && found.size < wordLimit) found.set(key, word)
      else if (word.feedback.untilMs < wallMs - deadAfterMs) dead.push(key)
    }
    this.#dead = dead
    for (const [key, { word, atMs }] of this.#said) {
      const there = found.get(key)
      // Clocks of hosts differ: only what had to wait is measured by them.
      const hasWaited = wallMs - atMs > patienceMs
      if (hasWaited && there && there.feedback.reportedMs > atMs) this.#said.delete(key)
      else if (word) found.set(key, word)
      else found.delete(key)
    }
    const isSame = textOf(found) === textOf(this.#words)
    this.#words = found
    if (!isSame) for (const call of this.#listeners) call()
  }

  async #write(): Promise<boolean> {
    const { link, keys, instance } = this.#parts
    const said = new Map(this.#said)
    if (said.size + this.#dead.length === 0) return true
    const wallMs = this.#parts.clock.wallMs()
    const isKept = ({ word }: Said): boolean => word !== null && word.feedback.untilMs > wallMs
    const kept = [...said].filter(([, one]) => isKept(one))
    const gone = [...said].filter(([, one]) => !isKept(one)).map(([key]) => key)
    const lines = kept.map(([key, { word }]) => [key, formatFeedback(word as SharedFeedback)])
    const commands: readonly Command[] = [
      ...inChunks(lines, fieldsACommand).map((part): Command => [
        'hset',
        keys.feedback,
        ...part.flat(),
      ]),
      ...inChunks([...gone, ...this.#dead], fieldsACommand).map((part): Command => [
        'hdel',
        keys.feedback,
        ...part,
      ]),
      ...(said.size > 0 ? [hintCommand(keys, { instance, about: 'feedback' })] : []),
    ]
    const replies = await link.run(commands)
    if (replies === null) return false
    this.#dead = []
    const wrong = await deleteWrongTypeKeys(link, commands, replies)
    this.rejected += wrong
    for (const [key, one] of said)
      if (wrong === 0 && this.#said.get(key) === one) this.#said.delete(key)
    return true
  }
}

/** An agent that goes on saying the same: written anew when half of its time is over. */
function saysTheSame(before: Feedback, told: Feedback): boolean {
  const lifeMs = told.untilMs - told.reportedMs
  if (before.untilMs - told.reportedMs < lifeMs / 2) return false
  const { factor, standing, isDown, reason } = before
  const isSame = factor === told.factor && standing === told.standing
  return isSame && isDown === told.isDown && reason === told.reason
}

// What an MTA said of itself, as it lies in the store: JSON with exactly these fields, each within its bounds.

/** null: not one. */
export function parseFeedback(value: unknown): SharedFeedback | null {
  const given = readJson(value)
  if (given === null || Object.keys(given).length !== fields) return null
  const { zone, target, writer, factor, standing, isDown } = given
  const { reason, load, isShedding, toldMs, untilMs } = given
  if (!isName(zone) || !isName(target) || !isWriter(writer)) return null
  if (!isWithin(factor, 0, 1) || !isStanding(standing)) return null
  if (typeof isDown !== 'boolean' || typeof isShedding !== 'boolean') return null
  if (typeof reason !== 'string' || reason.length > longestReason || plain(reason) !== reason)
    return null
  if (load !== null && !isWithin(load, 0, 1e12)) return null
  if (!isWithin(toldMs, 0, 253_402_300_800_000)) return null
  if (!isWithin(untilMs, toldMs, toldMs + longestLifeMs)) return null
  const told = { factor, standing, isDown, reason, load, isShedding, reportedMs: toldMs, untilMs }
  return { zone, target, writer, feedback: told }
}

function readJson(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'string' || value.length > longestRecord) return null
  try {
    const parsed: unknown = JSON.parse(value)
    const isMap = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isMap ? (parsed as Readonly<Record<string, unknown>>) : null
  } catch {
    return null
  }
}
