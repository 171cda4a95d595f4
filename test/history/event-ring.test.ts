// The ring of events: what is kept of a line of the log, how much of it, and how it is looked for.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  type EventQuery,
  eventLimits,
  type EventRecord,
  EventRing,
  type LoggedEvent,
} from '../../src/history/event-ring.ts'

const all: EventQuery = {
  before: null,
  kinds: [],
  target: null,
  zone: null,
  instance: null,
  by: null,
  limit: 100,
}

const down = (target: string, zone = 'smtp.example.test'): LoggedEvent => ({
  event: 'target.down',
  level: 'warn',
  message: `${target}.${zone} at 192.0.2.1 is down`,
  fields: { slot: 3, zone, target, from: 'up', to: 'down', reason: 'timeout', afterMs: 12.6 },
})

const octetsOf = (record: EventRecord): number => Buffer.byteLength(JSON.stringify(record))

const anything = fc.string({ unit: 'grapheme', maxLength: 300 })
const lines: fc.Arbitrary<LoggedEvent> = fc.record({
  event: fc.constantFrom('target.down', 'override.set', 'peer.gone', 'config.error', 'part.failed'),
  level: fc.constantFrom('info', 'warn', 'error'),
  message: fc.string({ unit: 'binary', maxLength: 2000 }),
  fields: fc.dictionary(
    fc.constantFrom('pool', 'why', 'by', 'reason', 'peer', 'from', 'to', 'until', 'id', 'kind'),
    fc.oneof(anything, fc.string({ unit: 'binary', maxLength: 300 }), fc.integer()),
  ),
})

test('an event is never longer than the limit, says what is printable, and keeps its target', () => {
  const zone = `${`${'a'.repeat(59)}.`.repeat(3)}${'b'.repeat(40)}.example.test`
  fc.assert(
    fc.property(lines, (line) => {
      const ring = new EventRing()
      ring.take({ ...line, fields: { ...line.fields, zone, target: 'mx1' } }, 1e12)
      const [record] = ring.list(all) as [EventRecord]
      expect(octetsOf(record)).toBeLessThanOrEqual(eventLimits.octets)
      expect([record.zone, record.target, record.event]).toEqual([zone, 'mx1', line.event])
      expect(JSON.stringify(record)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
  )
})

test('a short line is kept as it is', () => {
  const ring = new EventRing()
  ring.take(down('mx1'), 1_700_000_000_123)
  expect(ring.list(all)).toEqual([
    {
      id: 1,
      at: '2023-11-14T22:13:20.123Z',
      event: 'target.down',
      level: 'warn',
      text: 'mx1.smtp.example.test at 192.0.2.1 is down',
      zone: 'smtp.example.test',
      target: 'mx1',
      from: 'up',
      to: 'down',
      reason: 'timeout',
      afterMs: 13,
    },
  ])
})

test('the instance of an override is no state, and a peer is an instance', () => {
  const ring = new EventRing()
  const fields = { id: 'ab12', zone: 'z', target: 'mx1', why: 'work', by: 'kim', kind: 'drain' }
  ring.take(
    { event: 'override.set', level: 'info', message: 'm', fields: { ...fields, from: 'ns2' } },
    1,
  )
  ring.take({ event: 'peer.gone', level: 'warn', message: 'm', fields: { peer: 'ns3' } }, 2)
  expect(ring.list(all)).toMatchObject([
    { event: 'peer.gone', atInstance: 'ns3' },
    { event: 'override.set', overrideId: 'ab12', atInstance: 'ns2', by: 'kim', why: 'work' },
  ])
  expect(ring.list(all)[1]).not.toHaveProperty('from')
})

test('events are found by kind, target, zone, instance and person, page by page', () => {
  const ring = new EventRing()
  ring.take(down('mx1'), 1)
  ring.take(down('MX2'), 2)
  ring.take(down('mx1', 'other.test'), 3)
  ring.take({ event: 'peer.gone', level: 'warn', message: 'm', fields: { peer: 'ns3' } }, 4)
  ring.take(
    { event: 'override.ended', level: 'info', message: 'm', fields: { by: 'kim', endedBy: 'lee' } },
    5,
  )
  const ids = (query: Partial<EventQuery>): number[] =>
    ring.list({ ...all, ...query }).map(({ id }) => id)
  expect(ids({})).toEqual([5, 4, 3, 2, 1])
  expect(ids({ limit: 2 })).toEqual([5, 4])
  expect(ids({ before: 4, limit: 2 })).toEqual([3, 2])
  expect(ids({ kinds: ['target'] })).toEqual([3, 2, 1])
  expect(ids({ kinds: ['target.down', 'peer'] })).toEqual([4, 3, 2, 1])
  expect(ids({ kinds: ['tar'] })).toEqual([])
  expect(ids({ target: 'mx1' })).toEqual([3, 1])
  expect(ids({ target: 'mx2.smtp.example.test' })).toEqual([2])
  expect(ids({ zone: 'other.test' })).toEqual([3])
  expect(ids({ instance: 'ns3' })).toEqual([4])
  expect(ids({ by: 'lee' })).toEqual([5])
})

test('a burst becomes one counted event of each sort, and leaves room for others', () => {
  const ring = new EventRing()
  for (let i = 0; i < 1000; i++) ring.take(down(`mx${i}`), 5000 + i / 10)
  ring.take({ event: 'pool.empty', level: 'error', message: 'm', fields: {} }, 5200)
  expect(ring.size).toBe(201)
  ring.flush(5999)
  expect(ring.size).toBe(201)
  ring.take(down('mx1'), 6000)
  expect(ring.list({ ...all, limit: 3 })).toMatchObject([
    { event: 'target.down', id: 203 },
    {
      event: 'events.counted',
      id: 202,
      count: 800,
      kind: 'target',
      at: '1970-01-01T00:00:06.000Z',
    },
    { event: 'pool.empty', id: 201 },
  ])
})

test('as many as there may be are kept, and the next process goes on from the last of them', () => {
  const ring = new EventRing()
  const seen: number[] = []
  ring.follow(({ id }) => seen.push(id))
  for (let i = 0; i < 3000; i++) ring.take(down('mx1'), i * 1000)
  expect([ring.size, ring.oldest, seen.length]).toEqual([2000, 1001, 3000])
  const next = new EventRing(ring.saved())
  expect([next.size, next.oldest]).toEqual([500, 2501])
  next.take(down('mx1'), 3_000_000)
  expect(next.list({ ...all, limit: 1 })[0]?.id).toBe(3001)
})
