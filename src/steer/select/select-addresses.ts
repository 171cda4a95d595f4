// A and AAAA: k of n addresses, each included in exact proportion to its weight, because clients choose among the
// addresses of an answer without regard to order (docs/adr/0003-weights-by-ladder-and-sampling.md).
//
// - An address is drawn, not a target: a target's weight is divided among its addresses of the family.
// - Only the pool that leads (leading-pool.ts) is drawn from. Fewer than `answers` are not filled up from the next pool:
//   the order of the pools says where these clients belong. Pools without the family are passed over, and where a rule
//   has none with it, the pools of the catch-all take its place, then those of any rule.
// - Suspects take the positions that the up addresses leave free, as at the tail of an MX ladder.
// - Regions, racks and targets do not repeat where they need not (draw/spread.ts).
// - `sticky`: by the client's network instead of at random (draw/sticky.ts).
// - The two families are filtered separately, but the last address of a family is never taken away: NODATA for AAAA would
//   be cached for longer than the failure lasts. SERVFAIL needs both families to be down.

import { RRType } from '../../wire/rrtype.ts'
import { type Candidates, targetAt } from '../draw/candidates.ts'
import { drawSample } from '../draw/sampling.ts'
import { clientHash, scoreAddresses } from '../draw/sticky.ts'
import type { Pool, Rule, SteeredAddresses, TargetAddress } from '../policy.ts'
import {
  type AddressSelection,
  answerTtl,
  type Locus,
  type SelectedAddress,
  type SelectionReason,
} from '../selection.ts'
import { type RecordSelector, selectAllDown } from './all-down.ts'
import { evaluatePool, isEmpty, type PoolEvaluation } from './eligibility.ts'
import { lastResortPools } from './last-resort.ts'
import { leadReason } from './leading-pool.ts'
import { catchAll, matchRule } from './match.ts'
import { holdSecondsOf, leadOf, type Steering } from './steering.ts'

/** The addresses for a client at `locus`. Never empty because of health, but for `on_all_down: servfail`. */
export function selectAddresses(
  set: SteeredAddresses,
  locus: Locus,
  steering: Steering,
): AddressSelection {
  const client = set.sticky ? clientHash(set.policy, locus) : null
  return selectAddressesUnder(set, matchRule(set.policy, locus), client, steering, set.answers)
}

/** What addresses are drawn by. */
type DrawnSet = Pick<SteeredAddresses, 'type' | 'policy' | 'ttl' | 'minTtl'>

/**
 * Up to `answers` addresses for clients under a rule of the set's policy. `client`: as of `selectMxUnder` (select-mx.ts).
 */
export function selectAddressesUnder(
  set: DrawnSet,
  rule: Rule | undefined,
  client: number | null,
  steering: Steering,
  answers: number,
): AddressSelection {
  steering.chooser.begin()
  const selector = new AddressSelector(set, steering, client, answers)
  const selection = selectFrom(selector, rule?.pools ?? [], steering)
  if (selection.kind !== 'no-family') return selection
  // NODATA for some clients would reach others through caches and bounce their mail: better another rule's pools.
  const fromCatchAll = selectFrom(selector, catchAll(set.policy)?.pools ?? [], steering)
  if (fromCatchAll.kind !== 'no-family') return fromCatchAll
  return selectFrom(
    selector,
    set.policy.rules.flatMap((rule) => rule.pools),
    steering,
  )
}

function selectFrom(
  selector: AddressSelector,
  pools: readonly Pool[],
  steering: Steering,
): AddressSelection {
  const lead = leadOf(steering, pools, selector.family, selector.client)
  if (lead < 0) return selectFromDown(selector, pools, steering)
  const evaluation = steering.pools.at(lead)
  selector.addEvaluated(pools[lead] as Pool, evaluation)
  return selected(selector, leadReason(lead, evaluation.isPanic), steering)
}

function selectFromDown(
  selector: AddressSelector,
  pools: readonly Pool[],
  steering: Steering,
): AddressSelection {
  const { family } = selector
  const { policy } = selector.set
  const reason = selectAllDown(selector, policy, pools, family, steering)
  if (reason === null) return { kind: 'no-family' }
  const otherFamily = family === 4 ? 6 : 4
  const isServfail =
    reason === 'failed-open' &&
    policy.onAllDown.kind === 'servfail' &&
    !hasCandidates(lastResortPools(policy, pools), otherFamily, steering)
  return isServfail ? { kind: 'servfail' } : selected(selector, reason, steering)
}

const selected = (
  { set, addresses }: AddressSelector,
  reason: SelectionReason,
  steering: Steering,
): AddressSelection => ({
  kind: 'selected',
  addresses,
  ttl: answerTtl(set, holdSecondsOf(steering, reason)),
  reason,
})

function hasCandidates(
  pools: readonly Pool[],
  family: 4 | 6,
  { spare, health }: Steering,
): boolean {
  for (const pool of pools) {
    evaluatePool(spare, pool, family, health)
    if (!isEmpty(spare)) return true
  }
  return false
}

/** One answer of addresses under construction. */
class AddressSelector implements RecordSelector {
  readonly set: DrawnSet
  readonly family: 4 | 6
  /** Hash of the client, by which sticky answers are ordered; null: at random. */
  readonly client: number | null
  readonly addresses: SelectedAddress[] = []
  readonly #steering: Steering
  readonly #limit: number

  constructor(set: DrawnSet, steering: Steering, client: number | null, answers: number) {
    this.set = set
    this.family = familyOf(set.type)
    this.client = client
    this.#steering = steering
    this.#limit = Math.max(1, answers)
  }

  get count(): number {
    return this.addresses.length
  }

  addEvaluated(pool: Pool, { up, suspect, hasSiblings }: PoolEvaluation): void {
    const isGrouped = pool.isSpread || hasSiblings
    this.#draw(pool, up, isGrouped)
    if (this.addresses.length < this.#limit && suspect.count > 0)
      this.#draw(pool, suspect, isGrouped)
  }

  addLastGood(pool: Pool, candidates: Candidates): void {
    this.#draw(pool, candidates, true)
  }

  addEvery(pool: Pool, candidates: Candidates): void {
    if (this.client !== null) return this.#draw(pool, candidates, true)
    const drawn = drawSample(candidates, Infinity, this.#steering.chooser)
    this.#add(pool, candidates, drawn)
  }

  /** Draws as many as there is room for. `isGrouped`: some candidates share a region, a rack or a target. */
  #draw(pool: Pool, candidates: Candidates, isGrouped: boolean): void {
    const { chooser, spread } = this.#steering
    const { client, addresses } = this
    const room = this.#limit - addresses.length
    if (client !== null) {
      scoreAddresses(candidates, pool, client)
      const drawn = spread.drawSpread(candidates, pool, room, null, addresses)
      this.#add(pool, candidates, drawn)
    } else if (!isGrouped) {
      this.#add(pool, candidates, drawSample(candidates, room, chooser))
    } else if (addresses.length > 0) {
      const drawn = spread.drawSpread(candidates, pool, room, chooser, addresses)
      this.#add(pool, candidates, drawn)
    } else {
      const dealt = spread.dealSample(candidates, pool, room, chooser)
      this.#add(pool, dealt, dealt.count)
    }
  }

  /** Adds the first `count`; an address that two targets have is added once, as sets have no doubles (RFC 2181 §5). */
  #add(pool: Pool, candidates: Candidates, count: number): void {
    for (let i = 0; i < count; i++) {
      const target = targetAt(pool, candidates, i)
      const address = target.addresses[candidates.addresses[i] as number] as TargetAddress
      if (!hasAddress(this.addresses, address)) this.addresses.push({ target, address })
    }
  }
}

function hasAddress(addresses: readonly SelectedAddress[], { text }: TargetAddress): boolean {
  for (const { address } of addresses) if (address.text === text) return true
  return false
}

/** The address family of a type, A or AAAA. */
export const familyOf = (type: number): 4 | 6 => (type === RRType.A ? 4 : 6)
