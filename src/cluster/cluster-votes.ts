// What an instance shares with the others: votes on endpoints, overrides, feedback of MTAs, counts of probes. These
// interfaces answer from memory; a store behind them, if there is one, is read and written in the background. The
// implementation without a store is standalone.ts, the one over a store cluster.ts.

import type { SavedAvailability } from '../health/availability.ts'
import type { LiveVote, VoteState } from '../health/consensus.ts'
import type { Feedback, FeedbackWriter } from '../health/feedback.ts'
import type { Override } from '../health/overrides.ts'
import type { ConfigChange } from './config-agreement.ts'
import type { SealEvent } from './redis/unauthentic-records.ts'

/** The own vote on an endpoint. */
export interface Vote {
  /** Identifies the probed endpoint, the same way in every instance: watch/slot-key.ts. */
  readonly slotKey: string
  readonly state: VoteState
  readonly reason: string
}

export interface ClusterStatus {
  readonly kind: 'memory' | 'redis'
  /** Whether this instance is cut off from the others and judges by its own votes and their last ones. */
  readonly degraded: boolean
  /** Live instances, including this one. */
  readonly instances: number
}

/** Votes of all instances, and the assignment of probes to instances. */
export interface ClusterVotes {
  /** Sets the own vote. Its first vote, which may be `?`, also makes the endpoint known: others' votes on it are read. */
  publish(vote: Vote): void
  /** Removes the own vote: the endpoint is no longer watched here. */
  withdraw(slotKey: string): void
  /** At most one vote per live instance that probes the endpoint, including the own one. */
  votes(slotKey: string): readonly LiveVote[]
  /** Calls back when another instance's vote changed. Returns a function that unsubscribes. */
  subscribe(onForeignVote: (slotKey: string) => void): () => void
  /** Whether this instance probes the endpoint: a few instances do so for all. */
  isProbedHere(slotKey: string): boolean
  /**
   * Calls back when `isProbedHere` may have changed for any endpoint, or the instance was cut off or reconnected.
   * Returns a function that unsubscribes.
   */
  subscribeAssignments(onChange: () => void): () => void
  /** Sets whether this host may be the reason for failures; while it may, other instances ignore its votes. */
  reportLocalFault(isFaulty: boolean): void
  /** Sets a hash of the configuration that is the same in every instance with the same zone files and settings. */
  setConfigHash(config: string): void
  /** Announces that this instance will stop: others ignore its votes and take over its probes. */
  leave(): void
  status(): ClusterStatus
}

/** What identifies feedback: target and writer. */
export type FeedbackKey = Omit<SharedFeedback, 'feedback'>

/** Feedback of one writer on one target, as all instances have it. */
export interface SharedFeedback {
  readonly zone: string
  readonly target: string
  readonly writer: FeedbackWriter
  readonly feedback: Feedback
}

/** Feedback of MTAs: reported to any instance, it counts and ends on all of them. */
export interface FeedbackStore {
  /** Replaces the targets that zones here have; feedback on others is kept while there is room. */
  setTargets(targets: readonly Pick<SharedFeedback, 'zone' | 'target'>[]): void
  /** Replaces the feedback; null withdraws it. */
  write(id: FeedbackKey, feedback: Feedback | null): void
  /** All that is known, including the own; some of it may have expired. */
  list(): readonly SharedFeedback[]
  /** Calls back when another instance changed the list. Returns a function that unsubscribes. */
  subscribe(onForeignChange: () => void): () => void
}

/** Overrides: any instance sets or removes them, all of them obey. */
export interface OverrideStore {
  /**
   * Replaces the keys that overrides of targets in zones here can have (`overrideKeysOf`). Overrides with other keys are
   * kept while there is room, since another instance may have a newer zone file, and do not count against the limit.
   */
  setKnownKeys(keys: ReadonlySet<string>): void
  /** The overrides in force, oldest first. */
  list(): readonly Override[]
  /** Adds an override; one of the same target, scope and class is replaced. */
  set(override: Override): SetOverrideResult
  /** Removes and returns the override with this id; null if there is none. */
  remove(id: string): Override | null
  /** Removes and returns the expired overrides. Every instance does so by its own clock; others are not notified. */
  expire(nowMs: number): readonly Override[]
  /** Calls back when another instance changed the list. Returns a function that unsubscribes. */
  subscribe(onForeignChange: (change: OverrideChanges) => void): () => void
  /** Whether overrides outlive this process. */
  readonly isPersistent: boolean
}

/** Changes that other instances made. */
export interface OverrideChanges {
  /** `from`: name of the instance that received the override, null if unknown. */
  readonly set: readonly { readonly override: Override; readonly from: string | null }[]
  readonly removed: readonly { readonly override: Override; readonly isReplaced: boolean }[]
}

/** `full`: as many overrides of known targets are in force as there may be. */
export type SetOverrideResult =
  | { readonly kind: 'set'; readonly replaced: Override | null }
  | { readonly kind: 'full' }

/** Source of the own probe counts. */
export interface LocalTallies {
  /** Current counts by zone and pool. */
  readonly current: () => ReadonlyMap<string, SavedAvailability>
  /** Called once per pool with the counts that the store has from before this boot. */
  readonly restore: (pool: string, saved: SavedAvailability) => void
}

/** Probe counts: each instance writes its own, so that the sum over instances counts each probe once. */
export interface TallyStore {
  /** Starts sharing the own counts. */
  attach(own: LocalTallies): void
  /** What each of the other instances counted for a pool. */
  ofOthers(pool: string): readonly SavedAvailability[]
}

/** What an instance reports of itself beside its heartbeat. */
export interface InstanceReport {
  /** null: what it reports is no version; so for the next two. */
  readonly version: string | null
  /** Where a browser finds its console; of http or https. */
  readonly consoleUrl: string | null
  /** Digest of the content of each zone that it serves, by name in lower case without final dot. */
  readonly zones: ReadonlyMap<string, string> | null
  /** Zones that it serves beside these: the record has no room for them. */
  readonly zonesLeftOut: number
}

/** For how long caches may lead to a target by the answers of one instance. */
export interface TargetExposure {
  /** When the last of them expires, milliseconds since the epoch; 0: none was given. */
  readonly untilMs: number
  /** Ids of the overrides of the target that the instance has in force. */
  readonly overrides: readonly string[]
}

/** By `ZONE TARGET`, of targets with an override in force and of those that feedback takes out. */
export type TargetExposures = ReadonlyMap<string, TargetExposure>

export interface ExposureReport {
  /** When it was so, by the clock of its instance. */
  readonly atMs: number
  readonly targets: TargetExposures
}

/** Another instance with what it reported last. */
export interface ReportingInstance {
  readonly instance: string
  /** `silent`: it went within the last day without announcing it. `stopped`: it had announced it. */
  readonly state: 'live' | 'silent' | 'stopped'
  /** When it went, milliseconds since the epoch; null: it is live. */
  readonly goneMs: number | null
  /** null: none of this boot, as of versions before 0.1.0. */
  readonly report: InstanceReport | null
  readonly exposure: ExposureReport | null
}

/** Source of what this instance reports. */
export interface OwnReports {
  readonly version: string
  readonly consoleUrl: string | null
  /** As of `InstanceReport`; the same map for as long as nothing of it changes. */
  readonly zones: () => ReadonlyMap<string, string>
  /** Whether the store has this digest for the zone. */
  readonly isShared: (zone: string, digest: string) => boolean
  readonly exposures: () => TargetExposures
}

/** What instances report of themselves. */
export interface ReportStore {
  /** Starts to report. */
  attach(own: OwnReports): void
  instances(): readonly ReportingInstance[]
}

/** Changes in the cluster that are logged. */
export type ClusterEvent =
  /** The store is out of reach; `why` is an error code. */
  | { readonly kind: 'degraded'; readonly why: string }
  | { readonly kind: 'recovered'; readonly afterMs: number }
  /** The store does not let reads block, `why` is an error code: hints are polled for; and it lets them again. */
  | { readonly kind: 'polling'; readonly why: string; readonly everyMs: number }
  | { readonly kind: 'blocking' }
  | { readonly kind: 'peer-joined'; readonly peer: string; readonly site: string }
  /** `isStopped`: it announced that it would leave; otherwise its heartbeat expired. */
  | { readonly kind: 'peer-gone'; readonly peer: string; readonly isStopped: boolean }
  /** A record of the store is larger than a valid one can be, and is not read. `field` is null if the key is meant. */
  | {
      readonly kind: 'oversized-record'
      readonly key: string
      readonly field: string | null
      readonly octets: number
    }
  /** The store has lost its data; everything of this instance is written again. */
  | { readonly kind: 'emptied' }
  /** A later process uses the name of this instance; and it no longer does. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'unfenced' }
  | ConfigChange
  | SealEvent
