// Split brain: half of the instances find another store, where no other instance is, and see other targets die than the rest.
// Each half goes by its own votes, and by the guard of the pool: no answer is empty on either side.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Fleet, eachInstance, startFleet } from './fleet.ts'
import { allAreBack, mustHaveAnswered, total, transitions, votesSeen } from './instance-state.ts'

const names = ['a', 'b', 'c', 'd'] as const
type Name = (typeof names)[number]
type Side = Pick<Fleet<Name>, 'instances'>

const sourceOf = (instance: string): string => `127.0.9.10${instance.slice(1)}`
let fleet: Fleet<Name>
let other: RedisServer
let stay: Side
let leave: Side

beforeAll(async () => {
  const only = ['i1', 'i2', 'i3', 'i4'].map(
    (name) => [name, { settings: [`probe_source: ${sourceOf(name)}`] }] as const,
  )
  other = await startRedis()
  fleet = await startFleet(4, {
    network: '127.0.9',
    targets: names,
    settings: ['vantages: 4'],
    only: Object.fromEntries(only),
  })
  stay = { instances: fleet.instances.slice(0, 2) }
  leave = { instances: fleet.instances.slice(2) }
})
afterAll(async () => {
  await fleet?.stop()
  await other?.kill()
})

const sees = (side: Side, count: number): Promise<true> =>
  eachInstance(side, `sees ${count} instances`, async ({ server }) => {
    return (await server.metric('mxsteer_instances')) === count
  })

const answers = (side: Side, answered: readonly Name[]): Promise<true> =>
  eachInstance(side, `answers ${answered.join(' ')}`, async ({ watch }) =>
    names.every((name) => watch.names(name) === answered.includes(name)),
  )

const probes = (one: Fleet<Name>['instances'][number]): Promise<number> =>
  total(one, 'mxsteer_probe_outcomes_total')

/** From the side that left, these are gone. */
function shut(dead: readonly Name[]): void {
  const sources = leave.instances.map(({ name }) => sourceOf(name))
  for (const name of names) fleet.mtas[name].shun(dead.includes(name) ? sources : [])
}

test('split brain: each side goes by its own, and never answers nothing', async () => {
  const before = await transitions(fleet)
  for (const { proxy } of leave.instances) proxy.leadTo(other.port)
  await Promise.all([sees(stay, 2), sees(leave, 2)])
  expect(await transitions(fleet)).toEqual(before)

  shut(['a', 'b'])
  await answers(leave, ['c', 'd'])
  await answers(stay, names)
  shut(names)
  await answers(leave, names)
  for (const { watch } of fleet.instances) watch.lately()
  // Every target is probed twice more by each.
  const probed = await Promise.all(fleet.instances.map(probes))
  await eachInstance(fleet, 'probes on', async (one) => {
    const before = probed[fleet.instances.indexOf(one)] ?? 0
    return (await probes(one)) >= before + 2 * names.length
  })
  // The side that is well has noticed nothing; the other one answers what there is.
  for (const { watch } of fleet.instances) expect(watch.lately().fewest).toBe(names.length)
  expect(await transitions(stay)).toEqual(before.slice(0, 2))

  // One store again: two of four votes take no target out, on any side.
  for (const { proxy } of leave.instances) proxy.leadTo(fleet.redis.port)
  await sees(fleet, 4)
  await eachInstance(fleet, 'has every target up', async ({ server }) =>
    (await server.targets()).every(({ state }) => state === 'up'),
  )
  expect(await transitions(stay)).toEqual(before.slice(0, 2))
  shut([])
  await allAreBack(fleet, 60_000)
  await eachInstance(fleet, 'has four votes for every target', async (one) => {
    const votes = (await votesSeen(one)).match(/i[1-4]=\w+/g) ?? []
    return votes.length === 16 && votes.every((vote) => vote.endsWith('=up'))
  })
  mustHaveAnswered(fleet)
})
