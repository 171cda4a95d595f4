// Scripts for an MTA, and what one probe must make of each. Timeouts are a tenth of the defaults:
// see test/support/probe-profile.ts.

import type { OutcomeKind } from '../../../src/health/outcome.ts'
import type { ProbeLevel, ProbeProfile } from '../../../src/probe/smtp/profile.ts'
import type { Step } from '../../support/scripted-mta.ts'

export interface Scenario {
  readonly name: string
  readonly script: readonly Step[]
  readonly level?: ProbeLevel
  readonly profile?: Partial<ProbeProfile>
  readonly kind: OutcomeKind
  readonly reason: string
  readonly code?: number
  /** Every chunk that the MTA must have got, in order; a chunk is a write. */
  readonly writes?: readonly string[]
  readonly withinMs?: number
  readonly atLeastMs?: number
}

/** Deadlines far beyond `soonMs`: what ends by then did not wait for one. */
export const patient: Partial<ProbeProfile> = {
  connectTimeoutMs: 60_000,
  bannerTimeoutMs: 60_000,
  commandTimeoutMs: 60_000,
}
/** At once, on a machine with other things to do. */
export const soonMs = 30_000
const promptly = { profile: patient, withinMs: soonMs }

const ehlo = 'EHLO probe.example.com\r\n'
const helo = 'HELO probe.example.com\r\n'
const quit = 'QUIT\r\n'
const bye: readonly Step[] = [{ expect: 'QUIT' }, { send: '221 bye\r\n' }, 'end']
const greetedThen = (...steps: readonly Step[]): readonly Step[] => [
  { send: '220 mx ESMTP\r\n' },
  { expect: 'EHLO' },
  ...steps,
]
/** What a decent MTA does after its banner. */
export const answered: readonly Step[] = [{ expect: 'EHLO' }, { send: '250 mx\r\n' }, ...bye]
const refusedWith = (line: string): readonly Step[] => [{ send: `${line}\r\n` }, ...bye]
const silent: readonly string[] = []

export const scenarios: readonly Scenario[] = [
  {
    name: 'plain 220',
    script: greetedThen({ send: '250 mx\r\n' }, ...bye),
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, quit],
    ...promptly,
  },
  {
    name: '220 at level banner',
    level: 'banner',
    script: [{ send: '220 mx\r\n' }, ...bye],
    kind: 'ok',
    reason: 'ok',
    code: 220,
    writes: [quit],
  },
  {
    name: 'bare 220, bare LF',
    script: [{ send: '220\n' }, { expect: 'EHLO' }, { send: '250\n' }, ...bye],
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, quit],
  },
  {
    name: 'postscreen teaser, then 300 ms',
    script: [{ send: '220-mx\r\n' }, { waitMs: 300 }, { send: '220 mx ESMTP\r\n' }, ...answered],
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, quit],
    atLeastMs: 295,
  },
  {
    name: 'banner one octet a segment',
    script: [{ drip: '220-mx one\r\n220 mx two\r\n', everyMs: 2 }, ...answered],
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, quit],
  },
  {
    name: 'teaser, then nothing',
    script: [{ send: '220-mx\r\n' }],
    kind: 'mute',
    reason: 'banner-timeout',
    writes: silent,
    atLeastMs: 990,
  },
  {
    name: 'teaser, then busy',
    script: [
      { send: '220-mx\r\n' },
      { waitMs: 20 },
      { send: '421 4.3.2 All screening ports are busy\r\n' },
      ...bye,
    ],
    kind: 'busy',
    reason: 'banner-busy',
    code: 421,
    writes: [quit],
  },
  {
    name: '421',
    script: refusedWith('421 too busy'),
    kind: 'busy',
    reason: 'banner-busy',
    code: 421,
    writes: [quit],
  },
  {
    name: '421 4.7.0',
    script: refusedWith('421 4.7.0 Try again later'),
    kind: 'refusing',
    reason: 'banner-policy',
    code: 421,
    writes: [quit],
  },
  {
    name: '421 too many connections, without an enhanced code',
    script: refusedWith('421 mx Error: Too many connections from you'),
    kind: 'refusing',
    reason: 'banner-policy',
    code: 421,
  },
  {
    name: '421 and closed',
    script: [{ send: '421 4.3.2 shutting down\r\n' }, 'end'],
    kind: 'busy',
    reason: 'banner-busy',
    code: 421,
  },
  {
    name: '451',
    script: refusedWith('451 later'),
    kind: 'busy',
    reason: 'banner-busy',
    code: 451,
    writes: [quit],
  },
  {
    name: '554',
    script: refusedWith('554 no service'),
    kind: 'refusing',
    reason: 'banner-refusing',
    code: 554,
    writes: [quit],
  },
  {
    name: '521 5.7.1',
    script: refusedWith('521 5.7.1 blocked'),
    kind: 'refusing',
    reason: 'banner-policy',
    code: 521,
  },
  {
    name: 'mute',
    script: [],
    kind: 'mute',
    reason: 'banner-timeout',
    writes: silent,
    atLeastMs: 990,
  },
  {
    name: 'end of stream at once',
    script: ['end'],
    kind: 'mute',
    reason: 'banner-eof',
    writes: silent,
  },
  {
    name: 'end of stream in the banner',
    script: [{ send: '220 mx.exam' }, 'end'],
    kind: 'mute',
    reason: 'banner-eof',
    writes: silent,
  },
  {
    name: 'reset after accept',
    script: [{ waitMs: 20 }, 'reset'],
    kind: 'dead',
    reason: 'connection-reset',
    writes: silent,
  },
  {
    name: 'reset in the banner',
    script: [{ send: '220-mx\r\n' }, { waitMs: 20 }, 'reset'],
    kind: 'dead',
    reason: 'connection-reset',
    writes: silent,
  },
  {
    name: 'garbage',
    script: [{ send: 'hello, who is there?\r\n' }],
    kind: 'garbage',
    reason: 'not-smtp',
    writes: silent,
    ...promptly,
  },
  {
    name: 'short garbage, then silence',
    script: [{ send: 'hi' }],
    kind: 'garbage',
    reason: 'not-smtp',
    writes: silent,
  },
  {
    name: 'HTTP',
    script: [{ send: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, 'end'],
    kind: 'garbage',
    reason: 'http',
    writes: silent,
  },
  {
    name: 'TLS',
    script: [{ send: Uint8Array.of(22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3) }],
    kind: 'garbage',
    reason: 'tls',
    writes: silent,
    ...promptly,
  },
  {
    name: 'TLS alert',
    script: [{ send: Uint8Array.of(21, 3, 1, 0, 2, 2, 70) }, 'end'],
    kind: 'garbage',
    reason: 'tls',
    writes: silent,
  },
  {
    name: 'SSH',
    script: [{ send: 'SSH-2.0-x\r\n' }],
    kind: 'garbage',
    reason: 'not-smtp',
    writes: silent,
  },
  {
    name: 'NNTP: 200',
    script: refusedWith('200 news'),
    kind: 'garbage',
    reason: 'unexpected-code',
    code: 200,
    writes: silent,
  },
  {
    name: 'endless line',
    script: [{ send: '220 ' }, { endless: 'a'.repeat(1000) }],
    kind: 'garbage',
    reason: 'line-too-long',
    writes: silent,
  },
  {
    name: 'endless 220- lines',
    script: [{ endless: '220-mx\r\n' }],
    kind: 'garbage',
    reason: 'too-many-lines',
    writes: silent,
    ...promptly,
  },
  {
    name: 'long 220- lines',
    script: [{ endless: `220-${'a'.repeat(1900)}\r\n` }],
    kind: 'garbage',
    reason: 'too-many-octets',
    writes: silent,
    ...promptly,
  },
  {
    name: 'an octet each 100 ms',
    script: [{ drip: '220 mx.example.com ESMTP\r\n', everyMs: 100 }],
    kind: 'mute',
    reason: 'banner-timeout',
    writes: silent,
  },
  {
    name: 'mixed codes',
    script: [{ send: '220-mx\r\n250 mx\r\n' }],
    kind: 'garbage',
    reason: 'mixed-codes',
    code: 250,
    writes: silent,
  },
  {
    name: 'NUL, 8-bit and lower case',
    script: [{ send: '220 mx \0\xe9\xff esmtp\r\n' }, ...answered],
    kind: 'ok',
    reason: 'ok',
    code: 250,
  },
  {
    name: 'EHLO many lines',
    script: greetedThen(
      { send: '250-mx\r\n250-SIZE 1\r\n' },
      { waitMs: 20 },
      { send: '250 HELP\r\n' },
      ...bye,
    ),
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, quit],
  },
  {
    name: 'EHLO 502, HELO',
    script: greetedThen({ send: '502 no\r\n' }, { expect: 'HELO' }, { send: '250 mx\r\n' }, ...bye),
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, helo, quit],
  },
  {
    name: 'EHLO and HELO refused',
    script: greetedThen({ send: '502 no\r\n' }, { expect: 'HELO' }, { send: '504 no\r\n' }, ...bye),
    kind: 'stuck',
    reason: 'ehlo-rejected',
    code: 504,
    writes: [ehlo, helo, quit],
  },
  {
    name: 'EHLO unanswered: no QUIT on top',
    script: greetedThen(),
    kind: 'stuck',
    reason: 'ehlo-timeout',
    writes: [ehlo],
    atLeastMs: 490,
  },
  {
    name: 'EHLO 421',
    script: greetedThen({ send: '421 4.3.2 closing\r\n' }, 'end'),
    kind: 'stuck',
    reason: 'ehlo-rejected',
    code: 421,
  },
  {
    name: 'EHLO 250-, then 421',
    script: greetedThen({ send: '250-mx\r\n421 closing\r\n' }, 'end'),
    kind: 'stuck',
    reason: 'ehlo-rejected',
    code: 421,
  },
  {
    name: 'EHLO, then end of stream',
    script: greetedThen('end'),
    kind: 'stuck',
    reason: 'ehlo-eof',
    writes: [ehlo],
  },
  {
    name: 'EHLO, then reset',
    script: greetedThen('reset'),
    kind: 'stuck',
    reason: 'ehlo-reset',
    writes: [ehlo],
  },
  {
    name: 'EHLO answered with garbage',
    script: greetedThen({ send: 'what?\r\n' }),
    kind: 'garbage',
    reason: 'not-smtp',
    writes: [ehlo],
  },
  {
    name: 'a second reply before EHLO is not the reply to it',
    script: [
      { send: '220 mx\r\n250 early\r\n' },
      { expect: 'EHLO' },
      { send: '554 no\r\n' },
      { expect: 'HELO' },
      { send: '554 no\r\n' },
      ...bye,
    ],
    kind: 'stuck',
    reason: 'ehlo-rejected',
    code: 554,
    writes: [ehlo, helo, quit],
  },
  {
    name: 'QUIT unanswered',
    script: greetedThen({ send: '250 mx\r\n' }),
    kind: 'ok',
    reason: 'ok',
    code: 250,
    writes: [ehlo, quit],
    atLeastMs: 490,
  },
  {
    name: 'QUIT answered with a reset',
    script: greetedThen({ send: '250 mx\r\n' }, { expect: 'QUIT' }, 'reset'),
    kind: 'ok',
    reason: 'ok',
    code: 250,
  },
  {
    name: 'QUIT answered with an endless line',
    script: greetedThen({ send: '250 mx\r\n' }, { expect: 'QUIT' }, { endless: 'a'.repeat(1000) }),
    kind: 'ok',
    reason: 'ok',
    code: 250,
    ...promptly,
  },
]
