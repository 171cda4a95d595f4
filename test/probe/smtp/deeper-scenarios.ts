// Scripts for an MTA beyond the greeting and EHLO: MAIL and RCPT, what is expected, slow greetings, PROXY.

import type { Step } from '../../support/scripted-mta.ts'
import { type Scenario, patient, soonMs } from './smtp-scenarios.ts'

const ehlo = 'EHLO probe.example.com\r\n'
const quit = 'QUIT\r\n'
const mailFrom = 'MAIL FROM:<>\r\n'
const rcptTo = 'RCPT TO:<canary@example.com>\r\n'
const rset = 'RSET\r\n'
const bye: readonly Step[] = [{ expect: 'QUIT' }, { send: '221 bye\r\n' }, 'end']
const answer = (command: string, line: string): readonly Step[] => [
  { expect: command },
  { send: `${line}\r\n` },
]
/** A reply of so many lines. */
const linesOf = (count: number, code: string, text = 'mx.example.com'): string =>
  Array.from({ length: count }, (_, i) => `${code}${i + 1 < count ? '-' : ' '}${text}\r\n`).join('')
const greeted: readonly Step[] = [{ send: '220 mx ESMTP Postfix\r\n' }, ...answer('EHLO', '250 mx')]
const mailed = [...greeted, ...answer('MAIL', '250 2.1.0 Ok')]
const left = [...answer('RSET', '250 2.0.0 Ok'), ...bye]
const canary = { recipient: 'canary@example.com' }
const slow = { slowAfterMs: 200, commandTimeoutMs: 20_000 }

type Ending = Pick<Scenario, 'kind' | 'reason' | 'code' | 'writes'>

const mail = (name: string, script: readonly Step[], ending: Ending): Scenario => ({
  name: `MAIL: ${name}`,
  level: 'mail',
  script: [...greeted, ...script],
  ...ending,
})

const rcpt = (name: string, script: readonly Step[], ending: Ending): Scenario => ({
  name: `RCPT: ${name}`,
  level: 'rcpt',
  profile: canary,
  script: [...mailed, ...script],
  ...ending,
})

const mailWrites = [ehlo, mailFrom, quit]
const rcptWrites = [ehlo, mailFrom, rcptTo, rset, quit]
const ok = { kind: 'ok', reason: 'ok', code: 250 } as const

export const deeperScenarios: readonly Scenario[] = [
  {
    name: 'level connect: nothing is read and nothing said',
    level: 'connect',
    script: [{ send: '554 go away\r\n' }],
    kind: 'ok',
    reason: 'ok',
    writes: [],
    profile: patient,
    withinMs: soonMs,
  },
  mail('taken', [...answer('MAIL', '250 2.1.0 Ok'), ...left], {
    ...ok,
    writes: [ehlo, mailFrom, rset, quit],
  }),
  mail('RSET unanswered is no failure', answer('MAIL', '250 Ok'), {
    ...ok,
    writes: [ehlo, mailFrom, rset],
  }),
  mail(
    'after RSET the connection is reset',
    [...answer('MAIL', '250 Ok'), { expect: 'RSET' }, 'reset'],
    {
      ...ok,
    },
  ),
  mail('a full disk', [...answer('MAIL', '452 4.3.1 Insufficient system storage'), ...bye], {
    kind: 'busy',
    reason: 'mail-busy',
    code: 452,
    writes: mailWrites,
  }),
  mail('policy, for now', [...answer('MAIL', '450 4.7.1 Greylisted'), ...bye], {
    kind: 'refusing',
    reason: 'mail-policy',
    code: 450,
    writes: mailWrites,
  }),
  mail('refused', [...answer('MAIL', '550 no null sender'), ...bye], {
    kind: 'refusing',
    reason: 'mail-refusing',
    code: 550,
    writes: mailWrites,
  }),
  mail('421: it closes', [...answer('MAIL', '421 4.3.2 closing'), 'end'], {
    kind: 'stuck',
    reason: 'mail-rejected',
    code: 421,
  }),
  mail('unanswered', [{ expect: 'MAIL' }], {
    kind: 'stuck',
    reason: 'mail-timeout',
    writes: [ehlo, mailFrom],
  }),
  mail('end of stream', [{ expect: 'MAIL' }, 'end'], { kind: 'stuck', reason: 'mail-eof' }),
  mail('reset', [{ expect: 'MAIL' }, 'reset'], { kind: 'stuck', reason: 'mail-reset' }),
  mail('354 makes no sense', [...answer('MAIL', '354 go ahead'), ...bye], {
    kind: 'garbage',
    reason: 'unexpected-code',
    code: 354,
  }),
  rcpt('taken', [...answer('RCPT', '250 2.1.5 Ok'), ...left], { ...ok, writes: rcptWrites }),
  rcpt('251 is taken too', [...answer('RCPT', '251 forwarded'), ...left], {
    ...ok,
    code: 251,
    writes: rcptWrites,
  }),
  rcpt('unknown', [...answer('RCPT', '550 5.1.1 unknown'), ...left], {
    kind: 'refusing',
    reason: 'rcpt-refusing',
    code: 550,
    writes: rcptWrites,
  }),
  rcpt('later', [...answer('RCPT', '451 4.3.0 backend down'), ...left], {
    kind: 'busy',
    reason: 'rcpt-busy',
    code: 451,
    writes: rcptWrites,
  }),
  rcpt('unanswered', [{ expect: 'RCPT' }], {
    kind: 'stuck',
    reason: 'rcpt-timeout',
    writes: [ehlo, mailFrom, rcptTo],
  }),
  {
    name: 'a slow greeting',
    profile: { slowAfterMs: 200, bannerTimeoutMs: 20_000 },
    script: [{ waitMs: 2000 }, ...greeted, ...bye],
    kind: 'slow',
    reason: 'banner-slow',
    code: 250,
    atLeastMs: 1990,
  },
  {
    name: 'slow, and busy after all',
    profile: { slowAfterMs: 200, bannerTimeoutMs: 20_000 },
    script: [{ waitMs: 500 }, { send: '421 busy\r\n' }, ...bye],
    kind: 'busy',
    reason: 'banner-busy',
    code: 421,
  },
  {
    name: 'the slow mark does not put off the deadline',
    profile: { slowAfterMs: 200, bannerTimeoutMs: 700 },
    script: [],
    kind: 'mute',
    reason: 'banner-timeout',
    atLeastMs: 690,
  },
  {
    name: 'a slow reply to EHLO',
    profile: slow,
    script: [
      { send: '220 mx\r\n' },
      { expect: 'EHLO' },
      { waitMs: 500 },
      { send: '250 mx\r\n' },
      ...bye,
    ],
    kind: 'slow',
    reason: 'ehlo-slow',
    code: 250,
    writes: [ehlo, quit],
    atLeastMs: 490,
  },
  {
    name: 'a slow reply to HELO',
    profile: slow,
    script: [
      { send: '220 mx\r\n' },
      ...answer('EHLO', '502 no'),
      { expect: 'HELO' },
      { waitMs: 500 },
      { send: '250 mx\r\n' },
      ...bye,
    ],
    kind: 'slow',
    reason: 'ehlo-slow',
    code: 250,
    atLeastMs: 490,
  },
  {
    name: 'slow in the greeting and after: the first is named',
    profile: { slowAfterMs: 200, bannerTimeoutMs: 20_000, commandTimeoutMs: 20_000 },
    script: [
      { waitMs: 2000 },
      { send: '220 mx\r\n' },
      { expect: 'EHLO' },
      { waitMs: 500 },
      { send: '250 mx\r\n' },
      ...bye,
    ],
    kind: 'slow',
    reason: 'banner-slow',
    code: 250,
    atLeastMs: 2480,
  },
  {
    name: 'the slow mark does not put off the deadline of a command',
    profile: { slowAfterMs: 200, commandTimeoutMs: 700 },
    script: [{ send: '220 mx\r\n' }, { expect: 'EHLO' }],
    kind: 'stuck',
    reason: 'ehlo-timeout',
    writes: [ehlo],
    atLeastMs: 690,
  },
  {
    name: 'a QUIT that is unanswered is not slow',
    profile: { slowAfterMs: 200, commandTimeoutMs: 700 },
    script: greeted,
    ...ok,
    atLeastMs: 690,
  },
  {
    name: 'a slow reply to RCPT',
    level: 'rcpt',
    profile: { ...canary, ...slow },
    script: [...mailed, { expect: 'RCPT' }, { waitMs: 500 }, { send: '250 Ok\r\n' }, ...left],
    kind: 'slow',
    reason: 'rcpt-slow',
    code: 250,
    writes: rcptWrites,
    atLeastMs: 490,
  },
  {
    name: 'a greeting of 100 lines, and a reply of 100',
    script: [
      { send: linesOf(100, '220') },
      { expect: 'EHLO' },
      { send: linesOf(100, '250') },
      ...bye,
    ],
    ...ok,
    writes: [ehlo, quit],
  },
  {
    name: 'a greeting of 101 lines',
    script: [{ send: linesOf(101, '220') }],
    kind: 'garbage',
    reason: 'too-many-lines',
    writes: [],
  },
  {
    name: 'a greeting of 100 lines beyond the budget of octets',
    script: [{ send: linesOf(100, '220', 'a'.repeat(160)) }],
    kind: 'garbage',
    reason: 'too-many-octets',
    writes: [],
  },
  {
    name: 'the banner that is expected',
    profile: { expect: { banner: ['postfix', 'ESMTP'], ehlo: [] } },
    script: [...greeted, ...bye],
    ...ok,
  },
  {
    name: 'another banner than expected',
    profile: { expect: { banner: ['Exim'], ehlo: [] } },
    script: [...greeted, ...bye],
    kind: 'garbage',
    reason: 'banner-unexpected',
    code: 220,
    writes: [quit],
  },
  {
    name: 'the keywords that are expected',
    profile: { expect: { banner: [], ehlo: ['SIZE', 'smtputf8'] } },
    script: [
      { send: '220 mx\r\n' },
      ...answer('EHLO', '250-mx\r\n250-SIZE 1000\r\n250 SMTPUTF8'),
      ...bye,
    ],
    ...ok,
  },
  {
    name: 'a keyword is missing, though the greeting has the word',
    profile: { expect: { banner: [], ehlo: ['STARTTLS'] } },
    script: [{ send: '220 mx\r\n' }, ...answer('EHLO', '250-starttls\r\n250 SIZE'), ...bye],
    kind: 'stuck',
    reason: 'ehlo-lacks-keyword',
    code: 250,
    writes: [ehlo, quit],
  },
]
