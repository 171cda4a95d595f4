// Serials of zones over a real redis-server, between instances of one process.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { formatSerial, parseSerial } from '../../src/cluster/shared-serials.ts'
import type { ZoneSerials } from '../../src/lib/zone-serials.ts'
import { beginSerials } from '../../src/lib/zone-serials.ts'
import { type TestMember, allTogether, joinTestCluster } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const key = 'mxsteer:{test}:v1:se'
const zone = 'smtp.example.test'
const digests = { old: 'a'.repeat(16), new: 'b'.repeat(16), other: 'c'.repeat(16) }
let redis: RedisServer
let instances: Instance[]

beforeEach(async () => {
  redis = await startRedis()
  instances = []
})
afterEach(async () => {
  await Promise.all(instances.map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

/** What the server does with serials, without zones. */
class Instance {
  readonly #member: TestMember
  /** What it has served, the last one last. */
  readonly served: number[] = []
  readonly #changedMs: number
  #own: ZoneSerials = new Map()
  #digest = ''

  constructor(name: string, changedMs: number) {
    this.#member = joinTestCluster(name, { port: redis.port })
    this.#changedMs = changedMs
    this.#member.serials.onNews(() => void this.load(this.#digest))
    instances.push(this)
  }

  get cluster(): TestMember['cluster'] {
    return this.#member.cluster
  }

  get member(): TestMember {
    return this.#member
  }

  get serial(): number | undefined {
    return this.served.at(-1)
  }

  async load(digest: string): Promise<void> {
    this.#digest = digest
    const shared = await this.#member.serials.read()
    const round = beginSerials({ own: this.#own, shared }, 2e12)
    const serial = round.assign(zone, { digest, changedMs: this.#changedMs })
    this.#own = round.close()
    if (serial !== this.serial) this.served.push(serial)
    this.#member.publishSerials(this.#own)
  }
}

const start = async (name: string, changedSeconds: number): Promise<Instance> => {
  const instance = new Instance(name, changedSeconds * 1000)
  await allTogether(...instances.map(({ member }) => member))
  return instance
}

const stored = async (): Promise<string> => redis.command('hget', key, zone)
const waitFor = (what: string, look: () => boolean | Promise<boolean>): Promise<true> =>
  until(look, { what, withinMs: 60_000 })
const isStored = (serial: number, digest: string): Promise<true> =>
  waitFor(`${serial} in the store`, async () =>
    (await stored()).includes(formatSerial({ serial, digest })),
  )
const agree = (serial: number): Promise<true> =>
  waitFor(`all have ${serial}`, () => instances.every((one) => one.serial === serial))

const isRising = ({ served }: Instance): boolean =>
  served.every((serial, i) => i === 0 || serial > (served[i - 1] ?? 0))

describe('instances with the same content', () => {
  it('have the same serial, whenever they load it', async () => {
    const a = await start('a', 1_700_000_000)
    await a.load(digests.old)
    await isStored(1_700_000_000, digests.old)
    const b = await start('b', 1_750_000_000)
    await b.load(digests.old)
    expect(b.served).toEqual([1_700_000_000])
    await Promise.all([a.load(digests.new), b.load(digests.new)])
    expect([a.served, b.served]).toEqual([
      [1_700_000_000, 1_700_000_001],
      [1_700_000_000, 1_700_000_001],
    ])
  })

  it('agree on the greatest where they began apart, and after the store lost all', async () => {
    const [a, b] = [await start('a', 1_700_000_000), await start('b', 1_750_000_000)]
    await Promise.all([a.load(digests.old), b.load(digests.old)])
    await agree(1_750_000_000)
    await redis.command('flushall')
    await isStored(1_750_000_000, digests.old)
    expect(a.served.length).toBeLessThanOrEqual(2)
    expect(instances.every(isRising)).toBe(true)
  })

  it('go on from a rollback: the content of before has a greater serial', async () => {
    const [a, b] = [await start('a', 1_700_000_000), await start('b', 1_700_000_000)]
    for (const digest of [digests.old, digests.new, digests.old]) {
      await a.load(digest)
      await b.load(digest)
    }
    await agree(1_700_000_002)
    expect(instances.every(isRising)).toBe(true)
  })
})

describe('instances with different content', () => {
  it('keep theirs during a roll-out, and end with one', async () => {
    const [a, b] = [await start('a', 1_700_000_000), await start('b', 1_700_000_000)]
    await a.load(digests.old)
    await b.load(digests.old)
    await a.load(digests.new)
    await isStored(1_700_000_001, digests.new)
    await b.load(digests.old)
    expect(b.served).toEqual([1_700_000_000])
    await b.load(digests.new)
    await agree(1_700_000_001)
  })

  it('that chose the same serial at once do not keep it', async () => {
    const [a, b] = [await start('a', 1_700_000_000), await start('b', 1_700_000_000)]
    await Promise.all([a.load(digests.old), b.load(digests.other)])
    await waitFor('they differ', () => a.serial !== b.serial)
    expect(Math.max(a.serial ?? 0, b.serial ?? 0)).toBe(1_700_000_001)
    expect(instances.every(isRising)).toBe(true)
  })
})

describe('what others wrote there', () => {
  it.each([
    ['a string', ['set', key, 'x']],
    ['a record of nothing', ['hset', key, zone, '']],
    ['too great a serial', ['hset', key, zone, `4294967296|${digests.old}`]],
    ['too long a digest', ['hset', key, zone, `1|${digests.old}x`]],
    ['8 MiB', ['hset', key, zone, 'x'.repeat(9 * 1024 * 1024)]],
  ])('is counted, and mended where it can be: %s', async (what, command) => {
    await redis.command(...command)
    const a = await start('a', 1_700_000_000)
    await a.load(digests.old)
    expect(a.serial).toBe(1_700_000_000)
    await waitFor('it is counted', () => a.cluster.stateView().rejected > 0)
    // A record that is too large to be read is never overwritten unseen.
    if (what !== '8 MiB') await isStored(1_700_000_000, digests.old)
  })
})

it('a record is read back as it was written, and nothing else is', () => {
  const record = { serial: 0xffff_ffff, digest: digests.old }
  expect(parseSerial(formatSerial(record))).toEqual(record)
  for (const bad of [
    null,
    1,
    '',
    '1',
    `-1|${digests.old}`,
    `1|${digests.old}|`,
    `1e3|${digests.old}`,
  ])
    expect(parseSerial(bad)).toBe(null)
})
