// What is told of exchange slots: where a name stands, what it shares, its shares over all clients, and what a change of the
// file does.

import { describe, expect, test } from 'vitest'
import { explanationText } from '../../src/cli/text/explain-text.ts'
import { compareCatalogs } from '../../src/explain/compare.ts'
import { simulate } from '../../src/explain/simulate.ts'
import { seeded } from '../steer/arrange.ts'
import { arrangeWorld, questionOf } from './arrange.ts'

const zone = `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster }
internal: 10.0.0.0/8
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2] }
  mx3: { addresses: [192.0.2.3] }
  mx4: { addresses: [192.0.2.4] }
probes: { p: {} }
pools: { main: { probe: p, targets: { mx1: 4, mx2: 3, mx3: 2, mx4: 1 } } }
steering: { inbound: [{ pools: [main] }] }
slots: { steer: inbound, names: [in1, in2, in3] }
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.53 }
`
const names = [1, 2, 3].map((i) => `in${i}.smtp.example.test`)
const weights = { mx1: 0.4, mx2: 0.3, mx3: 0.2, mx4: 0.1 }

describe('an explanation', () => {
  test('has the answer, the place among the names, and exact shares of the first', async () => {
    const { explain, answer } = await arrangeWorld({ zone })
    for (const [i, name] of names.entries()) {
      const told = explain(`${name}.`, 'A', '198.51.100.7')
      const given = answer(`${name}.`, 'A', '198.51.100.7').answer[0]
      expect(told.answer.records[0]?.split(' ').at(-1)).toBe(given?.split(' ').at(-1))
      expect(told.steering?.slot).toMatchObject({ number: i + 1, names, sharedWith: [] })
      const { shares } = told.steering ?? {}
      const expected = Object.fromEntries(
        shares?.targets.map(({ target, expected: share }) => [
          target,
          Number((share ?? 0).toFixed(9)),
        ]) ?? [],
      )
      if (i === 0) expect([shares?.expectedBy, expected]).toEqual(['exact', weights])
      else expect(Object.values(expected).reduce((sum, one) => sum + one, 0)).toBeCloseTo(1)
    }
  })

  test('says so where other targets lack the family', async () => {
    const oneWithIpv4 = zone
      .replace(
        /^targets:[\s\S]*?(?=^probes:)/m,
        'targets: { mx1: { addresses: [192.0.2.1, 2001:db8::1] }, mx2: { addresses: [2001:db8::2] }, mx3: { addresses: [2001:db8::3] } }\n',
      )
      .replace(/targets: \{ mx1: 4.*? \}/, 'targets: [mx1, mx2, mx3]')
    const { explain } = await arrangeWorld({ zone: oneWithIpv4 })
    for (const [i, name] of names.entries()) {
      const others = names.filter((_, at) => at !== i)
      expect(explain(`${name}.`, 'A').steering?.slot?.sharedWith).toEqual(others)
      expect(explain(`${name}.`, 'AAAA').steering?.slot?.sharedWith).toEqual([])
    }
  })

  test('says so where a name shares its target, in words too', async () => {
    const { explain } = await arrangeWorld({ zone, assumptions: { down: ['mx1', 'mx2'] } })
    const told = explain(`${names[2]}.`, 'A')
    expect(told.steering?.slot?.sharedWith).toEqual([names[0]])
    const text = explanationText(told)
    expect(text).toMatch(/name 3 of 3 that answer the rungs of one ladder, sticky/)
    expect(text).toContain(`its target is also that of ${names[0]}`)
    expect(explain(`${names[1]}.`, 'A').steering?.slot?.sharedWith).toEqual([])
  })

  test('of the zone’s own MTAs: the fixed ladder', async () => {
    const { explain } = await arrangeWorld({ zone, assumptions: { down: ['mx1'] } })
    const told = names.map((name) => explain(`${name}.`, 'A', '10.1.2.3'))
    expect(told.map(({ steering }) => steering?.internal)).toEqual([true, true, true])
    const addresses = told.map(({ answer }) => answer.records[0]?.split(' ').at(-1))
    expect(addresses).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })
})

test('a simulation over many clients has the shares of the first name', async () => {
  const { world } = await arrangeWorld({ zone })
  const clients = Array.from({ length: 20_000 }, (_, i) => ({
    octets: Uint8Array.of(100, i >> 8, i & 255, 1),
    prefixLength: 32,
  }))
  const simulated = simulate({
    world,
    question: questionOf(`${names[0]}.`, 'A'),
    clients,
    rounds: 1,
    by: 'rule',
    random: seeded(1),
  })
  if (simulated.kind !== 'simulated') throw new Error(simulated.kind)
  expect(simulated.simulation.expectedBy).toBe('exact')
  for (const { drawn, expected } of simulated.simulation.all.targets) {
    const sigma = Math.sqrt(((expected ?? 0) * (1 - (expected ?? 0))) / clients.length)
    expect(Math.abs(drawn - (expected ?? 0)) / sigma).toBeLessThan(4)
  }
})

test('a comparison tells another epoch, another place, and names that come and go', async () => {
  const differences = async (after: string) => {
    const [was, is] = [await arrangeWorld({ zone }), await arrangeWorld({ zone: after })]
    return compareCatalogs({ before: was.world, after: is.world, places: [], random: seeded(1) })
  }
  expect(await differences(zone)).toEqual([])
  const epoch = await differences(zone.replace('in3] }', 'in3], epoch: 1h }'))
  expect(epoch.map((one) => one.kind === 'steered' && one.clients[0]?.changes)).toEqual(
    names.map(() => ['epoch: 600 s → 3600 s']),
  )
  const fewer = await differences(zone.replace('in1, in2, in3', 'in1, in2'))
  expect(fewer.map((one) => one.kind)).toEqual(['steered', 'steered', 'records'])
})
