// Time is not what it was: the wall clock of one instance jumps (C1), one instance stands still for a while (C2; an
// instance that is alone, with dialogues under way: stopped-process.test.ts). The third has a clock of its
// own, under the same secret of cookies.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { dig } from '../support/dig.ts'
import { createFakeTime } from '../support/fake-time.ts'
import { pause, until } from '../support/wait.ts'
import { type Fleet, type Instance, eachInstance, heartbeatMs, startFleet, zone } from './fleet.ts'
import { allAreBack, mustHaveAnswered, total, transitions } from './instance-state.ts'

const fakeTime = createFakeTime()
let fleet: Fleet
let shifted: Instance
let others: readonly [Instance, Instance]

beforeAll(async () => {
  fleet = await startFleet(3, {
    network: '127.0.6',
    settings: [`cookie_secret: ${'0123456789abcdef'.repeat(2)}`],
    only: { i3: fakeTime.surroundings },
  })
  const [first, second, third] = fleet.instances as [Instance, Instance, Instance]
  shifted = third
  others = [first, second]
})
afterAll(async () => {
  await fleet?.stop()
})
afterEach(() => mustHaveAnswered(fleet))

const probes = (instance: Instance): Promise<number> =>
  total(instance, 'mxsteer_probe_outcomes_total')

/** How many it starts in so long. */
async function probesIn(instance: Instance, ms: number): Promise<number> {
  const before = await probes(instance)
  await pause(ms)
  return (await probes(instance)) - before
}

/** What dig gets for this cookie: its records, and the cookie that came with them. */
async function askWith(
  { server }: Instance,
  cookie: string,
): Promise<{ readonly records: number; readonly cookie: string }> {
  const { status, answer, text } = await dig(server.port, zone, 'MX', `+cookie=${cookie}`)
  expect(status).toBe('NOERROR')
  return { records: answer.length, cookie: /^; COOKIE: ([0-9a-f]+)/m.exec(text)?.[1] ?? 'none' }
}

describe('the wall clock of one instance (C1) is off by', () => {
  const observedMs = 4000
  let usual: number
  beforeAll(async () => {
    usual = await probesIn(shifted, observedMs)
  })

  // 100 s beyond the hour for which a cookie is good.
  test.each([
    { what: 'nothing', seconds: 0, isForeign: false },
    { what: 'an hour ahead', seconds: 3700, isForeign: true },
    { what: 'an hour back', seconds: -3700, isForeign: true },
    { what: 'a day ahead', seconds: 86_400, isForeign: true },
    { what: 'a day back', seconds: -86_400, isForeign: true },
    { what: 'nothing again', seconds: 0, isForeign: false },
  ])('$what', async ({ seconds, isForeign }) => {
    const before = await transitions(fleet)
    fakeTime.shift(seconds)
    await until(
      async () => {
        const { at } = JSON.parse((await shifted.server.http('/status')).body) as { at: string }
        return Math.abs(Date.parse(at) - Date.now() - seconds * 1000) < 5000
      },
      { what: `a clock that is off by ${seconds} s`, withinMs: 60_000, everyMs: 50 },
    )
    const started = await probesIn(shifted, observedMs)
    expect(started).toBeGreaterThan(0.5 * usual)
    expect(started).toBeLessThanOrEqual(1.2 * usual + 3)
    expect(await transitions(fleet)).toEqual(before)
    await allAreBack(fleet)
    for (const [from, to] of [
      [others[0], shifted],
      [shifted, others[0]],
    ] as const) {
      const { cookie } = await askWith(from, '0011223344556677')
      expect(cookie).toHaveLength(48)
      const there = await askWith(to, cookie)
      expect(there.records).toBe(3)
      // A good one comes back as it is, another with a new one.
      expect(there.cookie === cookie).toBe(!isForeign)
    }
  })
})

test('one instance stands still (C2): its probes are taken over, and it catches nothing up', async () => {
  const [stopped, ...rest] = fleet.instances as [Instance, ...Instance[]]
  const before = await transitions(fleet)
  const rewritten = await total(stopped, 'mxsteer_state_rewrites_total')
  const probed = await probes(stopped)
  await stopped.watch.pause()
  stopped.server.signal('SIGSTOP')
  await eachInstance({ instances: rest }, 'misses it', async ({ server }) => {
    return (await server.metric('mxsteer_instances')) === rest.length
  })
  // 20 s at the default heartbeat.
  await pause((20_000 * heartbeatMs) / 3000)
  stopped.server.signal('SIGCONT')
  await pause(700)
  const caughtUp = (await probes(stopped)) - probed
  stopped.watch.resume()
  await allAreBack(fleet)
  expect(await transitions(fleet)).toEqual(before)
  // A round, and one that was under way.
  expect(caughtUp).toBeLessThanOrEqual(2 * 3)
  expect((await total(stopped, 'mxsteer_state_rewrites_total')) - rewritten).toBeLessThanOrEqual(2)
  for (const { server } of fleet.instances)
    expect(server.logs().filter(({ event }) => /target\.(down|suspect)/.test(event ?? ''))).toEqual(
      [],
    )
})
