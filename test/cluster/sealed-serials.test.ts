// Serials in a store where anybody can write, before, while and after the fleet gets its secret.

import { describe, expect, test } from 'vitest'

import type { StoreLink } from '../../src/cluster/link/redis-link.ts'
import { createOversizedRecords } from '../../src/cluster/redis/oversized-records.ts'
import { stateKeys, stateTimes } from '../../src/cluster/redis/schema.ts'
import type { SealMode } from '../../src/cluster/redis/sealed-record.ts'
import { RedisSerials } from '../../src/cluster/shared-serials.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { stubLink } from '../support/stub-link.ts'

const digest = 'abcdefghijklmnop'
const zone = 'example.test'
const [oldSecret, newSecret] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

/** One hash, as the store has it. */
const linkOf = (hash: Map<string, string>): StoreLink =>
  stubLink(([name, , ...rest]) => {
    if (name === 'hlen') return hash.size
    if (name === 'memory') return 100
    if (name === 'hgetall') return Object.fromEntries(hash)
    for (let i = 0; i + 1 < rest.length; i += 2) hash.set(String(rest[i]), String(rest[i + 1]))
    return 1
  })

const serialsOf = (
  hash: Map<string, string>,
  mode: SealMode | null,
  ...secrets: readonly Buffer[]
): RedisSerials => {
  const [first = newSecret, ...others] = secrets
  return new RedisSerials({
    link: linkOf(hash),
    keys: stateKeys('test'),
    times: stateTimes(300),
    oversized: createOversizedRecords(systemClock, stateTimes(300), () => {}),
    secrets: mode === null ? null : { secrets: [first, ...others], mode },
  })
}

/** Starts an instance that serves a serial: whether it is behind then. */
async function start(serials: RedisSerials, serial: number): Promise<boolean> {
  let isBehind = false
  serials.onNews(() => (isBehind = true))
  serials.publish(new Map([[zone, { serial, digest }]]))
  await serials.sync({ nowMs: 0, isFenced: false })
  return isBehind
}

describe('a serial that somebody made up', () => {
  const forged = (): Map<string, string> => new Map([[zone, `4000000000|${digest}`]])

  test.each([
    [null, true],
    ['permit', true],
    ['require', false],
  ] as const)('with %s it is taken: %s', async (mode, isTaken) => {
    const hash = forged()
    const serials = serialsOf(hash, mode)
    expect(await start(serials, 3_900_000_000)).toBe(isTaken)
    expect((await serials.read()).get(zone)?.serial).toBe(isTaken ? 4_000_000_000 : 3_900_000_000)
    expect(serials.rejected).toBe(isTaken ? 0 : 1)
  })

  test('nor one of another zone, or with another value', async () => {
    const hash = new Map<string, string>()
    await start(serialsOf(hash, 'require'), 7)
    const sealed = hash.get(zone) ?? ''
    expect(sealed).toMatch(/^7\|abcdefghijklmnop~[\w-]{22}$/)
    hash.set('other.test', sealed)
    hash.set(zone, sealed.replace('7|', '8|'))
    const serials = serialsOf(hash, 'require')
    expect([...(await serials.read())]).toEqual([])
    expect(serials.rejected).toBe(2)
  })
})

test('a fleet gets its secret, rotates it, and no serial is lost on the way', async () => {
  const hash = new Map<string, string>()
  await start(serialsOf(hash, null), 9)
  expect(hash.get(zone)).toBe(`9|${digest}`)
  const steps: readonly (readonly [SealMode, ...Buffer[]])[] = [
    ['permit', oldSecret],
    ['require', oldSecret],
    ['require', oldSecret, newSecret],
    ['require', newSecret, oldSecret],
    ['require', newSecret],
  ]
  for (const [mode, ...secrets] of steps) {
    const serials = serialsOf(hash, mode, ...secrets)
    expect((await serials.read()).get(zone)).toEqual({ serial: 9, digest })
    expect(await start(serials, 9)).toBe(false)
  }
  // Who has no secret reads them all the same.
  expect((await serialsOf(hash, null).read()).get(zone)).toEqual({ serial: 9, digest })
})
