// The watch on simulated time: when it looks, what it tells, what becomes of weights.

import { expect, it } from 'vitest'

import type { ListState } from '../../src/reputation/dns-list.ts'
import type { ReputationProfile, CheckedAddress } from '../../src/reputation/findings.ts'
import { createReputationWatch } from '../../src/reputation/reputation-watch.ts'
import type { Outcome } from '../../src/health/outcome.ts'
import type { Answer, StubResolver } from '../../src/resolver/stub-resolver.ts'
import { createVirtualTime, seededRandom } from '../support/virtual-time.ts'

const minute = 60_000
const hour = 60 * minute
const usual: ReputationProfile = {
  greeting: true,
  ptr: false,
  lists: ['l.test'],
  intervalMs: hour,
  holdMs: 6 * hour,
  agree: 1,
  listedShare: 0.5,
}

const identity = (host: number, profile: Partial<ReputationProfile> = {}): CheckedAddress => ({
  zone: 'example.test',
  pool: 'relays',
  target: `mx${host}`,
  exchange: `mx${host}.example.test`,
  address: `192.0.2.${host}`,
  weight: 1,
  profile: { ...usual, ...profile },
})
const memberOf = (host: number) => ({ zone: 'example.test', pool: 'relays', target: `mx${host}` })

/** A watch over a resolver that has lists as sets of names: what is in one is listed. */
function arrange({ isBlind = false } = {}) {
  const time = createVirtualTime()
  const listed = new Set(['2.0.0.127.l.test', '2.0.0.127.m.test'])
  const asked: { name: string; atMs: number }[] = []
  const events: string[] = []
  let changes = 0
  const resolver: StubResolver = {
    server: { address: '127.0.0.1', port: 53 },
    counters: () => ({ answered: asked.length, failed: 0, fromCache: 0 }),
    async resolve({ name }): Promise<Answer> {
      asked.push({ name, atMs: time.clock.monotonicMs() })
      if (!listed.has(name)) return { kind: 'none', why: 'nxdomain' }
      const record = { owner: name, type: 'A', ttlSeconds: 1, data: '127.0.0.2' } as const
      return { kind: 'found', records: [record] }
    },
  }
  const watch = createReputationWatch({
    resolver: isBlind ? null : resolver,
    clock: time.clock,
    timer: time.timer,
    random: seededRandom(5),
    onFinding: ({ watched, finding, isRaised }) =>
      events.push(`${watched.target} ${finding.kind} ${isRaised ? 'raised' : 'over'}`),
    onList: ({ list, problem }: ListState) => events.push(`${list} ${problem ?? 'usable'}`),
    onMass: ({ pool, isRaised }) => events.push(`${pool} mass ${isRaised ? 'raised' : 'over'}`),
    onNoResolver: () => events.push('blind'),
  })
  watch.onChange(() => changes++)
  return {
    watch,
    listed,
    asked,
    events,
    changes: () => changes,
    list: (host: number, name = 'l.test') => listed.add(`${host}.2.0.192.${name}`),
    delist: (host: number, name = 'l.test') => listed.delete(`${host}.2.0.192.${name}`),
    /** Looks take no time, but turns of the event loop. */
    pass: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= minute) {
        time.advance(Math.min(left, minute))
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    looksAt: (host: number) =>
      asked.filter(({ name }) => name === `${host}.2.0.192.l.test`).map(({ atMs }) => atMs),
  }
}

it('looks once an hour, not at the same moment for all, and not to the second', async () => {
  const { watch, pass, looksAt } = arrange()
  const hosts = Array.from({ length: 20 }, (_, i) => i + 1)
  watch.update(hosts.map((host) => identity(host)))
  await pass(50 * hour)
  for (const host of hosts) {
    const times = looksAt(host)
    expect(times.length).toBeGreaterThanOrEqual(47)
    expect(times.length).toBeLessThanOrEqual(52)
    const gaps = times.slice(2).map((atMs, i) => (atMs - (times[i + 1] ?? 0)) / hour)
    for (const gap of gaps) expect(Math.abs(gap - 1)).toBeLessThanOrEqual(0.25)
    // Time passes by the minute here.
    expect(new Set(gaps.map((gap) => gap.toFixed(4))).size).toBeGreaterThan(8)
  }
  const phases = hosts.map((host) => ((looksAt(host)[5] ?? 0) / hour) % 1)
  expect(new Set(phases.map((phase) => phase.toFixed(2))).size).toBeGreaterThan(12)
})

it('believes a listing after its hold, and moves weight until it is gone', async () => {
  const { watch, pass, list, delist, events, changes } = arrange()
  watch.update([identity(1), identity(2), identity(3)])
  list(1)
  await pass(5 * hour)
  expect(events).toEqual([])
  expect(watch.shareOf(memberOf(1))).toBe(1)
  await pass(4 * hour)
  expect(events).toEqual(['mx1 listed raised'])
  expect(watch.shareOf(memberOf(1))).toBe(0.5)
  expect(watch.shareOf(memberOf(2))).toBe(1)
  expect(watch.shareOf({ ...memberOf(1), pool: 'other' })).toBe(1)
  expect(changes()).toBe(1)
  delist(1)
  await pass(2 * hour)
  expect(events).toEqual(['mx1 listed raised', 'mx1 listed over'])
  expect(watch.shareOf(memberOf(1))).toBe(1)
  expect(changes()).toBe(2)
})

it('looks more often while a listing is pending', async () => {
  const { watch, pass, list, looksAt } = arrange()
  watch.update([identity(1, { holdMs: 30 * minute })])
  list(1)
  await pass(31 * minute)
  expect(looksAt(1).length).toBeGreaterThanOrEqual(3)
})

it('moves weight only where enough lists agree', async () => {
  const { watch, pass, list } = arrange()
  const profile = { lists: ['l.test', 'm.test'], agree: 2, holdMs: 0 }
  watch.update([identity(1, profile), identity(2, profile), identity(3, profile)])
  list(1)
  await pass(2 * hour)
  expect(watch.states()[0]?.findings).toMatchObject([{ kind: 'listed', list: 'l.test' }])
  expect(watch.shareOf(memberOf(1))).toBe(1)
  list(1, 'm.test')
  await pass(2 * hour)
  expect(watch.shareOf(memberOf(1))).toBe(0.5)
})

it('moves no weight when most of the pool is listed', async () => {
  const { watch, pass, list, delist, events } = arrange()
  watch.update([identity(1, { holdMs: 0 }), identity(2, { holdMs: 0 }), identity(3, { holdMs: 0 })])
  list(1)
  await pass(2 * hour)
  expect(watch.shareOf(memberOf(1))).toBe(0.5)
  list(2)
  await pass(2 * hour)
  expect(events).toContain('relays mass raised')
  expect([1, 2, 3].map((host) => watch.shareOf(memberOf(host)))).toEqual([1, 1, 1])
  delist(2)
  await pass(2 * hour)
  expect(events.at(-1)).toBe('relays mass over')
  expect(watch.shareOf(memberOf(1))).toBe(0.5)
})

it('moves nothing when a list begins to list everything, and says so once', async () => {
  const { watch, pass, list, listed, events } = arrange()
  watch.update([identity(1, { holdMs: 0 }), identity(2, { holdMs: 0 })])
  await pass(2 * hour)
  listed.add('1.0.0.127.l.test')
  list(1)
  list(2)
  await pass(10 * hour)
  expect(events).toEqual(['l.test lists-everything'])
  expect(watch.lists()).toEqual([{ list: 'l.test', family: 4, problem: 'lists-everything' }])
  listed.delete('1.0.0.127.l.test')
  await pass(2 * hour)
  expect(events.slice(1, 2)).toEqual(['l.test usable'])
})

const greeting = (banner: string, ehlo = banner): Outcome => ({
  kind: 'ok',
  reason: 'ok',
  code: 250,
  durationMs: 1,
  dialogue: [
    { atMs: 1, from: '<', text: `220 ${banner} ESMTP` },
    { atMs: 1, from: '>', text: 'EHLO probe.test' },
    { atMs: 1, from: '<', text: `250 ${ehlo}` },
  ],
})

it('judges the first greeting at once, and others at the next check', async () => {
  const { watch, pass, events } = arrange()
  const one = identity(1)
  watch.update([one, identity(2)])
  watch.observeProbe(one, greeting('elsewhere.test', 'mx1.example.test'))
  expect(events).toEqual(['mx1 banner-name raised'])
  watch.observeProbe(one, greeting('mx1.example.test'))
  expect(events).toHaveLength(1)
  await pass(2 * hour)
  expect(events).toEqual(['mx1 banner-name raised', 'mx1 banner-name over'])
})

it('keeps the state of addresses that stay unchanged, and forgets the others', async () => {
  const { watch, pass, list, events } = arrange()
  watch.update([identity(1, { holdMs: 0 }), identity(2), identity(3)])
  list(1)
  await pass(2 * hour)
  watch.update([identity(1, { holdMs: 0 }), identity(2), identity(4)])
  expect(watch.shareOf(memberOf(1))).toBe(0.5)
  watch.update([identity(2), identity(4)])
  expect(watch.shareOf(memberOf(1))).toBe(1)
  expect(watch.states().map(({ watched }) => watched.target)).toEqual(['mx2', 'mx4'])
  expect(events).toEqual(['mx1 listed raised'])
  watch.stop()
})

it('sends no query after its end', async () => {
  const { watch, pass, asked } = arrange()
  watch.update([identity(1)])
  watch.stop()
  await pass(3 * hour)
  expect(asked).toEqual([])
})

it('without a resolver checks greetings alone, and reports that', async () => {
  const { watch, pass, events, asked } = arrange({ isBlind: true })
  const one = identity(1)
  watch.update([one])
  watch.observeProbe(one, greeting('elsewhere.test'))
  await pass(2 * hour)
  expect(events).toEqual(['blind', 'mx1 banner-name raised', 'mx1 ehlo-name raised'])
  expect(asked).toEqual([])
  expect(watch.counters()).toBeNull()
})
