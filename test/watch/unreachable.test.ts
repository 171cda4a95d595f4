// What routers on the way call unreachable, on simulated time: whose fault it is, by the canaries and the other targets of
// the address family.

import { expect, test } from 'vitest'
import type { WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { addresses, atMs, poolOf, type Rig, rig, slotsOf } from './local-fault-rig.ts'

const canaries = [
  { address: '198.51.100.1', port: 53 },
  { address: '2001:db8:f::1', port: 53 },
]
/** Four of IPv4 and four of IPv6. */
const mixed: readonly WatchedAddress[] = addresses(8).map((each, i) =>
  i < 4 ? each : { ...each, address: `2001:db8:${i}::1`, family: 6 as const },
)
const isV6 = (address: string): boolean => address.includes(':')
const unreachable = ['dead', 30, 'network-unreachable'] as const

/** From 60 s on those for which `isLost` have no way any more. */
const losing = async (
  isLost: (address: string) => boolean,
  withCanaries = canaries,
): Promise<Rig> => {
  const all = rig(
    (address, nowMs) => (nowMs >= atMs && isLost(address) ? unreachable : ['ok']),
    withCanaries,
  )
  all.watch.update(mixed, [poolOf(slotsOf(8))])
  await all.run(atMs)
  return all
}
const downs = ({ went }: Rig): string[] =>
  went('down')
    .map(({ target }) => target)
    .toSorted()

test('one network that is dead leaves the answers', async () => {
  const all = await losing((address) => address === '192.0.2.1' || address === '2001:db8:5::1')
  await all.run(120_000)
  expect(downs(all)).toEqual(['mx2', 'mx6'])
  expect(all.watch.localFaults().discarded.isolated).toBe(0)
})

test('a family without way, its canary included, is a fault of this host', async () => {
  const all = await losing(isV6)
  await all.run(180_000)
  expect(downs(all)).toEqual([])
  expect(all.watch.states()[4]).toMatchObject({ reason: 'isolated-ipv6' })
  expect(all.watch.localFaults().discarded.isolated).toBeGreaterThan(10)
  // The other family is none of it.
  expect(all.watch.localFaults().isIsolated).toBe(false)
  expect(all.watch.states()[0]).toMatchObject({ reason: 'ok', state: 'up' })
})

test('a canary of the family that answers: it is the targets', async () => {
  const all = await losing((address) => isV6(address) && !address.startsWith('canary'))
  await all.run(180_000)
  expect(downs(all)).toEqual(['mx5', 'mx6', 'mx7', 'mx8'])
})

test('a target of the family that answers: it is the others, and the canary', async () => {
  const all = await losing((address) => isV6(address) && address !== '2001:db8:4::1')
  await all.run(240_000)
  expect(downs(all)).toEqual(['mx6', 'mx7', 'mx8'])
})

test('without canaries of the family, routers are believed', async () => {
  const all = await losing(isV6, canaries.slice(0, 1))
  await all.run(240_000)
  expect(downs(all)).toEqual(['mx5', 'mx6', 'mx7', 'mx8'])
})

test('everything unreachable, canaries too, is the isolation that is told of', async () => {
  const all = await losing(() => true)
  await all.run(180_000)
  expect(downs(all)).toEqual([])
  expect(all.events.filter(({ kind }) => kind === 'isolated')).toEqual([
    { kind: 'isolated', isOver: false, canaries: 2 },
  ])
})
