// What a watched slot tells of itself.

import type { SlotState } from '../health/table.ts'
import type { Verdict } from '../health/verdict.ts'

/** Verdicts since the endpoint is watched. */
export type VerdictCounts = Readonly<Record<Verdict, number>>

export interface SlotChange {
  readonly from: SlotState
  readonly to: SlotState
  readonly afterMs: number
}
