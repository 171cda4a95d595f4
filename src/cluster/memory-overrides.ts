// Overrides of an instance that has no others. They outlive reloads, and end with the process.

import type { Override } from '../health/overrides.ts'
import { expireOverrides, setOverride } from '../health/overrides.ts'
import type { OverrideExchange } from './override-exchange.ts'

export function createMemoryOverrides(): OverrideExchange {
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
    isLasting: false,
  }
}
