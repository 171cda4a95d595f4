// When a listing is believed, and what it costs. Pure: time is an argument.
//
//   look       then
//   listed     believed once a look finds it after the hold time, counted from the first look that did
//   clear      forgotten at once: who was delisted has waited long enough
//   unknown    nothing moves; what nobody has confirmed for two hold times, and an hour at least, is forgotten
//
// A listing never takes anybody out, and weights move only while at most half of the pool's weight is listed: beyond
// that the list is as likely to be wrong as the pool, and there would be nobody to shift the mail to.

import type { ListResult } from './dns-list.ts'

export interface Listing {
  readonly sinceMs: number
  readonly seenMs: number
  readonly codes: readonly string[]
  readonly isBelieved: boolean
}

const shortestMemoryMs = 3_600_000

interface ListingInput {
  readonly result: ListResult
  readonly nowMs: number
  readonly holdMs: number
}

export function nextListing(
  before: Listing | null,
  { result: look, nowMs, holdMs }: ListingInput,
): Listing | null {
  switch (look.kind) {
    case 'clear':
      return null
    case 'unknown': {
      const memoryMs = Math.max(shortestMemoryMs, 2 * holdMs)
      return before !== null && nowMs - before.seenMs > memoryMs ? null : before
    }
    case 'listed': {
      const sinceMs = before?.sinceMs ?? nowMs
      const isBelieved = before?.isBelieved === true || nowMs - sinceMs >= holdMs
      return { sinceMs, seenMs: nowMs, codes: look.codes, isBelieved }
    }
    default:
      return look satisfies never
  }
}

interface RatedMember {
  readonly target: string
  readonly weight: number
  /** Enough lists agree on one of its addresses. */
  readonly isListed: boolean
  readonly listedShare: number
}

interface PoolRating {
  /** What each weight is multiplied by; who is not in it keeps its weight. */
  readonly shares: ReadonlyMap<string, number>
  /** More than half of the weight is listed: nothing is moved. */
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
