import { describe, expect, test } from 'vitest'
import type { LiveVote, VoteState } from '../../src/health/consensus.ts'
import { type VoteJudgement, initialJudgement, judgeVotes } from '../../src/health/judgement.ts'

/** The first vote is the own one, `H` a down for a flap hold only; each vote is from another site. */
const votes = (text: string): LiveVote[] =>
  text.split('').map((state, i) => ({
    instance: `i${i}`,
    site: `s${i}`,
    state: state === 'H' ? 'D' : (state as VoteState),
    reason: 'x',
  }))

function weigh(before: VoteJudgement, text: string, isAlone: boolean): VoteJudgement {
  const all = votes(text)
  const vote = all[0]?.state ?? '?'
  return judgeVotes(before, all, { vote, observed: text[0] === 'H' ? 'U' : vote }, isAlone)
}

const among = (text: string): VoteJudgement => weigh(initialJudgement, text, false)

describe('the judgement while cut off, after these votes', () => {
  test.each([
    ['UUU', 'UUU', 'up', 'nothing new'],
    ['UUU', 'DUU', 'down', 'what we alone see go down'],
    ['?UU', 'DUU', 'down', 'the same of what others probed'],
    ['DUU', 'DUU', 'up', 'what we said before was outvoted, and stays so'],
    ['UDD', 'UDD', 'down', 'and so was this'],
    ['DDD', 'UDD', 'up', 'what we see come back'],
    ['?DD', 'UDD', 'down', 'a first sight is one vote among the frozen'],
    ['HUU', 'HUU', 'up', 'what we held was outvoted'],
    ['HUU', 'DUU', 'down', 'what we held dies'],
    ['DUU', 'HUU', 'up', 'what passes again, and was outvoted'],
    ['DDD', 'HDD', 'down', 'what passes again is held nevertheless'],
    ['UDD', 'U', 'up', 'the hold is over: our own word'],
    ['?DD', '?', 'down', 'the hold is over, and we have none: it stands'],
  ])('%s then %s: %s, %s', (before, after, expected) => {
    const frozen = weigh(among(before), before, true)
    expect(frozen.judgement).toBe(among(before).judgement)
    expect(weigh(frozen, after, true).judgement).toBe(expected)
  })
})

test('a down judged while cut off is marked as such until the instance is connected again', () => {
  const frozen = weigh(among('UUU'), 'UUU', true)
  const alone = weigh(frozen, 'DUU', true)
  expect(alone.wentDownWhileCutOff).toBe(true)
  expect(weigh(alone, 'DUU', true).wentDownWhileCutOff).toBe(true)
  expect(weigh(alone, 'DUU', false)).toEqual({
    judgement: 'up',
    observedAtCutOff: null,
    wasObservedUp: false,
    wentDownWhileCutOff: false,
  })
  expect(weigh(weigh(among('DDD'), 'DDD', true), 'DDD', true).wentDownWhileCutOff).toBe(false)
})

test('a down judged while cut off ends when its hold is over, and not before', () => {
  const frozen = weigh(among('UUU'), 'UUU', true)
  const held = weigh(weigh(frozen, 'DUU', true), 'HUU', true)
  expect(held).toMatchObject({ judgement: 'down', wentDownWhileCutOff: true })
  expect(weigh(held, 'UUU', true)).toMatchObject({ judgement: 'up', wentDownWhileCutOff: false })
  expect(weigh(held, '?UU', true).judgement).toBe('up')
})

test.each([
  ['U', 'up once more'],
  ['H', 'passing, but held'],
])(
  'a target that had just come back, as the others had judged already, and fails again is down (%s: %s)',
  (seen) => {
    const frozen = weigh(among('DUU'), 'DUU', true)
    const back = weigh(frozen, `${seen}UU`, true)
    expect(back.judgement).toBe('up')
    const dead = weigh(back, 'DUU', true)
    expect(dead).toMatchObject({ judgement: 'down', wentDownWhileCutOff: true })
    expect(weigh(dead, 'DUU', true).judgement).toBe('down')
    expect(weigh(dead, 'UUU', true).judgement).toBe('up')
  },
)
