// Pools of which no member is eligible, for each `on_all_down`, spilling and panic: what is said to be answered instead is
// what the answering code answers.

import { describe, expect, test } from 'vitest'

import { EmptyPools, isAnsweredBadly } from '../../src/problems/empty-pools.ts'
import { SlotState, Standing } from '../../src/health/table.ts'
import { arrangeWorld } from '../explain/arrange.ts'

/** The key of the zone that a steering may begin with, and the rest. */
const onAllDownOf = (text: string): string => /^on_all_down.*/.exec(text)?.[0] ?? ''
const rulesOf = (text: string): string => text.slice(onAllDownOf(text).length)

const zoneWith = (steering: string, pools = ''): string => `
zone: smtp.example.test
${onAllDownOf(steering)}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu1: { addresses: [192.0.2.1] }
  eu2: { addresses: [192.0.2.2] }
  us1: { addresses: [192.0.2.3] }
  sp1: { addresses: [192.0.2.4] }
probes:
  inbound: {}
pools:
  eu: { probe: inbound, targets: { eu1: 1, eu2: 1 } ${pools} }
  us: { probe: inbound, targets: { us1: 1 } }
  spare: { probe: inbound, targets: { sp1: 1 } }
steering:
${rulesOf(steering)}
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`
const all = '  inbound: [{ pools: [eu] }]'
const allDown = (onAllDown: string): string => `on_all_down: ${onAllDown}\n${all}`

interface Case {
  readonly steering: string
  readonly pools?: string
  readonly down: readonly string[]
  readonly found: readonly (readonly [pool: string, ...instead: string[]])[]
}

const cases: readonly Case[] = [
  { steering: all, down: [], found: [] },
  { steering: all, down: ['eu1'], found: [] },
  { steering: all, down: ['eu1', 'eu2'], found: [['eu', 'all']] },
  { steering: allDown('servfail'), down: ['eu1', 'eu2'], found: [['eu', 'servfail']] },
  { steering: allDown('last_good'), down: ['eu1', 'eu2'], found: [['eu', 'all']] },
  { steering: allDown('{ backup: spare }'), down: ['eu1', 'eu2'], found: [['eu', 'backup spare']] },
  {
    steering: allDown('{ backup: spare }'),
    down: ['eu1', 'eu2', 'sp1'],
    found: [['eu', 'all'], ['spare']],
  },
  { steering: allDown('{ backup: spare }'), down: ['sp1'], found: [['spare']] },
  { steering: all, pools: ', panic: 0.5', down: ['eu1', 'eu2'], found: [['eu', 'panic']] },
  {
    steering:
      '  inbound: [{ when: { network: [198.51.100.0/24] }, pools: [eu, us] }, { pools: [us] }]',
    down: ['eu1', 'eu2'],
    found: [['eu', 'other-pool us']],
  },
  {
    steering:
      '  inbound: [{ when: { network: [198.51.100.0/24] }, pools: [eu, us] }, { pools: [us] }]',
    down: ['eu1', 'eu2', 'us1'],
    found: [
      ['eu', 'all'],
      ['us', 'all', 'all'],
    ],
  },
]

describe('what is answered instead', () => {
  test.each(cases)('$steering, $down down', async ({ steering, pools, down, found }) => {
    const { world, health } = await arrangeWorld({
      zone: zoneWith(steering, pools),
      assumptions: { down },
    })
    const seen = new EmptyPools(health).find(world.catalog)
    expect(seen.map(({ zone }) => zone)).toEqual(found.map(() => 'smtp.example.test'))
    const texts = seen.map(({ pool, uses }) => [
      pool,
      ...uses.map(({ instead, pools: to }) => [instead, ...to].join(' ')),
    ])
    expect(texts).toEqual(found)
  })

  test('those that went down last, where any did', async () => {
    const { world, health, targets } = await arrangeWorld({
      zone: zoneWith(allDown('last_good')),
      assumptions: { down: ['eu1', 'eu2'] },
    })
    for (const { pools } of targets)
      for (const { member } of pools)
        for (const slot of member.slots)
          if (health.state(slot) === SlotState.down) health.setFell(slot, 1_700_000_000)
    const [eu] = new EmptyPools(health).find(world.catalog)
    expect(eu?.uses).toEqual([{ policy: 'inbound', rule: 1, instead: 'last-good', pools: [] }])
    expect(eu && isAnsweredBadly(eu)).toBe(true)
  })

  test('drained members are as good as none, and what changes is seen', async () => {
    const { world, health, targets } = await arrangeWorld({ zone: zoneWith(all) })
    const pools = new EmptyPools(health)
    expect(pools.find(world.catalog)).toEqual([])
    const rows = targets
      .filter(({ target }) => target.name.startsWith('eu'))
      .flatMap((one) => one.pools.map(({ member }) => member.row))
    for (const row of rows) health.setRow(row, Standing.drained, 1)
    const found = pools.find(world.catalog)
    expect(found.map(({ pool }) => pool)).toEqual(['eu'])
    // Nothing changed: the same answer, without another look.
    expect(pools.find(world.catalog)).toBe(found)
    for (const row of rows) health.setRow(row, Standing.normal, 1)
    expect(pools.find(world.catalog)).toEqual([])
  })
})
