import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  type Framing,
  createFraming,
  maxMessageOctets,
  minMessageOctets,
} from '../../../src/transport/stream/tcp-framing.ts'

const frame = (message: Uint8Array): Buffer => {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Feeds a chunk; false: the stream is not DNS. */
function feed(
  framing: Framing,
  chunk: Uint8Array,
  onMessage: (message: Uint8Array) => void,
): boolean {
  for (let at = 0; at < chunk.length;) {
    const next = framing.consume(chunk, at)
    if (next < 0) return false
    expect(next).toBeGreaterThan(at)
    at = next
    if (framing.message !== null) onMessage(framing.message)
  }
  return true
}

const message = fc.uint8Array({ minLength: minMessageOctets, maxLength: 600 })

describe('messages are complete, wherever the stream is split', () => {
  test('at random points', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(4000), { maxLength: 12 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(frame))
          const points = [
            ...new Set([0, ...cuts.map((cut) => cut % stream.length), stream.length]),
          ].sort((a, b) => a - b)
          const framing = createFraming()
          const got: Uint8Array[] = []
          for (let i = 1; i < points.length; i++) {
            expect(
              feed(framing, stream.subarray(points[i - 1], points[i]), (one) =>
                got.push(Uint8Array.from(one)),
              ),
            ).toBe(true)
          }
          expect(got).toEqual(messages)
          expect(framing.isInsideMessage()).toBe(false)
        },
      ),
    )
  })

  test('octet by octet', () => {
    const stream = Buffer.concat([
      frame(new Uint8Array(12).fill(1)),
      frame(new Uint8Array(300).fill(2)),
    ])
    const framing = createFraming()
    const lengths: number[] = []
    for (const octet of stream)
      feed(framing, Uint8Array.of(octet), (one) => lengths.push(one.length))
    expect(lengths).toEqual([12, 300])
  })
})

test.each([
  ['nothing', 0],
  ['shorter than a header', minMessageOctets - 1],
  ['longer than any query', maxMessageOctets + 1],
  ['the longest length', 65_535],
])('a length of %s is no DNS stream', (_, length) => {
  const framing = createFraming()
  const head = Buffer.alloc(2)
  head.writeUInt16BE(length)
  expect(feed(framing, head, () => expect.unreachable())).toBe(false)
})

test('inside a message from its first octet to its last', () => {
  const framing = createFraming()
  const stream = frame(new Uint8Array(12))
  expect(framing.isInsideMessage()).toBe(false)
  for (const octet of stream.subarray(0, -1)) {
    feed(framing, Uint8Array.of(octet), () => expect.unreachable())
    expect(framing.isInsideMessage()).toBe(true)
  }
  feed(framing, stream.subarray(-1), () => {})
  expect(framing.isInsideMessage()).toBe(false)
})

test('one message is consumed at a time, so that the caller can stop between two', () => {
  const stream = Buffer.concat([
    frame(new Uint8Array(12).fill(1)),
    frame(new Uint8Array(13).fill(2)),
  ])
  const framing = createFraming()
  expect(framing.consume(stream, 0)).toBe(14)
  expect(Uint8Array.from(framing.message ?? [])).toEqual(new Uint8Array(12).fill(1))
  expect(framing.consume(stream, 14)).toBe(stream.length)
  expect(Uint8Array.from(framing.message ?? [])).toEqual(new Uint8Array(13).fill(2))
})
