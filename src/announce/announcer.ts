// Tells a routing daemon whether to announce the service addresses: a file with the one word `up` or `down`, and a
// program that is run with it. Readiness is looked at every second.
//
//   down   after two looks in a row that say so, or at once when the server stops
//   up     after three that do: at most one change of it in three seconds
//   file   renamed into place; its time moves with every look, so that an old one is nobody's word
//   command  one at a time, 10 s each; what changes meanwhile is told after it, and only the last of it

import { execFile } from 'node:child_process'
import { rename, utimes, writeFile } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import { systemClock } from '../lib/clock.ts'
import { registerSampled } from '../metrics/sampled-metric.ts'

type Announcement = 'up' | 'down'

export type AnnounceEvent =
  | {
      readonly kind: 'changed'
      readonly to: Announcement
      /** Of the change to `down`. */
      readonly reasons: readonly string[]
    }
  /** Each new `why` once. */
  | { readonly kind: 'failed'; readonly what: 'file' | 'command'; readonly why: string }

interface AnnouncerOptions {
  readonly file: string
  readonly command: string | null
  /** Why not to announce; empty: announce. */
  readonly look: () => Promise<readonly string[]>
  readonly onEvent: (event: AnnounceEvent) => void
  readonly everyMs?: number
}

interface AnnouncerView {
  readonly word: Announcement
  /** Times that the file or the command failed. */
  readonly failures: { readonly file: number; readonly command: number }
}

export interface Announcer {
  view(): AnnouncerView
  /** Says `down` and looks no more. */
  stop(): Promise<void>
}

const usualEveryMs = 1000

const looksUp = 3

const looksDown = 2

const commandMs = 10_000

export const startAnnouncer = (options: AnnouncerOptions): Announcer => new WatchedWord(options)

/** Why it failed, or null. */
const runOnce = (command: string, word: Announcement): Promise<string | null> =>
  new Promise((resolve) => {
    const options = { timeout: commandMs, killSignal: 'SIGKILL', maxBuffer: 65_536 } as const
    execFile(command, [word], options, (error) => {
      if (!error) return resolve(null)
      resolve(error.killed ? `not done within ${commandMs} ms` : `exit ${error.code ?? 'unknown'}`)
    })
  })

class WatchedWord implements Announcer {
  readonly #options: AnnouncerOptions
  #word: Announcement = 'down'
  /** Looks in a row that say otherwise. */
  #otherwise = 0
  #written: Announcement | null = null
  #told: Announcement | null = null
  #telling: Promise<void> | null = null
  readonly #lastWhy = { file: '', command: '' }
  readonly #failures = { file: 0, command: 0 }
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void>
  #isStopped = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
    // What lies there is of another process.
    this.#work = this.#say().then(() => this.#later())
  }

  view(): AnnouncerView {
    return { word: this.#word, failures: { ...this.#failures } }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#work
    if (this.#word === 'up') this.#change('down', ['stopping'])
    await this.#say()
    await this.#telling
  }

  #later(): void {
    if (this.#isStopped) return
    const { everyMs = usualEveryMs } = this.#options
    this.#timer = setTimeout(() => {
      this.#work = this.#turn().then(() => this.#later())
    }, everyMs)
  }

  async #turn(): Promise<void> {
    const reasons = await this.#options.look()
    const seen = reasons.length === 0 ? 'up' : 'down'
    this.#otherwise = seen === this.#word ? 0 : this.#otherwise + 1
    if (this.#otherwise >= (seen === 'up' ? looksUp : looksDown)) this.#change(seen, reasons)
    if (!this.#isStopped) await this.#say()
  }

  #change(to: Announcement, reasons: readonly string[]): void {
    this.#word = to
    this.#otherwise = 0
    this.#options.onEvent({ kind: 'changed', to, reasons })
  }

  async #say(): Promise<void> {
    await this.#write(this.#word)
    this.#telling ??= this.#tell().finally(() => (this.#telling = null))
  }

  async #write(word: Announcement): Promise<void> {
    const { file } = this.#options
    try {
      if (this.#written !== word || !(await moveTime(file))) {
        await writeFile(`${file}.new`, `${word}\n`)
        await rename(`${file}.new`, file)
        this.#written = word
      }
      this.#lastWhy.file = ''
    } catch (error) {
      this.#written = null
      this.#failed('file', (error as NodeJS.ErrnoException).code ?? String(error))
    }
  }

  async #tell(): Promise<void> {
    const { command } = this.#options
    if (command === null) return
    while (this.#told !== this.#word) {
      this.#told = this.#word
      const why = await runOnce(command, this.#word)
      if (why === null) this.#lastWhy.command = ''
      else this.#failed('command', why)
    }
  }

  #failed(what: 'file' | 'command', why: string): void {
    this.#failures[what]++
    if (this.#lastWhy[what] === why) return
    this.#lastWhy[what] = why
    this.#options.onEvent({ kind: 'failed', what, why })
  }
}

/** false: somebody took the file away. */
async function moveTime(file: string): Promise<boolean> {
  const seconds = systemClock.wallMs() / 1000
  return utimes(file, seconds, seconds).then(
    () => true,
    () => false,
  )
}

// Whether the announce hook says that this instance is to be announced, and whether it can say so.

export function registerAnnounce(registry: Registry, view: () => AnnouncerView): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_announced',
    help: '1: the announce hook says up, 0: down',
    sample: (emit) => emit({}, view().word === 'up' ? 1 : 0),
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
