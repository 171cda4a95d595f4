// Who probes what, as long as the same instances live: health/assignment.ts, remembered an endpoint.

import { type HashedVantage, type Vantage, assignees, hashVantages } from '../health/assignment.ts'
import { hashText } from '../lib/hash.ts'

interface AssignedEndpoint {
  readonly slotKey: string
  readonly hash: number
}

export class ProbeAssignments {
  /** Endpoints that came to us since somebody went. */
  takeovers = 0
  readonly #self: Vantage
  readonly #count: number
  #live: readonly HashedVantage[]
  #assigned = new Map<string, readonly string[]>()

  constructor(self: Vantage, count: number) {
    this.#self = self
    this.#count = count
    this.#live = hashVantages([self])
  }

  /** Replaces the others that live. `isLoss`: some went. */
  assign(others: readonly Vantage[], endpoints: Iterable<AssignedEndpoint>, isLoss: boolean): void {
    const before = this.#assigned
    this.#live = hashVantages([this.#self, ...others])
    this.#assigned = new Map()
    const { instance } = this.#self
    for (const endpoint of endpoints) {
      const isTaken = this.assigneesOf(endpoint).includes(instance)
      const was = before.get(endpoint.slotKey)
      if (isLoss && isTaken && was && !was.includes(instance)) this.takeovers++
    }
  }

  assigneesOf({ slotKey, hash }: AssignedEndpoint): readonly string[] {
    const known = this.#assigned.get(slotKey)
    if (known) return known
    const assigned = assignees(hash, this.#live, this.#count)
    this.#assigned.set(slotKey, assigned)
    return assigned
  }

  /** The ids of those that this instance probes. */
  endpointsOf(
    instance: string,
    all: Iterable<AssignedEndpoint & { readonly endpoint: string }>,
  ): readonly string[] {
    const ids: string[] = []
    for (const one of all) if (this.assigneesOf(one).includes(instance)) ids.push(one.endpoint)
    return ids
  }

  /** `endpoint`: where it is known. */
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
