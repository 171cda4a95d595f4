// An instance that the others outvoted when the store went away, and that saw the target come back since: when the
// target dies then, it finds out as all others do.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { until } from '../support/wait.ts'
import { type Fleet, eachInstance, slowMachineMs, startFleet } from './fleet.ts'
import {
  degraded,
  allAreBack,
  leavesAllAnswers,
  lastNamedAfterMs,
  mustHaveAnswered,
  votesSeen,
} from './instance-state.ts'

const source = '127.0.10.101'
let fleet: Fleet

beforeAll(async () => {
  const settings = [`probe_source: ${source}`]
  fleet = await startFleet(3, { network: '127.0.10', only: { i1: { settings } } })
})
afterAll(async () => {
  await fleet?.stop()
})

test('outvoted, cut off, it sees the target come back and die: it leaves with the others', async () => {
  const [i1] = fleet.instances
  if (!i1) throw new Error('no instance')
  fleet.mtas.mx1.shun([source])
  await eachInstance(fleet, 'sees that i1 alone has mx1 down', async (one) => {
    const said = await votesSeen(one)
    return said.includes('i1=down') && said.match(/=down/g)?.length === 1
  })
  await fleet.redis.kill()
  await eachInstance(fleet, 'is degraded', async (one) => (await degraded(one)) === 1)
  expect(i1.watch.names('mx1')).toBe(true)
  fleet.mtas.mx1.shun([])
  await until(async () => (await votesSeen(i1)).includes('mx1 up i1=up'), {
    what: 'i1 sees it up',
    withinMs: 60_000,
  })
  const sinceMs = performance.now()
  await fleet.mtas.mx1.die()
  await leavesAllAnswers(fleet, 'mx1')
  const tookMs = lastNamedAfterMs(fleet, 'mx1', sinceMs)
  console.info(`outvoted and cut off: last answer after ${tookMs.toFixed()} ms`)
  // An interval with its jitter, two fast ones and a second round.
  expect(tookMs).toBeLessThan(1100 + 2 * 275 + 3 * 275 + slowMachineMs)
  await fleet.mtas.mx1.revive()
  await fleet.redis.restart()
  await allAreBack(fleet)
  mustHaveAnswered(fleet)
})
