// Watches agents: asks each on its schedule and tells the book what it said. An agent that does not answer changes
// nothing until what it said last ends: after three intervals, and half a minute at least. Where several instances share
// what they hear, some of them ask (`isAskedHere`).

import { connect } from 'node:net'
import type { AgentReply, FeedbackWriter } from '../health/feedback.ts'
import { type Timer, type Clock, type Random, systemTimer } from '../lib/clock.ts'
import { type ScheduledProbe, Scheduler } from '../probe/schedule/scheduler.ts'
import type { FeedbackRegistry, NamedTarget } from './feedback-registry.ts'

export interface WatchedAgent extends NamedTarget {
  readonly agent: AgentProfile
}

export type AgentPollResult = 'heard' | 'garbage' | 'silent'

export interface AgentWatch {
  /** Replaces the set. */
  update(agents: readonly WatchedAgent[]): void
  counts(): Readonly<Record<AgentPollResult, number>>
  stop(): Promise<void>
}

interface AgentWatchOptions {
  readonly clock: Clock
  readonly random: Random
  readonly registry: FeedbackRegistry
  readonly timer?: Timer
  /** Others ask it otherwise. */
  readonly isPolledHere?: (of: NamedTarget) => boolean
  /** For tests. */
  readonly query?: typeof queryAgent
}

const writer: FeedbackWriter = 'agent'

const shortestKeepMs = 30_000

const keptIntervals = 3

export const agentReplyLifetimeMs = ({ intervalMs }: Pick<AgentProfile, 'intervalMs'>): number =>
  Math.max(shortestKeepMs, keptIntervals * intervalMs)

export const createAgentWatch = (options: AgentWatchOptions): AgentWatch =>
  new ScheduledAgentWatch(options)

const keyOf = ({ zone, target, agent }: WatchedAgent): string =>
  [zone, target, agent.address, agent.port, agent.intervalMs, agent.send].join(' ')

class PolledAgent implements ScheduledProbe {
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

const agentLineLimit = 1024

/** It is shown to people. */
const printable = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, 100)

const answerWithinMs = 5000

class ScheduledAgentWatch implements AgentWatch {
  readonly #options: AgentWatchOptions
  readonly #scheduler: Scheduler
  readonly #jobs = new Map<string, PolledAgent>()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #counts = { heard: 0, garbage: 0, silent: 0 }

  constructor(options: AgentWatchOptions) {
    this.#options = options
    const { clock, random, timer = systemTimer } = options
    this.#scheduler = new Scheduler({ clock, random, timer })
  }

  update(agents: readonly WatchedAgent[]): void {
    const wanted = new Map(agents.map((one) => [keyOf(one), one]))
    for (const [key, job] of this.#jobs) if (!wanted.has(key)) this.#drop(key, job)
    const added: PolledAgent[] = []
    for (const [key, watched] of wanted) {
      if (this.#jobs.has(key)) continue
      const job = new PolledAgent(key, watched, (done) => this.#run(job, done))
      this.#jobs.set(key, job)
      added.push(job)
    }
    this.#scheduler.add(added)
  }

  counts(): Readonly<Record<AgentPollResult, number>> {
    return { ...this.#counts }
  }

  async stop(): Promise<void> {
    this.#scheduler.stop()
    for (const job of this.#jobs.values()) job.controller.abort()
    await Promise.all(this.#inFlight)
  }

  #drop(key: string, job: PolledAgent): void {
    job.controller.abort()
    this.#scheduler.remove(job)
    this.#jobs.delete(key)
    this.#options.registry.withdraw(job.watched, writer)
  }

  #run(job: PolledAgent, done: () => void): void {
    if (this.#options.isPolledHere?.(job.watched) === false) return done()
    const ended = this.#query(job).finally(() => {
      this.#inFlight.delete(ended)
      done()
    })
    this.#inFlight.add(ended)
  }

  async #query({ watched, controller }: PolledAgent): Promise<void> {
    const { registry: book, query: ask = queryAgent } = this.#options
    const line = await ask(watched.agent, controller.signal)
    if (controller.signal.aborted) return
    const word = line === null ? null : parseAgentReply(line)
    this.#counts[line === null ? 'silent' : word === null ? 'garbage' : 'heard']++
    if (word !== null)
      book.report(watched, writer, { kind: 'agent', ...word }, agentReplyLifetimeMs(watched.agent))
  }
}

// Asks one agent once: connects, sends the text it wants if any, reads one line. Resolves when the socket is closed,
// never rejects; null where there is no answer in time, since connecting is for the probes to judge.

/** How a target's agent is asked: `agent:` of a target. */
export interface AgentProfile {
  readonly address: string
  readonly port: number
  readonly intervalMs: number
  /** Sent first; empty: nothing. */
  readonly send: string
}

export function queryAgent(
  { address, port, intervalMs, send }: AgentProfile,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    let text = ''
    let line: string | null = null
    const socket = connect({ host: address, port, autoSelectFamily: false })
    const timer = setTimeout(() => socket.destroy(), Math.min(answerWithinMs, intervalMs))
    const abort = (): void => void socket.destroy()
    const take = (isWhole: boolean): void => {
      if (line !== null || (!isWhole && !/[\r\n]/.test(text) && text.length < agentLineLimit))
        return
      line = text
      socket.destroy()
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    socket.setEncoding('latin1')
    socket.once('connect', () => void (send !== '' && socket.write(send)))
    socket.on('data', (more: string) => {
      text += more
      take(false)
    })
    socket.once('end', () => take(text !== ''))
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      resolve(line)
    })
  })
}

// The line of a HAProxy agent check: words between blanks or commas, in any order and case.
//
//   75%                                  share of the configured weight, 100 % at most here
//   ready, drain, maint                  whether it wants mail at all
//   up, down, stopped, fail              whether it works; what follows a # says why
//   maxconn:30 and whatever else         ignored: it is not ours to limit connections
//
// The line ends at the first CR or LF. A line without any word that we know says nothing.

/** null: not a word in it that we know. */
export function parseAgentReply(text: string): AgentReply | null {
  const line = /^[^\r\n]*/.exec(text.slice(0, agentLineLimit))?.[0] ?? ''
  const sharp = line.indexOf('#')
  const words = (sharp < 0 ? line : line.slice(0, sharp)).toLowerCase().split(/[\s,]+/)
  let said: AgentReply = { share: null, mode: null, isDown: null, reason: '' }
  let known = 0
  for (const word of words) {
    const meant = parseWord(word)
    if (meant === null) continue
    known++
    said = { ...said, ...meant }
  }
  return known === 0 ? null : { ...said, reason: sharp < 0 ? '' : printable(line.slice(sharp + 1)) }
}

function parseWord(word: string): Partial<AgentReply> | null {
  const percent = /^(\d{1,6})%$/.exec(word)?.[1]
  if (percent !== undefined) return { share: Math.min(1, Number(percent) / 100) }
  switch (word) {
    case 'ready':
    case 'drain':
    case 'maint':
      return { mode: word }
    case 'up':
      return { isDown: false }
    case 'down':
    case 'stopped':
    case 'fail':
    case 'failed':
      return { isDown: true }
    default:
      return null
  }
}
