import { describe, expect, it } from 'vitest'

import type { ListResult } from '../../src/reputation/dns-list.ts'
import { type Listing, nextListing, ratePool } from '../../src/reputation/listing.ts'

const hour = 3_600_000
const listed: ListResult = { kind: 'listed', codes: ['127.0.0.2'] }
const clear: ListResult = { kind: 'clear' }
const unknown: ListResult = { kind: 'unknown', why: 'timeout' }

/** What stands after looks at these hours. */
function after(holdHours: number, looks: readonly (readonly [atHours: number, ListResult])[]) {
  let listing: Listing | null = null
  for (const [atHours, look] of looks)
    listing = nextListing(listing, {
      result: look,
      nowMs: atHours * hour,
      holdMs: holdHours * hour,
    })
  if (listing === null) return 'none'
  return listing.isBelieved ? 'believed' : 'pending'
}

describe('a listing', () => {
  it.each<[string, number, readonly (readonly [number, ListResult])[], string]>([
    ['is not believed at once', 6, [[0, listed]], 'pending'],
    ['is believed at once without a hold', 0, [[0, listed]], 'believed'],
    [
      'is not believed before its time',
      6,
      [
        [0, listed],
        [5.9, listed],
      ],
      'pending',
    ],
    [
      'is believed when a look finds it then',
      6,
      [
        [0, listed],
        [6, listed],
      ],
      'believed',
    ],
    [
      'is not believed by the clock alone',
      6,
      [
        [0, listed],
        [7, unknown],
      ],
      'pending',
    ],
    [
      'goes on through looks that saw nothing',
      6,
      [
        [0, listed],
        [3, unknown],
        [6, listed],
      ],
      'believed',
    ],
    [
      'begins anew after one that is clear',
      6,
      [
        [0, listed],
        [3, clear],
        [6, listed],
      ],
      'pending',
    ],
    [
      'is forgotten at once when it is clear',
      6,
      [
        [0, listed],
        [6, listed],
        [7, clear],
      ],
      'none',
    ],
    [
      'stays believed while the result is unknown',
      6,
      [
        [0, listed],
        [6, listed],
        [17, unknown],
      ],
      'believed',
    ],
    [
      'is forgotten when it was unknown for long',
      6,
      [
        [0, listed],
        [6, listed],
        [18.1, unknown],
      ],
      'none',
    ],
    [
      'of no hold stays for an hour',
      0,
      [
        [0, listed],
        [0.9, unknown],
      ],
      'believed',
    ],
    [
      'of no hold is forgotten after it',
      0,
      [
        [0, listed],
        [1.1, unknown],
      ],
      'none',
    ],
    [
      'is none where there was none',
      6,
      [
        [0, unknown],
        [1, clear],
      ],
      'none',
    ],
  ])('%s', (_, hold, looks, expected) => {
    expect(after(hold, looks)).toBe(expected)
  })
})

describe('weights of a pool', () => {
  const member = (target: string, weight: number, isListed: boolean, listedShare = 0.5) => ({
    target,
    weight,
    isListed,
    listedShare,
  })

  it('change for a listed target', () => {
    const members = [member('a', 1, true), member('b', 1, false), member('c', 1, false)]
    expect(ratePool(members)).toEqual({ shares: new Map([['a', 0.5]]), isMass: false })
  })

  it('stay where listings only warn', () => {
    const members = [member('a', 1, true, 1), member('b', 1, false)]
    expect(ratePool(members)).toEqual({ shares: new Map(), isMass: false })
  })

  it('move while half of the weight is listed, and not beyond', () => {
    const half = [member('a', 2, true), member('b', 1, false), member('c', 1, false)]
    expect(ratePool(half)).toEqual({ shares: new Map([['a', 0.5]]), isMass: false })
    const more = [member('a', 3, true), member('b', 1, false), member('c', 1, false)]
    expect(ratePool(more)).toEqual({ shares: new Map(), isMass: true })
  })

  it('stay where there is no other target', () => {
    expect(ratePool([member('a', 1, true)])).toEqual({ shares: new Map(), isMass: true })
  })

  it('and there are none in an empty pool', () => {
    expect(ratePool([])).toEqual({ shares: new Map(), isMass: false })
  })
})
