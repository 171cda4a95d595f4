// Where clients go when members of a pool are taken out and it falls below its `min_healthy`.

import { describe, expect, test } from 'vitest'

import { shortPools, shortPoolText } from '../../src/explain/client-moves.ts'
import { Standing } from '../../src/health/table.ts'
import { arrangeWorld } from './arrange.ts'

const zone = 'smtp.example.test'

const zoneWith = (eu: string): string => `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu1: { addresses: [192.0.2.1] }
  eu2: { addresses: [192.0.2.2] }
  eu3: { addresses: [192.0.2.3] }
  us1: { addresses: [192.0.2.4] }
probes:
  inbound: {}
pools:
  eu: { probe: inbound, targets: { eu1: 1, eu2: 1, eu3: 2 }, ${eu} }
  us: { probe: inbound, targets: { us1: 1 } }
steering:
  inbound:
    - { when: { network: [198.51.100.0/24] }, pools: [eu, us] }
    - { pools: [us, eu] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`

/** What draining these comes to, with others down. */
async function drained(eu: string, names: readonly string[], down: readonly string[] = []) {
  const { world, health, targets } = await arrangeWorld({
    zone: zoneWith(eu),
    assumptions: { down },
  })
  const rows = targets
    .filter(({ target }) => names.includes(target.name))
    .flatMap(({ pools }) => pools.map(({ member }) => member.row))
  const changed = rows.map((row) => ({ row, standing: Standing.drained, share: 1 }))
  const found = shortPools(world.catalog, zone, health, changed)
  // The table itself is as it was.
  expect(rows.map((row) => health.standing(row))).toEqual(rows.map(() => Standing.normal))
  return found
}

describe('a pool that is left with less than min_healthy', () => {
  test('hands everyone over', async () => {
    const [short, ...more] = await drained('min_healthy: 0.6', ['eu3'])
    expect(more).toEqual([])
    expect(short).toMatchObject({ zone, pool: 'eu', usable: 0.5, minHealthy: 0.6 })
    expect(short?.clients).toEqual([
      {
        policy: 'inbound',
        rule: 1,
        when: 'network 198.51.100.0/24',
        before: [{ pool: 'eu', share: 1 }],
        after: [{ pool: 'us', share: 1 }],
      },
      {
        policy: 'inbound',
        rule: 2,
        when: null,
        before: [{ pool: 'us', share: 1 }],
        after: [{ pool: 'us', share: 1 }],
      },
    ])
    expect(short && shortPoolText(short)).toBe(
      'pool eu of smtp.example.test is left with 50 % of its weight, below min_healthy 60 %: ' +
        '100 % of clients of network 198.51.100.0/24 (inbound rule 1) go to pool us; ' +
        'clients of everywhere else (inbound rule 2) are answered as before',
    )
  })

  test('hands over as many as weight is missing', async () => {
    const [short] = await drained('min_healthy: 0.8, spill: proportional', ['eu3'])
    expect(short?.clients[0]?.after).toEqual([
      { pool: 'eu', share: expect.closeTo(0.625) },
      { pool: 'us', share: expect.closeTo(0.375) },
    ])
    expect(short && shortPoolText(short)).toContain(
      '37.5 % of clients of network 198.51.100.0/24 (inbound rule 1) go to pool us',
    )
  })

  test('keeps them where nobody else has enough', async () => {
    const [short] = await drained('min_healthy: 0.6', ['eu3'], ['us1'])
    expect(short && shortPoolText(short)).toContain(
      'clients of network 198.51.100.0/24 (inbound rule 1) stay with what is left',
    )
  })

  test('that is below it already is told of where it gets worse, not where it does not', async () => {
    expect(await drained('min_healthy: 0.6', ['eu2'], ['eu3'])).toMatchObject([{ usable: 0.25 }])
    expect(await drained('min_healthy: 0.6', ['eu3'], ['eu3'])).toEqual([])
  })
})

test.each([
  ['min_healthy: 0.5', ['eu3']],
  ['min_healthy: 0', ['eu1', 'eu2', 'eu3']],
  ['min_healthy: 0.6', ['us1']],
])('%s, %j drained: nothing to tell of', async (eu, names) =>
  expect(await drained(eu, names)).toEqual([]),
)
