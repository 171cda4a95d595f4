// The state file: read once at start, written as things change and when the server stops.
//
//   event                                       written
//   something changed (markDirty)               at once, or three seconds after the last write
//   something must not be lost (flushSoon)      at once
//   none                                        every minute, for the ages of verdicts and the counts of probes
//   close                                       once more
//
// Each write goes to a file of its own that is synced and renamed over the old one, so that a crash leaves a whole file.
// A folder that cannot be written to is reported once, and tried again.

import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OverrideStore } from '../cluster/cluster-votes.ts'
import { describeFailure, readRegularFile } from '../files/read-file.ts'
import type { Override } from '../health/overrides.ts'
import type { Clock } from '../lib/clock.ts'
import {
  decodeState,
  emptyState,
  encodeState,
  type SavedState,
  type DecodedState,
  stateLimitOctets,
} from './state-format.ts'

type StateRead =
  | { readonly kind: 'none' }
  | (DecodedState & { readonly kind: 'state' })
  | { readonly kind: 'bad'; readonly why: string }

/** Events that are logged; `why` is a text or an errno code. */
export type StateFileEvent =
  | {
      readonly kind: 'restored'
      readonly file: string
      readonly state: SavedState
      readonly ageMs: number
    }
  | { readonly kind: 'ignored'; readonly file: string; readonly why: string }
  | { readonly kind: 'unwritable'; readonly file: string; readonly why: string }
  | { readonly kind: 'writable'; readonly file: string }

/** An open state file. */
export interface StateFile {
  /** Its contents at start; empty if there was no valid file. */
  readonly restored: SavedState
  /** Sets where the state to be written comes from; nothing is written before. */
  track(current: () => SavedState): void
  /** Something changed: writes within three seconds. */
  markDirty(): void
  /** Something changed that must not be lost: writes at once. */
  flushSoon(): void
  /** Resolves when all that changed before the call has been written, or could not be: see `lastWrite`. */
  settled(): Promise<void>
  lastWrite(): LastWrite
  /** Stops writing, since another process writes the file from now on. Resolves when no write is under way. */
  abandon(): Promise<void>
  /** Writes the state a last time and stops writing; not after `abandon`. */
  close(): Promise<void>
}

/** The last write of the state file. */
export interface LastWrite {
  readonly file: string
  readonly successful: boolean
  /** When one last succeeded, in seconds since the epoch; 0: none has. */
  readonly successAtSeconds: number
  /** Errno of the failure, or a text; null if it succeeded, or none was tried. */
  readonly why: string | null
}

interface StateFileOptions {
  readonly folder: string
  readonly instance: string
  readonly clock: Clock
  readonly onEvent: (event: StateFileEvent) => void
}

const minWriteIntervalMs = 3000

const maxWriteIntervalMs = 60_000

/** Reads the state file `FOLDER/INSTANCE.state`. Never rejects: what cannot be used is reported by `onEvent`. */
export async function openStateFile(options: StateFileOptions): Promise<StateFile> {
  const { folder, instance, clock, onEvent } = options
  const file = join(folder, `${instance}.state`)
  const read = await readStateFile(file)
  if (read.kind === 'bad') onEvent({ kind: 'ignored', file, why: read.why })
  if (read.kind !== 'state') return new TrackedStateFile(file, options, emptyState)
  const { state, savedMs } = read
  onEvent({ kind: 'restored', file, state, ageMs: clock.wallMs() - savedMs })
  return new TrackedStateFile(file, options, state)
}

/** Reads a state file, and leaves it as it is. */
export async function readStateFile(file: string): Promise<StateRead> {
  const read = await readRegularFile(file, { maxOctets: stateLimitOctets })
  if (read.kind === 'octets') return decodeState(read.octets.toString('utf8'))
  return read.kind === 'missing' ? { kind: 'none' } : { kind: 'bad', why: describeFailure(read) }
}

const codeOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : 'unknown')

class TrackedStateFile implements StateFile {
  readonly restored: SavedState
  readonly #file: string
  readonly #options: StateFileOptions
  #current: (() => SavedState) | null = null
  #timer: NodeJS.Timeout | undefined
  #dueMs = Infinity
  #writtenMs = -Infinity
  #writing: Promise<void> | null = null
  #isClosed = false
  #last: LastWrite

  constructor(file: string, options: StateFileOptions, restored: SavedState) {
    this.#file = file
    this.#options = options
    this.#last = { file, successful: true, successAtSeconds: 0, why: null }
    this.restored = restored
  }

  track(current: () => SavedState): void {
    this.#current = current
    this.#schedule(minWriteIntervalMs)
  }

  markDirty(): void {
    const sinceWriteMs = this.#options.clock.monotonicMs() - this.#writtenMs
    this.#schedule(Math.max(0, minWriteIntervalMs - sinceWriteMs))
  }

  flushSoon(): void {
    this.#schedule(0)
  }

  async settled(): Promise<void> {
    if (this.#isClosed || this.#current === null) return
    // A write that is under way may have read the state before it changed.
    await this.#writing
    // The last write is that of `close`.
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#dueMs = Infinity
    this.#startWrite()
    await this.#writing
  }

  lastWrite(): LastWrite {
    return this.#last
  }

  async abandon(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    while (this.#writing) await this.#writing
    this.#current = null
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    while (this.#writing) await this.#writing
    await this.#write()
  }

  #schedule(delayMs: number): void {
    const dueMs = this.#options.clock.monotonicMs() + delayMs
    if (this.#isClosed || this.#current === null || dueMs >= this.#dueMs) return
    clearTimeout(this.#timer)
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(delayMs)).unref()
  }

  /** One write at a time; what changes meanwhile is written by the next one. */
  #onTimer(): void {
    this.#dueMs = Infinity
    if (this.#writing) return void this.#writing.then(() => this.#schedule(0))
    this.#startWrite()
  }

  #startWrite(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
      this.#schedule(maxWriteIntervalMs)
    })
  }

  async #write(): Promise<void> {
    const { clock, folder, onEvent } = this.#options
    if (this.#current === null) return
    const wallMs = clock.wallMs()
    this.#writtenMs = clock.monotonicMs()
    try {
      await mkdir(folder, { recursive: true, mode: 0o750 })
      await replaceFile(this.#file, boundedText(encodeState(this.#current(), wallMs)))
      if (!this.#last.successful) onEvent({ kind: 'writable', file: this.#file })
      const successAtSeconds = Math.floor(wallMs / 1000)
      this.#last = { file: this.#file, successful: true, successAtSeconds, why: null }
    } catch (error) {
      const why = codeOf(error)
      if (this.#last.successful) onEvent({ kind: 'unwritable', file: this.#file, why })
      this.#last = { ...this.#last, successful: false, why }
    }
  }
}

/** Throws for a state that could not be read again: the file before it stays. */
function boundedText(text: string): string {
  const octets = Buffer.byteLength(text)
  if (octets <= stateLimitOctets) return text
  throw new Error(`it would have ${octets} octets, more than the ${stateLimitOctets} that are read`)
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`
  // A new file each time: what an earlier process left there, or a pipe, is not opened.
  await rm(temporary, { force: true })
  const handle = await open(temporary, 'wx', 0o640)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}

/**
 * Wraps overrides so that they outlive the process: sets the restored ones, and calls `flushSoon` after every change.
 */
export function persistOverrides(
  inner: OverrideStore,
  restored: readonly Override[],
  flushSoon: () => void,
): OverrideStore {
  // Subject to the usual rules: one per key, and no more than the limit.
  for (const override of restored) inner.set(override)
  return {
    setKnownKeys: (keys) => inner.setKnownKeys(keys),
    list: () => inner.list(),
    set(override) {
      const result = inner.set(override)
      if (result.kind === 'set') flushSoon()
      return result
    },
    remove(id) {
      const removed = inner.remove(id)
      if (removed) flushSoon()
      return removed
    },
    expire(nowMs) {
      const ended = inner.expire(nowMs)
      if (ended.length > 0) flushSoon()
      return ended
    },
    subscribe: (onForeignChange) => inner.subscribe(onForeignChange),
    isPersistent: true,
  }
}
