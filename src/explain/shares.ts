// Shares of targets: expected ones, exact or else by simulated draws, and drawn ones.
//
// Exact shares are those of the outcomes of the very selection that answers (steer/draw/outcomes.ts):
//
//   ladder                  the first rung
//   addresses, mode equal   a client uses one of the k records of an answer, so each counts 1/k
//   SRV                     by the weights of the records of the first priority (RFC 2782)
//   exchange slot           over all clients: the first one as the first rung, the others by simulated draws
//   sticky                  over all clients; there are none for several records, whose order depends on the clients

import { type OutcomeLimits, outcomesOf, probabilitiesOf } from '../steer/draw/outcomes.ts'
import type { ExchangeSlot, SelectedSet, Target } from '../steer/policy.ts'
import { ruleIndexOf } from '../steer/select/match.ts'
import { select, selectUnder } from '../steer/select/select.ts'
import type { Steering } from '../steer/select/steering.ts'
import type { Locus, Selected, Selection, SelectionReason } from '../steer/selection.ts'
import { RRType } from '../wire/rrtype.ts'

/**
 * One answer: with which probability each of its targets is the client's first choice, and the
 * reason of the selection.
 */
interface Draw {
  readonly reason: SelectionReason | 'servfail' | 'no-family'
  readonly probabilities: readonly (readonly [target: Target, probability: number])[]
}

/**
 * Draws one answer. The first choice is the first rung; among records of equal preference, and
 * among addresses, each is equally likely; SRV goes by the weights of the records of the first
 * priority (RFC 2782).
 */
export const drawOnce = (set: SelectedSet, locus: Locus, steering: Steering): Draw =>
  drawOf(select(set, locus, steering))

/** As `drawOnce`, for another client network under the same rule each time. */
const drawOfAnyClient = (set: ExchangeSlot, locus: Locus, steering: Steering): Draw =>
  drawOf(selectUnder(set, ruleIndexOf(set, locus), steering.chooser.equal(2 ** 32), steering))

const drawOf = (selection: Selection): Draw =>
  selection.kind === 'selected'
    ? { reason: selection.reason, probabilities: firstChoices(selection) }
    : { reason: selection.kind, probabilities: [] }

function firstChoices(selection: Selected): Draw['probabilities'] {
  if ('addresses' in selection) return sharedBy(selection.addresses, () => 1)
  if ('rungs' in selection) {
    const first = selection.rungs[0]?.preference
    return sharedBy(selection.rungs, ({ preference }) => (preference === first ? 1 : 0))
  }
  const first = selection.records[0]?.priority
  return sharedBy(selection.records, ({ priority, weight }) => (priority === first ? weight : 0))
}

function sharedBy<One extends { readonly target: Target }>(
  selected: readonly One[],
  weightOf: (one: One) => number,
): Draw['probabilities'] {
  const total = selected.reduce((sum, one) => sum + weightOf(one), 0)
  return selected.map((one) => [one.target, weightOf(one) / total])
}

/** Sums over draws; `first` sums probabilities, `included` counts answers that name the target. */
export interface Tally {
  draws: number
  /** Answers without a record: SERVFAIL, or no address of the family. */
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
  for (const [target, probability] of probabilities) increment(tally.first, target, probability)
  for (const target of new Set(probabilities.map(([one]) => one)))
    increment(tally.included, target, 1)
}

function increment<Key>(sums: Map<Key, number>, key: Key, more: number): void {
  sums.set(key, (sums.get(key) ?? 0) + more)
}

/** Shares of first choices; they sum to 1, or to less where some answers have no record. */
export type TargetShares = ReadonlyMap<Target, number>

/** Nothing waits for an explanation as a query does. One round of a deck is enough, since what is not branched does not count. */
const limits: OutcomeLimits = { parts: 4096, cards: 1, roundLeaves: 4096, firstLeaves: 16_384 }

/** null: there are none for this set and client, or they cannot be told exactly. */
export function expectedShares(
  set: SelectedSet,
  locus: Locus,
  steering: Steering,
): TargetShares | null {
  const counted = countedSet(set)
  if (counted === null) return null
  const selecting = {
    select: (chooser: Steering['chooser']) => drawOnce(counted, locus, { ...steering, chooser }),
    keyOf: ({ probabilities }: ReturnType<typeof drawOnce>) =>
      probabilities.map(([{ index }, share]) => `${index} ${share}`).join(),
  }
  const outcomes = outcomesOf(selecting, 1, limits)
  if (outcomes === null || !outcomes.isInclusionExact) return null
  const likelihoods = probabilitiesOf(outcomes)
  const shares = new Map<Target, number>()
  for (const [i, { probabilities }] of outcomes.selections.entries())
    for (const [target, share] of probabilities)
      shares.set(target, (shares.get(target) ?? 0) + share * (likelihoods[i] as number))
  return shares
}

/** A set with the same first choices over all clients, and as few outcomes as can be; null: a sticky set of several records. */
function countedSet(set: SelectedSet): SelectedSet | null {
  switch (set.kind) {
    case 'steered-srv':
      return set
    case 'steered-mx':
      if (set.mode === 'ladder') return { ...set, ladder: 1, sticky: false }
      return set.sticky && set.ladder > 1 ? null : { ...set, sticky: false }
    case 'steered-address':
      return set.sticky && set.answers > 1 ? null : { ...set, sticky: false }
    case 'exchange-slot':
      return set.rung > 0
        ? null
        : { ...set, kind: 'steered-mx', type: RRType.MX, ladder: 1, sticky: false }
    default:
      return set satisfies never
  }
}

export interface ExpectedShares {
  /** The number of simulated draws, or `exact`. */
  readonly draws: number | 'exact'
  readonly shares: TargetShares
}

/**
 * Expected shares of this client's first choices; for a sticky set, of all clients' under the same
 * rule.
 */
export function expectedOf(
  set: SelectedSet,
  locus: Locus,
  steering: Steering,
  draws: number,
): ExpectedShares {
  const exact = expectedShares(set, locus, steering)
  if (exact !== null) return { draws: 'exact', shares: exact }
  const tally =
    set.kind === 'exchange-slot'
      ? tallyBy(draws, () => drawOfAnyClient(set, locus, steering))
      : tallyOf(set, locus, steering, draws)
  const shares = new Map<Target, number>()
  for (const [target, first] of tally.first) shares.set(target, first / tally.draws)
  return { draws, shares }
}

export const tallyOf = (set: SelectedSet, locus: Locus, steering: Steering, draws: number): Tally =>
  tallyBy(draws, () => drawOnce(set, locus, steering))

function tallyBy(draws: number, draw: () => Draw): Tally {
  const tally = newTally()
  for (let i = 0; i < draws; i++) addDraw(tally, draw())
  return tally
}
