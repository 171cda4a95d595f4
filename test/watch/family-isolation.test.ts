// A host that loses one address family in silence, on simulated time: whose fault it is.

import { describe, expect, test } from 'vitest'

import type { ClusterVotes } from '../../src/cluster/cluster-votes.ts'
import { createStandaloneVotes } from '../../src/cluster/standalone.ts'
import type { WatchedAddress } from '../../src/probe/smtp/profile.ts'
import { quickProfile } from '../support/probe-profile.ts'
import { addresses, atMs, poolOf, type Rig, rig, type Script, slotsOf } from './local-fault-rig.ts'

// As many failures as take longer than a round of all addresses.
const profile = quickProfile({ intervalMs: 10_000, fastIntervalMs: 5000, fall: 6 })
const isV6 = (address: string): boolean => address.includes(':')
const untilMs = atMs + 300_000

/** `mx1` to `mx4` have IPv4, the others those of IPv6. */
const watched = (ipv6: readonly string[]): WatchedAddress[] =>
  addresses(4 + ipv6.length).map((each, i) => {
    const address = ipv6[i - 4]
    return address === undefined
      ? { ...each, profile }
      : { ...each, profile, address, family: 6 as const }
  })

const silence = ['dead', 5000, 'connect-timeout'] as const

/** From 60 s on, for five minutes, those for which `isLost` do not answer; what the last one of IPv6 gives can be said. */
async function losing(
  ipv6: readonly string[],
  isLost: (address: string) => boolean,
  canaries: readonly string[] = [],
  cluster?: ClusterVotes,
  lastGives: ReturnType<Script> = silence,
): Promise<Rig> {
  const all = rig(
    (address, nowMs) =>
      nowMs >= atMs && nowMs < untilMs && isLost(address)
        ? address === ipv6.at(-1)
          ? lastGives
          : silence
        : ['ok'],
    canaries.map((address) => ({ address, port: 53 })),
    3,
    cluster,
  )
  const pool = slotsOf(4 + ipv6.length)
  all.watch.update(watched(ipv6), [poolOf(pool)])
  await all.run(atMs)
  return all
}

const downs = ({ went }: Rig): string[] =>
  went('down')
    .map(({ target }) => target)
    .toSorted()

const families = ({ events }: Rig): readonly unknown[] =>
  events.filter(({ kind }) => kind === 'family-isolated' || kind === 'isolated')

const ipv6 = ['2001:db8:1::1', '2001:db8:1::2', '2001:db8:2::1', '2001:db8:3::1']
const canaries = ['192.0.9.1', '2001:db8:f::1']

describe('without canaries of the family', () => {
  test('a site of IPv6 at several networks that dies is down, and stays down', async () => {
    const all = await losing(ipv6, isV6)
    await all.run(240_000)
    expect(downs(all)).toEqual(['mx5', 'mx6', 'mx7', 'mx8'])
    expect(families(all)).toEqual([])
    expect(all.watch.localFaults().discarded.isolated).toBe(0)
    expect(all.watch.states()[4]).toMatchObject({ reason: 'connect-timeout', state: 'down' })
  })

  test('canaries of the other family do not speak for it', async () => {
    const all = await losing(ipv6, isV6, ['192.0.9.1', '192.0.9.2'])
    await all.run(240_000)
    expect(downs(all)).toEqual(['mx5', 'mx6', 'mx7', 'mx8'])
    expect(families(all)).toEqual([])
  })
})

describe('with canaries of the family', () => {
  test('which are silent too: its targets stay, until one answers', async () => {
    const all = await losing(ipv6, isV6, canaries)
    await all.run(230_000)
    expect(downs(all)).toEqual([])
    const { isIsolated, isolatedFamilies, discarded } = all.watch.localFaults()
    expect({ isIsolated, isolatedFamilies }).toEqual({ isIsolated: false, isolatedFamilies: [6] })
    expect(discarded.isolated).toBeGreaterThan(20)
    expect(all.watch.states()[4]).toMatchObject({ reason: 'isolated-ipv6' })
    expect(all.watch.states()[0]).toMatchObject({ reason: 'ok', state: 'up' })
    // That has a problem of its own.
    expect(all.watch.ownFaults()).toEqual({ count: 0, blind: 0, of: 8, reasons: '' })
    await all.run(130_000)
    expect(families(all)).toEqual([
      { kind: 'family-isolated', family: 6, isOver: false, canaries: 1 },
      { kind: 'family-isolated', family: 6, isOver: true, canaries: 1 },
    ])
    expect(all.watch.localFaults().isolatedFamilies).toEqual([])
    expect(all.watch.states().every(({ state }) => state === 'up')).toBe(true)
  })

  test('instances at other sites decide while this one has no vote', async () => {
    const own = createStandaloneVotes('a', 'fra')
    const others = ['nyc', 'sin'].map(
      (site) => ({ instance: site, site, state: 'D', reason: 'connect-timeout' }) as const,
    )
    let doOthersVote = false
    const cluster: ClusterVotes = {
      ...own,
      votes: (key) => (doOthersVote && isV6(key) ? [...own.votes(key), ...others] : own.votes(key)),
    }
    const all = await losing(ipv6, isV6, canaries, cluster)
    await all.run(120_000)
    expect(downs(all)).toEqual([])
    doOthersVote = true
    await all.run(60_000)
    expect(downs(all)).toEqual(['mx5', 'mx6', 'mx7', 'mx8'])
  })

  // What has come from a host after the connection is evidence as well as a failure of its own.
  test.each([
    ['a reply with a code', ['stuck', 100, 'ehlo-rejected', 550], true],
    ['an end of stream', ['mute', 100, 'banner-eof'], true],
    ['a reset', ['stuck', 100, 'ehlo-reset'], true],
    ['silence', ['mute', 5000, 'banner-timeout'], false],
    ['silence after STARTTLS', ['tls', 5000, 'starttls-timeout'], false],
  ] as const)('which are silent, and one target gives %s', async (_, given, isAnswer) => {
    const all = await losing(ipv6, isV6, canaries, undefined, given)
    await all.run(240_000)
    const others = downs(all).filter((target) => target !== 'mx8')
    expect(others).toEqual(isAnswer ? ['mx5', 'mx6', 'mx7'] : [])
    expect(families(all)).toHaveLength(isAnswer ? 0 : 1)
  })

  test('of which one answers: the targets are down', async () => {
    const lost = (address: string): boolean => isV6(address) && !address.startsWith('canary')
    const all = await losing(ipv6, lost, canaries)
    await all.run(240_000)
    expect(downs(all)).toEqual(['mx5', 'mx6', 'mx7', 'mx8'])
    expect(families(all)).toEqual([])
  })

  test('the loss of everything is reported once, for the host', async () => {
    const all = await losing(ipv6, () => true, canaries)
    await all.run(400_000)
    expect(downs(all)).toEqual([])
    expect(families(all)).toEqual([
      { kind: 'isolated', isOver: false, canaries: 2 },
      { kind: 'isolated', isOver: true, canaries: 2 },
    ])
  })
})
