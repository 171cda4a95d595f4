// Packed nodes hold what they held before, in one piece of memory, also in a clone as workers get it.

import { expect, test } from 'vitest'
import { packOctets } from '../../src/zone/pack-octets.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import { memberOf, policyOf, poolOf, steeredMx } from '../support/steered-zone.ts'
import { targetOf, targetSets } from '../support/steered-zone.ts'
import { zoneOf } from '../support/zone-builder.ts'

const member = memberOf(targetOf('mx1', 1, [4, 6]))
const zones = [
  ...exampleCatalog.zones.values(),
  zoneOf('smtp.test.', {
    '@': { NS: 'ns1', MX: steeredMx(policyOf([poolOf('main', [member])])) },
    mx1: targetSets(member),
  }),
]

test.each(zones)('the same nodes, zone %#', ({ nodes }) => {
  expect(packOctets(nodes)).toEqual(nodes)
  expect([...packOctets(nodes).keys()]).toEqual([...nodes.keys()])
})

test.each(zones)('one buffer, also in a clone, zone %#', ({ nodes }) => {
  const packed = packOctets(nodes)
  for (const some of [packed, structuredClone(packed)]) {
    const buffers = new Set<ArrayBufferLike>()
    let octets = 0
    for (const { owner, sets } of some.values()) {
      const plain = [...sets.values()].flatMap((set) => (set.kind === 'plain' ? set.rdata : []))
      for (const one of [owner, ...plain.map((rdata) => rdata.octets)]) {
        buffers.add(one.buffer)
        octets += one.length
      }
    }
    expect([...buffers].map((buffer) => buffer.byteLength)).toEqual([octets])
  }
})

test('steered sets stay the very same', () => {
  const zone = zones.at(-1)
  const apex = zone?.nodes.get(zone.apexKey)
  const packed = packOctets(zone?.nodes ?? new Map()).get(zone?.apexKey ?? '')
  expect(apex?.sets.get(15)?.kind).toBe('steered-mx')
  expect(packed?.sets.get(15)).toBe(apex?.sets.get(15))
})
