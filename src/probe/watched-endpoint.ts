// A watched slot as the scheduler runs it: at most one probe in flight, which can be aborted.

import { isRefusing } from '../health/refusal.ts'
import type { Vote } from '../share/exchange.ts'
import type { Outcome } from './outcome.ts'
import type { ScheduledProbe } from './scheduler.ts'
import type { WatchedSlot } from './watched-slot.ts'

interface EndpointActions {
  probe(signal: AbortSignal): Promise<Outcome>
  /** Learns of every probe in flight; the promise never rejects for the probe's sake. */
  track(ended: Promise<void>): void
  /** Not called for an aborted probe. */
  onOutcome(outcome: Outcome): void
}

export class WatchedEndpoint implements ScheduledProbe {
  readonly watched: WatchedSlot
  readonly key: string
  readonly destination: string
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly #actions: EndpointActions
  #controller: AbortController | null = null
  #voted: string | null = null

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
    this.#actions.track(this.#probe().finally(done))
  }

  abort(): void {
    this.#controller?.abort()
  }

  /** Our vote, if it is not the one given last; whether it is for being refused matters to alarms. */
  changedVote(): Vote | null {
    const vote = this.watched.vote()
    const said = `${vote.state} ${isRefusing(vote.reason)}`
    if (said === this.#voted) return null
    this.#voted = said
    return vote
  }

  async #probe(): Promise<void> {
    const controller = new AbortController()
    this.#controller = controller
    const outcome = await this.#actions.probe(controller.signal)
    if (this.#controller === controller) this.#controller = null
    if (!controller.signal.aborted) this.#actions.onOutcome(outcome)
  }
}
