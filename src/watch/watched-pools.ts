// The pools that the watched slots are in. Where less than half of a pool's weight is up, its members that are held
// down for flapping alone come back as suspects: a flapping MTA is better than none. A member that is drained, or has
// no weight left, helps its pool as little as one that is down; such a change takes effect here only when a held member
// is judged next.

import type { LoadedMembers } from '../weights/member-state.ts'

export interface WatchedPool {
  /** Pool and zone as `<pool>.<zone>`. */
  readonly name: string
  readonly members: readonly WatchedPoolMember[]
}

interface WatchedPoolMember {
  /** The weight configured in the zone file. */
  readonly weight: number
  /** Row of the health table with the member's standing and share. */
  readonly row: number
  /** Slots of its addresses in the health table; slot 0 stands for addresses that are not probed, and is always up. */
  readonly slots: readonly number[]
}

interface Pool {
  readonly members: readonly WatchedPoolMember[]
  readonly slots: readonly number[]
  /** Configured weight of all members. */
  readonly weight: number
  /** Configured weight of the members with an address that is not down. */
  upWeight: number
}

/** A slot as an address of one member of one pool. */
interface Membership {
  readonly pool: Pool
  readonly weight: number
  readonly slots: readonly number[]
}

export class WatchedPools {
  readonly #downSlots = new Set<number>()
  #memberships = new Map<number, Membership[]>()

  /** Replaces the pools after a reload; which slots are down is kept. */
  replace(pools: readonly WatchedPool[]): void {
    this.#memberships = new Map()
    for (const { members } of pools) {
      const weight = members.reduce((sum, member) => sum + member.weight, 0)
      const pool = { members, slots: members.flatMap(({ slots }) => slots), weight, upWeight: 0 }
      for (const member of members) {
        if (!this.#isDown(member)) pool.upWeight += member.weight
        for (const slot of new Set(member.slots)) {
          const memberships = this.#memberships.get(slot) ?? []
          this.#memberships.set(slot, memberships)
          memberships.push({ pool, ...member })
        }
      }
    }
  }

  /** Sets whether a slot is down. Returns all slots of the pools that became short by it, or are short no longer. */
  setDown(slot: number, isDown: boolean): readonly number[] {
    if (this.#downSlots.has(slot) === isDown) return none
    const memberships = this.#memberships.get(slot) ?? []
    const before = memberships.map((one) => [this.#isDown(one), isShort(one.pool)] as const)
    if (isDown) this.#downSlots.add(slot)
    else this.#downSlots.delete(slot)
    const affected: number[] = []
    for (const [i, membership] of memberships.entries()) {
      const { pool, weight, slots } = membership
      const [wasDown, wasShort] = before[i] ?? [false, false]
      if (this.#isDown({ slots }) !== wasDown) pool.upWeight += wasDown ? weight : -weight
      if (isShort(pool) !== wasShort) affected.push(...pool.slots)
    }
    return affected
  }

  /**
   * Whether the slot is in a pool with less than half of its weight up. `isAway` says of a member's row whether an
   * override, feedback or the calendar takes the member out, which counts as down.
   */
  isInShortPool(slot: number, isAway: (row: number) => boolean): boolean {
    return this.#memberships.get(slot)?.some(({ pool }) => this.#isShort(pool, isAway)) ?? false
  }

  #isShort({ members, weight, upWeight }: Pool, isAway: (row: number) => boolean): boolean {
    let left = upWeight
    for (const member of members)
      if (!this.#isDown(member) && isAway(member.row)) left -= member.weight
    return isShort({ weight, upWeight: left })
  }

  #isDown({ slots }: Pick<Membership, 'slots'>): boolean {
    return slots.length > 0 && slots.every((slot) => this.#downSlots.has(slot))
  }
}

const none: readonly number[] = []

const isShort = ({ weight, upWeight }: Pick<Pool, 'weight' | 'upWeight'>): boolean =>
  upWeight * 2 < weight

/** Name and slots of each pool, without slot 0: the groups of the mass-failure guard. */
export const slotsOfPools = (
  pools: readonly WatchedPool[],
): readonly { readonly name: string; readonly slots: readonly number[] }[] =>
  pools.map(({ name, members }) => ({
    name,
    slots: members.flatMap(({ slots }) => slots).filter((slot) => slot !== 0),
  }))

/** Groups the members of all loaded zones by pool. */
export function watchedPools(loaded: readonly LoadedMembers[]): readonly WatchedPool[] {
  const pools = new Map<string, WatchedPoolMember[]>()
  for (const { zone, pools: memberships } of loaded) {
    for (const { pool, member } of memberships) {
      const name = `${pool}.${zone}`
      const members = pools.get(name) ?? []
      pools.set(name, members)
      members.push({ weight: member.weight, row: member.row, slots: member.slots })
    }
  }
  return [...pools].map(([name, members]) => ({ name, members }))
}
