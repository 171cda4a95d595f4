// Sizes at which a key of the store still counts as ours.

import { expect, test } from 'vitest'

import { OversizedRecords } from '../../../src/cluster/redis/oversized-records.ts'
import type { Command, StoreLink } from '../../../src/cluster/redis/redis-link.ts'
import { stateKeys, stateTimes } from '../../../src/cluster/redis/schema.ts'
import { readSnapshot } from '../../../src/cluster/redis/snapshot.ts'
import { StoreSeals } from '../../../src/cluster/redis/store-seals.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { stubLink } from '../../support/stub-link.ts'

const keys = stateKeys('test')

/** A store whose stream of hints has so many entries and octets, and which is empty beside it. */
function linkOf(entries: number, octets: number): StoreLink {
  const valueOf = ([name, , key]: Command): unknown => {
    if (name === 'xlen') return entries
    if (name === 'memory') return key === keys.events ? octets : 0
    if (['scard', 'hlen'].includes(name)) return 0
    return name === 'getrange' ? '' : []
  }
  return stubLink(valueOf)
}

// The stream is trimmed to some 20,000 hints, of about 60 octets each.
test.each([
  [0, 0, true],
  [4097, 300_000, true],
  [20_199, 1_500_000, true],
  [32_769, 2_400_000, false],
  [20_199, 9_000_000, false],
])('a stream of %d hints and %d octets is read: %s', async (entries, octets, isRead) => {
  const oversized = new OversizedRecords({ nowMs: () => 0, forgetMs: 1, onRecord() {} })
  const snapshot = await readSnapshot(linkOf(entries, octets), oversized, {
    keys,
    seals: new StoreSeals({
      secrets: null,
      clock: systemClock,
      instance: 'a',
      times: stateTimes(300),
      onEvent() {},
    }),
    instance: 'a',
    known: [],
    isStopped: () => false,
    overrideFields: () => [],
  })
  expect(snapshot).toMatchObject({
    kind: 'read',
    unusableKeys: isRead ? [] : [keys.events],
  })
  expect(oversized.count).toBe(isRead ? 0 : 1)
})
