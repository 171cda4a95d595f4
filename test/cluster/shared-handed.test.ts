// What was handed out, in a store where anybody can write: what two instances learn of each other, and what no seal proves.

import { describe, expect, test } from 'vitest'

import { judgeZones } from '../../src/coherence/guard.ts'
import { type HandedOut, nothingHanded } from '../../src/coherence/handed-out.ts'
import { byZone, handedOf, itemsOf, learn } from '../../src/coherence/shared-handed.ts'
import { RedisHanded } from '../../src/cluster/shared-handed.ts'
import { createOversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import type { SealMode } from '../../src/cluster/redis/sealed-record.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { hashLink } from '../support/stub-link.ts'

const zone = 'smtp.example.test'
const domain = 'example.test'
const secret = Buffer.alloc(32, 1)

interface Instance {
  readonly handed: RedisHanded
  /** Syncs at this second; whether there was news. */
  sync(seconds: number, own: HandedOut): Promise<boolean>
  /** What it remembers after a look at the store. */
  learn(own: HandedOut): Promise<HandedOut>
}

/** Of all instances: that of the last sync. */
let nowMs = 0

function instanceOf(hash: Map<string, string>, mode: SealMode | null): Instance {
  let isNews = false
  const handed = new RedisHanded({
    link: hashLink(hash),
    keys: stateKeys('test'),
    times: stateTimes(300),
    oversized: createOversizedRecords(systemClock, stateTimes(300), () => {}),
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    secrets: mode === null ? null : { secrets: [secret], mode },
  })
  handed.onNews(() => (isNews = true))
  return {
    handed,
    async sync(seconds, own) {
      nowMs = seconds * 1000
      isNews = false
      handed.publish(new Map([[zone, byZone(own).get(zone) ?? []]]))
      await handed.sync({ nowMs, isFenced: false })
      return isNews
    },
    learn: async (own) => learn(own, await handed.read(), [zone]),
  }
}

const times = (first: number, last: number | null) => ({
  zone,
  firstMs: first * 1000,
  lastMs: last === null ? null : last * 1000,
})

/** A policy that allows one exchange, for a day. */
const policy = (id: string, first: number, last: number | null): HandedOut => ({
  ...nothingHanded,
  policies: [
    {
      ...times(first, last),
      domain,
      id,
      mode: 'enforce',
      maxAgeSeconds: 86_400,
      patterns: [`${id}.${zone}`],
    },
  ],
})

const all: HandedOut = {
  policies: policy('a', 900, null).policies,
  tlsa: [
    {
      ...times(900, null),
      target: 'mx1',
      ttlSeconds: 60,
      records: ['2 0 1 …ff', `3 1 1 ${'a'.repeat(64)}`],
    },
  ],
  exchanges: ['mx1', 'mx2'].map((name) => ({
    ...times(900, null),
    domain,
    name: `${name}.${zone}`,
    ttlSeconds: 60,
  })),
}

describe('what one instance hands out', () => {
  test('is known to another one, whole, as if it ended in a minute', async () => {
    const hash = new Map<string, string>()
    await instanceOf(hash, 'require').sync(1000, all)
    const learnt = await instanceOf(hash, 'require').learn(nothingHanded)
    const ended = <T>(items: readonly T[]): readonly T[] =>
      items.map((one) => ({ ...one, lastMs: 1_060_000 }))
    expect(learnt).toEqual({
      policies: ended(all.policies),
      tlsa: ended(all.tlsa),
      exchanges: ended(all.exchanges),
    })
  })

  test('is news to another one once, and again when it goes on', async () => {
    const hash = new Map<string, string>()
    const [one, two] = [instanceOf(hash, 'require'), instanceOf(hash, 'require')]
    await one.sync(1000, policy('a', 900, null))
    expect(await two.sync(1001, nothingHanded)).toBe(true)
    const known = await two.learn(nothingHanded)
    expect(await two.sync(1002, known)).toBe(false)
    await one.sync(1062, policy('a', 900, null))
    expect(await two.sync(1063, known)).toBe(true)
  })

  test('ends where the last instance ended it', async () => {
    const hash = new Map<string, string>()
    const [one, two] = [instanceOf(hash, 'require'), instanceOf(hash, 'require')]
    await two.sync(1000, policy('a', 900, null))
    await one.sync(1001, policy('a', 800, 1001))
    await two.sync(2000, policy('a', 900, null))
    const { policies } = await one.learn(policy('a', 800, 1001))
    expect(policies).toEqual(policy('a', 800, 2060).policies)
    // It is no end of what is still handed out here.
    expect(await one.learn(policy('a', 800, null))).toEqual(policy('a', 800, null))
  })

  test('refuses what excludes it, on an instance that never had it', async () => {
    const hash = new Map<string, string>()
    await instanceOf(hash, 'require').sync(1000, policy('a', 900, null))
    const own = {
      ...nothingHanded,
      exchanges: [{ ...times(900, null), domain: '', name: `a.${zone}`, ttlSeconds: 60 }],
    }
    const mail = {
      zone,
      isSigned: false,
      ttlSeconds: 60,
      targets: [
        {
          name: 'b',
          exchange: `b.${zone}`,
          addresses: [],
          tlsa: [],
          next: [],
          tlsaTtlSeconds: 60,
          isInSpf: false,
        },
      ],
      steerings: [
        {
          name: 'in',
          mx: { names: [domain], count: 1 },
          relays: { names: [], count: 0 },
          targets: ['b'],
        },
      ],
      policies: [],
      forcedUntilMs: null,
    }
    const severities = (handed: HandedOut) =>
      judgeZones(handed, [mail], { presentedOf: () => [], nowMs: 1_001_000 }).map(
        ({ severity, code }) => `${severity} ${code}`,
      )
    expect(severities(own)).toEqual([])
    expect(severities(await instanceOf(hash, 'require').learn(own))).toEqual([
      'error mta-sts-cached',
    ])
  })

  test('comes back into a store that was emptied', async () => {
    const hash = new Map<string, string>()
    const one = instanceOf(hash, 'require')
    await one.sync(1000, policy('a', 900, null))
    await one.sync(1030, policy('a', 900, 1030))
    hash.clear()
    await one.sync(1070, policy('a', 900, 1030))
    expect((await instanceOf(hash, 'require').learn(nothingHanded)).policies).toEqual(
      policy('a', 900, 1030).policies,
    )
    // Until nobody can hold it any more.
    hash.clear()
    await one.sync(90_000, policy('a', 900, 1030))
    expect([...hash]).toEqual([])
  })
})

describe('what no seal proves', () => {
  test.each([null, 'permit', 'require'] as const)(
    'is not taken where it was never handed out here, in mode %s',
    async (mode) => {
      const hash = new Map<string, string>()
      await instanceOf(hash, null).sync(1000, policy('evil', 900, null))
      const one = instanceOf(hash, mode)
      expect(await one.sync(1001, policy('a', 900, null))).toBe(false)
      expect(await one.learn(policy('a', 900, null))).toEqual(policy('a', 900, null))
      // It gets no seal by what is written here either.
      if (mode !== null) expect(hash.get(zone)).not.toContain('evil')
    },
  )

  test.each([
    [null, 2060],
    ['require', 1001],
  ] as const)('ends later what was handed out here, in mode %s', async (mode, last) => {
    const hash = new Map<string, string>()
    await instanceOf(hash, null).sync(2000, policy('a', 900, null))
    const one = instanceOf(hash, mode)
    await one.sync(2001, nothingHanded)
    expect(await one.learn(policy('a', 800, 1001))).toEqual(policy('a', 800, last))
  })

  test('does so by the time of two leases at most', async () => {
    const hash = new Map([[zone, '[["p",900000,9e15,"example.test","a","enforce",86400,["x"]]]']])
    const one = instanceOf(hash, null)
    await one.sync(2000, nothingHanded)
    const { policies } = await one.learn(policy('a', 800, 1001))
    expect(policies.map(({ lastMs }) => lastMs)).toEqual([2_120_000])
  })
})

test.each([
  ['no JSON', '['],
  ['an unknown kind', '[["q",1,2]]'],
  ['a mode that is none', '[["p",1,2,"example.test","a","maybe",86400,["x"]]]'],
  ['control characters', '[["t",1,2,"mx1",60,["3 1 1 \\u001b[31m"]]]'],
  ['a field too many', '[["x",1,2,"",60,["mx1"],1]]'],
  ['too large', `[["x",1,2,"",60,["${'x'.repeat(600_000)}"]]]`],
])('what is no record is counted and replaced: %s', async (_, text) => {
  const hash = new Map([[zone, text]])
  const one = instanceOf(hash, null)
  await one.sync(1000, policy('a', 900, null))
  expect(one.handed.rejected).toBe(1)
  expect(itemsOf(handedOf((await one.handed.read()).get(zone) ?? []))).toHaveLength(1)
})

test('2000 targets with two records each fit; what does not is not shared, and counted', async () => {
  const many = (count: number): HandedOut => ({
    ...nothingHanded,
    tlsa: Array.from({ length: count }, (_, i) => ({
      ...times(900, null),
      target: `mx${i}`,
      ttlSeconds: 60,
      records: ['a', 'b'].map((letter) => `3 1 1 ${letter.repeat(64)}`),
    })),
    exchanges: Array.from({ length: count }, (_, i) => ({
      ...times(900, null),
      domain,
      name: `mx${i}.${zone}`,
      ttlSeconds: 60,
    })),
  })
  const hash = new Map<string, string>()
  const one = instanceOf(hash, null)
  await one.sync(1000, many(2000))
  expect(one.handed.unshared).toBe(0)
  await one.sync(1100, many(6000))
  expect(one.handed.unshared).toBeGreaterThan(1000)
  expect(hash.get(zone)?.length).toBeLessThanOrEqual(524_288)
})
