import { expect, test } from 'vitest'
import { needsPlaces } from '../../src/geo/needs-places.ts'
import type { Conditions, SteeredSet } from '../../src/steer/policy.ts'
import type { Catalog, RRset } from '../../src/zone/zone.ts'
import { addressesOf, catchAllOf, mxOf, network, policyOf } from '../steer/arrange.ts'

const plain: RRset = { kind: 'plain', type: 1, ttl: 60, rdata: [] }

function catalogOf(set: SteeredSet): Catalog {
  const owner = Uint8Array.of(0)
  const node = {
    owner,
    isDelegation: false,
    sets: new Map<number, RRset | SteeredSet>([
      [16, plain],
      [set.type, set],
    ]),
  }
  const zone = {
    apex: owner,
    apexKey: '\0',
    labelCount: 0,
    serial: 1,
    negativeSoa: plain,
    nodes: new Map([['\0', node]]),
    signing: null,
  }
  return { zones: new Map([['\0', zone]]), generation: 1 }
}

const policyWith = (when: Partial<Conditions>) => {
  const none = { continents: null, countries: null, asns: null, networks: null }
  return policyOf([{ when: { ...none, ...when }, pools: [] }, catchAllOf([])])
}

test.each<[string, Partial<Conditions>, boolean]>([
  ['continents', { continents: ['EU'] }, true],
  ['countries', { countries: ['DE'] }, true],
  ['asns', { asns: [64_500] }, true],
  ['networks alone', { networks: [network('10.0.0.0', 8)] }, false],
])('a rule by %s', (_, when, wanted) => {
  expect(needsPlaces(catalogOf(mxOf(policyWith(when))))).toBe(wanted)
  expect(needsPlaces(catalogOf(addressesOf(policyWith(when), 2, { type: 28 })))).toBe(wanted)
})

test('without rules no database is needed', () => {
  expect(needsPlaces(catalogOf(mxOf(policyOf([catchAllOf([])]))))).toBe(false)
  expect(needsPlaces({ zones: new Map(), generation: 0 })).toBe(false)
})
