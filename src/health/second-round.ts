// The second round that the brake asks for: who is judged down while many fail at once is not taken as down before it
// has failed `fall` times more in a row. Once confirmed it stays so, until it is no longer judged down. When the brake
// lets go, what was seen counts.

import type { Verdict } from './verdict.ts'

export interface SecondRound {
  /** Judged down, and not, or no longer, in doubt. */
  readonly isConfirmed: boolean
  /** Failures in a row since it is in doubt; null: it is not. */
  readonly failures: number | null
}

export const noSecondRound: SecondRound = { isConfirmed: false, failures: null }
export const confirmed: SecondRound = { isConfirmed: true, failures: null }

export function weighSecondRound(
  round: SecondRound,
  seen: { readonly isDown: boolean; readonly isBraked: boolean; readonly fall: number },
): SecondRound {
  if (!seen.isDown) return noSecondRound
  const failures = round.failures ?? 0
  if (round.isConfirmed || !seen.isBraked || failures >= seen.fall) return confirmed
  return { isConfirmed: false, failures }
}

export function countSecondRound(round: SecondRound, verdict: Verdict): SecondRound {
  if (round.failures === null || verdict === 'unknown') return round
  return { isConfirmed: false, failures: verdict === 'pass' ? 0 : round.failures + 1 }
}
