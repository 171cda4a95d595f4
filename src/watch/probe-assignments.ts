// Which watched endpoints are probed here, and which rest since other instances probe them (cluster/cluster-votes.ts). Who
// rests has no word of ours: what is known of it is what the others say.

import type { Clock } from '../lib/clock.ts'
import type { ClusterVotes } from '../cluster/cluster-votes.ts'
import type { FirstRound } from './first-round.ts'
import type { Scheduler } from '../probe/schedule/scheduler.ts'
import type { SelfDoubt } from './local-fault.ts'
import type { WatchedEndpoint } from './watched-endpoint.ts'

interface DutyNeeds {
  readonly exchange: ClusterVotes
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly firstRound: FirstRound<WatchedEndpoint>
  readonly doubt: SelfDoubt
  /** All of them. */
  readonly endpoints: () => Iterable<WatchedEndpoint>
  /** Who probes what may have changed, or whether we are cut off from the other instances. */
  readonly onShared: () => void
}

export class ProbeDuties {
  readonly #needs: DutyNeeds
  readonly #resting = new Set<WatchedEndpoint>()
  readonly #unsubscribe: () => void

  constructor(needs: DutyNeeds) {
    this.#needs = needs
    this.#unsubscribe = needs.exchange.subscribeAssignments(() => this.#shareOut())
  }

  /** New ones. */
  take(endpoints: readonly WatchedEndpoint[]): void {
    this.#needs.scheduler.add(endpoints.filter((one) => !this.#rests(one)))
  }

  drop(endpoint: WatchedEndpoint): void {
    this.#resting.delete(endpoint)
  }

  stop(): void {
    this.#unsubscribe()
  }

  #shareOut(): void {
    const { scheduler, firstRound, endpoints, onShared } = this.#needs
    const back: WatchedEndpoint[] = []
    for (const endpoint of endpoints()) {
      const rested = this.#resting.has(endpoint)
      if (!this.#rests(endpoint) && rested) back.push(endpoint)
    }
    scheduler.add(back)
    onShared()
    firstRound.begin()
  }

  #rests(endpoint: WatchedEndpoint): boolean {
    if (this.#needs.exchange.isProbedHere(endpoint.key)) {
      this.#resting.delete(endpoint)
      return false
    }
    if (!this.#resting.has(endpoint)) this.#layToRest(endpoint)
    return true
  }

  #layToRest(endpoint: WatchedEndpoint): void {
    const { scheduler, firstRound, doubt, clock } = this.#needs
    const { watched } = endpoint
    this.#resting.add(endpoint)
    endpoint.abort()
    scheduler.remove(endpoint)
    firstRound.drop(endpoint)
    if (watched.isFailing) doubt.observe(watched.slot, false)
    watched.isFailing = false
    watched.lastOutcome = null
    watched.rest(clock.monotonicMs())
  }
}
