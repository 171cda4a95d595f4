// Which sockets that came bound are used: those that the settings name.

import { describe, expect, test } from 'vitest'

import { fitSockets, isHanded } from '../../src/handover/fit-sockets.ts'
import type { HandedSocket } from '../../src/transport/handed-socket.ts'

const at = (address: string, port = 53) => ({ address, port })

const handed = (protocol: 'udp' | 'tcp', address: string, port = 53): HandedSocket => ({
  fd: 3,
  protocol,
  endpoint: at(address, port),
  isHeld: true,
})

const wanted = {
  udp: [at('192.0.2.53'), at('2001:db8::53')],
  tcp: [at('192.0.2.53'), at('2001:db8::53'), at('127.0.0.1', 8053)],
  transport: 'mmsg',
} as const

test.each([
  handed('udp', '192.0.2.53'),
  handed('tcp', '192.0.2.53'),
  handed('udp', '2001:db8::53'),
  handed('tcp', '127.0.0.1', 8053),
])('$protocol $endpoint fits', (socket) => {
  expect(fitSockets([socket], wanted)).toEqual({ fitting: [socket], unfit: [] })
})

test.each([
  [handed('udp', '192.0.2.53', 54), 'UDP 192.0.2.53:54'],
  [handed('udp', '127.0.0.1', 8053), 'UDP 127.0.0.1:8053'],
  [handed('tcp', '2001:db8::54'), 'TCP [2001:db8::54]:53'],
  // A wildcard in the unit is not the addresses of the settings.
  [handed('udp', '0.0.0.0'), 'UDP 0.0.0.0:53'],
])('%j does not', (socket, where) => {
  const { fitting, unfit } = fitSockets([socket], wanted)
  expect(fitting).toEqual([])
  expect(unfit[0]?.why).toContain(`no setting names ${where}: those for `)
})

describe('a wildcard', () => {
  const wildcard = { ...wanted, udp: [at('0.0.0.0')], tcp: [at('0.0.0.0')] }

  test('is answered by mmsg', () => {
    const socket = handed('udp', '0.0.0.0')
    expect(fitSockets([socket], wildcard).fitting).toEqual([socket])
  })

  test('is not answered over UDP by dgram, which would answer from another address', () => {
    const sockets = [handed('udp', '0.0.0.0'), handed('tcp', '0.0.0.0')]
    const { fitting, unfit } = fitSockets(sockets, { ...wildcard, transport: 'dgram' })
    expect(fitting).toEqual([sockets[1]])
    expect(unfit[0]?.why).toContain('list addresses, or use mmsg')
  })
})

test('an endpoint has come bound for the protocol of its socket alone', () => {
  const isBound = isHanded([handed('udp', '192.0.2.53')])
  expect(isBound('udp', at('192.0.2.53'))).toBe(true)
  expect(isBound('tcp', at('192.0.2.53'))).toBe(false)
  expect(isBound('udp', at('192.0.2.53', 54))).toBe(false)
})
