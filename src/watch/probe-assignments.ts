// Which watched endpoints this instance probes. The others are suspended here, since enough other instances probe them
// (cluster/cluster-votes.ts): this instance then has no vote on them, and their state is what the others vote for.

import type { ClusterVotes } from '../cluster/cluster-votes.ts'
import type { Clock } from '../lib/clock.ts'
import type { Scheduler } from '../probe/schedule/scheduler.ts'
import type { FirstRound } from './first-round.ts'
import type { LocalFaultDetector } from './local-fault.ts'
import type { WatchedEndpoint } from './watched-endpoint.ts'

interface ProbeAssignmentsOptions {
  readonly cluster: ClusterVotes
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly firstRound: FirstRound<WatchedEndpoint>
  readonly localFaults: LocalFaultDetector
  /** Returns all watched endpoints, suspended or not. */
  readonly endpoints: () => Iterable<WatchedEndpoint>
  /** Called when assignments, or the connection to the other instances, may have changed: all are to be judged again. */
  readonly onAssignmentChange: () => void
}

export class ProbeAssignments {
  readonly #options: ProbeAssignmentsOptions
  readonly #suspended = new Set<WatchedEndpoint>()
  readonly #unsubscribe: () => void

  constructor(options: ProbeAssignmentsOptions) {
    this.#options = options
    this.#unsubscribe = options.cluster.subscribeAssignments(() => this.#reassign())
  }

  /** Schedules those of the new endpoints that are probed here. */
  add(endpoints: readonly WatchedEndpoint[]): void {
    this.#options.scheduler.add(endpoints.filter((one) => !this.#suspendUnlessAssigned(one)))
  }

  /** Takes out an endpoint that is watched no longer. */
  remove(endpoint: WatchedEndpoint): void {
    this.#suspended.delete(endpoint)
  }

  stop(): void {
    this.#unsubscribe()
  }

  #reassign(): void {
    const { scheduler, firstRound, endpoints, onAssignmentChange } = this.#options
    const resumed: WatchedEndpoint[] = []
    for (const endpoint of endpoints()) {
      const wasSuspended = this.#suspended.has(endpoint)
      if (!this.#suspendUnlessAssigned(endpoint) && wasSuspended) resumed.push(endpoint)
    }
    scheduler.add(resumed)
    onAssignmentChange()
    firstRound.start()
  }

  /** Whether the endpoint is suspended now. */
  #suspendUnlessAssigned(endpoint: WatchedEndpoint): boolean {
    if (this.#options.cluster.isProbedHere(endpoint.key)) {
      this.#suspended.delete(endpoint)
      return false
    }
    if (!this.#suspended.has(endpoint)) this.#suspend(endpoint)
    return true
  }

  #suspend(endpoint: WatchedEndpoint): void {
    const { scheduler, firstRound, localFaults, clock } = this.#options
    const { health } = endpoint
    this.#suspended.add(endpoint)
    endpoint.abort()
    scheduler.remove(endpoint)
    firstRound.remove(endpoint)
    if (health.isFailing) localFaults.observe(health.slot, false)
    health.isFailing = false
    health.lastOutcome = null
    health.discardOwnObservations(clock.monotonicMs())
  }
}
