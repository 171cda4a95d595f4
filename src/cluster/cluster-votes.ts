// The exchange of votes between instances (design §6): each writes its own, all read all.
// Everything here answers at once from what is known locally; the network, where there is one, is behind it.

import type { SavedAvailability } from '../health/availability.ts'
import type { LiveVote, VoteState } from '../health/consensus.ts'
import type { Feedback, FeedbackWriter } from '../health/feedback.ts'
import type { Override } from '../health/overrides.ts'
import type { ConfigChange } from './config-agreement.ts'

export interface Vote {
  /** Names the probed endpoint the same way in every instance: see watch/slot-key.ts. */
  readonly slotKey: string
  readonly state: VoteState
  readonly reason: string
}

export interface ClusterStatus {
  readonly kind: 'memory' | 'redis'
  /** Out of reach of the others: own votes alone decide. */
  readonly degraded: boolean
  /** Instances heard of lately, this one included. */
  readonly instances: number
}

export interface ClusterVotes {
  /** Also makes the endpoint known, with a vote of `?`: what others say of it is read from then on. */
  publish(vote: Vote): void
  /** The endpoint is no longer watched here. */
  withdraw(slotKey: string): void
  /** Votes of every live instance that probes it, own included; at most one an instance. */
  votes(slotKey: string): readonly LiveVote[]
  /** Calls back when another instance's vote changed; returns how to end that. */
  subscribe(onForeignVote: (slotKey: string) => void): () => void
  /** Whether this instance is to probe it: a few do so for all. */
  isProbedHere(slotKey: string): boolean
  /** Calls back when that, or whether we are cut off, may have changed for any endpoint; returns how to end that. */
  subscribeAssignments(onChange: () => void): () => void
  /** Whether this instance takes itself for cut off from its targets: its votes do not count elsewhere then. */
  reportLocalFault(isInDoubt: boolean): void
  /** What the zones say, as a hash that is the same wherever they say the same. */
  setConfigHash(config: string): void
  /** We go soon: our votes count no more, others take our probes. What is asked here is answered on. */
  leave(): void
  status(): ClusterStatus
}

// The exchange of what MTAs say of themselves: told to one instance it is heard by all, and ends on all at once.

export interface SharedFeedback {
  readonly zone: string
  readonly target: string
  readonly writer: FeedbackWriter
  readonly feedback: Feedback
}

export type FeedbackKey = Omit<SharedFeedback, 'feedback'>

export interface FeedbackStore {
  /** `told` null: its writer takes it back. */
  write(place: FeedbackKey, told: Feedback | null): void
  /** All that are known, ours included; what has ended may be among them. */
  list(): readonly SharedFeedback[]
  /** Calls back when another instance changed them; returns how to end that. */
  subscribe(onForeignWord: () => void): () => void
}

// The exchange of overrides between instances: any of them sets or undoes one, all of them obey.
// Everything here answers at once from what is known locally; the network, where there is one, is behind it.

export interface OverrideStore {
  /** Those in force, by time of setting. */
  list(): readonly Override[]
  /** Replaces one of the same target, scope and class. `full`: there are as many as there may be. */
  set(override: Override): SetOverrideResult
  /** The override that is gone now, or null where there was none of that id. */
  remove(id: string): Override | null
  /** Takes out what has ended by now. Every instance does so by its own clock, so nothing is told to others. */
  expire(nowMs: number): readonly Override[]
  /** Calls back when another instance changed the list; returns how to end that. */
  subscribe(onForeignChange: (change: OverrideChanges) => void): () => void
  /** Whether they outlive this process. */
  readonly isPersistent: boolean
}

export interface OverrideChanges {
  /** `from`: the instance that was told; null: it is not known. */
  readonly set: readonly { readonly override: Override; readonly from: string | null }[]
  readonly removed: readonly { readonly override: Override; readonly isReplaced: boolean }[]
}

export type SetOverrideResult =
  | { readonly kind: 'set'; readonly replaced: Override | null }
  | { readonly kind: 'full' }

// The exchange of what instances counted: each counts its own probes and is the only writer of these counts, so that
// the sum over instances counts each probe once.

export interface LocalTallies {
  /** By pool, as they are at the time. */
  readonly current: () => ReadonlyMap<string, SavedAvailability>
  /** What lies in the store of ours, when it is first read: of before this boot. */
  readonly restore: (pool: string, saved: SavedAvailability) => void
}

export interface TallyStore {
  attach(own: LocalTallies): void
  /** What each of the others counted of a pool. */
  ofOthers(pool: string): readonly SavedAvailability[]
}

// What the shared state tells of itself: events for the log, a view for metrics.

export type ClusterEvent =
  /** `why`: one word. */
  | { readonly kind: 'degraded'; readonly why: string }
  | { readonly kind: 'recovered'; readonly afterMs: number }
  | { readonly kind: 'peer-joined'; readonly peer: string; readonly site: string }
  /** `isStopped`: it said so; else it fell silent. */
  | { readonly kind: 'peer-gone'; readonly peer: string; readonly isStopped: boolean }
  /** The store lost what it had; everything of ours is written anew. */
  | { readonly kind: 'emptied' }
  /** Another process has our name and came later; and that it is over. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'unfenced' }
  | ConfigChange
