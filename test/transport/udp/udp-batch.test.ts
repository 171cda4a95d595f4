// Results of recvmmsg and sendmmsg that real sockets rarely give, from a fake C library.

import { constants } from 'node:os'

import { expect, test } from 'vitest'

import type { Respond } from '../../../src/answer/context.ts'
import { type Counters, createCounters } from '../../../src/answer/counters.ts'
import { withErrorBoundary } from '../../../src/transport/worker/error-boundary.ts'
import { Batch } from '../../../src/transport/udp/udp-batch.ts'
import { reversePacketInfo, headerOctets } from '../../../src/transport/udp/udp-layout.ts'
import type { Libc } from '../../../src/transport/udp/udp-libc.ts'
import type { MmsgSocket } from '../../../src/transport/udp/udp-socket.ts'

const { EAGAIN, EINTR, ENOBUFS, ECONNREFUSED, EBADF, EPERM } = constants.errno

/** A batch on a fake kernel: the results of recvmmsg are in `inbound`, those of sendmmsg in `outbound`. */
interface FakeBatch {
  readonly batch: Batch
  readonly counters: Counters
  /** The entries of the answers that were sent, in order. */
  readonly sent: number[]
  /** The lengths of name and control in each header when it was passed to recvmmsg. */
  readonly rooms: [name: number, control: number][]
}

const base = 1_000_000

function createFakeBatch(
  inbound: (number | { readonly errno: number })[],
  outbound: ('all' | number | { readonly errno: number })[],
  { isWildcard = true, respond = echoed }: { isWildcard?: boolean; respond?: Respond } = {},
): FakeBatch {
  let errno = 0
  let memory: Uint8Array = new Uint8Array(0)
  const sent: number[] = []
  const rooms: [number, number][] = []
  const fails = (code: number): -1 => {
    errno = code
    return -1
  }
  const libc: Partial<Libc> = {
    errno: () => errno,
    addressOf(octets) {
      memory = octets
      return base
    },
    recvmmsg(_fd, headersAt) {
      const next = inbound.shift() ?? { errno: EAGAIN }
      if (typeof next === 'object') return fails(next.errno)
      for (let entry = 0; entry < next; entry++) {
        const at = headersAt - base + entry * headerOctets
        const view = new DataView(memory.buffer, at, headerOctets)
        rooms.push([view.getUint32(8, true), view.getUint32(40, true)])
        // The kernel overwrites the lengths with what it used, which may be less than there was.
        view.setUint32(8, 0, true)
        view.setUint32(40, 0, true)
        view.setUint32(56, 20, true)
      }
      return next
    },
    sendmmsg(_fd, headersAt, count) {
      const next = outbound.shift() ?? 'all'
      if (typeof next === 'object') return fails(next.errno)
      const done = next === 'all' ? count : Math.min(next, count)
      const first = headersAt - base
      for (let i = 0; i < done; i++) sent.push(entryOf(first + i * headerOctets))
      return done
    },
  }
  // Answers have headers of their own, after those of the queries.
  const entryOf = (at: number): number => at / headerOctets - 64
  const endpoint = { address: '0.0.0.0', port: 53 }
  const socket: MmsgSocket = {
    fd: 9,
    endpoint,
    family: 4,
    isWildcard,
    receiveOctets: 0,
    isBound: false,
    isHeld: false,
  }
  const counters = createCounters()
  const batch = new Batch(socket, { libc: libc as Libc, respond, counters, maxUdpOctets: 1232 })
  return { batch, counters, sent, rooms }
}

// oxlint-disable-next-line max-params -- the shape of Respond
const echoed: Respond = (_packet, _offset, length) => length

const slots = (from: number, end: number): number[] =>
  Array.from({ length: end - from }, (_, i) => from + i)

const turn = ({ batch }: FakeBatch): void => batch.answer(batch.receive(true))
const sendErrors = ({ counters }: FakeBatch): number => counters.read().scalars.sendErrors

test('what sendmmsg did not take at once is sent by the next call', () => {
  const fake = createFakeBatch([64], [10, 1, 'all'])
  turn(fake)
  expect(fake.sent).toEqual(slots(0, 64))
  expect(sendErrors(fake)).toBe(0)
})

test.each([
  ['EAGAIN: the send buffer is full', EAGAIN],
  ['ENOBUFS: the device has no room', ENOBUFS],
  ['ECONNREFUSED: an older answer met a closed port', ECONNREFUSED],
  ['EPERM: a packet filter refuses', EPERM],
])('%s: that answer is counted as lost, the others go out', (_, errno) => {
  const fake = createFakeBatch([5], [2, { errno }, 'all'])
  turn(fake)
  expect(fake.sent).toEqual([0, 1, 3, 4])
  expect(sendErrors(fake)).toBe(1)
})

test('a socket that sends nothing ends neither the batch nor the thread', () => {
  const fake = createFakeBatch(
    [64, 2],
    Array.from({ length: 64 }, () => ({ errno: EAGAIN })),
  )
  turn(fake)
  expect([fake.sent, sendErrors(fake)]).toEqual([[], 64])
  turn(fake)
  expect(fake.sent).toEqual([0, 1])
})

test('a send that a signal interrupts is repeated, and loses nothing', () => {
  const fake = createFakeBatch([3], [{ errno: EINTR }, 1, { errno: EINTR }, 'all'])
  turn(fake)
  expect([fake.sent, sendErrors(fake)]).toEqual([[0, 1, 2], 0])
})

test('a count of 0 loses one answer, and does not loop forever', () => {
  const fake = createFakeBatch([2], [{ errno: EINTR }, 0, 'all'])
  turn(fake)
  expect([fake.sent, sendErrors(fake)]).toEqual([[1], 1])
})

test('a query without an answer leaves a gap, around which the answers are sent', () => {
  let asked = 0
  const respond: Respond = () => ([0, 3, 4, 7].includes(asked++) ? 0 : 30)
  const fake = createFakeBatch([8], [], { respond })
  turn(fake)
  expect(fake.sent).toEqual([1, 2, 5, 6])
})

test('an error in answering one query drops that query, and is counted', () => {
  const counters = createCounters()
  let asked = 0
  const buggy: Respond = () => {
    if (asked++ === 1) throw new RangeError('as a bug would')
    return 30
  }
  const fake = createFakeBatch([4], [], { respond: withErrorBoundary(buggy, counters) })
  turn(fake)
  expect(fake.sent).toEqual([0, 2, 3])
  expect(counters.read().scalars.failures).toBe(1)
})

test('the lengths of name and packet info are reset before every receive', () => {
  const fake = createFakeBatch([3, 3, 3], [])
  for (let i = 0; i < 3; i++) turn(fake)
  expect(fake.rooms).toEqual(Array.from({ length: 9 }, () => [16, 32]))
  const bound = createFakeBatch([2, 2], [], { isWildcard: false })
  for (let i = 0; i < 2; i++) turn(bound)
  expect(bound.rooms).toEqual(Array.from({ length: 4 }, () => [16, 0]))
})

test('a timeout and a signal are not failures', () => {
  const quiet = Array.from({ length: 500 }, (_, i) => ({ errno: i % 2 ? EINTR : EAGAIN }))
  const fake = createFakeBatch([...quiet, 2], [])
  for (let i = 0; i <= 500; i++) turn(fake)
  expect(fake.sent).toEqual([0, 1])
})

test('failures with a receive in between are tolerated, a hundred in a row are not', () => {
  const failing = (count: number): { errno: number }[] =>
    Array.from({ length: count }, () => ({ errno: EBADF }))
  const fake = createFakeBatch([...failing(99), 1, ...failing(100)], [])
  for (let i = 0; i < 199; i++) turn(fake)
  expect(fake.sent).toEqual([0])
  expect(() => turn(fake)).toThrow('recvmmsg: EBADF')
})

const pktinfo4 = (index: number, local: number[], asked: number[]): number[] => [
  index,
  0,
  0,
  0,
  ...local,
  ...asked,
]

test('the packet info of an answer has the address that was queried, and no interface', () => {
  const octets = new Uint8Array(64)
  octets.set(pktinfo4(7, [192, 0, 2, 1], [192, 0, 2, 1]), 16)
  reversePacketInfo(new Uint32Array(octets.buffer), 0, 4)
  expect([...octets.subarray(16, 28)]).toEqual(pktinfo4(0, [192, 0, 2, 1], [192, 0, 2, 1]))
})

test.each([
  ['global', [0x20, 0x01, 0x0d, 0xb8], 0],
  ['unique local', [0xfd, 0, 0, 1], 0],
  ['just above link-local', [0xfe, 0xc0, 0, 0], 0],
  ['link-local, which means nothing without its interface', [0xfe, 0x80, 0, 0], 7],
  ['link-local to the last of fe80::/10', [0xfe, 0xbf, 0xff, 0xff], 7],
])('IPv6, %s', (_, head, index) => {
  const octets = new Uint8Array(64)
  const address = [...head, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  octets.set([...address, 7, 0, 0, 0], 16)
  reversePacketInfo(new Uint32Array(octets.buffer), 0, 6)
  expect([...octets.subarray(16, 36)]).toEqual([...address, index, 0, 0, 0])
})
