// TLS in probes, against certificates that openssl made and over real sockets.

import { X509Certificate, createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Outcome } from '../../../src/health/outcome.ts'
import type { ProbeProfile } from '../../../src/probe/smtp/profile.ts'
import { probeAddress } from '../../../src/probe/smtp/smtp-probe.ts'
import type { TlsProfile, TlsaRecord } from '../../../src/health/tls-report.ts'
import { certificateDays, createAuthority } from '../../support/certificates.ts'
import { quickProfile } from '../../support/probe-profile.ts'
import { type ScriptedMta, type Step, startScriptedMta } from '../../support/scripted-mta.ts'

const exchange = 'mx1.smtp.example.com'
const authority = createAuthority()
const own = authority.sign([exchange])
const other = authority.sign(['www.example.net'])
const wild = authority.sign(['*.smtp.example.com'])
const stranger = createAuthority().sign([exchange])

let mta: ScriptedMta | null = null
afterEach(async () => {
  await mta?.close()
  mta = null
})

const afterTls: readonly Step[] = [
  { expect: 'EHLO' },
  { send: '250-mx\r\n250 SIZE 1000\r\n' },
  { expect: 'QUIT' },
  { send: '221 bye\r\n' },
  'end',
]
const startTls: readonly Step[] = [
  { send: '220 mx ESMTP\r\n' },
  { expect: 'EHLO' },
  { send: '250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n' },
  { expect: 'STARTTLS' },
  { send: '220 go on\r\n' },
  'secure',
  ...afterTls,
]

const slotsOf = (...names: readonly string[]): readonly string[] =>
  names.map((name) => exchange.replace(/^[^.]+/, name))

interface Case {
  readonly script?: readonly Step[]
  readonly server?: object
  readonly tls?: Partial<TlsProfile>
  readonly profile?: Partial<ProbeProfile>
  readonly aheadDays?: number
  readonly hadStarttls?: boolean
}

async function look(one: Case): Promise<Outcome> {
  mta = await startScriptedMta(one.script ?? startTls, { ...own, ...one.server })
  const base = quickProfile({ level: 'tls', bannerTimeoutMs: 3000, commandTimeoutMs: 2000 })
  const tls = { ...base.tls, serverName: exchange, ...one.tls }
  const clock: Clock = {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + (one.aheadDays ?? 0) * 86_400_000,
  }
  return probeAddress(
    {
      address: '127.0.0.1',
      profile: { ...base, port: mta.port, slowAfterMs: 3000, ...one.profile, tls },
      hadStarttls: one.hadStarttls,
      ca: [authority.cert],
    },
    clock,
  )
}

const leaf = new X509Certificate(own.cert)
const root = new X509Certificate(authority.cert)
const spki = (of: X509Certificate): Uint8Array =>
  Uint8Array.from(of.publicKey.export({ type: 'spki', format: 'der' }))
const digest = (name: string, octets: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash(name).update(octets).digest())
const record = (
  usage: number,
  selector: number,
  matchingType: number,
  data: Uint8Array,
): TlsaRecord => ({ usage, selector, matchingType, data })

describe('STARTTLS', () => {
  test('all well: ok, one command a write, and 221 is read before TLS ends', async () => {
    const outcome = await look({})
    expect(outcome).toMatchObject({
      kind: 'ok',
      reason: 'ok',
      code: 250,
      hasStarttls: true,
      tls: { version: 'TLSv1.3', daysLeft: certificateDays - 1, dane: 'none', findings: [] },
    })
    expect(mta?.exchanged.filter(({ from }) => from === 'client').map(({ text }) => text)).toEqual([
      'EHLO probe.example.com\r\n',
      'STARTTLS\r\n',
      'EHLO probe.example.com\r\n',
      'QUIT\r\n',
    ])
    expect(outcome.dialogue.at(-1)?.text).toBe('221 bye')
  })

  const far = certificateDays
  test.each([
    ['a wildcard of one label', { server: wild }, null, null],
    ['all slots', { server: wild, tls: { slotNames: slotsOf('in1', 'in2') } }, null, null],
    [
      'a slot that it does not name',
      { tls: { slotNames: slotsOf('in1') } },
      'certificate-slots',
      'warning',
    ],
    ['another name', { server: other }, 'certificate-name', 'failure'],
    ['an authority unheard of', { server: stranger }, 'certificate-untrusted', 'failure'],
    ['22 days left', { aheadDays: far - 22 }, null, null],
    ['20 days left', { aheadDays: far - 20 }, 'certificate-expires', 'warning'],
    ['2 days left', { aheadDays: far - 2 }, 'certificate-expires', 'critical'],
    ['over', { aheadDays: far + 1 }, 'certificate-expired', 'failure'],
    ['not begun', { aheadDays: -1 }, 'certificate-not-yet-valid', 'failure'],
    ['TLS 1.2', { server: { maxVersion: 'TLSv1.2' } }, null, null],
    [
      'TLS 1.0',
      { server: { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } },
      'tls-version',
      'failure',
    ],
    [
      'TLS 1.2 where 1.3 is asked for',
      { server: { maxVersion: 'TLSv1.2' }, tls: { minVersion: 'TLSv1.3' } },
      'tls-version',
      'failure',
    ],
  ] as const)('%s', async (_, given, reason, severity) => {
    const outcome = await look(given)
    expect([outcome.kind, outcome.reason]).toEqual(reason ? ['tls', reason] : ['ok', 'ok'])
    expect(outcome.tls?.findings[0]?.severity ?? null).toBe(severity)
  })

  const untilStarttls = startTls.slice(0, 4)
  const plain: readonly Step[] = [
    { send: '220 mx\r\n' },
    { expect: 'EHLO' },
    { send: '250-mx\r\n250 HELP\r\n' },
    { expect: 'QUIT' },
    { send: '221 bye\r\n' },
    'end',
  ]
  test.each([
    ['never offered', { script: plain }, 'starttls-missing'],
    ['gone', { script: plain, hadStarttls: true }, 'starttls-gone'],
    [
      'gone, seen in a round of level ehlo',
      { script: plain, hadStarttls: true, profile: { level: 'ehlo' } },
      'starttls-gone',
    ],
    [
      'refused',
      {
        script: [
          ...untilStarttls,
          { send: '454 4.7.0 no TLS now\r\n' },
          { expect: 'QUIT' },
          { send: '221 x\r\n' },
        ],
      },
      'starttls-refused',
    ],
    [
      'unanswered',
      { script: untilStarttls, profile: { commandTimeoutMs: 500 } },
      'starttls-timeout',
    ],
    ['hung up', { script: [...untilStarttls, 'end'] }, 'starttls-eof'],
    [
      'not TLS after all',
      { script: [...untilStarttls, { send: '220 go\r\n' }, { waitMs: 50 }, { send: 'hello\r\n' }] },
      'handshake-failed',
    ],
    [
      'silence in the handshake',
      { script: [...untilStarttls, { send: '220 go\r\n' }], profile: { bannerTimeoutMs: 500 } },
      'handshake-timeout',
    ],
    [
      'hung up in the handshake',
      { script: [...untilStarttls, { send: '220 go\r\n' }, { waitMs: 50 }, 'end'] },
      'handshake-eof',
    ],
  ] as const)('%s: tls', async (_, given, reason) => {
    const outcome = await look(given)
    expect([outcome.kind, outcome.reason]).toEqual(['tls', reason])
    expect(outcome.tls?.findings[0]).toMatchObject({ reason, severity: 'failure' })
  })

  test('what was sent in the clear behind the reply to STARTTLS is no reply under TLS', async () => {
    const script = startTls.map((step) =>
      typeof step === 'object' && 'send' in step && step.send === '220 go on\r\n'
        ? { send: '220 go on\r\n250 injected\r\n' }
        : step,
    )
    const outcome = await look({ script })
    expect(outcome.dialogue.map(({ text }) => text)).toContain('14 octets came before their turn')
    expect(outcome.kind).toBe('ok')
  })

  test('without TLS asked for, STARTTLS is left alone', async () => {
    const script = [...startTls.slice(0, 3), ...afterTls.slice(2)]
    const outcome = await look({ script, profile: { level: 'ehlo' } })
    expect(outcome).toMatchObject({ kind: 'ok', hasStarttls: true })
    expect(outcome.tls).toBeUndefined()
  })
})

describe('implicit TLS', () => {
  const implicit: readonly Step[] = ['secure', { send: '220 mx\r\n' }, ...afterTls]
  const mode = { mode: 'implicit' } as const

  test.each(['banner', 'ehlo', 'tls'] as const)('level %s', async (level) => {
    const script = level === 'banner' ? [implicit[0], implicit[1], ...afterTls.slice(2)] : implicit
    const outcome = await look({ script: script as Step[], tls: mode, profile: { level } })
    expect(outcome).toMatchObject({ kind: 'ok', tls: { findings: [] } })
  })

  test.each([
    ['a certificate of another', { script: implicit, server: other }, 'tls', 'certificate-name'],
    ['SMTP in the clear', { script: [{ send: '220 mx\r\n' }] }, 'stuck', 'handshake-failed'],
    ['silence', { script: [], profile: { bannerTimeoutMs: 500 } }, 'mute', 'handshake-timeout'],
    ['hung up', { script: [{ waitMs: 50 }, 'end'] }, 'mute', 'handshake-eof'],
    ['reset', { script: [{ waitMs: 50 }, 'reset'] }, 'dead', 'connection-reset'],
    [
      'silence under TLS',
      { script: ['secure'], profile: { bannerTimeoutMs: 1000 } },
      'mute',
      'banner-timeout',
    ],
  ] as const)('%s: %#', async (_, given, kind, reason) => {
    const outcome = await look({ ...given, tls: mode })
    expect([outcome.kind, outcome.reason]).toEqual([kind, reason])
  })
})

describe('TLSA', () => {
  test.each([
    ['3 0 0', record(3, 0, 0, leaf.raw)],
    ['3 1 0', record(3, 1, 0, spki(leaf))],
    ['3 0 1', record(3, 0, 1, digest('sha256', leaf.raw))],
    ['3 1 1', record(3, 1, 1, digest('sha256', spki(leaf)))],
    ['3 1 2', record(3, 1, 2, digest('sha512', spki(leaf)))],
    ['2 0 1', record(2, 0, 1, digest('sha256', root.raw))],
    ['2 1 2', record(2, 1, 2, digest('sha512', spki(root)))],
  ])('%s matches', async (_, one) => {
    expect(await look({ tls: { tlsa: [record(3, 1, 1, new Uint8Array(32)), one] } })).toMatchObject(
      { kind: 'ok', tls: { dane: 'match', findings: [] } },
    )
  })

  test('usage 3 asks for neither root, name nor date; usage 2 for name and date', async () => {
    const fake = new X509Certificate(stranger.cert)
    const ee = record(3, 1, 1, digest('sha256', spki(fake)))
    const tls = { tlsa: [ee], serverName: 'other.example.net' }
    const aheadDays = certificateDays + 1
    expect(await look({ server: stranger, tls, aheadDays })).toMatchObject({ kind: 'ok' })
    await mta?.close()
    const ta = record(2, 0, 1, digest('sha256', root.raw))
    const late = await look({ tls: { ...tls, tlsa: [ta] }, aheadDays })
    expect(late.tls?.findings.map(({ reason }) => reason)).toEqual([
      'certificate-expired',
      'certificate-name',
    ])
  })

  test.each([
    ['another key', [record(3, 1, 1, new Uint8Array(32))], 'mismatch', 'tlsa-mismatch'],
    [
      'the root as the end',
      [record(3, 0, 1, digest('sha256', root.raw))],
      'mismatch',
      'tlsa-mismatch',
    ],
    [
      'usages 0 and 1 alone',
      [record(1, 1, 1, new Uint8Array(32)), record(0, 0, 1, new Uint8Array(32))],
      'unusable',
      'ok',
    ],
    ['a selector unheard of', [record(3, 9, 1, new Uint8Array(32))], 'unusable', 'ok'],
  ])('%s', async (_, tlsa, dane, reason) => {
    const outcome = await look({ tls: { tlsa } })
    expect([outcome.tls?.dane, outcome.reason]).toEqual([dane, reason])
  })
})
