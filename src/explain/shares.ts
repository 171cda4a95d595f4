// Who is chosen how often: by formula where there is one, else by asking often.

import type { HealthReader } from '../health/table.ts'
import type { Random } from '../lib/clock.ts'
import { type TargetShares, expectedShares } from './expected-shares.ts'
import type { SelectedSet, Target } from '../steer/policy.ts'
import { selectAddresses } from '../steer/select/select-addresses.ts'
import { selectMx } from '../steer/select/select-mx.ts'
import { selectSrv } from '../steer/select/select-srv.ts'
import type { Locus, SelectionReason } from '../steer/selection.ts'

/** One answer: the chance of each of its targets to be a client's first choice, and why they were chosen. */
interface Draw {
  readonly reason: SelectionReason | 'servfail' | 'no-family'
  readonly probabilities: readonly (readonly [target: Target, chance: number])[]
}

interface DrawContext {
  readonly health: HealthReader
  readonly random: Random
}

/** First: the first rung; of equal ones, and of addresses, each as likely as any other; of SRV by the records' weights. */
export function drawOnce(set: SelectedSet, locus: Locus, context: DrawContext): Draw {
  switch (set.kind) {
    case 'steered-mx': {
      const selection = selectMx(set, locus, context)
      if (selection.kind !== 'selected') return { reason: selection.kind, probabilities: [] }
      const { rungs, reason } = selection
      const first = rungs[0]?.preference
      return {
        reason,
        probabilities: probabilitiesOf(rungs, (one) => (one.preference === first ? 1 : 0)),
      }
    }
    case 'steered-address': {
      const selection = selectAddresses(set, locus, context)
      if (selection.kind !== 'selected') return { reason: selection.kind, probabilities: [] }
      return {
        reason: selection.reason,
        probabilities: probabilitiesOf(selection.addresses, () => 1),
      }
    }
    case 'steered-srv': {
      const selection = selectSrv(set, locus, context)
      if (selection.kind !== 'selected') return { reason: selection.kind, probabilities: [] }
      const { choices, reason } = selection
      const first = choices[0]?.priority
      const weightOf = (one: { readonly priority: number; readonly weight: number }): number =>
        one.priority === first ? one.weight : 0
      return { reason, probabilities: probabilitiesOf(choices, weightOf) }
    }
    default:
      return set satisfies never
  }
}

function probabilitiesOf<Chosen extends { readonly target: Target }>(
  chosen: readonly Chosen[],
  weightOf: (one: Chosen) => number,
): Draw['probabilities'] {
  const whole = chosen.reduce((sum, one) => sum + weightOf(one), 0)
  return chosen.map((one) => [one.target, weightOf(one) / whole])
}

export interface Tally {
  draws: number
  /** Answers that are empty: SERVFAIL, or no address of the family. */
  empty: number
  readonly first: Map<Target, number>
  readonly included: Map<Target, number>
  readonly reasons: Map<Draw['reason'], number>
}

export const newTally = (): Tally => ({
  draws: 0,
  empty: 0,
  first: new Map(),
  included: new Map(),
  reasons: new Map(),
})

export function addDraw(tally: Tally, { reason, probabilities }: Draw): void {
  tally.draws++
  if (probabilities.length === 0) tally.empty++
  increment(tally.reasons, reason, 1)
  for (const [target, chance] of probabilities) increment(tally.first, target, chance)
  for (const target of new Set(probabilities.map(([one]) => one)))
    increment(tally.included, target, 1)
}

function increment<Key>(sums: Map<Key, number>, key: Key, more: number): void {
  sums.set(key, (sums.get(key) ?? 0) + more)
}

export interface ExpectedShares {
  /** By formula, or by so many draws. */
  readonly draws: number | 'exact'
  readonly shares: TargetShares
}

/** What each target can expect of this client's questions; for a sticky set, of all clients' under the same rule. */
export function expectedOf(
  set: SelectedSet,
  locus: Locus,
  context: DrawContext,
  draws: number,
): ExpectedShares {
  const exact = expectedShares(set, locus, context.health)
  if (exact !== null) return { draws: 'exact', shares: exact }
  const tally = tallyOf(set, locus, context, draws)
  const shares = new Map<Target, number>()
  for (const [target, first] of tally.first) shares.set(target, first / tally.draws)
  return { draws, shares }
}

export function tallyOf(
  set: SelectedSet,
  locus: Locus,
  context: DrawContext,
  draws: number,
): Tally {
  const tally = newTally()
  for (let i = 0; i < draws; i++) addDraw(tally, drawOnce(set, locus, context))
  return tally
}
