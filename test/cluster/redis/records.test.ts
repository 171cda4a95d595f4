import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { formatOverride, parseOverride } from '../../../src/cluster/redis/overrides.ts'
import { errorCode } from '../../../src/cluster/link/error-code.ts'
import {
  formatHeartbeat,
  formatHint,
  formatVote,
  parseHeartbeat,
  parseHint,
  parseVote,
} from '../../../src/cluster/redis/schema.ts'

describe('what is written is read back', () => {
  it('of heartbeats', () => {
    const beat = { epoch: 7, sequence: 0, state: 'suspect', site: 'fra-1.x' } as const
    for (const config of [null, 'abcdefghijkl-_90'])
      expect(parseHeartbeat(formatHeartbeat({ ...beat, config }))).toEqual({ ...beat, config })
  })

  it('of votes, whatever the reason', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('U' as const, 'D' as const),
        (reason, state) => {
          const read = parseVote(formatVote({ state, epoch: 3, reason, sequence: null }))
          expect(read).toMatchObject({ state, epoch: 3 })
          if (/^[a-z0-9-]{1,64}$/.test(reason)) expect(read?.reason).toBe(reason)
        },
      ),
    )
  })

  it('of hints', () => {
    const abouts = ['votes', 'overrides', { endpoint: 'abcdefghijkl-_90' }] as const
    for (const about of abouts)
      expect(parseHint(formatHint({ instance: 'a', about }))).toEqual({ instance: 'a', about })
  })
})

test.each([
  null,
  undefined,
  7,
  [],
  {},
  '',
  'U',
  'U|1',
  'U|0|ok',
  'X|1|ok',
  'U|1|OK',
  'U|1|ok|',
  ' U|1|ok',
  'U|1|ok\n',
  'U|99999999999999999|ok',
  `U|1|${'o'.repeat(65)}`,
  '1|1|ok|',
  '1|1|up|fra',
  '-1|1|ok|fra',
  '1|1|ok|fra|',
  '1|1|ok|fra|abcdefghijkl-_9',
  '1|1|ok|fra|abcdefghijkl-_90|x',
  '1|1.5|ok|fra',
  '1|1|ok|fra nyc',
  `1|1|ok|${'x'.repeat(64)}`,
])('%j is neither a vote nor a heartbeat', (value) => {
  expect(parseVote(value)).toBeNull()
  expect(parseHeartbeat(value)).toBeNull()
})

const override = {
  id: 'a1',
  zone: 'z.test',
  target: 'mx1',
  pool: null,
  action: { kind: 'weight', weight: { unit: 'factor', value: 0.5 } },
  why: 'disk',
  by: 'me',
  setMs: 1,
  untilMs: 2,
} as const

describe('an override', () => {
  it('is read as it was written', () => {
    expect(parseOverride(formatOverride(override))?.override).toEqual(override)
  })

  it.each([
    { id: '' },
    { zone: 7 },
    { pool: '' },
    { action: { kind: 'explode' } },
    { action: { kind: 'weight', weight: { unit: 'share', value: 1 } } },
    { action: { kind: 'weight', weight: { unit: 'factor', value: null } } },
    { action: { kind: 'drain' }, untilMs: null },
    { why: 'x'.repeat(201) },
    { by: '\u202e' },
    { setMs: -1 },
    { untilMs: 1e300 },
    { untilMs: '2' },
  ])('is none with %j', (strange) => {
    expect(parseOverride(JSON.stringify({ ...override, ...strange }))).toBeNull()
  })

  it('is not accepted in any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => parseOverride(text) === null))
    fc.assert(fc.property(fc.json(), (text) => parseOverride(text) === null))
    expect(parseOverride(`${' '.repeat(3000)}${formatOverride(override)}`)).toBeNull()
  })
})

test('an error yields its code, never what was sent', () => {
  const of = (message: string, code?: string): string =>
    errorCode(Object.assign(new Error(message), code ? { code } : {}))
  expect(of('connect ECONNREFUSED 10.0.0.1:6379', 'ECONNREFUSED')).toBe('ECONNREFUSED')
  expect(of('WRONGPASS invalid username-password pair or user is disabled.')).toBe('WRONGPASS')
  expect(of("NOPERM this user has no permissions to run the 'set' command")).toBe('NOPERM')
  expect(of('Command timed out')).toBe('TIMEOUT')
  expect(of('auth hunter2 went wrong', 'hunter2')).toBe('CLOSED')
  expect(errorCode(null)).toBe('CLOSED')
  const aborted = new Error('EXECABORT Transaction discarded because of previous errors.')
  expect(errorCode(aborted)).toBe('EXECABORT')
  const previousErrors = [new Error('OOM command not allowed when used memory > maxmemory.')]
  expect(errorCode(Object.assign(aborted, { previousErrors }))).toBe('OOM')
})
