import { expect, test } from 'vitest'

import { ConfigAgreement, type ConfiguredInstance } from '../../src/cluster/config-agreement.ts'

const times = { graceMs: 1000, calmMs: 200 }

/** `a:x b:y`: the hash of each instance; `-` for an unknown one. */
const read = (text: string): readonly ConfiguredInstance[] =>
  text.split(' ').map((one) => {
    const [instance = '', config = ''] = one.split(':')
    return { instance, config: config === '-' ? null : config }
  })

/** The changes with their times: `1000 differs ab|c`. */
function play(...steps: readonly (readonly [fromMs: number, said: string])[]): readonly string[] {
  const agreement = new ConfigAgreement(times)
  const reported: string[] = []
  const endMs = (steps.at(-1)?.[0] ?? 0) + 20_000
  for (let nowMs = 0; nowMs <= endMs; nowMs += 100) {
    const said = steps.findLast(([fromMs]) => fromMs <= nowMs)?.[1] ?? ''
    const change = agreement.observe(read(said), nowMs)
    if (!change) continue
    const groups = change.groups.map(({ instances }) => instances.join('')).join('|')
    reported.push(`${nowMs} ${change.kind.slice('config-'.length)} ${groups}`)
    expect(agreement.isAlerting).toBe(change.kind === 'config-differs')
  }
  return reported
}

test('they differ for the grace time, then agree', () => {
  expect(play([0, 'a:x b:x c:x'], [500, 'a:x b:x c:y'], [5000, 'a:y b:y c:y'])).toEqual([
    '1500 differs ab|c',
    '5200 agrees abc',
  ])
})

test('a roll-out, instance by instance, does not alert, even if it takes longer than the grace time', () => {
  expect(
    play(
      [0, 'a:x b:x c:x d:x'],
      [500, 'a:y b:x c:x d:x'],
      [1300, 'a:y b:y c:x d:x'],
      [2100, 'a:y b:y c:y d:x'],
      [2900, 'a:y b:y c:y d:y'],
    ),
  ).toEqual([])
})

test('an instance left behind by a roll-out alerts after it', () => {
  expect(play([0, 'a:x b:x c:x'], [500, 'a:y b:x c:x'], [1300, 'a:y b:y c:x'])).toEqual([
    '2300 differs ab|c',
  ])
})

test('an instance that keeps changing does not hide the difference', () => {
  const changes = Array.from({ length: 60 }, (_, i) => [i * 400, `a:x b:y${i}`] as const)
  expect(play(...changes)[0]).toBe('10000 differs a|b')
})

test('an instance that restarts does not flap the alert, differing or agreeing', () => {
  const restart = [
    [0, 'a:x b:y'],
    [3000, 'a:x'],
    [3100, 'a:x b:y'],
  ] as const
  expect(play(...restart)).toEqual(['1000 differs a|b'])
  expect(play([0, 'a:x b:x'], [500, 'a:x'], [600, 'a:x b:-'], [700, 'a:x b:x'])).toEqual([])
})

test('an instance without a hash, and one that is alone, differ from none', () => {
  expect(play([0, 'a:x b:-'], [3000, 'a:x'])).toEqual([])
})

test('the last instance that differed leaves for good', () => {
  expect(play([0, 'a:x b:y'], [3000, 'a:x'])).toEqual(['1000 differs a|b', '3200 agrees a'])
})
