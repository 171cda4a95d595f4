// Which watched endpoints are probed here, and which rest since other instances probe them (cluster/cluster-votes.ts). Who
// rests has no word of ours: what is known of it is what the others say.

import type { Clock } from '../lib/clock.ts'
import type { ClusterVotes } from '../cluster/cluster-votes.ts'
import type { FirstRound } from './first-round.ts'
import type { Scheduler } from '../probe/schedule/scheduler.ts'
import type { LocalFaultDetector } from './local-fault.ts'
import type { WatchedEndpoint } from './watched-endpoint.ts'

interface ProbeAssignmentsOptions {
  readonly exchange: ClusterVotes
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly firstRound: FirstRound<WatchedEndpoint>
  readonly doubt: LocalFaultDetector
  /** All of them. */
  readonly endpoints: () => Iterable<WatchedEndpoint>
  /** Who probes what may have changed, or whether we are cut off from the other instances. */
  readonly onShared: () => void
}

export class ProbeAssignments {
  readonly #options: ProbeAssignmentsOptions
  readonly #suspended = new Set<WatchedEndpoint>()
  readonly #unsubscribe: () => void

  constructor(needs: ProbeAssignmentsOptions) {
    this.#options = needs
    this.#unsubscribe = needs.exchange.subscribeAssignments(() => this.#reassign())
  }

  /** New ones. */
  add(endpoints: readonly WatchedEndpoint[]): void {
    this.#options.scheduler.add(endpoints.filter((one) => !this.#suspendUnlessAssigned(one)))
  }

  remove(endpoint: WatchedEndpoint): void {
    this.#suspended.delete(endpoint)
  }

  stop(): void {
    this.#unsubscribe()
  }

  #reassign(): void {
    const { scheduler, firstRound, endpoints, onShared } = this.#options
    const back: WatchedEndpoint[] = []
    for (const endpoint of endpoints()) {
      const rested = this.#suspended.has(endpoint)
      if (!this.#suspendUnlessAssigned(endpoint) && rested) back.push(endpoint)
    }
    scheduler.add(back)
    onShared()
    firstRound.start()
  }

  #suspendUnlessAssigned(endpoint: WatchedEndpoint): boolean {
    if (this.#options.exchange.isProbedHere(endpoint.key)) {
      this.#suspended.delete(endpoint)
      return false
    }
    if (!this.#suspended.has(endpoint)) this.#suspend(endpoint)
    return true
  }

  #suspend(endpoint: WatchedEndpoint): void {
    const { scheduler, firstRound, doubt, clock } = this.#options
    const { health: watched } = endpoint
    this.#suspended.add(endpoint)
    endpoint.abort()
    scheduler.remove(endpoint)
    firstRound.remove(endpoint)
    if (watched.isFailing) doubt.observe(watched.slot, false)
    watched.isFailing = false
    watched.lastOutcome = null
    watched.discardOwnObservations(clock.monotonicMs())
  }
}
