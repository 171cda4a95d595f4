// A watched slot as the scheduler runs it: at most one probe in flight, which can be aborted.

import type { LiveVote } from '../health/consensus.ts'
import { isRefusing } from '../health/refusal.ts'
import type { Vote } from '../cluster/cluster-votes.ts'
import type { Outcome } from '../health/outcome.ts'
import type { ScheduledProbe } from '../probe/schedule/scheduler.ts'
import type { WatchedSlot } from './endpoint-health.ts'

interface EndpointActions {
  probe(signal: AbortSignal): Promise<Outcome>
  /** Not called for an aborted probe. */
  onOutcome(outcome: Outcome): void
  /** Called for every probe, once its socket is closed. */
  onEnd(): void
}

export class WatchedEndpoint implements ScheduledProbe {
  readonly watched: WatchedSlot
  readonly key: string
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly #actions: EndpointActions
  /** Of the probe in flight and of those after it, until it is used. */
  #controller = new AbortController()
  #voted: string | null = null
  #isTold = false

  constructor(watched: WatchedSlot, actions: EndpointActions) {
    this.watched = watched
    this.key = watched.key
    this.destination = watched.address
    this.intervalMs = watched.profile.intervalMs
    this.fastIntervalMs = watched.profile.fastIntervalMs
    this.#actions = actions
  }

  isUndecided(): boolean {
    return this.watched.isUndecided()
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
    if (this.watched.memory.restored !== null) return true
    if (!this.#isTold && this.watched.vote().state === '?')
      this.#isTold = votes.some(({ state }) => state !== '?')
    return this.#isTold
  }

  /** Our vote, if it is not the one given last; whether it is for being refused matters to alerts. */
  changedVote(): Vote | null {
    const vote = this.watched.vote()
    const said = `${vote.state} ${isRefusing(vote.reason)}`
    if (said === this.#voted) return null
    this.#voted = said
    return vote
  }
}
