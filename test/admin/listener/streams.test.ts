// Open streams of the listener: who is written what, and which bound ends one.

import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { type AdminCounters, openAdminCounters } from '../../../src/admin/admin-counters.ts'
import { streamLimits, Streams } from '../../../src/admin/listener/streams.ts'

/** A response that keeps what it is written; `isRead`: whether its client takes it. */
class Written extends EventEmitter {
  text = ''
  isRead = true
  writableLength = 0
  ended: 'end' | 'destroy' | null = null

  chunks: Uint8Array[] = []

  write(chunk: Uint8Array): boolean {
    this.chunks.push(chunk)
    this.text += Buffer.from(chunk).toString()
    if (!this.isRead) this.writableLength += chunk.length
    return true
  }

  end(): this {
    return this.#close('end')
  }

  destroy(): this {
    return this.#close('destroy')
  }

  #close(how: 'end' | 'destroy'): this {
    this.ended ??= how
    this.emit('close')
    return this
  }
}

let counters: AdminCounters
let counts: number[]
let nowMs: number
let streams: Streams

beforeEach(() => {
  vi.useFakeTimers()
  counters = openAdminCounters()
  counts = []
  nowMs = 0
  streams = new Streams({
    counters,
    monotonicMs: () => nowMs,
    onCount: (count) => counts.push(count),
  })
})
afterEach(() => vi.useRealTimers())

function open(sequence = 0): Written {
  const response = new Written()
  expect(streams.reserve()).toBe(true)
  streams.add(response as unknown as Parameters<Streams['add']>[0], sequence)
  return response
}
const pass = (ms: number): void => {
  nowMs += ms
  vi.advanceTimersByTime(ms)
}

test('a message goes to all that are at the one before, once', () => {
  const [first, second] = [open(4), open(5)]
  streams.broadcast({ sequence: 5, text: 'five' })
  streams.broadcast({ sequence: null, text: ' figures' })
  streams.broadcast({ sequence: 6, text: ' six' })
  expect([first.text, second.text]).toEqual(['five figures six', ' figures six'])
})

test('a message is encoded once, for sixteen streams as for one', () => {
  const all = Array.from({ length: streamLimits.open }, () => open())
  streams.broadcast({ sequence: 1, text: 'one' })
  expect(new Set(all.map(({ chunks }) => chunks[0])).size).toBe(1)
})

test('one that has missed a message is ended, and comes back for it', () => {
  const behind = open(4)
  const other = open(5)
  streams.broadcast({ sequence: 6, text: 'six' })
  expect([behind.ended, behind.text, other.text]).toEqual(['end', '', 'six'])
  expect(counts.at(-1)).toBe(1)
})

test('one that is not read is cut at 256 KiB, and holds up no other', () => {
  const [slow, quick] = [open(), open()]
  slow.isRead = false
  const text = 'x'.repeat(64 * 1024)
  for (let sequence = 1; sequence <= 6; sequence++) streams.broadcast({ sequence, text })
  expect(slow.ended).toBe('destroy')
  expect(slow.text.length).toBeLessThanOrEqual(streamLimits.unsentOctets + text.length)
  expect(quick.text.length).toBe(6 * text.length)
  expect([counters.read('streamsCut'), counters.read('streams')]).toEqual([1, 1])
})

test('a place is taken by what is about to open, and given back', () => {
  for (let i = 0; i < streamLimits.open - 1; i++) open()
  expect(streams.reserve()).toBe(true)
  expect([streams.reserve(), counters.read('streamsRefused')]).toEqual([false, 1])
  streams.release()
  const last = open()
  expect(streams.reserve()).toBe(false)
  last.destroy()
  expect(streams.reserve()).toBe(true)
  expect(counts.at(-1)).toBe(streamLimits.open)
})

test('comments say that it lives, until a quarter of an hour is over', () => {
  const response = open()
  pass(streamLimits.commentEveryMs)
  expect(response.text).toBe(':\n\n')
  pass(streamLimits.longestMs - 2 * streamLimits.commentEveryMs)
  expect(response.ended).toBe(null)
  pass(streamLimits.commentEveryMs)
  expect(response.ended).toBe('end')
  expect(counts.at(-1)).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})
