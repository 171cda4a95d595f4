// The exchange of an instance that has no others: one vote an endpoint, its own. Nothing foreign ever changes.

import type { LiveVote } from '../health/consensus.ts'
import type { Exchange } from './exchange.ts'

export function createMemoryExchange(instance: string = 'self', site: string = 'here'): Exchange {
  const own = new Map<string, readonly LiveVote[]>()
  return {
    publish({ slotKey, state, reason }) {
      own.set(slotKey, [{ instance, site, state, reason }])
    },
    withdraw: (slotKey) => void own.delete(slotKey),
    votes: (slotKey) => own.get(slotKey) ?? [],
    subscribe: () => () => {},
    isProbedHere: () => true,
    subscribeDuties: () => () => {},
    doubtSelf() {},
    configure() {},
    leave() {},
    status: () => ({ kind: 'memory', degraded: false, instances: 1 }),
  }
}
