// Watches agents: asks each on its schedule and tells the book what it said. An agent that does not answer changes
// nothing until what it said last ends: after three intervals, and half a minute at least. Where several instances share
// what they hear, some of them ask (`isAskedHere`).

import type { FeedbackWriter } from '../health/feedback.ts'
import type { Clock, Random } from '../lib/clock.ts'
import { type AgentProfile, askAgent } from './agent-check.ts'
import { readAgentLine } from './agent-line.ts'
import { type Alarm, systemAlarm } from '../lib/alarm.ts'
import type { FeedbackBook, NamedTarget } from './feedback-book.ts'
import { type ScheduledProbe, Scheduler } from '../probe/schedule/scheduler.ts'

export interface WatchedAgent extends NamedTarget {
  readonly agent: AgentProfile
}

export type AgentAnswer = 'heard' | 'garbage' | 'silent'

export interface AgentWatch {
  /** Replaces the set. */
  watch(agents: readonly WatchedAgent[]): void
  counts(): Readonly<Record<AgentAnswer, number>>
  stop(): Promise<void>
}

export interface AgentWatchOptions {
  readonly clock: Clock
  readonly random: Random
  readonly book: FeedbackBook
  readonly alarm?: Alarm
  /** Others ask it otherwise. */
  readonly isAskedHere?: (of: NamedTarget) => boolean
  /** For tests. */
  readonly ask?: typeof askAgent
}

const writer: FeedbackWriter = 'agent'
const shortestKeepMs = 30_000
const keptIntervals = 3

export const agentKeepMs = ({ intervalMs }: Pick<AgentProfile, 'intervalMs'>): number =>
  Math.max(shortestKeepMs, keptIntervals * intervalMs)

export const createAgentWatch = (options: AgentWatchOptions): AgentWatch => new Asking(options)

class Asking implements AgentWatch {
  readonly #options: AgentWatchOptions
  readonly #scheduler: Scheduler
  readonly #jobs = new Map<string, AskedAgent>()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #counts = { heard: 0, garbage: 0, silent: 0 }

  constructor(options: AgentWatchOptions) {
    this.#options = options
    const { clock, random, alarm = systemAlarm } = options
    this.#scheduler = new Scheduler({ clock, random, alarm })
  }

  watch(agents: readonly WatchedAgent[]): void {
    const wanted = new Map(agents.map((one) => [keyOf(one), one]))
    for (const [key, job] of this.#jobs) if (!wanted.has(key)) this.#drop(key, job)
    const added: AskedAgent[] = []
    for (const [key, watched] of wanted) {
      if (this.#jobs.has(key)) continue
      const job = new AskedAgent(key, watched, (done) => this.#run(job, done))
      this.#jobs.set(key, job)
      added.push(job)
    }
    this.#scheduler.add(added)
  }

  counts(): Readonly<Record<AgentAnswer, number>> {
    return { ...this.#counts }
  }

  async stop(): Promise<void> {
    this.#scheduler.stop()
    for (const job of this.#jobs.values()) job.controller.abort()
    await Promise.all(this.#inFlight)
  }

  #drop(key: string, job: AskedAgent): void {
    job.controller.abort()
    this.#scheduler.remove(job)
    this.#jobs.delete(key)
    this.#options.book.withdraw(job.watched, writer)
  }

  #run(job: AskedAgent, done: () => void): void {
    if (this.#options.isAskedHere?.(job.watched) === false) return done()
    const ended = this.#ask(job).finally(() => {
      this.#inFlight.delete(ended)
      done()
    })
    this.#inFlight.add(ended)
  }

  async #ask({ watched, controller }: AskedAgent): Promise<void> {
    const { book, ask = askAgent } = this.#options
    const line = await ask(watched.agent, controller.signal)
    if (controller.signal.aborted) return
    const word = line === null ? null : readAgentLine(line)
    this.#counts[line === null ? 'silent' : word === null ? 'garbage' : 'heard']++
    if (word !== null)
      book.tell(watched, writer, { kind: 'agent', ...word }, agentKeepMs(watched.agent))
  }
}

class AskedAgent implements ScheduledProbe {
  readonly key: string
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly watched: WatchedAgent
  readonly run: (done: () => void) => void
  readonly controller: AbortController = new AbortController()

  constructor(key: string, watched: WatchedAgent, run: (done: () => void) => void) {
    this.key = key
    this.watched = watched
    this.run = run
    this.destination = watched.agent.address
    this.intervalMs = watched.agent.intervalMs
    this.fastIntervalMs = watched.agent.intervalMs
  }

  isUndecided(): boolean {
    return false
  }
}

const keyOf = ({ zone, target, agent }: WatchedAgent): string =>
  [zone, target, agent.address, agent.port, agent.intervalMs, agent.send].join(' ')
