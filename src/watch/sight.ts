// What a slot is judged by that is not of its own: the round, the pools, the other targets.

export interface Sight {
  /** false before the first round is done. */
  readonly believesDown: boolean
  /** All are taken alike until then: none is up before the others. */
  readonly isEven: boolean
  /** Many fail at once: once more, please. */
  readonly isBraked: boolean
  /** Its pool has too few others. */
  readonly isNeeded: boolean
  /** Cut off from the other instances. */
  readonly isAlone: boolean
}
