// Slots that share a target: what is said to be shared is what the answering code shares.

import { expect, test } from 'vitest'

import { SharedSlotsFinder, findingOf } from '../../src/problems/shared-slots.ts'
import { arrangeWorld } from '../explain/arrange.ts'

const zone = `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu1: { addresses: [192.0.2.1] }
  eu2: { addresses: [192.0.2.2] }
  us1: { addresses: [192.0.2.3] }
probes:
  inbound: {}
pools:
  eu: { probe: inbound, targets: { eu1: 1, eu2: 1 } }
  us: { probe: inbound, targets: { us1: 1 } }
steering:
  inbound:
    - { when: { network: 198.51.100.0/24 }, pools: [us, eu] }
    - { pools: [eu, us] }
slots: { steer: inbound, names: [in1, in2, in3] }
records:
  '@': { NS: ns1 }
  ns1: { A: 127.0.0.1 }
`

test.each([
  [[], []],
  [['us1'], ['eu1', 'eu2']],
  [['eu1', 'us1'], ['eu2']],
  // Another problem (empty-pools.ts): all of them are answered.
  [['eu1', 'eu2', 'us1'], []],
] as const)('without %s the names share %s', async (down, eligible) => {
  const { world, health, answer } = await arrangeWorld({ zone, assumptions: { down } })
  const found = new SharedSlotsFinder(health).find(world.catalog)
  const names = ['in1', 'in2', 'in3'].map((name) => `${name}.smtp.example.test`)
  const shared = eligible.length > 0 ? [1, 2] : []
  expect(found.map(({ rule }) => rule)).toEqual(shared)
  for (const one of found) {
    expect(one).toMatchObject({ zone: 'smtp.example.test', names, policy: 'inbound' })
    expect([...one.eligible].sort()).toEqual(eligible)
    expect(findingOf(one).text).toContain(eligible.length === 1 ? 'one target is' : '2 targets are')
  }
  const addresses = names.flatMap((name) => answer(`${name}.`, 'A').answer)
  const distinct = new Set(addresses.map((record) => record.split(' ').at(-1)))
  expect(distinct.size).toBe(eligible.length > 0 ? eligible.length : 3)
})
