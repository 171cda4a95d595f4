// The brake on correlated failure: when many begin to fail at once, that is more likely our fault, or a moment's,
// than theirs. Each then has to fail a second round before it is taken as down.
//
//   group        engaged when these began to fail within a minute, and still fail
//   a pool       more than half of its addresses, and three at least
//   all          30 % of all addresses and three at least; or every one, of two or more
//
// Bounded: engaged for two minutes, and then what was seen counts; those who began before do not engage it again.
// All dead is so acted on as well, a round later; until then they are suspects, and answered.
// Times are on one monotonic clock and never go back.

import type { Verdict } from './verdict.ts'

export const allGroup = '*'

export interface FailureGroup {
  /** Of a pool; `*` is kept for all. */
  readonly name: string
  readonly slots: readonly number[]
}

export interface HeldGroup {
  readonly group: string
  readonly failing: number
  readonly of: number
}

/** Held back for as long as it may be. */
export interface ReleasedGroup {
  readonly group: string
  readonly seconds: number
}

interface Group {
  readonly name: string
  readonly size: number
  /** Slot → when it began to fail, oldest first. */
  readonly failing: Map<number, number>
  engagedMs: number
}

const windowMs = 60_000

const engagedForMs = 120_000

const fewest = 3

const shareOfPool = 0.5

const shareOfAll = 0.3

const emptyGroup = (name: string, size: number): Group => ({
  name,
  size,
  failing: new Map(),
  engagedMs: -Infinity,
})

const isEngaged = ({ engagedMs }: Group, nowMs: number): boolean => nowMs - engagedMs < engagedForMs

export class MassFailureGuard {
  #all: Group = emptyGroup(allGroup, 0)
  #groups = new Map<string, Group>()
  #groupsOf = new Map<number, Group[]>()
  /** Since when, by name: of whom it was not said yet that they were let go. */
  readonly #held = new Map<string, number>()

  /** Groups that stay keep what is known of them. */
  replace(pools: readonly FailureGroup[], slots: readonly number[]): void {
    const before = this.#groups
    this.#groups = new Map()
    this.#all = refit(this.#all, allGroup, slots)
    this.#groupsOf = new Map(slots.map((slot) => [slot, [this.#all]]))
    for (const pool of pools) {
      const group = refit(before.get(pool.name), pool.name, pool.slots)
      this.#groups.set(pool.name, group)
      for (const slot of pool.slots) this.#groupsOf.get(slot)?.push(group)
    }
  }

  /** It began to fail; the groups that this engages. */
  recordFailing(slot: number, nowMs: number): readonly HeldGroup[] {
    const heldCount: HeldGroup[] = []
    for (const group of this.#groupsOf.get(slot) ?? []) {
      if (isEngaged(group, nowMs)) continue
      forgetOld(group, nowMs)
      group.failing.delete(slot)
      group.failing.set(slot, nowMs)
      if (!isTooMuch(group)) continue
      heldCount.push({ group: group.name, failing: group.failing.size, of: group.size })
      group.engagedMs = nowMs
      // Oldest first.
      this.#held.delete(group.name)
      this.#held.set(group.name, nowMs)
    }
    return heldCount
  }

  /** It no longer fails. */
  recordPassing(slot: number): void {
    for (const group of this.#groupsOf.get(slot) ?? []) group.failing.delete(slot)
  }

  /** Whether it has to fail a second round. */
  isHeld(slot: number, nowMs: number): boolean {
    return this.#groupsOf.get(slot)?.some((group) => isEngaged(group, nowMs)) ?? false
  }

  /** Groups that have been let go since this was asked last, those that a reload took away included. */
  takeReleased(nowMs: number): readonly ReleasedGroup[] {
    const released: ReleasedGroup[] = []
    for (const [group, sinceMs] of this.#held) {
      if (nowMs - sinceMs < engagedForMs && this.#has(group)) continue
      this.#held.delete(group)
      released.push({ group, seconds: Math.round((nowMs - sinceMs) / 1000) })
    }
    return released
  }

  /** Milliseconds until the next group is let go; null: none is held back. */
  nextReleaseInMs(nowMs: number): number | null {
    const [firstMs] = this.#held.values()
    return firstMs === undefined ? null : Math.max(0, firstMs + engagedForMs - nowMs)
  }

  #has(name: string): boolean {
    return name === allGroup || this.#groups.has(name)
  }

  /** How many groups are held back now. */
  engaged(nowMs: number): number {
    let count = isEngaged(this.#all, nowMs) ? 1 : 0
    for (const group of this.#groups.values()) if (isEngaged(group, nowMs)) count++
    return count
  }
}

function isTooMuch({ name, size, failing }: Group): boolean {
  const count = failing.size
  if (name !== allGroup) return count >= fewest && count > shareOfPool * size
  return (count >= fewest && count >= shareOfAll * size) || (count >= 2 && count === size)
}

function forgetOld({ failing }: Group, nowMs: number): void {
  for (const [slot, sinceMs] of failing) {
    if (nowMs - sinceMs <= windowMs) return
    failing.delete(slot)
  }
}

function refit(before: Group | undefined, name: string, slots: readonly number[]): Group {
  const distinct = new Set(slots)
  const group = emptyGroup(name, distinct.size)
  if (!before) return group
  for (const [slot, sinceMs] of before.failing)
    if (distinct.has(slot)) group.failing.set(slot, sinceMs)
  group.engagedMs = before.engagedMs
  return group
}

// The second round that the brake asks for: who is judged down while many fail at once is not taken as down before it
// has failed `fall` times more in a row. Once confirmed it stays so, until it is no longer judged down. When the brake
// lets go, what was seen counts.

export interface DownConfirmation {
  /** Judged down, and not, or no longer, in doubt. */
  readonly isConfirmed: boolean
  /** Failures in a row since it is in doubt; null: it is not. */
  readonly failures: number | null
}

export const unconfirmed: DownConfirmation = { isConfirmed: false, failures: null }

export const confirmed: DownConfirmation = { isConfirmed: true, failures: null }

export function updateConfirmation(
  round: DownConfirmation,
  seen: { readonly isDown: boolean; readonly isBraked: boolean; readonly fall: number },
): DownConfirmation {
  if (!seen.isDown) return unconfirmed
  const failures = round.failures ?? 0
  if (round.isConfirmed || !seen.isBraked || failures >= seen.fall) return confirmed
  return { isConfirmed: false, failures }
}

export function countTowardsConfirmation(
  round: DownConfirmation,
  verdict: Verdict,
): DownConfirmation {
  if (round.failures === null || verdict === 'unknown') return round
  return { isConfirmed: false, failures: verdict === 'pass' ? 0 : round.failures + 1 }
}
