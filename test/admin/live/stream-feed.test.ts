// The feed of the streams on simulated time: what a look finds, what a stream that comes back gets, and the bounds.

import { beforeEach, expect, test } from 'vitest'

import type { StreamFrame } from '../../../src/admin/listener/messages.ts'
import type { Figures, Overview } from '../../../src/admin/live/overview-rows.ts'
import {
  feedLimits,
  StreamFeed,
  type StreamFeedSources,
} from '../../../src/admin/live/stream-feed.ts'
import { EventRing } from '../../../src/history/event-ring.ts'
import type { WatchedState } from '../../../src/watch/watched-state.ts'
import { createVirtualTime, type VirtualTime } from '../../support/virtual-time.ts'

const boot = '0123abcd'
let time: VirtualTime
let states: WatchedState[]
let events: EventRing
let posted: StreamFrame[]
let feed: StreamFeed
let looks: number

const stateOf = (target: string, state: WatchedState['state'] = 'up'): WatchedState => ({
  slot: 1,
  zone: 'smtp.example.test',
  target,
  address: '192.0.2.1',
  port: 25,
  profile: 'inbound',
  state,
  sinceMs: 1_700_000_000_000,
  lastOutcome: null,
  lastOutcomeAtMs: null,
  lastFailure: null,
  counts: { pass: 0, fail: 0, busy: 0, unknown: 0 },
  holdSeconds: Infinity,
  reason: 'ok',
  flaps: 0,
  downs: 0,
  latency: () => ({ count: 1, ms: [12, 13, 14] }),
  factor: 1,
  slowStart: 1,
  shedding: 1,
  fall: 2,
  rise: 2,
  alerts: [],
  isHeld: false,
  nextProbeInMs: null,
})

const sources = (): StreamFeedSources => ({
  facts: { instance: 'one', site: 'fra', version: '0', startedMs: 1, consoleUrl: null },
  states: () => {
    looks++
    return states
  },
  votesOn: () => [],
  overrides: {
    watch: {
      states: () => [],
      overrides: () => [],
    } as unknown as StreamFeedSources['overrides']['watch'],
    exposedUntilMs: () => 0,
    fleetExposure: () => () => null,
    wallMs: () => 0,
    newId: () => '',
  },
  shares: { read: () => [], sample() {}, close() {} },
  availability: () => [],
  clusterStatus: () => ({
    kind: 'memory',
    degraded: false,
    fenced: false,
    unansweredSeconds: 0,
    reasons: [],
    polling: null,
    peers: [],
    config: null,
  }),
  problems: () => [],
  notReady: () => [],
  localFaults: () => ({ isIsolated: false, heldGroups: [] }),
  zones: () => [],
  departed: () => [],
  events,
  figures: () => ({ queriesPerSecond: 1 }) as Figures,
})

beforeEach(() => {
  time = createVirtualTime()
  states = [stateOf('mx1'), stateOf('mx2')]
  events = new EventRing()
  posted = []
  looks = 0
  feed = new StreamFeed({ boot, sources: sources(), clock: time.clock, timer: time.timer })
  feed.follow((frame) => posted.push(frame))
})

const kinds = (text: string): string[] =>
  [...text.matchAll(/^event: (.*)$/gm)].map(([, kind = '']) => kind)
const postedKinds = (): string[] => posted.flatMap(({ text }) => kinds(text))
const down = (): void => void (states = [stateOf('mx1'), stateOf('mx2', 'down')])
const log = (event: string): void =>
  events.take({ event, level: 'info', message: 'm', fields: {} }, time.clock.wallMs())

test('what changed is told once, as whole rows of what changed alone', () => {
  feed.open(null)
  feed.setStreams(1)
  time.advance(600)
  down()
  time.advance(600)
  const [delta] = posted.filter(({ text }) => kinds(text)[0] === 'delta')
  const data = JSON.parse(/^data: (.*)$/m.exec(delta?.text ?? '')?.[1] ?? '{}') as Partial<Overview>
  expect(data.targets).toMatchObject([{ target: 'mx2', state: 'down', p50Ms: 12, p99Ms: 14 }])
  expect(Object.keys(data).sort()).toEqual(['at', 'generation', 'targets'])
  time.advance(5000)
  expect(postedKinds().filter((kind) => kind === 'delta').length).toBe(1)
  expect(postedKinds().filter((kind) => kind === 'figures').length).toBeGreaterThan(1)
})

test('ten consoles are looked for, and written for, as often as one', () => {
  const workFor = (streams: number): readonly [looks: number, posted: number, spelled: number] => {
    let spelled = 0
    // What is written out as JSON says so.
    const alerts = Object.assign([] as string[], {
      toJSON: () => {
        spelled++
        return []
      },
    })
    states = [stateOf('mx1'), stateOf('mx2')]
    feed = new StreamFeed({ boot, sources: sources(), clock: time.clock, timer: time.timer })
    posted = []
    looks = 0
    feed.follow((frame) => posted.push(frame))
    feed.open(null)
    feed.setStreams(streams)
    time.advance(600)
    states = [stateOf('mx1'), { ...stateOf('mx2', 'down'), alerts: alerts as never }]
    time.advance(3000)
    feed.setStreams(0)
    return [looks, posted.length, spelled]
  }
  const one = workFor(1)
  expect(one[2]).toBe(1)
  expect(workFor(10)).toEqual(one)
})

test('nothing is looked at or told while no stream is open', () => {
  feed.open(null)
  feed.setStreams(1)
  time.advance(2000)
  feed.setStreams(0)
  const [before, told] = [looks, posted.length]
  down()
  log('target.down')
  time.advance(60_000)
  expect([looks, posted.length]).toEqual([before, told])
})

test('a console that is opened is looked for before it asks, and gets that look', () => {
  const foreseen = [...(feed.foresee() ?? [])].join('')
  expect(looks).toBe(1)
  const { at, ...overview } = feed.overview()
  expect(looks).toBe(1)
  expect(JSON.parse(foreseen)).toEqual({ ...overview, at })
  down()
  time.advance(feedLimits.freshMs + 1)
  expect(feed.overview().targets).toMatchObject([{ state: 'up' }, { state: 'down' }])
  expect(looks).toBe(2)
})

test('consoles that are opened without end are looked for in a twentieth of the time', () => {
  const lookMs = 20
  const slow = Object.defineProperty(stateOf('mx1'), 'alerts', {
    get() {
      const until = process.threadCpuUsage().user + lookMs * 1000
      while (process.threadCpuUsage().user < until);
      return []
    },
  })
  states = [slow]
  for (let ms = 0; ms < 4000; ms++) {
    feed.foresee()
    time.advance(1)
  }
  expect(looks).toBeGreaterThan(1)
  expect(looks).toBeLessThanOrEqual(4000 / (lookMs / feedLimits.shares.urgent) + 1)
})

test('a stream that comes back gets what it missed, in order', () => {
  const { generation } = feed.overview()
  log('peer.joined')
  down()
  expect(kinds(feed.open(generation).text)).toEqual(['hello', 'event'])
  const later = feed.generation
  log('peer.gone')
  expect(kinds(feed.open(later).text)).toEqual(['hello', 'event'])
  expect(kinds(feed.open(feed.generation).text)).toEqual(['hello'])
})

test('a hole, another process or what has not been yet is a resync', () => {
  const { generation } = feed.overview()
  for (let i = 0; i <= feedLimits.kept.messages; i++) {
    log(`peer.${i}`)
    time.advance(10)
  }
  expect(kinds(feed.open(generation).text)).toEqual(['hello', 'resync'])
  for (const since of ['89abcdef:1', `${boot}:999999`, `${boot}:-1`, ''])
    expect([since, kinds(feed.open(since).text)]).toEqual([since, ['hello', 'resync']])
  expect(feed.keptLength).toBeLessThanOrEqual(feedLimits.kept.octets)
})

test('rows that come or go are a resync', () => {
  feed.open(null)
  feed.setStreams(1)
  time.advance(600)
  states = [stateOf('mx1')]
  time.advance(600)
  expect(postedKinds()).toContain('resync')
  expect(postedKinds()).not.toContain('delta')
})

test('messages are numbered without a gap, and figures are not', () => {
  const { sequence } = feed.open(null)
  feed.setStreams(1)
  for (let i = 0; i < 5; i++) {
    log('peer.joined')
    down()
    time.advance(1000)
    states = [stateOf('mx1'), stateOf('mx2')]
    time.advance(1000)
  }
  const numbered = posted.flatMap((frame) => frame.sequence ?? [])
  expect(numbered).toEqual(numbered.map((_, i) => sequence + 1 + i))
  expect(posted.some((frame) => frame.sequence === null)).toBe(true)
})
