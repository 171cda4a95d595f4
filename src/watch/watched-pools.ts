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
  weightIn: number
}

interface Seat {
  readonly pool: Pool
  readonly weight: number
  readonly slots: readonly number[]
}

export class WatchedPools {
  readonly #out = new Set<number>()
  #seats = new Map<number, Seat[]>()

  replace(pools: readonly WatchedPool[]): void {
    this.#seats = new Map()
    for (const { members } of pools) {
      const weight = members.reduce((sum, member) => sum + member.weight, 0)
      const pool = { members, slots: members.flatMap(({ slots }) => slots), weight, weightIn: 0 }
      for (const member of members) {
        if (!this.#isOut(member)) pool.weightIn += member.weight
        for (const slot of new Set(member.slots)) {
          const seats = this.#seats.get(slot) ?? []
          this.#seats.set(slot, seats)
          seats.push({ pool, ...member })
        }
      }
    }
  }

  /** The slots of pools that are needed from now on, or no longer. */
  setOut(slot: number, isOut: boolean): readonly number[] {
    if (this.#out.has(slot) === isOut) return []
    const seats = this.#seats.get(slot) ?? []
    const before = seats.map((seat) => [this.#isOut(seat), isShort(seat.pool)] as const)
    if (isOut) this.#out.add(slot)
    else this.#out.delete(slot)
    const turned: number[] = []
    for (const [i, seat] of seats.entries()) {
      const [wasOut, wasShort] = before[i] ?? [false, false]
      if (this.#isOut(seat) !== wasOut) seat.pool.weightIn += wasOut ? seat.weight : -seat.weight
      if (isShort(seat.pool) !== wasShort) turned.push(...seat.pool.slots)
    }
    return turned
  }

  /** `isAway`: whether an operator, the MTA or the calendar has taken the member of that row out. */
  isNeeded(slot: number, isAway: (row: number) => boolean): boolean {
    return this.#seats.get(slot)?.some(({ pool }) => this.#isShortOf(pool, isAway)) ?? false
  }

  #isShortOf({ members, weight, weightIn }: Pool, isAway: (row: number) => boolean): boolean {
    let left = weightIn
    for (const member of members)
      if (!this.#isOut(member) && isAway(member.row)) left -= member.weight
    return isShort({ weight, weightIn: left })
  }

  #isOut({ slots }: Pick<Seat, 'slots'>): boolean {
    return slots.length > 0 && slots.every((slot) => this.#out.has(slot))
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
const isShort = ({ weight, weightIn }: Pick<Pool, 'weight' | 'weightIn'>): boolean =>
  weightIn * 2 < weight

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
