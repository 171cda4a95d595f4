import { expect, test } from 'vitest'
import { connectionFault } from '../../../src/probe/smtp/smtp-script.ts'
import { SmtpDialogue } from '../../../src/probe/smtp/smtp-dialogue.ts'
import { quickProfile } from '../../support/probe-profile.ts'

const dead = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'EPIPE']
const self = [
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ENETUNREACH',
  'ENOBUFS',
  'EACCES',
  'EPERM',
  'EAFNOSUPPORT',
  'EWHATEVER',
]

const failing = (errno: string): unknown => {
  const dialogue = new SmtpDialogue(quickProfile())
  dialogue.feed({ kind: 'start' }, 0)
  return dialogue.feed({ kind: 'failed', errno }, 7)[0]
}

test.each(dead)('%s is the target: dead', (errno) => {
  const { kind, reason } = connectionFault(errno)
  expect(kind).toBe('dead')
  expect(failing(errno)).toMatchObject({
    outcome: { kind, reason, durationMs: 7 },
    close: 'destroy',
  })
})

test.each(self)('%s is this host: self', (errno) => {
  const { kind, reason } = connectionFault(errno)
  expect(kind).toBe('self')
  expect(failing(errno)).toMatchObject({ outcome: { kind, reason } })
})

test('a local fault after the greeting is still ours', () => {
  const dialogue = new SmtpDialogue(quickProfile())
  dialogue.feed({ kind: 'start' }, 0)
  dialogue.feed({ kind: 'connected' }, 1)
  dialogue.feed({ kind: 'octets', octets: Buffer.from('220 mx\r\n') }, 2)
  expect(dialogue.feed({ kind: 'failed', errno: 'ENETUNREACH' }, 3)[0]).toMatchObject({
    outcome: { kind: 'self' },
  })
})
