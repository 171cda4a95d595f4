// Polls the agents of targets (HAProxy agent checks) and reports their replies to the feedback registry. An agent that
// does not answer changes nothing until its last reply expires: after three intervals, and 30 seconds at least. Instances
// that share feedback share the polls as well (`isPolledHere`).

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
  /** Replaces the agents; feedback of those that are gone is withdrawn. */
  update(agents: readonly WatchedAgent[]): void
  /** Number of polls by result. */
  counts(): Readonly<Record<AgentPollResult, number>>
  /** Aborts polls in flight and resolves once their sockets are closed. */
  stop(): Promise<void>
}

interface AgentWatchOptions {
  readonly clock: Clock
  readonly random: Random
  readonly registry: FeedbackRegistry
  readonly timer?: Timer
  /** Whether this instance polls the agent of a target; by default it polls all. */
  readonly isPolledHere?: (target: NamedTarget) => boolean
  /** Replaces the network in tests. */
  readonly query?: typeof queryAgent
}

const writer: FeedbackWriter = 'agent'

const minLifetimeMs = 30_000

const lifetimeIntervals = 3

/** How long a reply is in force. */
export const agentReplyLifetimeMs = ({ intervalMs }: Pick<AgentProfile, 'intervalMs'>): number =>
  Math.max(minLifetimeMs, lifetimeIntervals * intervalMs)

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

/** Returns at most 100 characters without control and format characters: the text is shown to people. */
const printable = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, 100)

const timeoutMs = 5000

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

  /** Number of polls by result. */
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
    const { registry, query = queryAgent } = this.#options
    const line = await query(watched.agent, controller.signal)
    if (controller.signal.aborted) return
    const reply = line === null ? null : parseAgentReply(line)
    this.#counts[line === null ? 'silent' : reply === null ? 'garbage' : 'heard']++
    if (reply !== null)
      registry.report(
        watched,
        writer,
        { kind: 'agent', ...reply },
        agentReplyLifetimeMs(watched.agent),
      )
  }
}

/** `agent:` of a target in a zone file: how its agent is polled. */
export interface AgentProfile {
  readonly address: string
  readonly port: number
  readonly intervalMs: number
  /** Text that is sent first; empty if none. */
  readonly send: string
}

/**
 * Polls an agent once: connects, sends its text if any, reads one line. Resolves once the socket is closed, with null if
 * there was no line in time or no connection, which is for the probes to judge. Never rejects.
 */
export function queryAgent(
  { address, port, intervalMs, send }: AgentProfile,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    let text = ''
    let line: string | null = null
    const socket = connect({ host: address, port, autoSelectFamily: false })
    const timer = setTimeout(() => socket.destroy(), Math.min(timeoutMs, intervalMs))
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

// The line of a HAProxy agent check: words separated by blanks or commas, in any order and case.
//
//   75%                                  share of the configured weight, 100 % at most here
//   ready, drain, maint                  whether it accepts mail at all
//   up, down, stopped, fail              whether it works; the reason follows a #
//   maxconn:30 and any other             ignored: mxsteer limits no connections
//
// The line ends at the first CR or LF.

/** Parses the reply of an agent; null if it has no known word. */
export function parseAgentReply(text: string): AgentReply | null {
  const line = /^[^\r\n]*/.exec(text.slice(0, agentLineLimit))?.[0] ?? ''
  const sharp = line.indexOf('#')
  const words = (sharp < 0 ? line : line.slice(0, sharp)).toLowerCase().split(/[\s,]+/)
  let reply: AgentReply = { share: null, mode: null, isDown: null, reason: '' }
  let known = 0
  for (const word of words) {
    const parsed = parseWord(word)
    if (parsed === null) continue
    known++
    reply = { ...reply, ...parsed }
  }
  return known === 0
    ? null
    : { ...reply, reason: sharp < 0 ? '' : printable(line.slice(sharp + 1)) }
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
