import { expect, test } from 'vitest'
import { effectOf } from '../../src/health/verdict.ts'
import type { OutcomeKind } from '../../src/health/outcome.ts'
import { noSession } from '../../src/health/tls-report.ts'

const lax = { requiresTls: false }
const strict = { requiresTls: true }

test.each([
  ['ok', 'pass', 'calm', null],
  ['slow', 'pass', 'slow', null],
  ['tls', 'pass', 'calm', 'tls'],
  ['busy', 'busy', 'busy', null],
  ['refusing', 'busy', null, 'prober-blocked'],
  ['dead', 'fail', null, null],
  ['mute', 'fail', null, null],
  ['garbage', 'fail', null, null],
  ['stuck', 'fail', null, null],
  ['self', 'unknown', null, null],
] as const)('%s: %s, load %s, alert %s', (kind, verdict, load, alert) => {
  expect(effectOf({ kind }, lax)).toEqual({ verdict, load, alert })
})

test('TLS takes a target out where the zone requires it and a strict sender would turn away', () => {
  const broken = { kind: 'tls', tls: noSession('starttls-gone', 'x') } as const
  expect(effectOf(broken, lax).verdict).toBe('pass')
  expect(effectOf(broken, strict)).toEqual({ verdict: 'fail', load: null, alert: 'tls' })
  for (const severity of ['warning', 'critical'] as const) {
    const findings = [{ reason: 'certificate-expires', severity, text: 'x' }]
    const expiring = { kind: 'tls', tls: { ...broken.tls, findings } } as const
    expect(effectOf(expiring, strict).verdict).toBe('pass')
  }
})

test('only TLS trouble depends on what the zone requires', () => {
  const kinds: OutcomeKind[] = ['ok', 'slow', 'busy', 'refusing', 'dead', 'mute', 'stuck', 'self']
  for (const kind of kinds) expect(effectOf({ kind }, strict)).toEqual(effectOf({ kind }, lax))
})
