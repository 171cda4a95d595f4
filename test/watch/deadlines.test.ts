// Deadlines as they are by default, over real sockets: each holds, whatever drips in meanwhile. What
// drips would put them off to thirty seconds and more.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemClock } from '../../src/lib/clock.ts'
import type { Outcome } from '../../src/health/outcome.ts'
import { type ProbeProfile, profileDefaults } from '../../src/probe/smtp/profile.ts'
import { probeAddress } from '../../src/probe/smtp/smtp-probe.ts'
import { freePort } from '../support/free-ports.ts'
import { type FreezableHost, startFreezableHost } from '../support/freezable-host.ts'
import { type Step, startScriptedMta } from '../support/scripted-mta.ts'

const frozenAddress = '127.0.0.97'
let frozen: FreezableHost
let frozenPort = 0

beforeAll(async () => {
  frozenPort = await freePort([frozenAddress])
  frozen = await startFreezableHost([frozenAddress], frozenPort)
  await frozen.freeze()
}, 600_000)
afterAll(() => frozen?.close())

const greeting = '220 mx.example.test ESMTP\r\n'
const ehlo: readonly Step[] = [{ send: greeting }, { expect: 'EHLO' }]
const starttls: readonly Step[] = [
  ...ehlo,
  { send: '250-mx\r\n250 STARTTLS\r\n' },
  { expect: 'STARTTLS' },
  { send: '220 go\r\n' },
]
const drip = greeting.repeat(3)

interface Case {
  readonly script: readonly Step[]
  readonly level?: ProbeProfile['level']
  readonly expected: string
  readonly afterMs: number
}

const cases: Readonly<Record<string, Case>> = {
  silence: { script: [], expected: 'mute banner-timeout', afterMs: 10_000 },
  'an octet a second': {
    script: [{ drip: drip.replaceAll('\r\n', ' '), everyMs: 1000 }],
    expected: 'mute banner-timeout',
    afterMs: 10_000,
  },
  'a line of the greeting a second': {
    script: Array.from({ length: 30 }, () => [{ send: '220-mx\r\n' }, { waitMs: 1000 }]).flat(),
    expected: 'mute banner-timeout',
    afterMs: 10_000,
  },
  'silence after EHLO': { script: ehlo, expected: 'stuck ehlo-timeout', afterMs: 15_000 },
  'a line of the reply to EHLO a second': {
    script: [
      ...ehlo,
      ...Array.from({ length: 40 }, () => [{ send: '250-mx\r\n' }, { waitMs: 1000 }]).flat(),
    ],
    expected: 'stuck ehlo-timeout',
    afterMs: 15_000,
  },
  'a reply to EHLO after six seconds': {
    script: [...ehlo, { waitMs: 6000 }, { send: '250 mx\r\n' }, { expect: 'QUIT' }, 'end'],
    expected: 'ok ok',
    afterMs: 6000,
  },
  'a reply to EHLO after ten seconds': {
    script: [...ehlo, { waitMs: 10_000 }, { send: '250 mx\r\n' }, { expect: 'QUIT' }, 'end'],
    expected: 'slow ehlo-slow',
    afterMs: 10_000,
  },
  'silence in the handshake': {
    script: starttls,
    level: 'tls',
    expected: 'tls handshake-timeout',
    afterMs: 10_000,
  },
}

/** A busy machine may stall this process, which the probe rightly calls its own fault: again then. */
async function unstalled(attempt: () => Promise<Outcome>, tries = 4): Promise<Outcome> {
  const outcome = await attempt()
  return outcome.reason === 'stalled' && tries > 1 ? unstalled(attempt, tries - 1) : outcome
}

const profileOf = (port: number, level: ProbeProfile['level'] = 'ehlo'): ProbeProfile => ({
  ...profileDefaults,
  name: 'p',
  ehlo: 'probe.example.test',
  port,
  level,
})

/** Not before its deadline, and before twice as long: a busy machine is late by seconds. */
function expectAfter({ durationMs }: Outcome, afterMs: number): void {
  expect(durationMs).toBeGreaterThan(afterMs - 500)
  expect(durationMs).toBeLessThan(2 * afterMs)
}

const saidBy = ({ kind, reason }: Outcome): string => `${kind} ${reason}`

test.concurrent.each(Object.entries(cases))('%s', { timeout: 120_000 }, async (_, one) => {
  const { script, level, expected, afterMs } = one
  const outcome = await unstalled(async () => {
    const mta = await startScriptedMta(script)
    const profile = profileOf(mta.port, level)
    const ended = await probeAddress({ address: '127.0.0.1', profile }, systemClock)
    await mta.close()
    return ended
  })
  expect(saidBy(outcome)).toBe(expected)
  expectAfter(outcome, afterMs)
})

test.concurrent('a host that does not answer to connect', { timeout: 120_000 }, async () => {
  const request = { address: frozenAddress, profile: profileOf(frozenPort) }
  const outcome = await unstalled(() => probeAddress(request, systemClock))
  expect(saidBy(outcome)).toBe('dead connect-timeout')
  expectAfter(outcome, 5000)
})
