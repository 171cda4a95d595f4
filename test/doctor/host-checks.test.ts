import { expect, it } from 'vitest'

import { ageResult, clockResult, egressResult } from '../../src/doctor/host-checks.ts'
import { checkState } from '../../src/doctor/store-checks.ts'
import { exitCodeOf, fail, ok, skip, warn } from '../../src/doctor/report.ts'
import type { Outcome, OutcomeKind } from '../../src/health/outcome.ts'

it.each([
  [0, 'ok'],
  [-2000, 'ok'],
  [2100, 'warn'],
  [-60_000, 'warn'],
  [61_000, 'fail'],
  [-61_000, 'fail'],
])('a clock %i ms away is %s', (offsetMs, status) => {
  expect(clockResult('192.0.2.1:8053', offsetMs).status).toBe(status)
})

it('names the clock that is ahead', () => {
  expect(clockResult('peer', 30_000).text).toBe('peer is 30 s ahead')
  expect(clockResult('peer', -30_000).text).toBe('peer is 30 s behind')
})

const outcome = (kind: OutcomeKind, reason: string): Outcome => ({
  kind,
  reason,
  code: null,
  durationMs: 1,
  dialogue: [],
})
const [refused, silent] = [outcome('dead', 'connect-refused'), outcome('dead', 'connect-timeout')]

it.each<[string, readonly Outcome[], string]>([
  ['one greets', [silent, outcome('ok', 'ok')], 'ok'],
  ['one refuses us in words', [silent, outcome('refusing', 'banner-554')], 'ok'],
  ['all are silent', [silent, silent], 'fail'],
  ['one refuses the connection', [silent, refused], 'warn'],
  ['we cannot', [outcome('self', 'no-descriptors')], 'fail'],
])('port 25 outwards where %s', (_, outcomes, status) => {
  const tried = outcomes.map((one, i) => ({ outcome: one, where: `192.0.2.${i} port 25` }))
  expect(egressResult(tried).status).toBe(status)
})

it.each([
  [0, 'ok'],
  [60, 'ok'],
  [61, 'warn'],
])('a database of %i days is %s', (days, status) => {
  const nowMs = 1_800_000_000_000
  const age = { buildSeconds: nowMs / 1000 - days * 86_400, wallMs: nowMs }
  expect(ageResult('country', age).status).toBe(status)
})

it('does not judge the age of a database without a build date', () => {
  expect(ageResult('country: X', { buildSeconds: null, wallMs: 0 })).toMatchObject({
    status: 'ok',
    text: 'country: X, of unknown age',
  })
})

it('checks nothing with state in memory', async () => {
  const found = await checkState({ state: 'memory', instance: 'a' }, Math.random)
  expect(found).toMatchObject([{ status: 'ok' }])
})

it('has the exit code of the worst line', () => {
  const lines = [ok('tcp', ''), skip('clock', ''), warn('glue', '', ''), fail('state', '', '')]
  const checked = lines.map((line) => ({ ...line, zone: null }))
  expect([2, 3, 4].map((count) => exitCodeOf(checked.slice(0, count)))).toEqual([0, 1, 2])
})
