import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/health/outcome.ts'
import { type ProbeProfile, profileDefaults } from '../../src/probe/smtp/profile.ts'
import { DeepRounds } from '../../src/watch/deep-rounds.ts'
import { noSession } from '../../src/health/tls-report.ts'
import { quickProfile } from '../support/probe-profile.ts'

const minuteMs = 60_000

const profile = (changes: Partial<ProbeProfile> = {}): ProbeProfile =>
  quickProfile({ level: 'tls', intervalMs: 20_000, slowIntervalMs: 15 * minuteMs, ...changes })

const strict = { ...profileDefaults.tls, isRequired: true }

const outcome = (changes: Partial<Outcome>): Outcome => ({
  kind: 'ok',
  reason: 'ok',
  code: 250,
  durationMs: 10,
  dialogue: [],
  ...changes,
})
const ok = outcome({ hasStarttls: true })
const noTls = outcome({
  kind: 'tls',
  reason: 'starttls-gone',
  tls: noSession('starttls-gone', 'x'),
})
const dead = outcome({ kind: 'dead', reason: 'connect-refused', code: null })

/** Runs rounds 20 s apart; level of each and what it meant. */
function rounds(
  deepRounds: DeepRounds,
  count: number,
  say: (level: string, at: number) => Outcome,
): { level: string; kind: string; atMs: number }[] {
  return Array.from({ length: count }, (_, i) => {
    const atMs = i * 20_000
    const { level } = deepRounds.nextProfile(atMs)
    return { level, kind: deepRounds.observe(say(level, i), atMs + 100).kind, atMs }
  })
}

const fullAt = (run: readonly { level: string; atMs: number }[], level = 'tls'): number[] =>
  run.filter((round) => round.level === level).map(({ atMs }) => atMs)

describe('when a round goes all the way', () => {
  test('within the first minute, then each slow interval, give or take a fifth', () => {
    const times = fullAt(rounds(new DeepRounds('a', profile(), 0), 600, () => ok))
    expect(times[0]).toBeLessThanOrEqual(minuteMs + 20_000)
    expect(times.length).toBeGreaterThan(10)
    const gaps = times.slice(1).map((at, i) => (at - (times[i] as number)) / minuteMs)
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(12)
      expect(gap).toBeLessThanOrEqual(18.5)
    }
    expect(new Set(gaps).size).toBeGreaterThan(3)
  })

  test('at once where TLS is required; other endpoints at other times', () => {
    expect(rounds(new DeepRounds('a', profile({ tls: strict }), 0), 1, () => ok)[0]?.level).toBe(
      'tls',
    )
    const firsts = ['a', 'b', 'c', 'd', 'e', 'f'].map(
      (key) => fullAt(rounds(new DeepRounds(key, profile(), 0), 6, () => ok))[0],
    )
    expect(new Set(firsts).size).toBeGreaterThan(1)
  })

  test('levels that are not slow always go all the way', () => {
    const run = rounds(new DeepRounds('a', profile({ level: 'mail' }), 0), 5, () => ok)
    expect(run.map(({ level }) => level)).toEqual(['mail', 'mail', 'mail', 'mail', 'mail'])
  })

  test('one that breaks off before TLS is repeated with the next round', () => {
    const deepRounds = new DeepRounds('a', profile({ tls: strict }), 0)
    const run = rounds(deepRounds, 5, (_, at) => (at < 3 ? dead : ok))
    expect(run.map(({ level }) => level)).toEqual(['tls', 'tls', 'tls', 'tls', 'ehlo'])
    expect(run.map(({ kind }) => kind)).toEqual(['dead', 'dead', 'dead', 'ok', 'ok'])
  })
})

describe('what was found', () => {
  test('a warning stands between, is looked at each minute, and goes once it is mended', () => {
    const deepRounds = new DeepRounds(
      'a',
      profile({ tls: { ...strict, isRequired: false } }),
      -minuteMs,
    )
    const run = rounds(deepRounds, 20, (level, at) => (level === 'tls' && at < 10 ? noTls : ok))
    expect(fullAt(run).slice(0, 4)).toEqual([0, 80_000, 160_000, 240_000])
    expect(run.map(({ kind }) => kind).join(' ')).toMatch(/^(tls ){12}(ok ?){8}$/)
  })

  test('where it takes the target out it is confirmed by as many full rounds as that takes', () => {
    const deepRounds = new DeepRounds('a', profile({ tls: strict, fall: 3 }), 0)
    const run = rounds(deepRounds, 8, (level) => (level === 'tls' ? noTls : ok))
    const levels = ['tls', 'tls', 'tls', 'ehlo', 'ehlo', 'ehlo', 'tls', 'ehlo']
    expect(run.map(({ level }) => level)).toEqual(levels)
    expect(run.map(({ kind }) => kind)).toEqual(levels.map(() => 'tls'))
  })

  test('other trouble shows through', () => {
    const deepRounds = new DeepRounds('a', profile({ tls: strict, fall: 1 }), 0)
    const run = rounds(deepRounds, 4, (level, at) => {
      if (level === 'tls') return noTls
      return at === 2 ? dead : ok
    })
    expect(run.map(({ kind }) => kind)).toEqual(['tls', 'tls', 'dead', 'tls'])
  })

  test('a canary that is put off is asked twice `fall` times before it is believed', () => {
    const deepRounds = new DeepRounds(
      'a',
      profile({ level: 'rcpt', rounds: 'mail', fall: 2 }),
      -minuteMs,
    )
    const busy = outcome({ kind: 'busy', reason: 'rcpt-busy', code: 451 })
    const run = rounds(deepRounds, 6, (level) => (level === 'rcpt' ? busy : ok))
    expect(run.map(({ level }) => level)).toEqual(['rcpt', 'rcpt', 'rcpt', 'rcpt', 'mail', 'mail'])
    expect(run.map(({ kind }) => kind)).toEqual(['busy', 'busy', 'busy', 'busy', 'busy', 'busy'])
  })

  test('a canary that is slow is one outcome among others, and does not stand', () => {
    const canary = profile({ level: 'rcpt', slowIntervalMs: 15 * minuteMs })
    const slow = outcome({ kind: 'slow', reason: 'rcpt-slow' })
    const run = rounds(new DeepRounds('a', canary, 0), 40, (level) =>
      level === 'rcpt' ? slow : ok,
    )
    expect(fullAt(run, 'rcpt').length).toBe(1)
    expect(run.filter(({ kind }) => kind === 'slow').length).toBe(1)
  })

  test('a busy greeting in a full round is not the canary’s word', () => {
    const deepRounds = new DeepRounds('a', profile({ level: 'rcpt', rounds: 'mail' }), -minuteMs)
    const busy = outcome({ kind: 'busy', reason: 'banner-busy', code: 421 })
    const run = rounds(deepRounds, 3, (_, at) => (at === 0 ? busy : ok))
    expect(run.map(({ kind }) => kind)).toEqual(['busy', 'ok', 'ok'])
  })
})

test('STARTTLS once seen is remembered, over a reload too', () => {
  const deepRounds = new DeepRounds('a', profile(), 0)
  expect(deepRounds.hadStarttls()).toBe(false)
  deepRounds.observe(outcome({ hasStarttls: false }), 1)
  expect(deepRounds.hadStarttls()).toBe(false)
  deepRounds.observe(ok, 2)
  const next = new DeepRounds('a', profile(), 3)
  next.inherit(deepRounds)
  expect([deepRounds.hadStarttls(), next.hadStarttls()]).toEqual([true, true])
})
