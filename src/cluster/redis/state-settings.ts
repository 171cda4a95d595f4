// How instances share state, and the times that follow from how often they say that they live.
//
//   a heartbeat lasts 5 of its intervals    15 s at the default of 3 s: then others take its probes over
//   votes of the dead lie 40                a reader that comes late finds them no more than that old
//   heartbeats are read after 2/3           and hints at once
//   all votes are read after 10 (± 20 %)    whatever was missed, by then it is known
//   all of ours are written after 200
//   unanswered for 5/3                      cut off
//   a command has half of one               1.5 s
//   counts of probes are told after 20      60 s
//   configurations may differ for 40        2 minutes, after the last change of any

import type { StoreAddress } from './store-address.ts'

export interface StateSettings {
  readonly address: StoreAddress
  readonly namespace: string
  readonly heartbeatMs: number
  /** How many instances probe an endpoint. */
  readonly vantages: number
  /** For how long the votes of others count after we were cut off. */
  readonly peerHoldMs: number
}

export interface StateTimes {
  readonly heartbeatMs: number
  readonly heartbeatLifetimeMs: number
  readonly votesLifetimeMs: number
  readonly pollMs: number
  readonly snapshotMs: number
  readonly rewriteMs: number
  readonly cutOffMs: number
  readonly commandMs: number
  readonly blockMs: number
  /** Changes of this long go out together. */
  readonly gatherMs: number
  /** Counts of probes are written and read each such time. */
  readonly tallyMs: number
  /** Instances may say different things for as long. */
  readonly configGraceMs: number
}

export const stateTimes = (heartbeatMs: number): StateTimes => ({
  heartbeatMs,
  heartbeatLifetimeMs: 5 * heartbeatMs,
  votesLifetimeMs: 40 * heartbeatMs,
  pollMs: (heartbeatMs * 2) / 3,
  snapshotMs: 10 * heartbeatMs,
  rewriteMs: 200 * heartbeatMs,
  cutOffMs: (heartbeatMs * 5) / 3,
  commandMs: Math.max(250, heartbeatMs / 2),
  blockMs: (heartbeatMs * 2) / 3,
  gatherMs: Math.min(100, heartbeatMs / 15),
  tallyMs: 20 * heartbeatMs,
  configGraceMs: 40 * heartbeatMs,
})
