// A watched endpoint as the scheduler runs it: at most one probe in flight, which can be aborted.

import type { LiveVote } from '../health/consensus.ts'
import { isRefusing } from '../health/refusal.ts'
import type { Vote } from '../cluster/cluster-votes.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ScheduledProbe } from '../probe/schedule/scheduler.ts'
import type { EndpointHealth } from './endpoint-health.ts'

interface EndpointActions {
  /** Starts a probe; resolves once its socket is closed, never rejects. */
  probe(signal: AbortSignal): Promise<Outcome>
  /** Called with the outcome of a probe unless it was aborted. */
  onOutcome(outcome: Outcome): void
  /** Called at the end of every probe, aborted or not. */
  onEnd(): void
}

export class WatchedEndpoint implements ScheduledProbe {
  readonly health: EndpointHealth
  readonly key: string
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly #actions: EndpointActions
  /** Aborts the probe in flight; replaced once used. */
  #controller = new AbortController()
  #lastVote: Vote['state'] | null = null
  #wasRefusing = false
  #hasForeignVote = false

  constructor(health: EndpointHealth, actions: EndpointActions) {
    this.health = health
    this.key = health.key
    this.destination = health.address
    this.intervalMs = health.profile.intervalMs
    this.fastIntervalMs = health.profile.fastIntervalMs
    this.#actions = actions
  }

  isUndecided(): boolean {
    return this.health.isUndecided()
  }

  run(done: () => void): void {
    const { signal } = this.#controller
    const actions = this.#actions
    const end = (): void => {
      actions.onEnd()
      done()
    }
    // Whatever an outcome leads to: an endpoint whose probe does not end would never be probed again.
    void actions.probe(signal).then(
      (outcome) => {
        try {
          if (!signal.aborted) actions.onOutcome(outcome)
        } finally {
          end()
        }
      },
      (error: unknown) => {
        end()
        throw error
      },
    )
  }

  abort(): void {
    this.#controller.abort()
    this.#controller = new AbortController()
  }

  /** Whether its state is known without a probe of this process: restored, or by the vote of another instance. */
  isKnown(votes: readonly LiveVote[]): boolean {
    if (this.health.history.restoredReason !== null) return true
    if (!this.#hasForeignVote && this.health.vote().state === '?')
      this.#hasForeignVote = votes.some(({ state }) => state !== '?')
    return this.#hasForeignVote
  }

  /** Returns the vote of this instance if it differs from the last one returned, in state or in being a refusal; else null. */
  changedVote(): Vote | null {
    const vote = this.health.vote()
    const refuses = isRefusing(vote.reason)
    if (vote.state === this.#lastVote && refuses === this.#wasRefusing) return null
    this.#lastVote = vote.state
    this.#wasRefusing = refuses
    return vote
  }
}
