// What the shared state tells of itself: events for the log, a view for metrics.

import type { ConfigChange, ConfigGroup } from './config-agreement.ts'
import type { ExchangeStatus } from './exchange.ts'
import type { InstanceState } from './redis/state-records.ts'

export type SharedEvent =
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

export interface PeerView {
  readonly instance: string
  readonly site: string
  readonly state: InstanceState
  /** null: it does not tell. */
  readonly config: string | null
  /** Since its heartbeat last moved. */
  readonly ageSeconds: number
}

export interface StateView extends ExchangeStatus {
  readonly fenced: boolean
  /** Our own; `disputed`: endpoints where live votes differ. */
  readonly votes: {
    readonly up: number
    readonly down: number
    readonly unknown: number
    readonly disputed: number
  }
  readonly takeovers: number
  readonly rejected: number
  readonly rewrites: number
  readonly streamLagSeconds: number
  readonly unansweredSeconds: number
  readonly peers: readonly PeerView[]
  readonly config: {
    /** null: not known yet. */
    readonly own: string | null
    /** They have differed for too long. */
    readonly differs: boolean
    readonly groups: readonly ConfigGroup[]
  }
}

export interface StateSources {
  stateView(): StateView
}
