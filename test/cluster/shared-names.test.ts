// Names of zones in a store where anybody can write: leases, what two instances keep of each other's, and what no seal proves.

import { describe, expect, test } from 'vitest'

import { createOversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import type { SealMode } from '../../src/cluster/redis/sealed-record.ts'
import { RedisNames } from '../../src/cluster/shared-names.ts'
import type { NameMemory, ZoneNames } from '../../src/departed/name-memory.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { hashLink } from '../support/stub-link.ts'

const zone = 'smtp.example.test'
const secret = Buffer.alloc(32, 1)

interface Instance {
  readonly names: RedisNames
  /** Syncs at this second; whether there was news. */
  sync(seconds: number, own: NameMemory): Promise<boolean>
}

function instanceOf(hash: Map<string, string>, mode: SealMode | null): Instance {
  let nowMs = 0
  let isNews = false
  const names = new RedisNames({
    link: hashLink(hash),
    keys: stateKeys('test'),
    times: stateTimes(300),
    oversized: createOversizedRecords(systemClock, stateTimes(300), () => {}),
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    secrets: mode === null ? null : { secrets: [secret], mode },
  })
  names.onNews(() => (isNews = true))
  return {
    names,
    async sync(seconds, own) {
      nowMs = seconds * 1000
      isNews = false
      names.publish(own)
      await names.sync({ nowMs, isFenced: false })
      return isNews
    },
  }
}

const set = (name: string) => ({
  owner: `${name}.${zone}.`,
  type: 1,
  ttl: 60,
  rdata: ['192.0.2.1'],
  keepSeconds: 420,
})

const having = (...names: readonly string[]): NameMemory =>
  new Map([
    [zone, { current: names.map((name) => ({ ...set(name), ledUntilMs: 0 })), departed: [] }],
  ])

const keeping = (name: string, untilSeconds: number): NameMemory => {
  const departed: ZoneNames['departed'] = [{ ...set(name), untilMs: untilSeconds * 1000 }]
  return new Map([[zone, { current: [], departed }]])
}

const untilOf = async ({ names }: Instance, name: string): Promise<number> => {
  const { sets } = await names.read()
  const found = sets.get(zone)?.find(({ owner }) => owner.startsWith(`${name}.`))
  return (found?.untilMs ?? 0) / 1000
}

describe('a lease', () => {
  test('is renewed for as long as an instance has the name, and then ends', async () => {
    const hash = new Map<string, string>()
    const [one, two] = [instanceOf(hash, 'require'), instanceOf(hash, 'require')]
    await one.sync(1000, having('mx1'))
    await two.sync(1000, having('mx1'))
    // The first takes a new file over, the second keeps the old one for a while.
    for (const seconds of [1100, 1500, 2000]) {
      await one.sync(seconds, keeping('mx1', 1520))
      await two.sync(seconds, having('mx1'))
      expect(await untilOf(one, 'mx1')).toBeGreaterThanOrEqual(seconds + 420)
      expect(await untilOf(one, 'mx1')).toBeLessThanOrEqual(seconds + 480)
    }
    await two.sync(2100, keeping('mx1', 2520))
    await one.sync(2200, keeping('mx1', 2520))
    expect(await untilOf(one, 'mx1')).toBe(2520)
  })

  test('is not written anew at each look', async () => {
    const hash = new Map<string, string>()
    const one = instanceOf(hash, null)
    await one.sync(1000, having('mx1'))
    const first = hash.get(zone)
    await one.sync(1059, having('mx1'))
    expect(hash.get(zone)).toBe(first)
    await one.sync(1061, having('mx1'))
    expect(hash.get(zone)).not.toBe(first)
  })
})

describe('names of others', () => {
  test('are news where a seal proves them, once', async () => {
    const hash = new Map<string, string>()
    await instanceOf(hash, 'require').sync(1000, having('mx1'))
    const late = instanceOf(hash, 'require')
    expect(await late.sync(1001, having('mx2'))).toBe(true)
    expect(await late.sync(1002, having('mx2'))).toBe(false)
  })

  test('are no news when there are fewer', async () => {
    const hash = new Map<string, string>()
    const one = instanceOf(hash, 'require')
    await one.sync(1000, keeping('mx1', 1100))
    await instanceOf(hash, 'require').sync(1000, having('mx3'))
    const late = instanceOf(hash, 'require')
    expect(await late.sync(1001, having('mx2'))).toBe(true)
    expect(await late.sync(1101, having('mx2'))).toBe(false)
    await one.sync(1102, keeping('mx4', 1200))
    expect(await late.sync(1103, having('mx2'))).toBe(true)
  })

  test.each([null, 'permit', 'require'] as const)(
    'are no news without a seal, in mode %s',
    async (mode) => {
      const hash = new Map<string, string>()
      await instanceOf(hash, null).sync(1000, having('evil'))
      const one = instanceOf(hash, mode)
      expect(await one.sync(1001, having('mx1'))).toBe(false)
      const { sets } = await one.names.read()
      expect(
        sets.get(zone)?.some(({ owner, isProven }) => owner.startsWith('evil') && isProven),
      ).toBe(false)
    },
  )

  test('that nobody of the fleet wrote get no seal by those who did', async () => {
    const hash = new Map<string, string>()
    await instanceOf(hash, null).sync(1000, having('evil'))
    await instanceOf(hash, 'permit').sync(1001, having('mx1'))
    expect(hash.get(zone)).toContain('mx1')
    expect(hash.get(zone)).not.toContain('evil')
  })

  test('of another zone, or moved there, have no good seal', async () => {
    const hash = new Map<string, string>()
    await instanceOf(hash, 'require').sync(1000, having('mx1'))
    hash.set('other.example.test', hash.get(zone) ?? '')
    const one = instanceOf(hash, 'require')
    const { sets } = await one.names.read()
    expect([...sets.keys()]).toEqual([zone])
    expect(one.names.rejected).toBe(1)
  })
})

test.each([
  ['no JSON', '['],
  ['no list', '{}'],
  ['a field too few', `[["mx1.${zone}.",1,60,420,2000]]`],
  ['a type that is not kept', `[["mx1.${zone}.",16,60,420,2000,["x"]]]`],
  ['no name', '[["",1,60,420,2000,["192.0.2.1"]]]'],
  ['control characters', `[["mx1.${zone}.",1,60,420,2000,["\\u001b[31m"]]]`],
  ['too large', `[["mx1.${zone}.",1,60,420,2000,["${'x'.repeat(300_000)}"]]]`],
])('what is no record is counted and replaced: %s', async (_, text) => {
  const hash = new Map([[zone, text]])
  const one = instanceOf(hash, null)
  await one.sync(1000, having('mx1'))
  expect(one.names.rejected).toBe(1)
  expect(await untilOf(one, 'mx1')).toBeGreaterThan(1420)
})

test('a time that nothing is kept for is lowered, and a zone that is long gone removed', async () => {
  const record = (seconds: number): string => `[["mx1.${zone}.",1,60,420,${seconds},["192.0.2.1"]]]`
  const hash = new Map([
    [zone, record(1e12)],
    ['gone.example.test', record(1000)],
    ['late.example.test', record(90_000)],
  ])
  const one = instanceOf(hash, null)
  await one.sync(100_000, having('mx1'))
  expect(await untilOf(one, 'mx1')).toBeLessThan(1e8)
  expect([...hash.keys()]).toEqual([zone, 'late.example.test'])
})

test('what does not fit is not shared, and counted', async () => {
  const hash = new Map<string, string>()
  const one = instanceOf(hash, null)
  await one.sync(1000, having(...Array.from({ length: 6000 }, (_, i) => `mx${i}`)))
  expect(one.names.unshared).toBeGreaterThan(1000)
  expect(hash.get(zone)?.length).toBeLessThanOrEqual(262_144)
})
