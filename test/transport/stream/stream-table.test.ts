// Which connection is cut when there are too many, and that each is removed once.

import { afterEach, describe, expect, test, vi } from 'vitest'

import { createCounters } from '../../../src/answer/counters.ts'
import {
  streamLimits,
  type Connection,
  type StreamTable,
  createStreamTable,
} from '../../../src/transport/stream/stream-table.ts'
import { fixedClock } from '../../support/ask-catalog.ts'

let table: StreamTable
afterEach(() => table.close(0))

interface NamedSlot extends Connection {
  client: string | null
}

function bench(connections: number, perClient: number) {
  const counters = createCounters()
  table = createStreamTable({ ...streamLimits, connections, perClient }, counters, fixedClock)
  const gone: string[] = []
  const slot = (name: string, client: string | null = name): NamedSlot => ({
    client,
    idleAction: () => 'keep',
    finish() {
      gone.push(name)
    },
    destroy() {
      gone.push(name)
    },
  })
  return { counters, gone, slot }
}

describe('above the cap', () => {
  test('the connection that has been idle for longest is cut, not the oldest', () => {
    const { gone, slot, counters } = bench(3, 9)
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => slot(name)) as [
      Connection,
      Connection,
      Connection,
      Connection,
      Connection,
    ]
    for (const one of [a, b, c]) table.admit(one)
    table.touch(a)
    table.admit(d)
    expect(gone).toEqual(['b'])
    table.touch(c)
    table.admit(e)
    expect(gone).toEqual(['b', 'a'])
    expect(table.size).toBe(3)
    expect(counters.read().scalars.tcpClosedByLimit).toBe(2)
  })

  test('of a client, one of that client’s own is cut', () => {
    const { gone, slot } = bench(100, 2)
    table.admit(slot('other'))
    const mine = [1, 2, 3].map((i) => slot(`mine ${i}`, 'me'))
    table.admit(mine[0] as Connection)
    table.admit(mine[1] as Connection)
    table.touch(mine[0] as Connection)
    table.admit(mine[2] as Connection)
    expect(gone).toEqual(['mine 2'])
    expect(table.size).toBe(3)
  })

  test('a connection whose client becomes known later is counted then', () => {
    const { gone, slot } = bench(100, 1)
    table.admit(slot('first', 'me'))
    const proxied = slot('second', null)
    table.admit(proxied)
    expect(gone).toEqual([])
    proxied.client = 'me'
    table.admitClient(proxied)
    expect(gone).toEqual(['first'])
    expect(table.size).toBe(1)
  })
})

test('a connection is removed once, and touch does not add one that was cut', () => {
  const { slot, gone } = bench(2, 2)
  const one = slot('one')
  table.admit(one)
  table.cut(one)
  table.cut(one)
  table.release(one)
  table.touch(one)
  table.admitClient(one)
  expect(table.size).toBe(0)
  expect(gone).toEqual(['one'])
})

test('close finishes all connections before it destroys them', async () => {
  const { slot, gone } = bench(5, 5)
  const one = slot('one')
  table.admit(one)
  const closed = table.close(1000)
  expect(gone).toEqual(['one'])
  table.release(one)
  await closed
  expect(gone).toEqual(['one'])
})

test('deadlines are checked while there are connections, and no timer runs without', () => {
  vi.useFakeTimers()
  try {
    const { slot, gone } = bench(5, 5)
    expect(vi.getTimerCount()).toBe(0)
    for (const name of ['first', 'second']) {
      table.admit({ ...slot(name), idleAction: () => 'cut' })
      expect(vi.getTimerCount()).toBe(1)
      vi.advanceTimersByTime(250)
      expect(gone.at(-1)).toBe(name)
      expect(vi.getTimerCount()).toBe(0)
    }
  } finally {
    vi.useRealTimers()
  }
})
