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
import { scoreAddresses } from '../draw/sticky.ts'
import type { Pool, SteeredAddresses, TargetAddress } from '../policy.ts'
import type { AddressSelection, SelectedAddress } from '../selection.ts'
import type { RecordSelector } from './all-down.ts'
import { catchAll } from './match.ts'
import { selectRecords } from './select-records.ts'
import { ttlOf, type Steering } from './steering.ts'

/** What addresses are drawn by. `answers`: how many at most; Infinity: all. */
type DrawnSet = Pick<SteeredAddresses, 'type' | 'policy' | 'ttl' | 'minTtl' | 'answers'>

/** The addresses from these pools. `client`: as of `selectMx` (select-mx.ts). */
export function selectAddresses(
  set: DrawnSet,
  pools: readonly Pool[],
  client: number | null,
  steering: Steering,
): AddressSelection {
  const selection = selectFrom(set, pools, client, steering)
  if (selection.kind !== 'no-family') return selection
  // NODATA for some clients would reach others through caches and bounce their mail: better another rule's pools.
  const fromCatchAll = selectFrom(set, catchAll(set.policy).pools, client, steering)
  if (fromCatchAll.kind !== 'no-family') return fromCatchAll
  const ofAnyRule = set.policy.rules.flatMap((rule) => rule.pools)
  return selectFrom(set, ofAnyRule, client, steering)
}

function selectFrom(
  set: DrawnSet,
  pools: readonly Pool[],
  client: number | null,
  steering: Steering,
): AddressSelection {
  const selector = new AddressSelector(set, steering, client)
  const reason = selectRecords(selector, set.policy, pools, steering)
  if (reason === 'servfail' || reason === 'no-family') return { kind: reason }
  const { addresses } = selector
  return { kind: 'selected', addresses, ttl: ttlOf(set, reason, steering), reason }
}

/** One answer of addresses under construction. */
class AddressSelector implements RecordSelector {
  readonly family: 4 | 6
  readonly client: number | null
  readonly takesAllPools = false
  readonly addresses: SelectedAddress[] = []
  readonly #steering: Steering
  readonly #limit: number

  constructor({ type, answers }: DrawnSet, steering: Steering, client: number | null) {
    this.family = familyOf(type)
    this.client = client
    this.#steering = steering
    this.#limit = Math.max(1, answers)
  }

  get count(): number {
    return this.addresses.length
  }

  get isFull(): boolean {
    return this.addresses.length >= this.#limit
  }

  add(pool: Pool, candidates: Candidates, hasSiblings: boolean = false): boolean {
    const { addresses, client } = this
    const { chooser, spread } = this.#steering
    const before = addresses.length
    const room = this.#limit - before
    if (client !== null) {
      scoreAddresses(candidates, pool, client)
      this.#put(pool, candidates, spread.drawSpread(candidates, pool, room, null, addresses))
    } else if (!pool.isSpread && !hasSiblings)
      this.#put(pool, candidates, drawSample(candidates, room, chooser))
    else this.#put(pool, candidates, spread.drawBeside(candidates, pool, room, chooser, addresses))
    return addresses.length > before
  }

  addEvery(pool: Pool, candidates: Candidates): void {
    if (this.client !== null) this.add(pool, candidates)
    else this.#put(pool, candidates, drawSample(candidates, Infinity, this.#steering.chooser))
  }

  /** Adds the first `count`; an address that two targets have is added once, as sets have no doubles (RFC 2181 §5). */
  #put(pool: Pool, candidates: Candidates, count: number): void {
    const { addresses } = this
    const isLong = addresses.length + count > maxSearched
    const known = isLong ? new Set(addresses.map(({ address }) => address.text)) : null
    for (let i = 0; i < count; i++) {
      const target = targetAt(pool, candidates, i)
      const address = target.addresses[candidates.addresses[i] as number] as TargetAddress
      if (known?.has(address.text) ?? hasAddress(addresses, address)) continue
      known?.add(address.text)
      addresses.push({ target, address })
    }
  }
}

/** Of `answers: all`: among more addresses than these a search for each would take longer than a set of their texts. */
const maxSearched = 32

function hasAddress(addresses: readonly SelectedAddress[], { text }: TargetAddress): boolean {
  for (const { address } of addresses) if (address.text === text) return true
  return false
}

/** The address family of a type, A or AAAA. */
export const familyOf = (type: number): 4 | 6 => (type === RRType.A ? 4 : 6)
