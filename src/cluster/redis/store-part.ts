// What else lies in the store beside heartbeats and votes, each with times of its own: a turn of the session
// (store-session.ts) ends with one of each part.

export interface PartTurn {
  readonly nowMs: number
  /** Another process has our name: what is ours alone is not to be written. */
  readonly isFenced: boolean
}

export interface StorePart {
  /** Values that were no good. */
  readonly rejected: number
  /** false: no answer. */
  turn(turn: PartTurn): Promise<boolean>
  /** How soon it wants one. */
  dueInMs(nowMs: number): number
  /** The connection is a new one: nothing that the store has of us is sure. */
  reset(): void
  /** The store lost its memory. */
  emptied(): void
}
