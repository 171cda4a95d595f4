// A packed catalog holds what it was made of: node by node, in a thread of its own too, and as lookup sees it.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOfName } from '../../src/wire/name.ts'
import { lookup } from '../../src/zone/lookup.ts'
import { createNameIndex } from '../../src/zone/name-table.ts'
import { openCatalog, packCatalog } from '../../src/zone/packed-catalog.ts'
import type { Catalog, Zone } from '../../src/zone/zone.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import {
  memberOf,
  policyOf,
  poolOf,
  steeredMx,
  targetOf,
  targetSets,
} from '../support/steered-zone.ts'
import { catalogOf, nameOf, zoneOf } from '../support/zone-builder.ts'
import { runs } from '../support/runs.ts'

const member = memberOf(targetOf('mx1', 1, [4, 6]))
const steered = zoneOf('smtp.test.', {
  '@': { NS: 'ns1', MX: steeredMx(policyOf([poolOf('main', [member])])) },
  mx1: targetSets(member),
  'a.deep.name': { A: '192.0.2.1' },
})
const catalogs = [exampleCatalog, catalogOf(steered, ...exampleCatalog.zones.values()), catalogOf()]
const handedOver = (catalog: Catalog): Catalog => openCatalog(structuredClone(packCatalog(catalog)))

test.each(catalogs)('the same zones and nodes, in the same order, catalog %#', (catalog) => {
  const opened = handedOver(catalog)
  expect([...opened.zones.keys()]).toEqual([...catalog.zones.keys()])
  for (const [key, { nodes, ...zone }] of catalog.zones) {
    const { nodes: packed, steered: gathered, ...rest } = opened.zones.get(key) as Zone
    expect(rest).toEqual(zone)
    expect([...packed]).toEqual([...nodes])
    expect(packed.size).toBe(nodes.size)
    for (const [name, node] of nodes) {
      expect(packed.get(name)).toEqual(node)
      expect(packed.has(name)).toBe(true)
      const isSteered = [...node.sets.values()].some((set) => set.kind !== 'plain')
      expect(gathered?.has(name)).toBe(isSteered)
    }
  }
})

test('a name that is asked for again is the same node, others are none', () => {
  const nodes = handedOver(catalogOf(steered)).zones.get(steered.apexKey)?.nodes
  const key = keyOfName(nameOf('a.deep.name.smtp.test.'))
  expect(nodes?.get(key)?.sets.get(1)).toMatchObject({ kind: 'plain', type: 1 })
  expect(nodes?.get(key)).toBe(nodes?.get(key))
  for (const absent of ['b.deep.name.smtp.test.', 'test.', '.', `${'a.'.repeat(126)}b.`])
    expect(nodes?.get(keyOfName(nameOf(absent)))).toBeUndefined()
})

test('of many names those asked for lately are kept, and all of them found', () => {
  const owners = Array.from({ length: 10_000 }, (_, i) => `host${i}`)
  const zone = zoneOf('many.test.', Object.fromEntries(owners.map((o) => [o, { TXT: o }])))
  const nodes = handedOver(catalogOf(zone)).zones.get(zone.apexKey)?.nodes
  for (const round of [1, 2])
    for (const owner of owners) {
      const key = keyOfName(nameOf(`${owner}.many.test.`))
      const text = nodes?.get(key)?.sets.get(16)
      if (text?.kind !== 'plain') throw new Error(`round ${round}: no text at ${owner}`)
      expect(Buffer.from(text.rdata[0]?.octets.subarray(1) ?? []).toString()).toBe(owner)
    }
})

const label = fc.constantFrom('a', 'A', 'b', 'c', '*')
const relative = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const spec = fc
  .array(
    fc.tuple(
      relative,
      fc.constantFrom('A 192.0.2.1', 'NS ns.test.', 'DNAME b.', 'CNAME a', 'TXT t'),
    ),
    { maxLength: 8 },
  )
  .map((records) =>
    Object.fromEntries(
      records.map(([owner, one]) => [
        owner.toLowerCase(),
        { [one.split(' ')[0] as string]: one.split(' ')[1] as string },
      ]),
    ),
  )
const apexes = ['zone.test.', 'b.zone.test.', 'other.test.']
const qname = fc
  .tuple(relative, fc.constantFrom(...apexes, 'ZONE.test.', 'test.'))
  .map(([owner, apex]) => nameOf(`${owner}.${apex}`))

test('lookup and the index of names see the same in it', () => {
  const kinds = new Set<string>()
  fc.assert(
    fc.property(
      fc.tuple(spec, spec, spec),
      fc.array(qname, { minLength: 20, maxLength: 20 }),
      fc.constantFrom(1, 2, 16, 255),
      (specs, names, type) => {
        const catalog = catalogOf(...specs.map((one, i) => zoneOf(apexes[i] as string, one)))
        const opened = handedOver(catalog)
        const [index, other] = [createNameIndex(catalog), createNameIndex(opened)]
        for (const name of names) {
          const key = keyOfName(name)
          expect(plainly(lookup(opened, key, type))).toEqual(plainly(lookup(catalog, key, type)))
          expect(other.nxdomainZone(name, 0)?.apexKey).toBe(index.nxdomainZone(name, 0)?.apexKey)
          kinds.add(lookup(catalog, key, type).kind)
        }
      },
    ),
    { numRuns: runs(200) },
  )
  expect([...kinds].sort()).toEqual(
    ['alias', 'any', 'delegation', 'dname', 'found', 'nodata', 'nxdomain', 'refused'].sort(),
  )
})

/** Its zone by name, since nodes of one are packed and of the other are not. */
function plainly(found: ReturnType<typeof lookup>): unknown {
  return 'zone' in found ? { ...found, zone: found.zone.apexKey } : found
}
