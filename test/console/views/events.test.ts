import { h } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { describe, expect, test } from 'vitest'

import type { EventRecord } from '../../../console/store/rows.ts'
import { burstText, daysOf, itemsOf } from '../../../console/views/events/bursts.ts'
import { kindNames } from '../../../console/views/events/filters.tsx'

globalThis.location ??= { hash: '' } as Location

const { EventLine, eventParts } = await import('../../../console/parts/event-line.tsx')
const { parametersOf } = await import('../../../console/views/events/events.tsx')

const nowMs = Date.parse('2026-11-29T18:30:00Z')

/** `count` targets that change at `at`, the newest first. */
const changes = (
  count: number,
  at: string,
  part: Partial<EventRecord> = {},
): readonly EventRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    id: 1000 - i,
    at,
    event: 'target.down',
    level: 'warn',
    text: 'down',
    zone: 'example.com',
    target: `mx${i}`,
    reason: 'connect-refused',
    ...part,
  }))

describe('bursts', () => {
  test('five of a kind within a minute are one line, four are four', () => {
    const few = changes(4, '2026-11-29T18:01:02.000Z')
    const many = changes(5, '2026-11-29T18:02:02.000Z').map((one) => ({ ...one, id: one.id + 100 }))
    const items = itemsOf([...many, ...few])
    expect(items.map(({ kind }) => kind)).toEqual(['burst', 'one', 'one', 'one', 'one'])
    // Nothing is lost.
    expect(
      items.flatMap((item) => (item.kind === 'one' ? [item.event] : item.events)),
    ).toHaveLength(9)
  })

  test('of another kind in the same minute stays apart', () => {
    const up = changes(5, '2026-11-29T18:01:09.000Z', { event: 'target.up' })
    const down = changes(5, '2026-11-29T18:01:02.000Z')
    expect(itemsOf([...up, ...down])).toHaveLength(2)
  })

  test('says how many targets, in which pools, and why', () => {
    const events = [
      ...changes(8, '2026-11-29T18:01:02.000Z'),
      ...changes(3, '2026-11-29T18:01:02.000Z', { reason: 'connect-timeout' }).map((one) => ({
        ...one,
        target: `${one.target}b`,
      })),
    ]
    const text = burstText(events, ({ target = '' }) => [target.endsWith('b') ? 'us' : 'eu'])
    expect(text).toBe(
      '11 targets are down in 2 pools (eu, us): connection refused (8), no answer (3)',
    )
    expect(burstText(changes(5, '2026-11-29T18:01:02.000Z').slice(0, 1), () => [])).toBe(
      '1 target is down: connection refused',
    )
    const back = changes(6, '2026-11-29T18:01:02.000Z', { event: 'target.up', reason: 'ok' })
    expect(burstText(back, () => ['eu'])).toBe('6 targets are up in 1 pool (eu)')
    const others = Array.from({ length: 6 }, (_, id): EventRecord => ({
      id,
      at: '2026-11-29T18:01:02.000Z',
      event: 'config.error',
      level: 'error',
      text: 'a mistake',
    }))
    expect(burstText(others, () => [])).toBe('6 × config.error')
  })

  test('days stand under their date', () => {
    const events = [
      ...changes(1, '2026-11-29T00:00:01.000Z'),
      ...changes(1, '2026-11-28T23:59:59.000Z').map((one) => ({ ...one, id: 1 })),
    ]
    expect(daysOf(events).map(({ day }) => day)).toEqual(['2026-11-29', '2026-11-28'])
  })
})

describe('the sentence of an event', () => {
  const base: EventRecord = {
    id: 1,
    at: '2026-11-29T18:00:00.000Z',
    event: '',
    level: 'info',
    text: 'as logged',
  }
  const cases: readonly [Partial<EventRecord>, string, string][] = [
    [
      { event: 'target.up', target: 'mx1', from: 'down', afterMs: 61_000 },
      'up',
      'mx1 is up, after 1 min down',
    ],
    [{ event: 'target.up', target: 'mx1', from: 'suspect', afterMs: 61_000 }, 'up', 'mx1 is up'],
    [
      { event: 'target.down', target: 'mx1', address: '192.0.2.1', reason: 'connect-refused' },
      'down',
      'mx1 is down at 192.0.2.1: connection refused',
    ],
    [
      {
        event: 'override.set',
        target: 'mx1',
        kind: 'drain',
        by: 'anna',
        why: 'kernel',
        until: '2026-11-29T20:10:00Z',
      },
      'drained',
      'mx1 is drained by anna until 20:10: “kernel”',
    ],
    [{ event: 'override.set', target: 'mx1', kind: 'weight' }, 'weight', 'mx1 has its weight set'],
    [
      { event: 'override.ended', target: 'mx1', kind: 'drain', end: 'time' },
      'info',
      'mx1 is no longer drained: its time is over',
    ],
    [
      { event: 'override.ended', target: 'mx1', kind: 'drain', end: 'undone', endedBy: 'jo' },
      'info',
      'mx1 is no longer drained: undone by jo',
    ],
    [
      { event: 'peer.gone', atInstance: 'fra-b', why: 'silent' },
      'suspect',
      'fra-b is gone: silent',
    ],
    [{ event: 'config.loaded' }, 'info', 'as logged'],
    [{ event: 'state.degraded', level: 'warn' }, 'suspect', 'as logged'],
  ]
  test.each(cases)('%o', (part, mark, sentence) => {
    const parts = eventParts({ ...base, ...part }, nowMs)
    expect(parts.mark).toBe(mark)
    expect([parts.subject, parts.says].filter(Boolean).join(' ')).toBe(sentence)
  })

  test('what others wrote is text, and a target leads to its history at that moment', () => {
    const events = changes(1, '2026-11-29T18:01:02.000Z', {
      target: 'mx1',
      reason: '<img src=x onerror=alert(1)>\u202e',
    })
    const text = events.map((event) => renderToString(h(EventLine, { event, nowMs }))).join('')
    expect(text).not.toContain('<img')
    expect(text).toContain('\\u{202e}')
    expect(text).toContain('href="#/target/example.com/mx1?at=2026-11-29T18%3A01%3A02.000Z"')
  })
})

describe('filters', () => {
  test('become the parameters of /events, and none of them all events', () => {
    expect(parametersOf({ kind: [], target: '', instance: '', by: '' }).toString()).toBe('')
    expect(
      parametersOf({
        kind: ['overrides', 'probes'],
        target: 'mx1',
        instance: '',
        by: 'anna',
      }).toString(),
    ).toBe('kind=override&kind=probes&kind=prober&target=mx1&by=anna')
  })

  test('have each sort of event that the log has', async () => {
    const { readFileSync } = await import('node:fs')
    const list = readFileSync(new URL('../../contracts/events.txt', import.meta.url), 'utf8')
    const sorts = new Set([...list.matchAll(/^([a-z]+)\.[a-z.]+/gm)].map(([, sort]) => sort))
    const known = new Set(Object.values(kindNames).flatMap(({ events }) => events))
    expect([...sorts].filter((sort) => !known.has(sort ?? ''))).toEqual([])
  })
})
