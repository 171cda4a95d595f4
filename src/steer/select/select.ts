// What is answered of a set: the way into steering for queries, for searches of outcomes, and for explanations.
//
//   rule     the first one that the client matches; none for the zone's own MTAs, which get the fixed ladder
//   client   of a sticky set: the hash of the client's network, by which all is decided that would else be random

import { clientHash, isSticky } from '../draw/sticky.ts'
import type { Pool, Rule, SelectedSet, SteeredSet } from '../policy.ts'
import type { Locus, Selection } from '../selection.ts'
import { ruleIndexOf } from './match.ts'
import { selectAddresses } from './select-addresses.ts'
import { canonicalLadder, selectMx } from './select-mx.ts'
import { selectSlot, selectSlotNow } from './select-slot.ts'
import { selectSrv } from './select-srv.ts'
import type { Steering } from './steering.ts'
import { targetAddresses } from './target-addresses.ts'

/** The records for a client at `locus`. Never empty because of health, but for `on_all_down: servfail`. */
export function select(set: SelectedSet, locus: Locus, steering: Steering): Selection {
  const rule = ruleIndexOf(set, locus)
  if (!isSticky(set)) return selectUnder(set, rule, null, steering)
  const client = clientHash(set.policy, locus)
  if (set.kind !== 'exchange-slot') return selectUnder(set, rule, client, steering)
  return selectSlotNow(set, poolsUnder(set, rule), client, steering)
}

/**
 * The records for clients under a rule, given by its index as `ruleIndexOf` (match.ts) has it. `client`: of an exchange
 * slot, the draw of its epoch; null: at random.
 */
export function selectUnder(
  set: SteeredSet,
  rule: number,
  client: number | null,
  steering: Steering,
): Selection {
  switch (set.kind) {
    case 'steered-mx': {
      const pools = poolsUnder(set, rule)
      return pools === null ? canonicalLadder(set) : selectMx(set, pools, client, steering)
    }
    case 'steered-srv':
      return selectSrv(set, poolsUnder(set, rule) ?? [], steering)
    case 'steered-address':
      return selectAddresses(set, poolsUnder(set, rule) ?? [], client, steering)
    case 'exchange-slot':
      return selectSlot(set, poolsUnder(set, rule), client ?? 0, steering)
    case 'target-address':
      return targetAddresses(set, steering)
    default:
      return set satisfies never
  }
}

/** null: those of the zone's own MTAs, to which no rule applies. */
const poolsUnder = ({ policy }: SelectedSet, rule: number): readonly Pool[] | null =>
  rule === policy.rules.length ? null : (policy.rules[rule] as Rule).pools
