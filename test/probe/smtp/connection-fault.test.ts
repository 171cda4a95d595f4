// Who is at fault for a socket error, by its errno and by whether this host can send to the target.

import { expect, test } from 'vitest'
import { canSendTo, connectionFault } from '../../../src/probe/smtp/connection-fault.ts'
import { SmtpDialogue } from '../../../src/probe/smtp/smtp-dialogue.ts'
import { quickProfile } from '../../support/probe-profile.ts'

const dead = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE']
const self = [
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ENETDOWN',
  'ENOBUFS',
  'EPERM',
  'EAFNOSUPPORT',
  'EINVAL',
  'EWHATEVER',
]
/** Errors of ICMP and of reject routes alike: errno, outcome where this host can send, outcome where it cannot. */
const either: readonly (readonly [errno: string, onTheWay: string, here: string])[] = [
  ['ENETUNREACH', 'network-unreachable', 'local-no-route'],
  ['EHOSTUNREACH', 'host-unreachable', 'local-no-route'],
  ['EHOSTDOWN', 'host-unreachable', 'local-no-route'],
  ['ENONET', 'host-unreachable', 'local-no-route'],
  ['EACCES', 'admin-prohibited', 'local-permission'],
  ['ENOPROTOOPT', 'protocol-unreachable', 'local-fault'],
  ['EPROTO', 'protocol-unreachable', 'local-fault'],
  ['EOPNOTSUPP', 'network-unreachable', 'local-fault'],
]

const failing = (errno: string, canSend?: boolean): unknown => {
  const dialogue = new SmtpDialogue(quickProfile())
  dialogue.feed({ kind: 'start' }, 0)
  const asked = canSend === undefined ? {} : { canSend }
  return dialogue.feed({ kind: 'failed', errno, ...asked }, 7)[0]
}

test.each(dead)('%s is the target: dead', (errno) => {
  const { kind, reason } = connectionFault(errno)
  expect(kind).toBe('dead')
  expect(failing(errno)).toMatchObject({
    outcome: { kind, reason, durationMs: 7 },
    close: 'destroy',
  })
})

test.each(self)('%s is this host: self, whatever it can send to', (errno) => {
  for (const canSend of [undefined, false, true])
    expect(failing(errno, canSend)).toMatchObject({ outcome: { kind: 'self' } })
})

test.each(either)('%s: dead, %s, from the way; self, %s, from here', (errno, onTheWay, here) => {
  expect(failing(errno, true)).toMatchObject({ outcome: { kind: 'dead', reason: onTheWay } })
  expect(failing(errno, false)).toMatchObject({ outcome: { kind: 'self', reason: here } })
  expect(failing(errno)).toMatchObject({ outcome: { kind: 'self', reason: here } })
})

test.each([
  [undefined, 'self', 'local-no-route'],
  [false, 'self', 'local-no-route'],
  [true, 'stuck', 'ehlo-reset'],
])('unreachable after the greeting, this host can send: %s', (canSend, kind, reason) => {
  const dialogue = new SmtpDialogue(quickProfile())
  dialogue.feed({ kind: 'start' }, 0)
  dialogue.feed({ kind: 'connected' }, 1)
  dialogue.feed({ kind: 'octets', octets: Buffer.from('220 mx\r\n') }, 2)
  const asked = canSend === undefined ? {} : { canSend }
  const [action] = dialogue.feed({ kind: 'failed', errno: 'ENETUNREACH', ...asked }, 3)
  expect(action).toMatchObject({ outcome: { kind, reason } })
})

test.each([
  ['127.0.0.1', null, true],
  ['::1', null, true],
  ['127.0.0.1', '127.0.0.9', true],
  // Not of this host.
  ['127.0.0.1', '192.0.2.77', false],
  // Linux forbids it to sockets that do not ask for broadcasts.
  ['255.255.255.255', null, false],
])('the kernel has a way to %s from %s: %s', async (address, source, expected) => {
  expect(await canSendTo({ address, port: 25 }, source)).toBe(expected)
})
