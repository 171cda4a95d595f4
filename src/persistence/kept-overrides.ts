// Overrides that outlive the process: those of the state file at start, and every change on its way there at once.

import { type Override, setOverride } from '../health/overrides.ts'
import type { OverrideExchange } from '../cluster/override-exchange.ts'

/** `urge`: something changed that must not be lost. */
export function keptOverrides(
  inner: OverrideExchange,
  restored: readonly Override[],
  urge: () => void,
): OverrideExchange {
  for (const override of restored) {
    // The same rules as at any time: no two of one class, and no more than there may be.
    if (setOverride(inner.list(), override).kind === 'set') inner.set(override)
  }
  return {
    list: () => inner.list(),
    set(override) {
      const taken = inner.set(override)
      if (taken.kind === 'set') urge()
      return taken
    },
    remove(id) {
      const removed = inner.remove(id)
      if (removed) urge()
      return removed
    },
    expire(nowMs) {
      const ended = inner.expire(nowMs)
      if (ended.length > 0) urge()
      return ended
    },
    subscribe: (onForeignChange) => inner.subscribe(onForeignChange),
    isLasting: true,
  }
}
