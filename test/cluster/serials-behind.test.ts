// Serials of the store that were read before anything listened for them, as at a start.

import { expect, test } from 'vitest'

import type { Command, StoreLink } from '../../src/cluster/redis/redis-link.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import { RedisSerials } from '../../src/cluster/shared-serials.ts'

const digest = 'abcdefghijklmnop'

const link: StoreLink = {
  run: async (commands) =>
    commands.map(([name]: Command) => ({
      kind: 'value',
      value: name === 'hgetall' ? { 'example.test': `9|${digest}` } : 1,
    })),
  runBlocking: async () => null,
  isReady: () => true,
  onReady() {},
  lastErrorCode: () => null,
  faults: () => ({ malformed: 0, unasked: 0, oversized: 0, exception: 0 }),
  reset() {},
  close() {},
}

test('an instance that is behind is told so when it begins to listen, and once', async () => {
  const serials = new RedisSerials({
    link,
    keys: stateKeys('test'),
    times: stateTimes(300),
    secrets: null,
  })
  serials.publish(new Map([['example.test', { serial: 5, digest }]]))
  let calls = 0
  await serials.sync({ nowMs: 0, isFenced: false })
  serials.onBehind(() => calls++)
  await serials.sync({ nowMs: 1, isFenced: false })
  expect(calls).toBe(1)
  await serials.sync({ nowMs: 1_000_000, isFenced: false })
  expect(calls).toBe(1)
})
