// When a listing is believed, and how it changes weights. Pure: time is an argument.
//
//   result     then
//   listed     believed if it is still listed after the hold time, counted from the first such result
//   clear      forgotten at once: delisting takes long enough
//   unknown    unchanged; forgotten if not confirmed for two hold times, and an hour at least
//
// A listing never takes a member out. Weights change only while at most half of the pool's weight is listed: beyond that
// the list is as likely to be wrong as the pool, and there is no other member to send the mail to.

import type { ListResult } from './dns-list.ts'

/** A listing of one address by one list. Times are monotonic. */
export interface Listing {
  /** When it was first found. */
  readonly sinceMs: number
  /** When it was last found. */
  readonly seenMs: number
  /** Addresses that the list answered with, which give its reason. */
  readonly codes: readonly string[]
  readonly isBelieved: boolean
}

const shortestMemoryMs = 3_600_000

interface ListingInput {
  readonly result: ListResult
  readonly nowMs: number
  readonly holdMs: number
}

/** Returns the listing after a query of the list; null if there is none. */
export function nextListing(
  before: Listing | null,
  { result, nowMs, holdMs }: ListingInput,
): Listing | null {
  switch (result.kind) {
    case 'clear':
      return null
    case 'unknown': {
      const memoryMs = Math.max(shortestMemoryMs, 2 * holdMs)
      return before !== null && nowMs - before.seenMs > memoryMs ? null : before
    }
    case 'listed': {
      const sinceMs = before?.sinceMs ?? nowMs
      const isBelieved = before?.isBelieved === true || nowMs - sinceMs >= holdMs
      return { sinceMs, seenMs: nowMs, codes: result.codes, isBelieved }
    }
    default:
      return result satisfies never
  }
}

interface RatedMember {
  readonly target: string
  readonly weight: number
  /** Whether enough lists agree on one of its addresses. */
  readonly isListed: boolean
  readonly listedShare: number
}

interface PoolRating {
  /** Share by target name; a target that is not in it keeps its weight. */
  readonly shares: ReadonlyMap<string, number>
  /** Whether more than half of the weight is listed, so that no weight changes. */
  readonly isMass: boolean
}

export function ratePool(members: readonly RatedMember[]): PoolRating {
  const listed = members.filter(({ isListed }) => isListed)
  const weightOf = (some: readonly RatedMember[]): number =>
    some.reduce((sum, { weight }) => sum + weight, 0)
  const isMass = weightOf(listed) * 2 > weightOf(members)
  const moved = listed.filter(({ listedShare }) => listedShare < 1)
  return {
    shares: new Map(isMass ? [] : moved.map(({ target, listedShare }) => [target, listedShare])),
    isMass,
  }
}
