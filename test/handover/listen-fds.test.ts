// The variables of sd_listen_fds(3).

import { describe, expect, test } from 'vitest'

import { listenFds } from '../../src/handover/listen-fds.ts'

const pid = 4711

describe('descriptors', () => {
  test.each([
    [{ LISTEN_FDS: '1', LISTEN_PID: '4711' }, [{ fd: 3, name: 'unknown' }]],
    [
      { LISTEN_FDS: '2', LISTEN_PID: '4711', LISTEN_FDNAMES: 'dns:dns-tcp' },
      [
        { fd: 3, name: 'dns' },
        { fd: 4, name: 'dns-tcp' },
      ],
    ],
    [
      { LISTEN_FDS: '2', LISTEN_PID: '4711', LISTEN_FDNAMES: 'dns' },
      [
        { fd: 3, name: 'dns' },
        { fd: 4, name: 'unknown' },
      ],
    ],
  ])('%j', (env, descriptors) => {
    expect(listenFds(env, pid)).toEqual({ kind: 'descriptors', descriptors })
  })

  test.each([
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_PID: '4711' },
    // Those of a parent that did not clear its environment.
    { LISTEN_FDS: '1', LISTEN_PID: '4710' },
    { LISTEN_FDS: '0', LISTEN_PID: '4711' },
  ])('none: %j', (env) => {
    expect(listenFds(env, pid)).toEqual({ kind: 'none' })
  })

  test.each(['', '-1', '2049', '99999', '1.5', 'two'])('no count: %j', (count) => {
    expect(listenFds({ LISTEN_FDS: count, LISTEN_PID: '4711' }, pid)).toMatchObject({ kind: 'bad' })
  })
})
