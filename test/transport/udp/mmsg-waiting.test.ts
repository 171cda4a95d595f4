// How a thread of UDP by mmsg waits: for queries alone while it is asked, for queries and messages while it is not.

import { constants } from 'node:os'

import { expect, test } from 'vitest'

import { createCounters } from '../../../src/answer/counters.ts'
import { listenMmsg } from '../../../src/transport/udp/udp-batch.ts'
import { pollfdOctets } from '../../../src/transport/udp/udp-layout.ts'
import { type Libc, loadLibc } from '../../../src/transport/udp/udp-libc.ts'
import {
  clearWakeup,
  type MmsgSocket,
  openWakeup,
  wakeUp,
} from '../../../src/transport/udp/udp-socket.ts'

const { EAGAIN, EINTR } = constants.errno
const wakeupFd = 77

const socketOf = (fd: number): MmsgSocket => ({
  fd,
  endpoint: { address: '127.0.0.1', port: 53 },
  family: 4,
  isWildcard: false,
  receiveOctets: 0,
  isBound: false,
  isHeld: false,
})

/** A listener on a fake kernel: `received` are the results of recvmmsg, `polled` the descriptors that each poll finds. */
function listenTo(
  sockets: readonly MmsgSocket[],
  received: number[],
  polled: (readonly number[] | { readonly errno: number })[],
) {
  const calls: string[] = []
  let errno = EAGAIN
  let fds: DataView = new DataView(new ArrayBuffer(0))
  const libc: Partial<Libc> = {
    errno: () => errno,
    bind: () => 0,
    addressOf(octets) {
      // The last memory that is asked for is that of poll.
      fds = new DataView(octets.buffer)
      return 1_000_000
    },
    recvmmsg(fd) {
      calls.push(`receive ${fd}`)
      errno = EAGAIN
      return received.shift() || -1
    },
    sendmmsg: (_fd, _at, count) => count,
    poll(_at, count, timeoutMs) {
      const asked = Array.from({ length: count }, (_, i) => fds.getInt32(i * pollfdOctets, true))
      calls.push(`poll ${asked.join(' ')} ${timeoutMs}`)
      const found = polled.shift() ?? []
      if ('errno' in found) {
        errno = found.errno
        return -1
      }
      for (const [i, fd] of asked.entries())
        fds.setInt16(i * pollfdOctets + 6, found.includes(fd) ? 1 : 0, true)
      return found.length
    },
    read(fd) {
      calls.push(`clear ${fd}`)
      return 8
    },
  }
  const listener = listenMmsg(sockets, {
    libc: libc as Libc,
    respond: () => 0,
    counters: createCounters(),
    maxUdpOctets: 1232,
    wakeupFd,
    beforeAnswering: () => calls.push('messages'),
  })
  /** The calls of one turn. */
  return (): readonly string[] => {
    calls.length = 0
    listener.pollOnce()
    return [...calls]
  }
}

test('while there are queries, it waits in recvmmsg and makes no other call to wait', () => {
  const turn = listenTo([socketOf(9)], [3, 1, 64], [])
  for (let i = 0; i < 3; i++) expect(turn()).toEqual(['receive 9', 'messages'])
})

test('after a wait without a query, it waits for seconds, and for messages as well', () => {
  const turn = listenTo([socketOf(9)], [1, 0, 2, 1], [[], [], [9]])
  turn()
  expect(turn()).toEqual(['receive 9', 'messages'])
  for (let i = 0; i < 2; i++) expect(turn()).toEqual(['poll 9 77 5000', 'messages'])
  expect(turn()).toEqual(['poll 9 77 5000', 'receive 9', 'messages'])
  expect(turn()).toEqual(['receive 9', 'messages'])
})

test('a message ends the wait at once, and only one', () => {
  const turn = listenTo([socketOf(9)], [0, 1], [[wakeupFd], [wakeupFd, 9]])
  turn()
  expect(turn()).toEqual(['poll 9 77 5000', 'clear 77', 'messages'])
  expect(turn()).toEqual(['poll 9 77 5000', 'clear 77', 'receive 9', 'messages'])
})

test('several sockets are waited for together, and those with queries are read', () => {
  const turn = listenTo([8, 9].map(socketOf), [1, 1], [[9], [wakeupFd], [wakeupFd, 8], []])
  expect(turn()).toEqual(['poll 8 9 77 5000', 'receive 9', 'messages'])
  expect(turn()).toEqual(['poll 8 9 77 5000', 'clear 77', 'messages'])
  expect(turn()).toEqual(['poll 8 9 77 5000', 'clear 77', 'receive 8', 'messages'])
  expect(turn()).toEqual(['poll 8 9 77 5000', 'messages'])
})

test('a signal that ends the wait is no failure; another error of poll is', () => {
  const turn = listenTo([socketOf(9)], [0], [{ errno: EINTR }, { errno: constants.errno.EINVAL }])
  turn()
  expect(turn()).toEqual(['poll 9 77 5000', 'messages'])
  expect(turn).toThrow('poll: EINVAL')
})

test('an eventfd is readable from the first of several wake-ups until it is cleared', async () => {
  const libc = await loadLibc()
  const fd = openWakeup(libc)
  const fds = new DataView(new ArrayBuffer(4096))
  fds.setInt32(0, fd, true)
  fds.setInt16(4, 1, true)
  const at = libc.addressOf(new Uint8Array(fds.buffer))
  const isReadable = (): boolean => libc.poll(at, 1, 0) === 1
  try {
    expect(isReadable()).toBe(false)
    for (let i = 0; i < 3; i++) wakeUp(libc, fd)
    expect(isReadable()).toBe(true)
    clearWakeup(libc, fd)
    expect(isReadable()).toBe(false)
    wakeUp(libc, fd)
    expect(isReadable()).toBe(true)
  } finally {
    libc.close(fd)
  }
})
