// Guard against mass failure: when many addresses begin to fail at once, the cause is more likely here or on the path
// than at the targets. While a group is held, each of its addresses has to fail another `fall` probes before it is down.
//
//   group        held when these began to fail within a minute and still fail
//   a pool       more than half of its addresses, and at least three
//   all          30 % of all addresses and at least three; or every one, of two or more
//
// Bounded: a group is held for two minutes, then its failures count; those that began before do not hold it again. So a
// failure of everything is acted on as well, one round later; until then the addresses are suspect, and answered.
// Times are monotonic milliseconds.

import type { Verdict } from './verdict.ts'

/** Name of the group of all addresses; no pool has it. */
export const allGroup = '*'

/** The addresses of one pool, by slot in the health table. */
export interface FailureGroup {
  /** Name of the pool; never `*`, which stands for all addresses. */
  readonly name: string
  readonly slots: readonly number[]
}

/** A group that has just been held: how many of its addresses fail, and how many there are. */
export interface HeldGroup {
  readonly group: string
  readonly failing: number
  readonly of: number
}

/** A group that is held no longer, and for how many seconds it was. */
export interface ReleasedGroup {
  readonly group: string
  readonly seconds: number
}

interface Group {
  readonly name: string
  readonly size: number
  /** Slot → when it began to fail, oldest first. */
  readonly failing: Map<number, number>
  /** When the group was last held; -Infinity if it never was. */
  heldSinceMs: number
}

const windowMs = 60_000

const holdForMs = 120_000

const minFailing = 3

const shareOfPool = 0.5

const shareOfAll = 0.3

const emptyGroup = (name: string, size: number): Group => ({
  name,
  size,
  failing: new Map(),
  heldSinceMs: -Infinity,
})

const isGroupHeld = ({ heldSinceMs }: Group, nowMs: number): boolean =>
  nowMs - heldSinceMs < holdForMs

export class MassFailureGuard {
  #all: Group = emptyGroup(allGroup, 0)
  #groups = new Map<string, Group>()
  #groupsOf = new Map<number, Group[]>()
  /** Name of a held group → since when, oldest first; until its release has been taken. */
  readonly #held = new Map<string, number>()

  /** Replaces pools and addresses after a reload. A pool that stays keeps its failures and its hold. */
  replace(pools: readonly FailureGroup[], slots: readonly number[]): void {
    const before = this.#groups
    this.#groups = new Map()
    this.#all = regroup(this.#all, allGroup, slots)
    this.#groupsOf = new Map(slots.map((slot) => [slot, [this.#all]]))
    for (const pool of pools) {
      const group = regroup(before.get(pool.name), pool.name, pool.slots)
      this.#groups.set(pool.name, group)
      for (const slot of pool.slots) this.#groupsOf.get(slot)?.push(group)
    }
  }

  /** Records that an address began to fail. Returns the groups that are held because of it. */
  recordFailing(slot: number, nowMs: number): readonly HeldGroup[] {
    const newlyHeld: HeldGroup[] = []
    for (const group of this.#groupsOf.get(slot) ?? []) {
      if (isGroupHeld(group, nowMs)) continue
      dropOldFailures(group, nowMs)
      group.failing.delete(slot)
      group.failing.set(slot, nowMs)
      if (!isMassFailure(group)) continue
      newlyHeld.push({ group: group.name, failing: group.failing.size, of: group.size })
      group.heldSinceMs = nowMs
      // Oldest first.
      this.#held.delete(group.name)
      this.#held.set(group.name, nowMs)
    }
    return newlyHeld
  }

  /** Records that an address no longer fails. */
  recordPassing(slot: number): void {
    for (const group of this.#groupsOf.get(slot) ?? []) group.failing.delete(slot)
  }

  /** Whether a group of this address is held, so that a down has to be confirmed. */
  isHeld(slot: number, nowMs: number): boolean {
    return this.#groupsOf.get(slot)?.some((group) => isGroupHeld(group, nowMs)) ?? false
  }

  /** Groups released since the previous call, including those that a reload removed. */
  takeReleased(nowMs: number): readonly ReleasedGroup[] {
    const released: ReleasedGroup[] = []
    for (const [group, sinceMs] of this.#held) {
      if (nowMs - sinceMs < holdForMs && this.#has(group)) continue
      this.#held.delete(group)
      released.push({ group, seconds: Math.round((nowMs - sinceMs) / 1000) })
    }
    return released
  }

  /** Milliseconds until the next group is released; null if none is held. */
  nextReleaseInMs(nowMs: number): number | null {
    const [firstMs] = this.#held.values()
    return firstMs === undefined ? null : Math.max(0, firstMs + holdForMs - nowMs)
  }

  #has(name: string): boolean {
    return name === allGroup || this.#groups.has(name)
  }

  /** Names of the groups held now, that of all addresses first. */
  heldGroups(nowMs: number): readonly string[] {
    return [this.#all, ...this.#groups.values()]
      .filter((group) => isGroupHeld(group, nowMs))
      .map(({ name }) => name)
  }
}

function isMassFailure({ name, size, failing }: Group): boolean {
  const count = failing.size
  if (name !== allGroup) return count >= minFailing && count > shareOfPool * size
  return (count >= minFailing && count >= shareOfAll * size) || (count >= 2 && count === size)
}

function dropOldFailures({ failing }: Group, nowMs: number): void {
  for (const [slot, sinceMs] of failing) {
    if (nowMs - sinceMs <= windowMs) return
    failing.delete(slot)
  }
}

function regroup(before: Group | undefined, name: string, slots: readonly number[]): Group {
  const members = new Set(slots)
  const group = emptyGroup(name, members.size)
  if (!before) return group
  for (const [slot, sinceMs] of before.failing)
    if (members.has(slot)) group.failing.set(slot, sinceMs)
  group.heldSinceMs = before.heldSinceMs
  return group
}

// Confirmation of a down while a group is held: an address that is judged down has to fail `fall` more probes in a row.
// Once confirmed it stays so until it is no longer judged down; when the group is released, the failures seen count.

/** Whether the down of an address is confirmed. */
export interface DownConfirmation {
  /** Judged down, and confirmed or never in need of confirmation. */
  readonly isConfirmed: boolean
  /** Failures in a row while unconfirmed; null if nothing is waiting for confirmation. */
  readonly failures: number | null
}

/** Not judged down: nothing to confirm. */
export const notDown: DownConfirmation = { isConfirmed: false, failures: null }

/** Judged down for certain. */
export const confirmed: DownConfirmation = { isConfirmed: true, failures: null }

/** The confirmation after a judgement; `needsConfirmation` is true while a group of the address is held. */
export function updateConfirmation(
  before: DownConfirmation,
  judged: { readonly isDown: boolean; readonly needsConfirmation: boolean; readonly fall: number },
): DownConfirmation {
  if (!judged.isDown) return notDown
  const failures = before.failures ?? 0
  if (before.isConfirmed || !judged.needsConfirmation || failures >= judged.fall) return confirmed
  return { isConfirmed: false, failures }
}

/** Counts one verdict towards the confirmation; a pass starts the count again. */
export function countTowardsConfirmation(
  before: DownConfirmation,
  verdict: Verdict,
): DownConfirmation {
  if (before.failures === null || verdict === 'unknown') return before
  return { isConfirmed: false, failures: verdict === 'pass' ? 0 : before.failures + 1 }
}
