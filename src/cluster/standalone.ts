// Overrides of an instance that has no others. They outlive reloads, and end with the process.

import type { LiveVote } from '../health/consensus.ts'
import { expireOverrides, type Override, setOverride } from '../health/overrides.ts'
import type { ClusterVotes, OverrideStore } from './cluster-votes.ts'

export function createStandaloneOverrides(): OverrideStore {
  let list: readonly Override[] = []
  return {
    list: () => list,
    set(override) {
      const taken = setOverride(list, override)
      if (taken.kind === 'full') return taken
      list = taken.list
      return { kind: 'set', replaced: taken.replaced }
    },
    remove(id) {
      const removed = list.find((one) => one.id === id) ?? null
      if (removed) list = list.filter((one) => one !== removed)
      return removed
    },
    expire(nowMs) {
      const expiry = expireOverrides(list, nowMs)
      list = expiry.list
      return expiry.ended
    },
    subscribe: () => () => {},
    isPersistent: false,
  }
}

// The exchange of an instance that has no others: one vote an endpoint, its own. Nothing foreign ever changes.

export function createStandaloneVotes(
  instance: string = 'self',
  site: string = 'here',
): ClusterVotes {
  const own = new Map<string, readonly LiveVote[]>()
  return {
    publish({ slotKey, state, reason }) {
      own.set(slotKey, [{ instance, site, state, reason }])
    },
    withdraw: (slotKey) => void own.delete(slotKey),
    votes: (slotKey) => own.get(slotKey) ?? [],
    subscribe: () => () => {},
    isProbedHere: () => true,
    subscribeAssignments: () => () => {},
    reportLocalFault() {},
    setConfigHash() {},
    leave() {},
    status: () => ({ kind: 'memory', degraded: false, instances: 1 }),
  }
}
