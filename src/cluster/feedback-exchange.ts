// The exchange of what MTAs say of themselves: told to one instance it is heard by all, and ends on all at once.

import type { Feedback, FeedbackWriter } from '../health/feedback.ts'

export interface SharedWord {
  readonly zone: string
  readonly target: string
  readonly writer: FeedbackWriter
  readonly told: Feedback
}

export type WordPlace = Omit<SharedWord, 'told'>

export interface FeedbackExchange {
  /** `told` null: its writer takes it back. */
  say(place: WordPlace, told: Feedback | null): void
  /** All that are known, ours included; what has ended may be among them. */
  words(): readonly SharedWord[]
  /** Calls back when another instance changed them; returns how to end that. */
  subscribe(onForeignWord: () => void): () => void
}
