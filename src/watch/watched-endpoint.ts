// A watched slot as the scheduler runs it: at most one probe in flight, which can be aborted.

import type { LiveVote } from '../health/consensus.ts'
import { isRefusing } from '../health/refusal.ts'
import type { Vote } from '../cluster/cluster-votes.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ScheduledProbe } from '../probe/schedule/scheduler.ts'
import type { EndpointHealth } from './endpoint-health.ts'

interface EndpointActions {
  probe(signal: AbortSignal): Promise<Outcome>
  /** Not called for an aborted probe. */
  onOutcome(outcome: Outcome): void
  /** Called for every probe, once its socket is closed. */
  onEnd(): void
}

export class WatchedEndpoint implements ScheduledProbe {
  readonly health: EndpointHealth
  readonly key: string
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly #actions: EndpointActions
  /** Of the probe in flight and of those after it, until it is used. */
  #controller = new AbortController()
  #lastVote: string | null = null
  #hasForeignVote = false

  constructor(watched: EndpointHealth, actions: EndpointActions) {
    this.health = watched
    this.key = watched.key
    this.destination = watched.address
    this.intervalMs = watched.profile.intervalMs
    this.fastIntervalMs = watched.profile.fastIntervalMs
    this.#actions = actions
  }

  isUndecided(): boolean {
    return this.health.isUndecided()
  }

  run(done: () => void): void {
    const { signal } = this.#controller
    void this.#actions.probe(signal).then((outcome) => {
      if (!signal.aborted) this.#actions.onOutcome(outcome)
      this.#actions.onEnd()
      done()
    })
  }

  abort(): void {
    this.#controller.abort()
    this.#controller = new AbortController()
  }

  /** Whether something is known of it before our first round is done: from before the start, or by others. */
  isKnown(votes: readonly LiveVote[]): boolean {
    if (this.health.history.restoredReason !== null) return true
    if (!this.#hasForeignVote && this.health.vote().state === '?')
      this.#hasForeignVote = votes.some(({ state }) => state !== '?')
    return this.#hasForeignVote
  }

  /** Our vote, if it is not the one given last; whether it is for being refused matters to alerts. */
  changedVote(): Vote | null {
    const vote = this.health.vote()
    const said = `${vote.state} ${isRefusing(vote.reason)}`
    if (said === this.#lastVote) return null
    this.#lastVote = said
    return vote
  }
}
