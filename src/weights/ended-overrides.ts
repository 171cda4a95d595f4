// Overrides that have ended in the last day, as this process saw it: what stands below those in force at the console. What
// was replaced by its like, as when an operator extends it, has not ended.

import { keyOfOverride, type Override } from '../health/overrides.ts'

export type OverrideEnd = 'time' | 'undone' | 'replaced'

export interface EndedOverride {
  readonly override: Override
  readonly end: OverrideEnd
  /** Empty where another instance ended it. */
  readonly by: string
  /** On the wall clock. */
  readonly atMs: number
}

export const endedOverrideLimits = { count: 200, ageMs: 86_400_000 } as const

export interface EndedOverrides {
  add(override: Override, end: OverrideEnd, by: string): void
  /** The latest first. `inForce`: by which one may have been replaced. */
  list(inForce: readonly Override[]): readonly EndedOverride[]
}

export function createEndedOverrides(wallMs: () => number): EndedOverrides {
  let ended: readonly EndedOverride[] = []
  return {
    add(override, end, by) {
      const { count } = endedOverrideLimits
      ended = [{ override, end, by, atMs: wallMs() }, ...ended].slice(0, count)
    },
    list(inForce) {
      const sinceMs = wallMs() - endedOverrideLimits.ageMs
      ended = ended.filter(({ atMs }) => atMs > sinceMs)
      // Each was ended by the one before it in the list, or by one in force.
      const later = new Set(inForce.map(likeness))
      return ended.filter(({ override, end }) => {
        const isExtended = end === 'replaced' && later.has(likeness(override))
        later.add(likeness(override))
        return !isExtended
      })
    },
  }
}

const likeness = (one: Override): string => `${keyOfOverride(one)} ${JSON.stringify(one.action)}`
