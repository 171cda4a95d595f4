// Signals a routing daemon whether to announce the service addresses: by a file with the single word
// `up` or `down`, and by a command that is run with that word. Readiness is checked every second.
//
//   down      after two checks in a row that are not ready, or at once when the server stops
//   up        after three checks in a row that are ready
//   file      replaced by rename; its modification time is set at every check, so that the daemon
//             can ignore a file that an instance left behind
//   command   one at a time, 10 s each; a change meanwhile runs it again afterwards, and of several
//             changes only with the last word

import { execFile } from 'node:child_process'
import { rename, rm, utimes, writeFile } from 'node:fs/promises'
import type { Registry } from '@prometheus-io/client'

import type { Clock } from '../lib/clock.ts'
import { registerSampled } from '../metrics/sampled-metric.ts'

export type Announcement = 'up' | 'down'

export type AnnounceEvent =
  | {
      readonly kind: 'changed'
      readonly to: Announcement
      /** Why not ready; empty for `up`. */
      readonly reasons: readonly string[]
    }
  /** Writing the file or running the command failed. Reported again only when `why` changes. */
  | { readonly kind: 'failed'; readonly what: 'file' | 'command'; readonly why: string }

interface AnnouncerOptions {
  readonly file: string
  /** Path of a program; null: only the file is written. */
  readonly command: string | null
  /** Why this instance is not ready; empty: it is. */
  readonly reasonsNotReady: () => Promise<readonly string[]>
  readonly clock: Clock
  readonly onEvent: (event: AnnounceEvent) => void
  /** What was announced by the process that this one took over from; absent: `down`. */
  readonly before?: Announcement
  /** Time between two readiness checks, in milliseconds. */
  readonly intervalMs?: number
}

/** Why the file or the command does not tell the routing daemon what it should. */
export interface AnnounceFailure {
  readonly what: 'file' | 'command'
  readonly why: string
}

interface AnnouncerView {
  readonly announcement: Announcement
  /** How often writing the file and running the command failed. */
  readonly failures: { readonly file: number; readonly command: number }
  /** Those that failed last: a file until it is written, a command until its next run. */
  readonly failing: readonly AnnounceFailure[]
}

export interface Announcer {
  view(): AnnouncerView
  /** Announces `down` and stops. Resolves after the file is written and the command has run. */
  stop(): Promise<void>
  /** Stops and says nothing, since another process announces from now on. Resolves when nothing is under way. */
  abandon(): Promise<void>
}

const defaultIntervalMs = 1000
const checksForUp = 3
const checksForDown = 2
const commandTimeoutMs = 10_000

export const startAnnouncer = (options: AnnouncerOptions): Announcer => new HookAnnouncer(options)

class HookAnnouncer implements Announcer {
  readonly #options: AnnouncerOptions
  #announcement: Announcement = 'down'
  /** Checks in a row that contradict the announcement. */
  #contradictions = 0
  /** What is in the file; null: not known, so it has to be written. */
  #inFile: Announcement | null = null
  /** What the command last ran with; null: it has not run. */
  #commanded: Announcement | null = null
  #commandLoop: Promise<void> | null = null
  readonly #lastFailure = { file: '', command: '' }
  readonly #failures = { file: 0, command: 0 }
  #timer: NodeJS.Timeout | undefined
  #lastCheck: Promise<void>
  #isStopped = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
    const { before } = options
    if (before === 'up') [this.#announcement, this.#commanded] = [before, before]
    // Written at once, since the file may still be that of an earlier process.
    this.#lastCheck = this.#publish().finally(() => this.#schedule())
  }

  view(): AnnouncerView {
    const failing = (['file', 'command'] as const)
      .map((what) => ({ what, why: this.#lastFailure[what] }))
      .filter(({ why }) => why !== '')
    return { announcement: this.#announcement, failures: { ...this.#failures }, failing }
  }

  async abandon(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#lastCheck
    await this.#commandLoop
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#lastCheck
    if (this.#announcement === 'up') this.#change('down', ['stopping'])
    await this.#publish()
    await this.#commandLoop
  }

  #schedule(): void {
    if (this.#isStopped) return
    const { intervalMs = defaultIntervalMs } = this.#options
    this.#timer = setTimeout(() => {
      this.#lastCheck = this.#check().finally(() => this.#schedule())
    }, intervalMs)
  }

  async #check(): Promise<void> {
    const reasons = await this.#options.reasonsNotReady()
    const wanted = reasons.length === 0 ? 'up' : 'down'
    this.#contradictions = wanted === this.#announcement ? 0 : this.#contradictions + 1
    const checksNeeded = wanted === 'up' ? checksForUp : checksForDown
    if (this.#contradictions >= checksNeeded) this.#change(wanted, reasons)
    if (!this.#isStopped) await this.#publish()
  }

  #change(to: Announcement, reasons: readonly string[]): void {
    this.#announcement = to
    this.#contradictions = 0
    this.#options.onEvent({ kind: 'changed', to, reasons })
  }

  async #publish(): Promise<void> {
    await this.#write(this.#announcement)
    this.#commandLoop ??= this.#runCommands().finally(() => (this.#commandLoop = null))
  }

  async #write(announcement: Announcement): Promise<void> {
    const { file, clock } = this.#options
    try {
      if (this.#inFile !== announcement || !(await touch(file, clock.wallMs()))) {
        // A new file each time, so that a pipe of that name is not opened.
        await rm(`${file}.new`, { force: true })
        await writeFile(`${file}.new`, `${announcement}\n`, { flag: 'wx' })
        await rename(`${file}.new`, file)
        this.#inFile = announcement
      }
      this.#lastFailure.file = ''
    } catch (error) {
      this.#inFile = null
      this.#reportFailure('file', (error as NodeJS.ErrnoException).code ?? String(error))
    }
  }

  async #runCommands(): Promise<void> {
    const { command } = this.#options
    if (command === null) return
    while (this.#commanded !== this.#announcement) {
      this.#commanded = this.#announcement
      const why = await runCommand(command, this.#announcement)
      if (why === null) this.#lastFailure.command = ''
      else this.#reportFailure('command', why)
    }
  }

  #reportFailure(what: 'file' | 'command', why: string): void {
    this.#failures[what]++
    if (this.#lastFailure[what] === why) return
    this.#lastFailure[what] = why
    this.#options.onEvent({ kind: 'failed', what, why })
  }
}

/** Resolves to null after exit code 0, else to what went wrong. */
const runCommand = (command: string, announcement: Announcement): Promise<string | null> =>
  new Promise((resolve) => {
    const options = { timeout: commandTimeoutMs, killSignal: 'SIGKILL', maxBuffer: 65_536 } as const
    execFile(command, [announcement], options, (error) => {
      if (!error) return resolve(null)
      const exit = `exit ${error.code ?? 'unknown'}`
      resolve(error.killed ? `not done within ${commandTimeoutMs} ms` : exit)
    })
  })

/**
 * Sets the modification time. Resolves false if that fails, for example because the file is gone.
 */
async function touch(file: string, wallMs: number): Promise<boolean> {
  const seconds = wallMs / 1000
  return utimes(file, seconds, seconds).then(
    () => true,
    () => false,
  )
}

export function registerAnnounceMetrics(registry: Registry, view: () => AnnouncerView): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_announced',
    help: '1: the announce hook says up, 0: down',
    sample: (emit) => emit({}, view().announcement === 'up' ? 1 : 0),
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_announce_failures_total',
    help: 'Times that the announce hook could not say it',
    labels: ['what'],
    sample(emit) {
      const { file, command } = view().failures
      emit({ what: 'file' }, file)
      emit({ what: 'command' }, command)
    },
  })
}
