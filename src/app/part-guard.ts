// The last line of defence of the control thread: an exception or a rejection that no code caught belongs to one part of the
// server, and neither the other parts nor the answers end with it.
//
// A part is entered by `run`; what it begins (timers, sockets, promises) belongs to it. Where that is lost, the stack says
// whose code it was. Each different failure is logged once, with its stack; all are counted. Until `endStart`, a failure
// that belongs to no part is one of the composition, and ends the process as it would without this guard.

import { AsyncLocalStorage } from 'node:async_hooks'

import { inSources } from '../files/source-position.ts'
import { systemTimer, type Timer } from '../lib/clock.ts'
import type { Log } from './log.ts'
import { logEvent } from './log-events.ts'

export type Part =
  | 'store'
  | 'admin'
  | 'probes'
  | 'identity'
  | 'geoip'
  | 'zones'
  | 'weights'
  | 'state-file'
  | 'announce'
  | 'service'
  | 'workers'

/** The source folders and packages that show up in the stacks of each part. */
const partFolders: Readonly<Record<Part, RegExp>> = {
  store: /\/(cluster|ioredis)\//,
  admin: /\/(admin|explain|@prometheus-io)\//,
  probes: /\/(watch|probe)\//,
  identity: /\/(reputation|resolver|trust|dns2)\//,
  geoip: /\/(geo|maxmind|mmdb-lib)\//,
  zones: /\/(zonefile|yaml|settings)\//,
  weights: /\/weights\//,
  'state-file': /\/persistence\//,
  announce: /\/announce\//,
  service: /\/(systemd|koffi)\//,
  workers: /\/transport\//,
}

type FailedPart = Part | 'unknown'

const allParts: readonly FailedPart[] = [...(Object.keys(partFolders) as Part[]), 'unknown']

export interface PartGuard {
  /** Runs `start` as part of `part`. An exception of `start` itself is the caller's. */
  run<T>(part: Part, start: () => T): T
  /**
   * One-shot timers of a part. A callback that throws is run again, later each time, up to a minute: what it should have
   * set up next would never come.
   */
  timer(part: Part): Timer
  /** Counts and logs a failure that was caught. */
  report(part: Part, error: unknown): void
  /** `restart` is called after a failure of the part, one second later at first, a minute at last. */
  onFailure(part: Part, restart: () => void): void
  /** How often each part failed. */
  failures(): ReadonlyMap<string, number>
  /** Ends the start: from now on no failure ends the process. */
  endStart(): void
}

/** The events of `process` that the guard handles. */
interface FailureSource {
  on(event: 'uncaughtException' | 'unhandledRejection', call: (error: unknown) => void): unknown
  exit(code: number): void
}

/** Failures that are logged, at most; each is another part, kind of error or place. */
const maxLogged = 64

const [firstRetryMs, longestRetryMs] = [1000, 60_000]

/** A part that has not failed for so long is restarted at once again. */
const calmMs = 600_000

export const createPartGuard = (log: Log, source: FailureSource = process): PartGuard =>
  new ProcessGuard(log, source)

class ProcessGuard implements PartGuard {
  readonly #log: Log
  readonly #source: FailureSource
  readonly #current = new AsyncLocalStorage<Part>()
  readonly #failures = new Map<FailedPart, number>(allParts.map((part) => [part, 0]))
  readonly #logged = new Set<string>()
  readonly #restarts = new Map<FailedPart, Restart>()
  #isStarting = true

  constructor(log: Log, source: FailureSource) {
    this.#log = log
    this.#source = source
    source.on('uncaughtException', (error) => this.#catch(error))
    source.on('unhandledRejection', (error) => this.#catch(error))
  }

  run<T>(part: Part, start: () => T): T {
    return this.#current.run(part, start)
  }

  timer(part: Part): Timer {
    return (delayMs, callback) => {
      let failures = 0
      let cancel = nothing
      const arm = (inMs: number): void => {
        cancel = this.run(part, () => systemTimer(inMs, fire))
      }
      const fire = (): void => {
        let isCancelled = false
        cancel = () => void (isCancelled = true)
        try {
          callback()
        } catch (error) {
          this.#record(part, error)
          if (!isCancelled) arm(retryMs(failures++))
        }
      }
      arm(delayMs)
      return () => cancel()
    }
  }

  report(part: Part, error: unknown): void {
    this.#record(part, error)
  }

  onFailure(part: Part, restart: () => void): void {
    this.#restarts.set(part, new Restart(() => this.run(part, restart)))
  }

  failures(): ReadonlyMap<string, number> {
    return this.#failures
  }

  endStart(): void {
    this.#isStarting = false
  }

  #catch(error: unknown): void {
    const entered = this.#current.getStore()
    if (entered === undefined && this.#isStarting) {
      const { error: name, why = '', stack } = describeFailure(error)
      process.stderr.write(['mxsteer: the start failed:', name, why, ...stack, ''].join('\n'))
      return this.#source.exit(1)
    }
    const part = entered ?? partOfStack(error)
    this.#record(part, error)
    this.#restarts.get(part)?.schedule()
  }

  #record(part: FailedPart, error: unknown): void {
    this.#failures.set(part, (this.#failures.get(part) ?? 0) + 1)
    const failure = describeFailure(error)
    const key = `${part} ${failure.error} ${failure.stack[0] ?? ''}`
    if (this.#logged.has(key) || this.#logged.size === maxLogged) return
    this.#logged.add(key)
    try {
      logEvent(this.#log, 'part.failed', { part, ...failure })
    } catch {
      // It is counted; there is nowhere else to write to.
    }
  }
}

const nothing = (): void => {}

const retryMs = (failures: number): number =>
  Math.min(firstRetryMs * 2 ** Math.min(failures, 10), longestRetryMs)

/** Calls `restart` once after any number of failures, later each time that it did not help. */
class Restart {
  readonly #restart: () => void
  #isScheduled = false
  #failures = 0
  #lastMs = -Infinity

  constructor(restart: () => void) {
    this.#restart = restart
  }

  schedule(): void {
    if (this.#isScheduled) return
    const nowMs = performance.now()
    if (nowMs - this.#lastMs > calmMs) this.#failures = 0
    this.#lastMs = nowMs
    this.#isScheduled = true
    setTimeout(
      () => {
        this.#isScheduled = false
        this.#restart()
      },
      retryMs(this.#failures++),
    ).unref()
  }
}

const maxFrames = 10
const maxFrameCharacters = 200

/** The places of a stack, innermost first, without the message. */
const framesOf = (error: unknown): readonly string[] =>
  (error instanceof Error ? (error.stack ?? '') : '')
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .slice(0, maxFrames)
    .map((line) => inSources(line.trim()).slice(0, maxFrameCharacters))

/** The part whose code is innermost; of what Node and packages do for all of them nothing can be said. */
function partOfStack(error: unknown): FailedPart {
  for (const frame of framesOf(error))
    for (const [part, folder] of Object.entries(partFolders))
      if (folder.test(frame)) return part as Part
  return 'unknown'
}

/** Errors of the language: their messages name properties and types, and hold no values. */
const harmlessNames: ReadonlySet<string> = new Set(['TypeError', 'RangeError', 'ReferenceError'])

interface Failure {
  /** Name and code of the error. */
  readonly error: string
  /** The message, where it cannot contain a secret. */
  readonly why?: string
  readonly stack: readonly string[]
}

/** Messages of most errors may contain what was sent or read, a password for instance; they are left out. */
function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { error: `a thrown ${typeof error}`, stack: [] }
  const { code } = error as NodeJS.ErrnoException
  const isHarmless = code === undefined && harmlessNames.has(error.name)
  return {
    error: [error.name, code]
      .filter((word) => typeof word === 'string')
      .join(' ')
      .slice(0, 100),
    ...(isHarmless ? { why: error.message.slice(0, maxFrameCharacters) } : {}),
    stack: framesOf(error),
  }
}
