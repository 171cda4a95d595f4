// Faults of the store, of the way to it and of one instance, while a client asks all the time: what of
// docs/operations/redis.md holds is proven here. Intervals are a tenth of the usual ones, or less.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { endpointId } from '../../src/cluster/redis/schema.ts'
import { until } from '../support/wait.ts'
import {
  type Fleet,
  type Instance,
  eachInstance,
  heartbeatMs,
  slowMachineMs,
  startFleet,
  targets,
} from './fleet.ts'

const prefix = 'mxsteer:{default}:v1:'
let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet(3)
})
afterAll(async () => {
  await fleet?.stop()
})

/** No answer was missing or empty, and every client got some. */
afterEach(() => {
  for (const { name, watch } of fleet.instances)
    if (watch.wrong().length > 0 || watch.answers() === 0)
      throw new Error(`${name}, of ${watch.answers()} answers: ${watch.wrong().join('; ')}`)
})

const degraded = ({ server }: Instance): Promise<number | null> =>
  server.metric('mxsteer_state_degraded')

const transitions = async ({ server }: Instance): Promise<number> => {
  const counts = await Promise.all(
    ['up', 'suspect', 'down', 'unknown'].map((to) =>
      server.metric(`mxsteer_target_transitions_total{to="${to}"}`),
    ),
  )
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
}

const allTransitions = async (): Promise<number[]> => Promise.all(fleet.instances.map(transitions))

const isBack = async (instance: Instance): Promise<boolean> =>
  (await degraded(instance)) === 0 &&
  (await instance.server.metric('mxsteer_instances')) === fleet.instances.length &&
  (await instance.server.targets()).every(({ state }) => state === 'up')

/** From the death of an MTA to the last answer of anybody that names it. */
async function timeToLastAnswer(target: (typeof targets)[number]): Promise<number> {
  const killedMs = performance.now()
  await fleet.mtas[target].die()
  await eachInstance(
    fleet,
    `has ${target} out of its answers`,
    async ({ watch }) => !watch.names(target),
  )
  return Math.max(...fleet.instances.map(({ watch }) => watch.lastNamedAtMs(target))) - killedMs
}

const reviveAll = async (): Promise<void> => {
  await fleet.mtas.mx1.revive()
  await eachInstance(fleet, 'has all targets up', isBack)
}

test('an MTA dies: all leave it at once', async () => {
  const tookMs: number[] = []
  for (let round = 0; round < 3; round++) {
    tookMs.push(await timeToLastAnswer('mx1'))
    await reviveAll()
  }
  console.info(
    `MTA dies, interval 1 s, fast 250 ms, fall 3: last answer of 3 instances after ${tookMs.map((ms) => ms.toFixed()).join(', ')} ms`,
  )
  // An interval with its jitter, two fast ones, and the vote.
  expect(Math.max(...tookMs)).toBeLessThan(1100 + 2 * 275 + slowMachineMs)
})

describe('the store', () => {
  test('killed and started again with nothing in it (R1): a live MTA never leaves, a dead one does', async () => {
    const before = await allTransitions()
    await fleet.redis.kill()
    const killedMs = performance.now()
    await eachInstance(fleet, 'is degraded', async (one) => (await degraded(one)) === 1)
    const noticedMs = performance.now() - killedMs
    expect(await allTransitions()).toEqual(before)
    const tookMs = await timeToLastAnswer('mx1')
    await fleet.mtas.mx1.revive()
    await eachInstance(fleet, 'has mx1 back', async ({ server }) =>
      (await server.targets()).every(({ state }) => state === 'up'),
    )
    const restartMs = performance.now()
    await fleet.redis.restart()
    await eachInstance(fleet, 'is back', isBack)
    const backMs = performance.now() - restartMs
    console.info(
      `Redis killed: noticed by all after ${noticedMs.toFixed()} ms; MTA dies meanwhile: last answer after ${tookMs.toFixed()} ms; all agree ${backMs.toFixed()} ms after the restart`,
    )
    expect(noticedMs).toBeLessThan(6 * heartbeatMs + slowMachineMs)
    for (const { server } of fleet.instances) {
      expect(server.logs().some(({ event }) => event === 'state.degraded')).toBe(true)
      expect(server.logs().some(({ event }) => event === 'state.recovered')).toBe(true)
    }
  })

  test('stopped and continued (R2): noticed, nothing moves, at most two full writes', async () => {
    const before = await allTransitions()
    const rewrites = () =>
      Promise.all(
        fleet.instances.map(({ server }) => server.metric('mxsteer_state_rewrites_total')),
      )
    const writesBefore = await rewrites()
    fleet.redis.signal('SIGSTOP')
    await eachInstance(fleet, 'is degraded', async (one) => (await degraded(one)) === 1)
    fleet.redis.signal('SIGCONT')
    await eachInstance(fleet, 'is back', isBack)
    expect(await allTransitions()).toEqual(before)
    for (const [i, count] of (await rewrites()).entries())
      expect((count ?? 0) - (writesBefore[i] ?? 0)).toBeLessThanOrEqual(2)
  })

  test('emptied, and filled with garbage (R6): counted, and nothing moves', async () => {
    const before = await allTransitions()
    const { redis } = fleet
    await redis.command('FLUSHALL')
    for (const key of ['inst', 'ev', 'ov', 'hb:i1', 'v:i1', 'v:i2']) {
      await redis.command('DEL', prefix + key)
      await redis.command('LPUSH', prefix + key, 'garbage')
    }
    const garbage = Array.from({ length: 10_000 }, (_, i) => [
      `field-${i}`,
      `D|1|${'x'.repeat(50)}`,
    ])
    await redis.command('HSET', `${prefix}v:i3`, ...garbage.flat())
    await redis.command('SADD', `${prefix}inst`, 'ghost', 'not a name')
    await redis.command('SET', `${prefix}hb:ghost`, 'D|1|connect-refused', 'PX', '2000')
    // Whoever reads first counts, and may have mended it before the others look.
    await until(
      async () => {
        const counts = await Promise.all(
          fleet.instances.map(({ server }) => server.metric('mxsteer_state_rejected_total')),
        )
        return counts.some((count) => (count ?? 0) > 0)
      },
      { what: 'an instance has counted some', withinMs: 60_000, everyMs: 50 },
    )
    await until(
      async () =>
        (
          await Promise.all(
            ['i1', 'i2', 'i3'].map((name) => redis.command('HLEN', `${prefix}v:${name}`)),
          )
        ).every((count) => count === ':3'),
      {
        what: 'each instance has its votes in the store, and nothing else',
        withinMs: 60_000,
        everyMs: 50,
      },
    )
    await eachInstance(fleet, 'is back', isBack)
    expect(await allTransitions()).toEqual(before)
  })
})

test('one instance is cut off from the store (R3): the others go on without it, and it without them', async () => {
  const before = await allTransitions()
  const [cut, ...rest] = fleet.instances as [Instance, ...Instance[]]
  cut.proxy.swallow()
  const cutMs = performance.now()
  await until(async () => (await degraded(cut)) === 1, { what: 'it is degraded', withinMs: 60_000 })
  await eachInstance({ instances: rest }, 'misses it', async ({ server }) => {
    return (await server.metric('mxsteer_instances')) === rest.length
  })
  const missedMs = performance.now() - cutMs
  cut.proxy.pass()
  await eachInstance(fleet, 'is back', isBack)
  expect(await allTransitions()).toEqual(before)
  console.info(`partition of one instance: missed by the others after ${missedMs.toFixed()} ms`)
  expect(missedMs).toBeLessThan(5 * heartbeatMs + slowMachineMs)
})

test('one of three lies (A3): nothing is removed', async () => {
  const before = await allTransitions()
  const { redis, instances } = fleet
  // As i3 itself would say it, again and again: every target is down.
  const beat = await redis.command('GET', `${prefix}hb:i3`)
  const epoch = /(\d+)\|/.exec(beat)?.[1] ?? ''
  expect(epoch).not.toBe('')
  // After the flush before, it writes them again in its own time.
  const fields = await until(
    async () => {
      const reply = await redis.command('HKEYS', `${prefix}v:i3`)
      const found = reply.split('\r\n').filter((line) => /^[\w-]{16}$/.test(line))
      return found.length === targets.length ? found : null
    },
    { what: 'votes of i3 for every target', withinMs: 60_000 },
  )
  expect(fields.every((field) => field.length === endpointId('x').length)).toBe(true)
  const lie = async (): Promise<void> => {
    for (const field of fields) {
      await redis.command('HSET', `${prefix}v:i3`, field, `D|${epoch}|connect-refused`)
      await redis.command('XADD', `${prefix}ev`, '*', 'i', 'i3', 't', field)
    }
  }
  // i3 puts its own votes there again: the others see the false ones at times, and not at the same ones.
  const deceived = new Set<string>()
  await until(
    async () => {
      await lie()
      for (const { name, server } of instances.slice(0, 2))
        if ((await server.metric('mxsteer_votes_disputed')) === targets.length) deceived.add(name)
      return deceived.size === 2
    },
    { what: 'both others have the false votes', withinMs: 120_000, everyMs: 20 },
  )
  expect(await allTransitions()).toEqual(before)
  for (const { watch } of instances)
    for (const target of targets) expect(watch.names(target)).toBe(true)
})
