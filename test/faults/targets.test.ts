// MTAs die together, on all sides of a fleet: six of ten within half a second (A2), and then all of them (A1). The rules
// on virtual time: test/watch/local-fault.test.ts; of one that lies (A3): smoke.test.ts.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type Fleet, eachInstance, slowMachineMs, startFleet } from './fleet.ts'
import { pause } from '../support/wait.ts'
import { allAreBack, mustHaveAnswered } from './instance-state.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'] as const
type Name = (typeof names)[number]
let fleet: Fleet<Name>

beforeAll(async () => {
  fleet = await startFleet(3, { network: '127.0.7', targets: names })
})
afterAll(async () => {
  await fleet?.stop()
})

const leaves = (dead: readonly Name[]): Promise<true> =>
  eachInstance(fleet, `leaves ${dead.join(' ')}`, async ({ watch }) =>
    names.every((name) => watch.names(name) !== dead.includes(name)),
  )

test('six of ten die (A2): held back for a second round, and then out; the four stay all the while', async () => {
  const dead = names.slice(0, 6)
  for (const { watch } of fleet.instances) watch.lately()
  const sinceMs = performance.now()
  for (const name of dead) {
    await fleet.mtas[name].die()
    await pause(80)
  }
  await leaves(dead)
  const tookMs = performance.now() - sinceMs
  console.info(`six of ten die: out of all answers after ${tookMs.toFixed()} ms`)
  for (const { server, watch } of fleet.instances) {
    expect(watch.lately().fewest).toBeGreaterThanOrEqual(4)
    const braked = server.logs().findIndex(({ event }) => event === 'probes.braked')
    expect(braked).toBeGreaterThanOrEqual(0)
    // Nobody beyond half of the pool before that.
    const early = server.logs().slice(0, braked)
    expect(early.filter(({ event }) => event === 'target.down').length).toBeLessThanOrEqual(5)
    expect(await server.metric('mxsteer_failure_brakes')).toBeGreaterThan(0)
  }
  // Twice `fall` by the fast interval at least, twice an interval more at most.
  expect(tookMs).toBeLessThan(1100 + 6 * 275 + slowMachineMs)
  mustHaveAnswered(fleet)
})

test('all die (A1): all are answered, and each is back when it is', async () => {
  for (const name of names.slice(6)) await fleet.mtas[name].die()
  await eachInstance(fleet, 'has all down', async ({ server }) =>
    (await server.targets()).every(({ state }) => state === 'down'),
  )
  await leaves([])
  for (const { watch } of fleet.instances) watch.lately()
  await pause(1000)
  for (const { watch } of fleet.instances) expect(watch.lately().fewest).toBe(names.length)
  for (const name of names.slice(0, 3)) await fleet.mtas[name].revive()
  await leaves(names.slice(3))
  for (const name of names.slice(3)) await fleet.mtas[name].revive()
  await allAreBack(fleet, 60_000)
  for (const { server, watch } of fleet.instances) {
    expect(watch.lately().fewest).toBeGreaterThanOrEqual(1)
    const downs = server.logs().filter(({ event }) => event === 'target.down')
    expect(downs).toHaveLength(names.length)
  }
  mustHaveAnswered(fleet)
})
