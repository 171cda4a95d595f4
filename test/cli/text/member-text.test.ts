// Why a member is out, in words: an operator's override and the MTA's own report are distinguished.

import { expect, test } from 'vitest'
import { memberLines } from '../../../src/cli/text/explain-text.ts'
import type { MemberView, OverrideNote, PoolView } from '../../../src/explain/pool-view.ts'

const override: OverrideNote = { id: '7a1ae8d9', kind: 'drain', until: null, why: 'disk', by: 'me' }

function linesOf(why: MemberView['why'], overrides: readonly OverrideNote[]): string {
  const member: MemberView = {
    target: 'mx1',
    region: null,
    rack: null,
    standing: 'out',
    why,
    overruled: null,
    weight: 0,
    configured: 2,
    factor: 1,
    warmUp: 1,
    override: 1,
    feedback: 1,
    reputation: 1,
    addresses: [],
    overrides,
  }
  const thresholds = { minHealthy: 0, panic: 0, panicked: false, spread: true } as const
  const pool: PoolView = {
    pool: 'eu',
    lead: 0,
    healthy: 0,
    spill: 'all',
    ...thresholds,
    members: [member],
  }
  return memberLines(pool).join('\n')
}

test.each(['drained', 'disabled'] as const)('%s by the MTA itself', (why) => {
  expect(linesOf(why, [])).toMatch(/it says itself/)
  expect(linesOf(why, [])).not.toMatch(/operator/)
})

test('drained by an operator', () => {
  expect(linesOf('drained', [override])).toMatch(/an operator drains it/)
  expect(linesOf('drained', [{ ...override, kind: 'weight' }])).toMatch(/it says itself/)
})
