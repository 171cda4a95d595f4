// Votes and overrides of an instance without others, kept in memory: they survive reloads and end with the process.

import type { LiveVote } from '../health/consensus.ts'
import {
  expireOverrides,
  keyOfOverride,
  type Override,
  setOverride,
  withinOverrideLimits,
} from '../health/overrides.ts'
import type { ClusterVotes, OverrideStore } from './cluster-votes.ts'

/** One vote per endpoint, the own one; every endpoint is probed here. */
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

export function createStandaloneOverrides(): OverrideStore {
  let list: readonly Override[] = []
  let knownKeys: ReadonlySet<string> = new Set()
  const isKnown = (one: Override): boolean => knownKeys.has(keyOfOverride(one))
  return {
    setKnownKeys(keys) {
      knownKeys = keys
      list = withinOverrideLimits(list, isKnown)
    },
    list: () => list,
    set(override) {
      const result = setOverride(list, override, isKnown)
      if (result.kind === 'full') return result
      list = result.list
      return { kind: 'set', replaced: result.replaced }
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
