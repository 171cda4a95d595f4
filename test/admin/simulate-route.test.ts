// POST /simulate without the votes of instances: what the others' votes then amount to is handed to the simulation. The rules
// are those of docs/operations/redis.md: down takes two thirds of the votes and two sites, up a half.

import { expect, test } from 'vitest'

import { simulateReply } from '../../src/admin/simulate-route.ts'

const votes: Readonly<Record<number, string>> = {
  1: 'fra-a:eu:U iad-a:us:D sin-a:ap:D', // down by the two others; without one of them half say up
  2: 'fra-a:eu:U iad-a:us:U sin-a:ap:D', // up; without one that says so a half still does
  3: 'fra-a:eu:D iad-a:us:U', // disputed and up; alone the first one takes it down
  4: '', // nobody votes: it stays as it is
}
const states = { 1: 'down', 2: 'up', 3: 'suspect', 4: 'unknown' } as const

type Sources = Parameters<typeof simulateReply>[0]
type Asked = Parameters<Sources['explain']>[0]

async function asked(without: unknown): Promise<{ status: number; judged: unknown; body: string }> {
  let last: Asked | null = null
  const sources = {
    explain: (question: Asked) => {
      last = question
      return Promise.resolve({ kind: 'busy' } as const)
    },
    states: () => Object.entries(states).map(([slot, state]) => ({ slot: Number(slot), state })),
    status: {
      instance: 'fra-a',
      clusterStatus: () => ({ peers: [{ instance: 'iad-a' }, { instance: 'sin-a' }] }),
      votesOn: (slot: number) =>
        (votes[slot] ?? '').split(' ').flatMap((vote) => {
          const [instance = '', site, state] = vote.split(':')
          return state === undefined ? [] : [{ instance, site, state, reason: '' }]
        }),
    },
  } as unknown as Sources
  const reply = await simulateReply(sources, { name: 'smtp.example.com', without })
  const question = (last as { question: { assumed: { judged: unknown } } } | null)?.question
  return { status: reply.status, judged: question?.assumed.judged, body: String(reply.body) }
}

test.each([
  ['nobody', [], []],
  [
    'one of two that say down',
    ['iad-a'],
    [
      [1, 'up'],
      [3, 'down'],
    ],
  ],
  ['the one that says up', ['fra-a'], []],
  [
    'all but one',
    ['iad-a', 'sin-a'],
    [
      [1, 'up'],
      [3, 'down'],
    ],
  ],
  ['everybody', ['fra-a', 'iad-a', 'sin-a'], []],
])('without %s', async (_, without, judged) => {
  expect((await asked(without)).judged).toEqual(judged)
})

test('an instance that there is not, and what is no list, are refused in words', async () => {
  const unknown = await asked(['iad-b'])
  expect([unknown.status, unknown.judged]).toEqual([400, undefined])
  expect(unknown.body).toMatch(/no instance \\"iad-b\\".*iad-a/)
  expect((await asked('iad-a')).body).toContain('without: expected a list')
})
