// Which instances probe which endpoint, by health/assignment.ts, cached per endpoint until the live instances change.

import { type HashedVantage, type Vantage, assignees, hashVantages } from '../health/assignment.ts'
import { hashText } from '../lib/hash.ts'

interface AssignedEndpoint {
  readonly slotKey: string
  /** `hashText` of the slot key. */
  readonly hash: number
}

export class ProbeAssignments {
  /** Endpoints that were assigned to this instance because others left. */
  takeovers = 0
  readonly #self: Vantage
  readonly #count: number
  #live: readonly HashedVantage[]
  /** Slot key → names of instances. */
  #assigned = new Map<string, readonly string[]>()

  /** `count`: how many instances probe an endpoint. */
  constructor(self: Vantage, count: number) {
    this.#self = self
    this.#count = count
    this.#live = hashVantages([self])
  }

  /** Replaces the other live instances. With `isLoss`, endpoints that come to this instance count as takeovers. */
  assign(others: readonly Vantage[], endpoints: Iterable<AssignedEndpoint>, isLoss: boolean): void {
    const assignedBefore = this.#assigned
    this.#live = hashVantages([this.#self, ...others])
    this.#assigned = new Map()
    const { instance } = this.#self
    for (const endpoint of endpoints) {
      const isAssigned = this.assigneesOf(endpoint).includes(instance)
      const before = assignedBefore.get(endpoint.slotKey)
      if (isLoss && isAssigned && before && !before.includes(instance)) this.takeovers++
    }
  }

  /** Names of the instances that probe the endpoint, best first. */
  assigneesOf({ slotKey, hash }: AssignedEndpoint): readonly string[] {
    const known = this.#assigned.get(slotKey)
    if (known) return known
    const assigned = assignees(hash, this.#live, this.#count)
    this.#assigned.set(slotKey, assigned)
    return assigned
  }

  /** Ids of those endpoints that the named instance probes. */
  endpointsOf(
    instance: string,
    all: Iterable<AssignedEndpoint & { readonly endpoint: string }>,
  ): readonly string[] {
    const ids: string[] = []
    for (const one of all) if (this.assigneesOf(one).includes(instance)) ids.push(one.endpoint)
    return ids
  }

  /** Whether this instance probes the endpoint; an `endpoint` that is not known yet is looked up by its slot key. */
  isAssignedHere(endpoint: AssignedEndpoint | undefined, slotKey: string): boolean {
    const assigned = endpoint
      ? this.assigneesOf(endpoint)
      : assignees(hashText(slotKey), this.#live, this.#count)
    return assigned.includes(this.#self.instance)
  }

  forget(slotKey: string): void {
    this.#assigned.delete(slotKey)
  }
}
