// Names in greetings, out of dialogues that probes really had with scripted MTAs.

import { describe, expect, it } from 'vitest'

import {
  greetingOf,
  type Observations,
  findingsOf,
  type CheckedAddress,
  redactedList,
} from '../../src/reputation/findings.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type ProbeLevel, profileDefaults } from '../../src/probe/smtp/profile.ts'
import { probeAddress } from '../../src/probe/smtp/smtp-probe.ts'
import { type Step, startScriptedMta } from '../support/scripted-mta.ts'

async function greetingAfter(level: ProbeLevel, script: readonly Step[]) {
  const mta = await startScriptedMta(script)
  const profile = { ...profileDefaults, name: 'p', port: mta.port, ehlo: 'probe.test', level }
  const outcome = await probeAddress({ address: '127.0.0.1', profile }, systemClock)
  await mta.close()
  return greetingOf(outcome.dialogue)
}

const rest = (reply: string): readonly Step[] => [
  { expect: 'EHLO' },
  { send: reply },
  { expect: 'QUIT' },
  { send: '221 bye\r\n' },
  'end',
]

describe('names in greetings', () => {
  it('in banner and EHLO', async () => {
    const script = [
      { send: '220 MX1.example.test. ESMTP\r\n' },
      ...rest('250-mx1.Example.test hello probe.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n'),
    ]
    expect(await greetingAfter('ehlo', script)).toEqual({
      banner: 'mx1.example.test',
      ehlo: 'mx1.example.test',
    })
  })

  it('in the last line of a banner of several', async () => {
    const script = [
      { send: '220-teaser.example.test ESMTP\r\n' },
      { send: '220 mx1.example.test ESMTP\r\n' },
      ...rest('250 mx1.example.test\r\n'),
    ]
    expect(await greetingAfter('ehlo', script)).toMatchObject({ banner: 'mx1.example.test' })
  })

  it('in the reply to HELO, where EHLO is refused', async () => {
    const script: readonly Step[] = [
      { send: '220 mx1.example.test\r\n' },
      { expect: 'EHLO' },
      { send: '502 what?\r\n' },
      { expect: 'HELO' },
      { send: '250 old.example.test\r\n' },
      { expect: 'QUIT' },
      { send: '221 bye\r\n' },
      'end',
    ]
    expect(await greetingAfter('ehlo', script)).toEqual({
      banner: 'mx1.example.test',
      ehlo: 'old.example.test',
    })
  })

  it('as far as the dialogue goes', async () => {
    const script: readonly Step[] = [
      { send: '220 mx1.example.test\r\n' },
      { expect: 'QUIT' },
      { send: '221 bye\r\n' },
      'end',
    ]
    expect(await greetingAfter('banner', script)).toEqual({
      banner: 'mx1.example.test',
      ehlo: null,
    })
  })

  it('not in a greeting that refuses, nor in silence', async () => {
    expect(await greetingAfter('ehlo', [{ send: '421 busy.example.test\r\n' }, 'end'])).toBeNull()
    expect(await greetingAfter('ehlo', ['end'])).toBeNull()
  })

  it('not where nothing is said', async () => {
    const script = [{ send: '220 \r\n' }, ...rest('250\r\n')]
    expect(await greetingAfter('ehlo', script)).toEqual({ banner: null, ehlo: null })
  })
})

describe('findings', () => {
  const watched = (greeting = true): CheckedAddress => ({
    zone: 'example.test',
    pool: 'p',
    target: 'mx1',
    exchange: 'mx1.example.test',
    address: '192.0.2.25',
    weight: 1,
    profile: { greeting, ptr: true, lists: [], intervalMs: 1, holdMs: 1, agree: 1, listedShare: 1 },
  })
  const nothing: Observations = { greeting: null, reverse: null, listings: new Map() }
  const listing = { sinceMs: 0, seenMs: 0, codes: ['127.0.0.2'] }
  const kinds = (seen: Partial<Observations>, greeting?: boolean) =>
    findingsOf(watched(greeting), { ...nothing, ...seen }).map(({ kind }) => kind)

  it.each<[string, Partial<Observations>, readonly string[]]>([
    ['nothing seen', {}, []],
    ['the exchange', { greeting: { banner: 'mx1.example.test', ehlo: 'mx1.example.test' } }, []],
    [
      'another banner',
      { greeting: { banner: 'a.test', ehlo: 'mx1.example.test' } },
      ['banner-name'],
    ],
    [
      'another name in EHLO',
      { greeting: { banner: 'mx1.example.test', ehlo: 'x' } },
      ['ehlo-name'],
    ],
    ['names not said', { greeting: { banner: null, ehlo: null } }, []],
    ['no PTR', { reverse: { kind: 'missing' } }, ['ptr-missing']],
    ['a PTR that lies', { reverse: { kind: 'unconfirmed', names: ['x'] } }, ['ptr-unconfirmed']],
    ['a PTR that could not be looked up', { reverse: { kind: 'unknown', why: 'timeout' } }, []],
    ['a PTR that leads back', { reverse: { kind: 'confirmed', names: ['x'] } }, []],
    [
      'a listing',
      { listings: new Map([['l.test', { ...listing, isBelieved: true }]]) },
      ['listed'],
    ],
    [
      'one not believed',
      { listings: new Map([['l.test', { ...listing, isBelieved: false }]]) },
      [],
    ],
  ])('%s', (_, seen, expected) => {
    expect(kinds(seen)).toEqual(expected)
  })

  it('do not cover greetings unless configured', () => {
    expect(kinds({ greeting: { banner: 'a.test', ehlo: 'b.test' } }, false)).toEqual([])
  })

  it('do not show the key in the name of a list', () => {
    expect(redactedList('a1b2c3d4e5f6g7h8i9j0k1l2m3.zen.dq.example.net')).toBe(
      '***.zen.dq.example.net',
    )
    expect(redactedList('zen.example.org')).toBe('zen.example.org')
  })
})
