// From pools to records, the same for every type. The pool that leads (leading-pool.ts) comes first; a type that goes on to
// other pools takes their up members next, in the rule's order, and suspects of all of them at the tail. Where no pool has
// a candidate, `on_all_down` decides (all-down.ts).

import { RandomChooser } from '../draw/chooser.ts'
import { leadFraction } from '../draw/sticky.ts'
import type { Policy, Pool } from '../policy.ts'
import type { SelectionReason } from '../selection.ts'
import { addEvaluated, type NoRecords, type RecordSelector, selectAllDown } from './all-down.ts'
import { undecidedLead } from './leading-pool.ts'
import type { Steering } from './steering.ts'

/** Adds the records of these pools; returns why those, or why there are none. */
export function selectRecords(
  selector: RecordSelector,
  policy: Policy,
  pools: readonly Pool[],
  steering: Steering,
): SelectionReason | NoRecords {
  steering.chooser.begin()
  const lead = leadOf(selector, pools, steering)
  if (lead < 0) return selectAllDown(selector, policy, pools, steering)
  const isPanic = addLedBy(lead, pools, selector, steering)
  return isPanic ? 'panic' : lead > 0 ? 'spilled' : 'eligible'
}

/** Index of the pool that leads, or `noLead`: decided by the client where there is one and it would else be random. */
function leadOf(
  { family, client }: RecordSelector,
  pools: readonly Pool[],
  { pools: evaluated, chooser }: Steering,
): number {
  const lead = evaluated.findLead(pools, family)
  if (lead !== undecidedLead) return lead
  return evaluated.chooseLead(
    client === null ? chooser : new RandomChooser(() => leadFraction(client)),
  )
}

/** Pools that a full answer does not need are not evaluated. Returns whether a pool in panic contributed. */
function addLedBy(
  lead: number,
  pools: readonly Pool[],
  selector: RecordSelector,
  { pools: evaluated }: Steering,
): boolean {
  const leading = pools[lead] as Pool
  const first = evaluated.at(lead)
  if (!selector.takesAllPools) {
    addEvaluated(selector, leading, first)
    return first.isPanic
  }
  let isPanic = selector.add(leading, first.up) && first.isPanic
  for (let p = 0; p < pools.length && !selector.isFull; p++) {
    if (p === evaluated.count) evaluated.evaluateNext(pools, null)
    const evaluation = evaluated.at(p)
    if (p !== lead && selector.add(pools[p] as Pool, evaluation.up)) isPanic ||= evaluation.isPanic
  }
  if (!selector.isFull) selector.add(leading, first.suspect)
  for (let p = 0; p < evaluated.count && !selector.isFull; p++)
    if (p !== lead) selector.add(pools[p] as Pool, evaluated.at(p).suspect)
  return isPanic
}
