// The pools that watched slots are in: where most of a pool is out, its members that are held down for flapping alone
// are needed, and come back as suspects. A flapping MTA is better than none. Who is drained, or left without weight,
// helps a pool as little as who is down; that turns without a word here, and is found when a held member is judged next.

import type { LoadedMembers } from '../weights/member-state.ts'

export interface WatchedPool {
  /** `<pool>.<zone>` */
  readonly name: string
  readonly members: readonly WatchedPoolMember[]
}

interface WatchedPoolMember {
  readonly weight: number
  readonly row: number
  /** Slot 0 is always up. */
  readonly slots: readonly number[]
}

interface Pool {
  readonly members: readonly WatchedPoolMember[]
  readonly slots: readonly number[]
  readonly weight: number
  upWeight: number
}

interface Membership {
  readonly pool: Pool
  readonly weight: number
  readonly slots: readonly number[]
}

export class WatchedPools {
  readonly #downSlots = new Set<number>()
  #memberships = new Map<number, Membership[]>()

  replace(pools: readonly WatchedPool[]): void {
    this.#memberships = new Map()
    for (const { members } of pools) {
      const weight = members.reduce((sum, member) => sum + member.weight, 0)
      const pool = { members, slots: members.flatMap(({ slots }) => slots), weight, upWeight: 0 }
      for (const member of members) {
        if (!this.#isDown(member)) pool.upWeight += member.weight
        for (const slot of new Set(member.slots)) {
          const seats = this.#memberships.get(slot) ?? []
          this.#memberships.set(slot, seats)
          seats.push({ pool, ...member })
        }
      }
    }
  }

  /** The slots of pools that are needed from now on, or no longer. */
  setDown(slot: number, isOut: boolean): readonly number[] {
    if (this.#downSlots.has(slot) === isOut) return []
    const seats = this.#memberships.get(slot) ?? []
    const before = seats.map((seat) => [this.#isDown(seat), isShort(seat.pool)] as const)
    if (isOut) this.#downSlots.add(slot)
    else this.#downSlots.delete(slot)
    const turned: number[] = []
    for (const [i, seat] of seats.entries()) {
      const [wasOut, wasShort] = before[i] ?? [false, false]
      if (this.#isDown(seat) !== wasOut) seat.pool.upWeight += wasOut ? seat.weight : -seat.weight
      if (isShort(seat.pool) !== wasShort) turned.push(...seat.pool.slots)
    }
    return turned
  }

  /** `isAway`: whether an operator, the MTA or the calendar has taken the member of that row out. */
  isInShortPool(slot: number, isAway: (row: number) => boolean): boolean {
    return this.#memberships.get(slot)?.some(({ pool }) => this.#isShortOf(pool, isAway)) ?? false
  }

  #isShortOf({ members, weight, upWeight }: Pool, isAway: (row: number) => boolean): boolean {
    let left = upWeight
    for (const member of members)
      if (!this.#isDown(member) && isAway(member.row)) left -= member.weight
    return isShort({ weight, upWeight: left })
  }

  #isDown({ slots }: Pick<Membership, 'slots'>): boolean {
    return slots.length > 0 && slots.every((slot) => this.#downSlots.has(slot))
  }
}

/** With the slots that are probed. */
export const slotsOfPools = (
  pools: readonly WatchedPool[],
): readonly { readonly name: string; readonly slots: readonly number[] }[] =>
  pools.map(({ name, members }) => ({
    name,
    slots: members.flatMap(({ slots }) => slots).filter((slot) => slot !== 0),
  }))

/** Less than half of it is in. */
const isShort = ({ weight, upWeight }: Pick<Pool, 'weight' | 'upWeight'>): boolean =>
  upWeight * 2 < weight

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
