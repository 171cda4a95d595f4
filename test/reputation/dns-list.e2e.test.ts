// DNS lists of every kind, served by NSD: which are believed, and what they then say.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  type DnsLists,
  type ListResult,
  type ListState,
  createDnsLists,
} from '../../src/reputation/dns-list.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Answer, StubResolver } from '../../src/resolver/stub-resolver.ts'
import { createStubResolver } from '../../src/resolver/stub-resolver.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { startNsd } from '../support/nsd.ts'
import { listZones } from './lists-zone.ts'

let nsd: ForeignServer
let lists: DnsLists
const changes: ListState[] = []
beforeAll(async () => {
  nsd = await startNsd(listZones())
  const resolver = createStubResolver({
    server: { address: '127.0.0.1', port: nsd.port },
    clock: systemClock,
  })
  lists = createDnsLists({ resolver, clock: systemClock, onChange: (one) => changes.push(one) })
})
afterAll(() => nsd.stop())

describe('a list with its test points right', () => {
  it.each<[string, ListResult]>([
    ['192.0.2.25', { kind: 'listed', codes: ['127.0.0.3', '127.0.0.4'] }],
    ['192.0.2.26', { kind: 'clear' }],
    ['2001:db8::25', { kind: 'listed', codes: ['127.0.0.9'] }],
    ['2001:db8::26', { kind: 'clear' }],
  ])('is believed about %s', async (address, expected) => {
    const look = await lists.query('good.list.test', address)
    const sorted = look.kind === 'listed' ? { ...look, codes: [...look.codes].sort() } : look
    expect(sorted).toEqual(expected)
  })
})

describe('a list is not believed', () => {
  it.each([
    ['everything.list.test', '192.0.2.25', 'lists-everything'],
    ['nothing.list.test', '192.0.2.25', 'lists-nothing'],
    ['gone.list.test', '192.0.2.25', 'lists-nothing'],
    ['refusing.list.test', '192.0.2.25', 'refuses-resolver'],
    ['parked.list.test', '192.0.2.25', 'foreign-answer'],
    ['list.elsewhere', '192.0.2.25', 'refused'],
    ['second.list.test', '2001:db8::25', 'lists-nothing'],
  ])('%s about %s: %s', async (list, address, why) => {
    expect(await lists.query(list, address)).toEqual({ kind: 'unknown', why })
    const family = address.includes(':') ? 6 : 4
    expect(lists.states()).toContainEqual({ list, family, problem: why })
    expect(changes).toContainEqual({ list, family, problem: why })
  })

  it('in an answer that is none of 127.0.0.0/8, nor in 127.0.0.1', async () => {
    const foreign = { kind: 'unknown', why: 'foreign-answer' }
    expect(await lists.query('odd.list.test', '192.0.2.25')).toEqual(foreign)
    expect(await lists.query('odd.list.test', '192.0.2.26')).toEqual(foreign)
    expect(await lists.query('odd.list.test', '192.0.2.27')).toEqual({ kind: 'clear' })
  })
})

describe('test points', () => {
  /** A resolver that knows three answers, by name. */
  function scripted() {
    const asked: string[] = []
    const listed = new Set(['2.0.0.127.l.test'])
    const resolver: StubResolver = {
      server: { address: '127.0.0.1', port: 53 },
      counters: () => ({ answered: 0, failed: 0, fromCache: 0 }),
      async resolve({ name }): Promise<Answer> {
        asked.push(name)
        if (!listed.has(name)) return { kind: 'none', why: 'nxdomain' }
        const record = { owner: name, type: 'A', ttlSeconds: 1, data: '127.0.0.2' } as const
        return { kind: 'found', records: [record] }
      },
    }
    return { asked, listed, resolver }
  }

  it('are asked first, once more after a listing, else every five minutes', async () => {
    const { asked, listed, resolver } = scripted()
    const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs }
    const some = createDnsLists({ resolver, clock })
    const points = ['2.0.0.127.l.test', '1.0.0.127.l.test']
    await some.query('l.test', '192.0.2.1')
    expect(asked.splice(0)).toEqual([...points, '1.2.0.192.l.test'])
    clock.nowMs = 299_999
    await some.query('l.test', '192.0.2.1')
    expect(asked.splice(0)).toEqual(['1.2.0.192.l.test'])
    clock.nowMs = 300_000
    listed.add('1.2.0.192.l.test')
    expect(await some.query('l.test', '192.0.2.1')).toMatchObject({ kind: 'listed' })
    expect(asked).toEqual([...points, '1.2.0.192.l.test', ...points])
  })

  it('take a listing back when the list dies while it is asked', async () => {
    const { listed, resolver } = scripted()
    const changes: ListState[] = []
    const some = createDnsLists({
      resolver,
      clock: systemClock,
      onChange: (state) => changes.push(state),
    })
    expect(await some.query('l.test', '192.0.2.1')).toEqual({ kind: 'clear' })
    listed.add('1.0.0.127.l.test').add('1.2.0.192.l.test')
    const dead = { kind: 'unknown', why: 'lists-everything' }
    expect(await some.query('l.test', '192.0.2.1')).toEqual(dead)
    expect(await some.query('l.test', '192.0.2.2')).toEqual(dead)
    expect(changes).toEqual([{ list: 'l.test', family: 4, problem: 'lists-everything' }])
  })
})
