import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LiveVote, consensus } from '../../src/health/consensus.ts'
import { isProberBlocked, classifyRefusal, siteReports } from '../../src/health/refusal.ts'
import { runs } from '../support/runs.ts'

const word = (site: string, isRefused: boolean): { site: string; isRefused: boolean } => ({
  site,
  isRefused,
})

test.each([
  ['no reports', [], 'none', false],
  ['no instance is refused', [word('fra', false), word('nyc', false)], 'none', false],
  ['the one site there is', [word('fra', true)], 'alone', true],
  ['two instances of one site', [word('fra', true), word('fra', true)], 'alone', true],
  ['one site of two', [word('fra', true), word('nyc', false)], 'blocked', true],
  [
    'one site of three',
    [word('fra', true), word('nyc', false), word('sin', false)],
    'blocked',
    true,
  ],
  [
    'two sites of three',
    [word('fra', true), word('nyc', true), word('sin', false)],
    'everywhere',
    false,
  ],
  ['all', [word('fra', true), word('nyc', true)], 'everywhere', false],
] as const)('%s', (_, words, refusal, isBlocked) => {
  expect(classifyRefusal(words)).toBe(refusal)
  expect(isProberBlocked(refusal)).toBe(isBlocked)
})

const vote = fc.record({
  instance: fc.constantFrom('a', 'b', 'c', 'd'),
  site: fc.constantFrom('fra', 'nyc', 'sin'),
  state: fc.constantFrom('U', 'D', '?'),
  reason: fc.constantFrom('banner-refusing', 'banner-policy', 'mail-refusing', 'rcpt-policy'),
}) as fc.Arbitrary<LiveVote>

test('a refusal at one site of several takes nothing down, whatever the votes', () => {
  fc.assert(
    fc.property(fc.array(vote, { minLength: 1, maxLength: 8 }), (votes) => {
      const refusal = classifyRefusal(siteReports(votes))
      const judged = consensus(votes, 'up')
      const mayFall = refusal === 'alone' || refusal === 'everywhere'
      expect(judged === 'down' && !mayFall).toBe(false)
    }),
    { numRuns: runs(1000) },
  )
})

test('only down votes with a reason of refusal are refused reports', () => {
  const of = (state: 'U' | 'D' | '?', reason: string): LiveVote => ({
    instance: 'a',
    site: 'fra',
    state,
    reason,
  })
  expect(siteReports([of('D', 'connect-refused')])).toEqual([word('fra', false)])
  expect(siteReports([of('U', 'banner-refusing')])).toEqual([word('fra', false)])
  expect(siteReports([of('?', 'banner-refusing')])).toEqual([])
  expect(siteReports([of('D', 'banner-policy')])).toEqual([word('fra', true)])
})
