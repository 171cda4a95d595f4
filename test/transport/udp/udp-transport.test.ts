// Which UDP transport is used, and the reason that is given where it is not the one that was set.

import { constants } from 'node:os'

import { describe, expect, test } from 'vitest'

import { detectUdpTransport } from '../../../src/transport/udp/udp-transport.ts'
import { type Libc, loadLibc } from '../../../src/transport/udp/udp-libc.ts'

const { EAGAIN, EPERM, ENOSYS } = constants.errno

/** A fake C library of which one call fails; `closed` counts closed sockets. */
function failing(
  call: 'socket' | 'recvmmsg' | 'sendmmsg' | 'poll' | 'eventfd' | null,
  errno: number,
) {
  let last = 0
  const libc: Partial<Libc> & { closed: number } = {
    closed: 0,
    errno: () => last,
    addressOf: () => 4096,
    socket: () => answer('socket', 9),
    recvmmsg: () => answer('recvmmsg', -1, EAGAIN),
    sendmmsg: () => answer('sendmmsg', 0),
    poll: () => answer('poll', 0),
    eventfd: () => answer('eventfd', 10),
    close: () => {
      libc.closed++
      return 0
    },
  }
  const answer = (name: string, value: number, usual = 0): number => {
    last = name === call ? errno : usual
    return name === call ? -1 : value
  }
  return libc as Libc & { closed: number }
}

const missing = (): Promise<Libc> =>
  Promise.reject(new Error("Cannot find package 'koffi'\nimported from here"))

test('on this machine it is mmsg, and its calls work', async () => {
  expect(await detectUdpTransport('auto')).toMatchObject({
    kind: 'chosen',
    transport: { kind: 'mmsg' },
    fallback: null,
  })
})

test('dgram on request loads nothing', async () => {
  const never = (): Promise<Libc> => Promise.reject(new Error('loaded'))
  const chosen = { kind: 'chosen', transport: { kind: 'dgram' }, fallback: null }
  expect(await detectUdpTransport('dgram', never)).toEqual(chosen)
})

describe('without koffi', () => {
  test('auto falls back, with the reason in one line', async () => {
    expect(await detectUdpTransport('auto', missing)).toEqual({
      kind: 'chosen',
      transport: { kind: 'dgram' },
      fallback: "Cannot find package 'koffi'",
    })
  })

  test('mmsg is unavailable', async () => {
    const why = "Cannot find package 'koffi'"
    expect(await detectUdpTransport('mmsg', missing)).toEqual({ kind: 'unavailable', why })
  })
})

describe('where a sandbox forbids a call', () => {
  test.each([
    ['socket', EPERM, 'socket: EPERM', 0],
    ['recvmmsg', EPERM, 'recvmmsg: EPERM', 1],
    ['recvmmsg', ENOSYS, 'recvmmsg: ENOSYS', 1],
    ['sendmmsg', EPERM, 'sendmmsg: EPERM', 1],
    ['poll', EPERM, 'poll: EPERM', 1],
    ['eventfd', ENOSYS, 'eventfd: ENOSYS', 1],
  ] as const)('%s fails with errno %i', async (call, errno, why, closed) => {
    const libc = failing(call, errno)
    expect(await detectUdpTransport('auto', () => Promise.resolve(libc))).toEqual({
      kind: 'chosen',
      transport: { kind: 'dgram' },
      fallback: why,
    })
    expect(libc.closed).toBe(closed)
    expect(await detectUdpTransport('mmsg', () => Promise.resolve(libc))).toEqual({
      kind: 'unavailable',
      why,
    })
  })

  test('none of them fails: mmsg, and the descriptors of the trial are closed', async () => {
    const libc = failing(null, 0)
    expect(await detectUdpTransport('auto', () => Promise.resolve(libc))).toMatchObject({
      fallback: null,
    })
    expect(libc.closed).toBe(2)
  })
})

test('an errno becomes an error with its name, and is that of the last call', async () => {
  const libc = await loadLibc()
  expect(libc.close(-1)).toBe(-1)
  expect(libc.errno()).toBe(constants.errno.EBADF)
  expect(libc.socket(999, 2, 0)).toBe(-1)
  expect(libc.errno()).toBe(constants.errno.EAFNOSUPPORT)
})
