// Keeps the state file: read once at start, written as things change and when the server stops.
//
//   when                          written
//   something changed             now, or three seconds after the last time
//   what must not be lost (urge)  now
//   nothing                       every minute, for the ages of verdicts and what was counted
//   at the end                    once more
//
// Each time to a file of its own, synced, then renamed over the old one: whoever dies leaves a whole one. A folder
// that cannot be written to is told once, and tried again.

import { mkdir, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { OverrideStore } from '../cluster/cluster-votes.ts'
import { type Override, setOverride } from '../health/overrides.ts'
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

export interface StateFile {
  /** As it was at start. */
  readonly restored: SavedState
  /** From now on this is written. */
  track(current: () => SavedState): void
  /** Something changed. */
  markDirty(): void
  /** Something changed that must not be lost. */
  flushSoon(): void
  lastWrite(): { readonly successful: boolean; readonly successAtSeconds: number }
  close(): Promise<void>
}

interface StateFileOptions {
  readonly folder: string
  readonly instance: string
  readonly clock: Clock
  readonly onEvent: (event: StateFileEvent) => void
}

const shortestRestMs = 3000

const longestRestMs = 60_000

export async function openStateFile(options: StateFileOptions): Promise<StateFile> {
  const { folder, instance, clock, onEvent } = options
  const file = join(folder, `${instance}.state`)
  const read = await readState(file)
  if (read.kind === 'bad') onEvent({ kind: 'ignored', file, why: read.why })
  if (read.kind !== 'state') return new TrackedStateFile(file, options, emptyState)
  const { state, savedMs } = read
  onEvent({ kind: 'restored', file, state, ageMs: clock.wallMs() - savedMs })
  return new TrackedStateFile(file, options, state)
}

async function readState(file: string): Promise<StateRead> {
  try {
    const { size } = await stat(file)
    if (size > stateLimitOctets) return { kind: 'bad', why: `it has ${size} octets` }
    const handle = await open(file, 'r')
    try {
      return decodeState(await handle.readFile('utf8'))
    } finally {
      await handle.close()
    }
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' ? { kind: 'none' } : { kind: 'bad', why: code }
  }
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
  #last = { successful: true, successAtSeconds: 0 }

  constructor(file: string, options: StateFileOptions, restored: SavedState) {
    this.#file = file
    this.#options = options
    this.restored = restored
  }

  track(current: () => SavedState): void {
    this.#current = current
    this.#plan(shortestRestMs)
  }

  markDirty(): void {
    const restedMs = this.#options.clock.monotonicMs() - this.#writtenMs
    this.#plan(Math.max(0, shortestRestMs - restedMs))
  }

  flushSoon(): void {
    this.#plan(0)
  }

  lastWrite(): { readonly successful: boolean; readonly successAtSeconds: number } {
    return this.#last
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#writing
    await this.#write()
  }

  #plan(delayMs: number): void {
    const dueMs = this.#options.clock.monotonicMs() + delayMs
    if (this.#isClosed || this.#current === null || dueMs >= this.#dueMs) return
    clearTimeout(this.#timer)
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => this.#ring(), Math.ceil(delayMs)).unref()
  }

  /** One write at a time; what changes meanwhile is in the next one. */
  #ring(): void {
    this.#dueMs = Infinity
    if (this.#writing) return void this.#writing.then(() => this.#plan(0))
    this.#writing = this.#write().finally(() => {
      this.#writing = null
      this.#plan(longestRestMs)
    })
  }

  async #write(): Promise<void> {
    const { clock, folder, onEvent } = this.#options
    if (this.#current === null) return
    const wallMs = clock.wallMs()
    this.#writtenMs = clock.monotonicMs()
    try {
      await mkdir(folder, { recursive: true, mode: 0o750 })
      await replaceFile(this.#file, encodeState(this.#current(), wallMs))
      if (!this.#last.successful) onEvent({ kind: 'writable', file: this.#file })
      this.#last = { successful: true, successAtSeconds: Math.floor(wallMs / 1000) }
    } catch (error) {
      if (this.#last.successful)
        onEvent({ kind: 'unwritable', file: this.#file, why: codeOf(error) })
      this.#last = { ...this.#last, successful: false }
    }
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.new`
  const handle = await open(draft, 'w', 0o640)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}

// Overrides that outlive the process: those of the state file at start, and every change on its way there at once.

/** `urge`: something changed that must not be lost. */
export function persistOverrides(
  inner: OverrideStore,
  restored: readonly Override[],
  urge: () => void,
): OverrideStore {
  for (const override of restored) {
    // The same rules as at any time: no two of one class, and no more than there may be.
    if (setOverride(inner.list(), override).kind === 'set') inner.set(override)
  }
  return {
    list: () => inner.list(),
    set(override) {
      const taken = inner.set(override)
      if (taken.kind === 'set') urge()
      return taken
    },
    remove(id) {
      const removed = inner.remove(id)
      if (removed) urge()
      return removed
    },
    expire(nowMs) {
      const ended = inner.expire(nowMs)
      if (ended.length > 0) urge()
      return ended
    },
    subscribe: (onForeignChange) => inner.subscribe(onForeignChange),
    isPersistent: true,
  }
}
