// The steering of one client as JSON of /explain: rules, pools, and the shares of targets.

import type { HealthReader } from '../health/table.ts'
import type { Clock, Random } from '../lib/clock.ts'
import type { ExchangeSlot, SelectedSet } from '../steer/policy.ts'
import { epochSecondsLeft } from '../steer/draw/epoch.ts'
import { clientHash } from '../steer/draw/sticky.ts'
import { select } from '../steer/select/select.ts'
import { createSteering } from '../steer/select/steering.ts'
import type { Locus } from '../steer/selection.ts'
import { nameToBareText } from '../wire/name.ts'
import { traceSteering } from './trace.ts'
import { type PoolView, type LiveSources, poolView } from './pool-view.ts'
import { type RuleView, ruleViews } from './rule-view.ts'
import { type ExpectedShares, type Tally, expectedOf, tallyOf } from './shares.ts'

export interface SteeringView {
  readonly policy: string
  readonly selection: string
  readonly sticky: boolean
  /** null: the name is no exchange slot. */
  readonly slot: SlotView | null
  /**
   * The client is in an `internal` network and gets the fixed ladder: rules, health and weights do
   * not apply.
   */
  readonly internal: boolean
  readonly rules: readonly RuleView[]
  readonly pools: readonly PoolView[]
  /** The `on_all_down` in force; null: some member is eligible. */
  readonly allDown: string | null
  readonly shares: ShareTable
}

/** Where an exchange slot stands among the names of its ladder, for this client now. */
export interface SlotView {
  /** From 1. */
  readonly number: number
  /** All names of the ladder, in order. */
  readonly names: readonly string[]
  readonly epochSeconds: number
  /** Until the client's network is drawn anew. */
  readonly secondsLeft: number
  /** The other names that lead to the same target, since there are too few. */
  readonly sharedWith: readonly string[]
}

interface ShareTable {
  /** Source of `expected`: `exact`, or a number of draws. */
  readonly expectedBy: number | 'exact'
  /** Answers drawn for this client, from which the other numbers are. */
  readonly draws: number
  /** How many of them had no record. */
  readonly empty: number
  readonly reasons: Readonly<Record<string, number>>
  readonly targets: readonly ShareView[]
}

interface ShareView {
  readonly target: string
  /** Share of first choices; with `sticky`, over all clients of the rule. null: unknown. */
  readonly expected: number | null
  /** Share of this client's first choices, as drawn. */
  readonly drawn: number
  /** Share of the answers that name the target. */
  readonly included: number
}

export interface SteeringSources extends LiveSources {
  readonly health: HealthReader
  readonly random: Random
  /** Its wall clock is the time of the explanation. */
  readonly clock: Pick<Clock, 'wallMs'>
  /** Answers to draw; 10,000 give shares within 1.5 points (3 σ) and take about 10 ms. */
  readonly draws: number
}

export function steeringView(
  sources: SteeringSources,
  set: SelectedSet,
  locus: Locus,
): SteeringView {
  const { health } = sources
  const trace = traceSteering(set, locus, health)
  const isSticky = set.kind !== 'steered-srv' && set.sticky
  return {
    policy: set.policy.name,
    selection: selectionText(set),
    sticky: isSticky,
    slot: set.kind === 'exchange-slot' ? slotView(sources, set, locus) : null,
    internal: trace.isInternal,
    rules: ruleViews(set.policy.rules, trace.rules, locus),
    pools: trace.pools.map((pool) => poolView(pool, sources)),
    allDown: trace.isAllDown && !trace.isInternal ? allDownText(set) : null,
    shares: shareTable(sources, set, locus, isSticky),
  }
}

function slotView({ health, clock }: SteeringSources, set: ExchangeSlot, locus: Locus): SlotView {
  const names = set.names.map(nameToBareText)
  const nowMs = clock.wallMs()
  const steering = createSteering({ health, random: () => 0, clock: { wallMs: () => nowMs } })
  const targets = names.map((_, rung) => {
    const selection = select({ ...set, rung }, locus, steering)
    return 'addresses' in selection ? selection.addresses[0]?.target.index : undefined
  })
  const own = targets[set.rung]
  const isShared = (at: number): boolean =>
    at !== set.rung && own !== undefined && targets[at] === own
  const client = clientHash(set.policy, locus)
  return {
    number: set.rung + 1,
    names,
    epochSeconds: set.epochSeconds,
    secondsLeft: epochSecondsLeft(client, set.epochSeconds, Math.floor(nowMs / 1000)),
    sharedWith: names.filter((_, at) => isShared(at)),
  }
}

function shareTable(
  { health, random, clock, draws }: SteeringSources,
  set: SelectedSet,
  locus: Locus,
  isSticky: boolean,
): ShareTable {
  const steering = createSteering({ health, random, clock })
  const tally = tallyOf(set, locus, steering, draws)
  // Of a sticky set of several records nothing is known over all clients.
  const isUnknown = isSticky && set.kind !== 'exchange-slot'
  const expected = expectedOf(set, locus, steering, isUnknown ? 1 : draws)
  return {
    expectedBy: expected.draws,
    draws: tally.draws,
    empty: tally.empty,
    reasons: Object.fromEntries(tally.reasons),
    targets: shareViews(expected, tally, isUnknown && expected.draws !== 'exact'),
  }
}

/**
 * `isUnknown`: the expected shares are unknown, since a sticky client's draws do not represent
 * other clients.
 */
function shareViews(
  expected: ExpectedShares,
  tally: Tally,
  isUnknown: boolean,
): readonly ShareView[] {
  const targets = new Set([...expected.shares.keys(), ...tally.included.keys()])
  return [...targets]
    .map((target) => ({
      target: target.name,
      expected: isUnknown ? null : (expected.shares.get(target) ?? 0),
      drawn: (tally.first.get(target) ?? 0) / tally.draws,
      included: (tally.included.get(target) ?? 0) / tally.draws,
    }))
    .sort((a, b) => (b.expected ?? b.drawn) - (a.expected ?? a.drawn))
}

function selectionText(set: SelectedSet): string {
  switch (set.kind) {
    case 'steered-mx':
      return set.mode === 'ladder'
        ? `a ladder of at most ${set.ladder} rungs`
        : `at most ${set.ladder} of equal preference`
    case 'steered-address':
      return set.answers === Infinity
        ? 'all addresses'
        : `${set.answers} ${set.answers === 1 ? 'address' : 'addresses'} at most`
    case 'exchange-slot':
      return `name ${set.rung + 1} of ${set.ladder} that answer the rungs of one ladder`
    case 'steered-srv':
      return `${set.answers} records at most, weights in them`
    default:
      return set satisfies never
  }
}

function allDownText({ policy: { onAllDown } }: SelectedSet): string {
  return onAllDown.kind === 'backup' ? `backup: pool ${onAllDown.pool.name}` : onAllDown.kind
}
