// Until when caches may lead to a target by the answers of all instances, so that it is known when its MTA can be stopped.
//
//   live       what it reports, where that is of the overrides that are in force; else it is not known
//   silent     not known: it may still answer as it did
//   stopped    what it reported last of these overrides; else its answers have expired a TTL after it stopped
//   this one   what it counted; of answers before its start it knows that they expire a TTL after it
//
// A cut-off instance knows of nobody but itself.

import type { ReportingInstance } from '../cluster/cluster-votes.ts'

export interface FleetExposure {
  /** When the last answer of those that are known expires, milliseconds since the epoch; 0: there is none. */
  readonly untilMs: number
  /** Other instances of which it is not known. */
  readonly notKnownOf: readonly string[]
}

/** `isCutOff`: whether this instance is. */
export interface FleetState {
  readonly instances: readonly ReportingInstance[]
  readonly isCutOff: boolean
}

export interface OverriddenTarget {
  /** `ZONE TARGET`. */
  readonly key: string
  /** Ids of its overrides in force. */
  readonly overrides: readonly string[]
  /** By this instance; 0: none. */
  readonly ownUntilMs: number
  /** The longest that an answer which names it is cached. */
  readonly ttlMs: number
}

export function fleetExposure(
  { instances, isCutOff }: FleetState,
  { key, overrides, ownUntilMs, ttlMs }: OverriddenTarget,
): FleetExposure {
  const notKnownOf: string[] = []
  let untilMs = ownUntilMs
  for (const { instance, state, goneMs, exposure } of instances) {
    const reported = exposure?.targets.get(key)
    const isOfThese = reported && overrides.every((id) => reported.overrides.includes(id))
    const isKnown = state === 'stopped' || (state === 'live' && isOfThese && !isCutOff)
    if (!isKnown) notKnownOf.push(instance)
    else untilMs = Math.max(untilMs, isOfThese ? reported.untilMs : (goneMs ?? 0) + ttlMs)
  }
  return { untilMs, notKnownOf: notKnownOf.sort() }
}
