// Serials of the store that were read before anything listened for them, as at a start.

import { expect, test } from 'vitest'

import { createOversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import { RedisSerials } from '../../src/cluster/shared-serials.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { stubLink } from '../support/stub-link.ts'

const digest = 'abcdefghijklmnop'

const link = stubLink(([name]) => (name === 'hgetall' ? { 'example.test': `9|${digest}` } : 1))

test('an instance that is behind is told so when it begins to listen, and once', async () => {
  const serials = new RedisSerials({
    link,
    keys: stateKeys('test'),
    times: stateTimes(300),
    oversized: createOversizedRecords(systemClock, stateTimes(300), () => {}),
    secrets: null,
  })
  serials.publish(new Map([['example.test', { serial: 5, digest }]]))
  let calls = 0
  await serials.sync({ nowMs: 0, isFenced: false })
  serials.onNews(() => calls++)
  await serials.sync({ nowMs: 1, isFenced: false })
  expect(calls).toBe(1)
  await serials.sync({ nowMs: 1_000_000, isFenced: false })
  expect(calls).toBe(1)
})
