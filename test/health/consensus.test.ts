import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Judgement, LiveVote, VoteState } from '../../src/health/consensus.ts'
import { consensus } from '../../src/health/consensus.ts'
import { runs } from '../support/runs.ts'

/** `D@fra U@nyc`: votes with their sites. */
const votes = (text: string): LiveVote[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, i) => {
      const [state, site = 'here'] = word.split('@')
      return { instance: `i${i}`, site, state: state as VoteState, reason: 'x' }
    })

describe('the table of reliability', () => {
  test.each<[string, Judgement, Judgement, string]>([
    ['', 'down', 'down', 'no votes: it stands'],
    ['', 'up', 'up', 'no votes: it stands'],
    ['? ?', 'down', 'down', 'no votes: it stands'],
    ['D', 'up', 'down', 'one instance alone is believed'],
    ['D', 'unknown', 'down', 'one instance alone is believed'],
    ['U', 'unknown', 'up', ''],
    ['U', 'down', 'up', ''],
    ['D D', 'up', 'down', 'one site only: sites do not count'],
    ['D@fra U@nyc', 'up', 'up', 'half is not two thirds'],
    ['D@fra U@nyc', 'down', 'up', 'half up is enough to come back'],
    ['D@fra U@nyc', 'unknown', 'up', 'half up'],
    ['D@fra D@fra U@nyc', 'up', 'up', 'two thirds, but from one site of two'],
    ['D@fra D@nyc U@nyc', 'up', 'down', 'two thirds, two sites'],
    ['D@fra D@fra ?@nyc', 'up', 'down', 'the second site abstains: one site votes'],
    ['D@fra D@nyc U@sin U@sin', 'up', 'up', 'half'],
    ['D@fra D@nyc U@sin', 'down', 'down', 'one third up is not enough'],
    ['D@fra D@fra U@fra', 'unknown', 'down', 'two thirds of the only site'],
    [
      'D@fra D@fra D@fra U@nyc',
      'unknown',
      'unknown',
      'too few sites for down, too few votes for up',
    ],
  ])('%s while %s: %s (%s)', (text, current, expected) => {
    expect(consensus(votes(text), current)).toBe(expected)
  })
})

const anyVotes = fc.array(
  fc.record({
    instance: fc.string(),
    site: fc.constantFrom('a', 'b', 'c'),
    state: fc.constantFrom<VoteState>('U', 'D', '?'),
    reason: fc.constant('x'),
  }),
  { maxLength: 9 },
)
const judgements = fc.constantFrom<Judgement>('up', 'down', 'unknown')

test('order does not matter, nor do abstentions, and the judgement is stable under the same votes', () => {
  fc.assert(
    fc.property(anyVotes, judgements, (votes, current) => {
      const judged = consensus(votes, current)
      expect(consensus(votes.toReversed(), current)).toBe(judged)
      expect(
        consensus(
          votes.filter((vote) => vote.state !== '?'),
          current,
        ),
      ).toBe(judged)
      expect(consensus(votes, judged)).toBe(judged)
    }),
    { numRuns: runs(2000) },
  )
})

test('one more vote for up never takes a target down', () => {
  fc.assert(
    fc.property(anyVotes, fc.constantFrom('a', 'b', 'c'), judgements, (votes, site, current) => {
      const more = [...votes, { instance: 'new', site, state: 'U' as const, reason: 'x' }]
      const before = consensus(votes, current)
      const after = consensus(more, current)
      // A site with its first vote may make "one site" two: also in favour of up.
      expect([before, after]).not.toEqual(['up', 'down'])
      expect([before, after]).not.toEqual(['unknown', 'down'])
    }),
    { numRuns: runs(2000) },
  )
})
