// The exchange of overrides between instances: any of them sets or undoes one, all of them obey.
// Everything here answers at once from what is known locally; the network, where there is one, is behind it.

import type { Override } from '../health/overrides.ts'

export interface OverrideExchange {
  /** Those in force, by time of setting. */
  list(): readonly Override[]
  /** Replaces one of the same target, scope and class. `full`: there are as many as there may be. */
  set(override: Override): OverrideTaken
  /** The override that is gone now, or null where there was none of that id. */
  remove(id: string): Override | null
  /** Takes out what has ended by now. Every instance does so by its own clock, so nothing is told to others. */
  expire(nowMs: number): readonly Override[]
  /** Calls back when another instance changed the list; returns how to end that. */
  subscribe(onForeignChange: (change: ForeignOverrides) => void): () => void
  /** Whether they outlive this process. */
  readonly isLasting: boolean
}

export interface ForeignOverrides {
  /** `from`: the instance that was told; null: it is not known. */
  readonly set: readonly { readonly override: Override; readonly from: string | null }[]
  readonly gone: readonly { readonly override: Override; readonly isReplaced: boolean }[]
}

export type OverrideTaken =
  | { readonly kind: 'set'; readonly replaced: Override | null }
  | { readonly kind: 'full' }
