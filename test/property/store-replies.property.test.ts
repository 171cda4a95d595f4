// Whatever a store replies to the commands of an instance, of whatever type and at whatever place: reading never throws,
// what comes out is well-formed, within its bounds, and of names and records that are valid.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { Peers } from '../../src/cluster/peers.ts'
import { RedisFeedback } from '../../src/cluster/redis/feedback.ts'
import { HintReader } from '../../src/cluster/redis/hint-reader.ts'
import { RedisOverrides } from '../../src/cluster/redis/overrides.ts'
import { OversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import type { Command, Reply } from '../../src/cluster/link/command.ts'
import type { StoreLink } from '../../src/cluster/link/redis-link.ts'
import {
  formatHeartbeat,
  isInstanceName,
  stateKeys,
  stateTimes,
} from '../../src/cluster/redis/schema.ts'
import { instanceLimit, readSnapshot } from '../../src/cluster/redis/snapshot.ts'
import { StoreSeals } from '../../src/cluster/redis/store-seals.ts'
import { RedisTallies } from '../../src/cluster/redis/tallies.ts'
import { VoteReader } from '../../src/cluster/redis/vote-reader.ts'
import { overrideKeysOf } from '../../src/health/overrides.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { runs } from '../support/runs.ts'
import { stubLink } from '../support/stub-link.ts'

const keys = stateKeys('test')
const times = stateTimes(300)
const heartbeat = { epoch: 1, sequence: 1, state: 'ok', site: 'x', config: null } as const
const beat = formatHeartbeat(heartbeat)

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom(
    beat,
    'U|1|ok',
    '00000000000000aa',
    'b',
    'x'.repeat(500),
    '1-1',
    '__proto__',
    '{}',
  ),
)
const scalar = fc.oneof(text, fc.integer(), fc.constant(null), fc.constant(NaN), fc.bigInt())
const value: fc.Arbitrary<unknown> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 6 }),
  fc.array(fc.array(scalar, { maxLength: 4 }), { maxLength: 4 }),
  fc.dictionary(text, scalar, { maxKeys: 4 }),
  fc.constantFrom<unknown[]>([['ev', [['1-1', ['i', 'b', 't', '*']]]]], [1], [], {}, undefined),
)
const reply: fc.Arbitrary<Reply> = fc.oneof(
  { weight: 6, arbitrary: value.map((one): Reply => ({ kind: 'value', value: one })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('WRONGTYPE', 'NOPERM', 'ERR', 'OOM')
      .map((code): Reply => ({ kind: 'error', code })),
  },
)

/** Sensible replies, in part replaced by others; sometimes none at all. */
function linkOf(
  replies: readonly (Reply | null)[],
  isSilent: (batch: number) => boolean,
): StoreLink {
  let at = 0
  let batches = 0
  const next = (command: Command): Reply =>
    replies[at++ % replies.length] ?? { kind: 'value', value: sensible(command) }
  return {
    ...stubLink(() => null),
    run: async (commands) => (isSilent(batches++) ? null : commands.map(next)),
    runBlocking: async (command) => next(command),
  }
}

function sensible([name, key, ...rest]: Command): unknown {
  if (name === 'getrange') return key === keys.storeId ? '00000000000000aa' : beat
  if (name === 'hmget') return rest.map(() => 'U|1|ok')
  if (name === 'smembers' || name === 'zrevrange') return ['b', 'c', 'self', 'no name']
  if (['xrange', 'xrevrange'].includes(name)) return [['1-1', ['i', 'b', 't', '*']]]
  return name === 'hgetall' ? {} : 10
}

interface GivenStore {
  readonly replies: (Reply | null)[]
  readonly silentBatch: number
}

const given: fc.Arbitrary<GivenStore> = fc.record({
  replies: fc.array(fc.option(reply, { freq: 2 }), { minLength: 1, maxLength: 40 }),
  silentBatch: fc.integer({ min: 0, max: 12 }),
})

const targets = Array.from({ length: 30 }, (_, i) => ({ zone: 'z', target: `t${i}`, pool: 'p' }))

test('snapshots, votes, overrides, feedback, counts and hints', async () => {
  const oneRun = async ({ replies, silentBatch }: GivenStore): Promise<void> => {
    const link = linkOf(replies, (batch) => batch === silentBatch)
    const named: string[] = []
    const oversized = new OversizedRecords({
      nowMs: () => 0,
      forgetMs: 1,
      onRecord: ({ key, octets }) => {
        named.push(key)
        expect(key.startsWith('mxsteer:{test}:v1:')).toBe(true)
        expect(octets >= 0).toBe(true)
      },
    })
    const seals = new StoreSeals({
      secrets: null,
      clock: systemClock,
      instance: 'self',
      times,
      onEvent() {},
    })
    const peers = new Peers(1000)
    const overrides = new RedisOverrides({ keys, instance: 'self', seals, onPending() {} })
    overrides.setKnownKeys(overrideKeysOf(targets))
    const snapshot = await readSnapshot(link, oversized, {
      keys,
      seals,
      instance: 'self',
      known: ['b'],
      recent: new Map(),
      isStopped: () => false,
      overrideFields: () => overrides.nextKnownKeys(),
    })
    if (snapshot?.kind === 'read') {
      expect(snapshot.heartbeats.size).toBeLessThanOrEqual(instanceLimit)
      expect([...snapshot.heartbeats.keys()].filter((name) => !isInstanceName(name))).toEqual([])
      expect(snapshot.storeId ?? '0000000000000000').toMatch(/^[0-9a-f]{16}$/)
      overrides.applyStored(snapshot.overrides, false)
      peers.observe(snapshot.heartbeats, 0, false)
    }
    peers.observe(new Map([['b', heartbeat]]), 0, false)
    const endpointsOf = (): readonly string[] => targets.map(({ target }) => target)
    const reader = new VoteReader({
      link,
      keys,
      seals,
      peers,
      oversized,
      endpointsOf,
      onVotes() {},
    })
    expect(['done', 'other-store', 'no-reply']).toContain(await reader.read('00000000000000aa'))
    const shared = { link, keys, seals, oversized, instance: 'self', times }
    const feedback = new RedisFeedback({ ...shared, clock: systemClock, onPending() {} })
    feedback.setTargets(targets)
    const tallies = new RedisTallies({ ...shared, peers: () => ['b'] })
    tallies.attach({ current: () => new Map([['p', [[], [], []]]]), restore() {} })
    const context = { nowMs: 0, isFenced: false }
    for (const part of [feedback, tallies])
      expect([true, false]).toContain(await part.sync(context))
    for (const { zone, target } of feedback.list()) expect([zone, target].join('')).not.toBe('')
    expect(named.length).toBeLessThanOrEqual(64)
  }
  await fc.assert(fc.asyncProperty(given, oneRun), { numRuns: runs(10_000) })
}, 600_000)

test('hints: what the stream holds is read, or counted, and reading goes on', async () => {
  const entries = fc.array(reply, { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(entries, async (replies) => {
      let read = 0
      let resolve = (): void => {}
      const isRead = new Promise<void>((done) => (resolve = done))
      const link: StoreLink = {
        ...linkOf([], () => false),
        runBlocking: async () => {
          if (read === replies.length) resolve()
          return replies[read++] ?? { kind: 'value', value: null }
        },
      }
      const reader = new HintReader({
        link,
        key: keys.events,
        times: { blockMs: 0, hintPollMs: 0, blockAgainMs: 0 },
        clock: systemClock,
        onHints() {},
        onPolling() {},
      })
      reader.hasMissedEvents({ newest: '1-1', oldest: '1-1' })
      await isRead
      reader.stop()
      expect(read).toBeGreaterThan(replies.length - 1)
    }),
    { numRuns: runs(300) },
  )
}, 600_000)
