// The chain of NSEC owners has the canonical order of names, whatever octets are in their labels (RFC 4034 §6.1): held against
// an order of names that was written apart.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { keyOfName, type Name, nameToText } from '../../src/wire/name.ts'
import {
  createChainKey,
  createDenialChain,
  deniableTypes,
  findInChain,
  ownerAt,
  putChainKey,
} from '../../src/zone/denial-chain.ts'
import type { RRset, ZoneNode } from '../../src/zone/zone.ts'
import { compareNames, type Labels, wireOf } from '../support/dnssec/names.ts'
import { runs } from '../support/runs.ts'
import { zoneOf } from '../support/zone-builder.ts'

const apex: Labels = ['zone', 'test']

/** Octets that sort oddly: below and at those that end a label in a key, letters of both cases, and the last ones. */
const octet = fc.constantFrom(
  0,
  1,
  2,
  0x20,
  0x2a,
  0x2e,
  0x41,
  0x5a,
  0x61,
  0x7a,
  0x7f,
  0x80,
  0xfe,
  0xff,
)
const label = fc
  .array(octet, { minLength: 1, maxLength: 3 })
  .map((octets) => String.fromCharCode(...octets))
const below = fc.array(label, { maxLength: 3 }).map((labels): Labels => [...labels, ...apex])

const wire = (name: Labels): Name => new Uint8Array(wireOf(name))
const set: RRset = { kind: 'plain', type: 1, ttl: 60, rdata: [] }
const nodeOf = (name: Labels): ZoneNode => ({
  owner: wire(name),
  sets: new Map([[1, set]]),
  isDelegation: false,
})

test('is in canonical order, and finds the last owner that is not behind a name', () => {
  fc.assert(
    fc.property(fc.array(below, { maxLength: 20 }), fc.array(below), (owners, asked) => {
      const nodes = new Map([apex, ...owners].map((name) => [keyOfName(wire(name)), nodeOf(name)]))
      const chain = createDenialChain(keyOfName(wire(apex)), nodes)
      const sorted = [apex, ...owners]
        .sort(compareNames)
        .filter((name, i, all) => i === 0 || compareNames(name, all[i - 1] as Labels) !== 0)
      const keysOf = (names: readonly Name[]): string[] => names.map(keyOfName)
      const inChain = sorted.map((_, i) => ownerAt(chain, i, wire(apex)))
      expect(chain.offsets.length - 1).toBe(sorted.length)
      expect(keysOf(inChain)).toEqual(keysOf(sorted.map(wire)))
      expect(keyOfName(ownerAt(chain, sorted.length, wire(apex)))).toBe(keyOfName(wire(apex)))
      const key = createChainKey()
      for (const name of [...owners, ...asked]) {
        const octets = wire(name)
        const length = putChainKey(key, octets, 0, octets.length - wire(apex).length)
        const index = sorted.findLastIndex((owner) => compareNames(owner, name) <= 0)
        const isOwner = compareNames(sorted[index] as Labels, name) === 0
        expect(findInChain(chain, key, length)).toEqual({ index, isOwner })
      }
    }),
    { numRuns: runs(500) },
  )
})

test('has cuts, and neither what is below them or a DNAME, nor empty non-terminals', () => {
  const {
    apexKey,
    nodes,
    apex: name,
  } = zoneOf('zone.test.', {
    '@': { NS: 'ns1' },
    ns1: { A: '192.0.2.1' },
    'a.b': { A: '192.0.2.1' },
    cut: { NS: 'ns1.cut' },
    'ns1.cut': { A: '192.0.2.1' },
    'deep.ns1.cut': { A: '192.0.2.1' },
    tree: { DNAME: 'elsewhere.test.', A: '192.0.2.1' },
    'x.tree': { A: '192.0.2.1' },
  })
  const chain = createDenialChain(apexKey, nodes)
  const owners = Array.from({ length: chain.offsets.length - 1 }, (_, i) => ownerAt(chain, i, name))
  expect(owners.map(nameToText)).toEqual([
    'zone.test.',
    'a.b.zone.test.',
    'cut.zone.test.',
    'ns1.zone.test.',
    'tree.zone.test.',
  ])
  const typesAt = (index: number) =>
    deniableTypes(nodes.get(keyOfName(owners[index] as Name)) as ZoneNode)
  expect(typesAt(0)).toEqual([2, 6, 46, 47])
  expect(typesAt(2)).toEqual([2, 46, 47])
  expect(typesAt(4)).toEqual([1, 39, 46, 47])
})
