// The index may only say that there is nothing where `lookup` says so too, of the same zone; and it should say so
// wherever no cut, DNAME or wildcard is in the way.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOfName } from '../../src/wire/name.ts'
import { lookup } from '../../src/zone/lookup.ts'
import { createNameIndex } from '../../src/zone/name-table.ts'
import { catalogOf, nameOf, zoneOf } from '../support/zone-builder.ts'
import { runs } from '../support/runs.ts'

const label = fc.constantFrom('a', 'A', 'b', 'c', '*')
const relative = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const set = fc.constantFrom<readonly [string, string]>(
  ['A', '192.0.2.1'],
  ['A', '192.0.2.2'],
  ['TXT', 'text'],
  ['NS', 'ns.elsewhere.org.'],
  ['DNAME', 'elsewhere.org.'],
  ['CNAME', 'a'],
)
const spec = fc
  .array(fc.tuple(relative, set), { maxLength: 8 })
  .map((records) =>
    Object.fromEntries(
      records.map(([owner, [type, text]]) => [owner.toLowerCase(), { [type]: text }]),
    ),
  )
const apexes = ['zone.test.', 'b.zone.test.', 'c.b.zone.test.', 'other.test.']
const qname = fc
  .tuple(relative, fc.constantFrom(...apexes, 'ZONE.test.', 'test.'))
  .map(([owner, apex]) => nameOf(`${owner}.${apex}`))

test('says nothing exists exactly where lookup finds NXDOMAIN on plain ways', () => {
  let [sure, silent] = [0, 0]
  fc.assert(
    fc.property(
      fc.tuple(spec, spec, spec, spec),
      fc.array(qname, { minLength: 20, maxLength: 20 }),
      (specs, names) => {
        const zones = specs.map((one, i) => zoneOf(apexes[i] as string, one))
        const catalog = catalogOf(...zones)
        const index = createNameIndex(catalog)
        for (const name of names) {
          const found = lookup(catalog, keyOfName(name), 1)
          // Off the start of its buffer, as in a packet.
          const packet = Uint8Array.of(1, 2, 3, ...name, 0, 1)
          const zone = index.nxdomainZone(packet, 3)
          if (zone === null) {
            expect(found.kind).not.toBe('nxdomain')
            silent++
          } else {
            expect(found.kind === 'nxdomain' && found.zone === zone).toBe(true)
            sure++
          }
        }
      },
    ),
    { numRuns: runs(300) },
  )
  expect(Math.min(sure, silent)).toBeGreaterThan(300)
})

test('names of more labels than it looks at are left to lookup', () => {
  const index = createNameIndex(catalogOf(zoneOf('zone.test.', {})))
  const deep = nameOf(`${'a.'.repeat(31)}zone.test.`)
  expect(index.nxdomainZone(deep, 0)).toBeNull()
  expect(index.nxdomainZone(nameOf(`${'a.'.repeat(30)}zone.test.`), 0)).not.toBeNull()
  expect(index.nxdomainZone(nameOf('.'), 0)).toBeNull()
})
