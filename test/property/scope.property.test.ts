// ECS scope over random databases and rules: all clients of one scope get one rule, and no shorter prefix would do.
//
// The reference knows neither trees nor sets: it asks the rules for one address of every stretch between two borders
// of any network there is.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLocate } from '../../src/geo/places.ts'
import { specialPurposeNetworks } from '../../src/lib/special-address.ts'
import { formatAddress, networkContains, type Network } from '../../src/lib/ip.ts'
import { isInternal, matchRule } from '../../src/steer/select/match.ts'
import type { PlaceNetworks } from '../../src/steer/scope/place-networks.ts'
import type { Conditions, Policy, Rule } from '../../src/steer/policy.ts'
import { Scopes } from '../../src/steer/scope/scope-cache.ts'
import { networksOf } from '../geo/arrange.ts'
import { policyOf } from '../steer/arrange.ts'
import { runs } from '../support/runs.ts'

const caps = { 4: 24, 16: 56 } as const
type Octets = 4 | 16

/** Few different bits, so that networks meet and nest. */
const addressOf = (octets: Octets): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.constantFrom(0, 1, 3, 11, 0x2a, 0x80, 0xc0, 255), {
      minLength: octets,
      maxLength: octets,
    })
    .map((list) => Uint8Array.from(list))

function masked(address: Uint8Array, prefixLength: number): Uint8Array {
  return address.map(
    (octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, prefixLength - 8 * i))),
  )
}

const networkOf = (octets: Octets, longest: number): fc.Arbitrary<Network> =>
  fc
    .record({ address: addressOf(octets), prefixLength: fc.integer({ min: 1, max: longest }) })
    .map(({ address, prefixLength }) => ({ octets: masked(address, prefixLength), prefixLength }))

const textOf = ({ octets, prefixLength }: Network): string =>
  `${formatAddress(octets)}/${prefixLength}`

const countries = ['DE', 'FR', 'US', 'CA', 'ZA']
const continents = ['EU', 'NA', 'AF']
const asns = [64_500, 64_501, 64_502]

interface World {
  readonly octets: Octets
  readonly networks: PlaceNetworks
  readonly policy: Policy
  readonly internal: readonly Network[]
  /** Wherever anything may change. */
  readonly borders: readonly Network[]
}

function worldOf(octets: Octets, longest: number): fc.Arbitrary<World> {
  const network = networkOf(octets, longest)
  const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value[]> =>
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 })
  const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> =>
    fc.option(arbitrary, { freq: 1 })
  const when: fc.Arbitrary<Conditions> = fc.record({
    continents: maybe(some(continents)),
    countries: maybe(some(countries)),
    asns: maybe(some(asns)),
    networks: maybe(fc.array(network, { minLength: 1, maxLength: 3 })),
  })
  return fc
    .record({
      placed: fc.array(fc.tuple(network, fc.constantFrom(...countries)), { maxLength: 12 }),
      numbered: fc.array(fc.tuple(network, fc.constantFrom(...asns)), { maxLength: 6 }),
      rules: fc.array(when, { maxLength: 4 }),
      internal: fc.array(network, { maxLength: 2 }),
    })
    .map(({ placed, numbered, rules, internal }) => ({
      octets,
      networks: networksIn(placed, numbered),
      policy: policyOf([
        ...rules.map((conditions): Rule => ({ when: conditions, pools: [] })),
        { when: null, pools: [] },
      ]),
      internal,
      borders: [
        ...[...placed, ...numbered].map(([one]) => one),
        ...rules.flatMap(({ networks }) => networks ?? []),
        ...internal,
        ...specialPurposeNetworks.filter((one) => one.octets.length === octets),
      ],
    }))
}

function networksIn(
  placed: readonly (readonly [Network, string])[],
  numbered: readonly (readonly [Network, number])[],
): PlaceNetworks {
  // A database without networks would be refused.
  const somewhere = { '77.0.0.0/8': 'SE' }
  const known = { '77.0.0.0/8': 1 }
  return networksOf(
    {
      ...somewhere,
      ...Object.fromEntries(placed.map(([network, code]) => [textOf(network), code])),
    },
    { ...known, ...Object.fromEntries(numbered.map(([network, asn]) => [textOf(network), asn])) },
  )
}

/** What a client of this network gets, by the rules themselves. */
function chosen({ networks, policy, internal, octets }: World, address: Uint8Array): number {
  const locus = createLocate(networks)(address, octets === 4 ? 4 : 6, caps[octets])
  if (isInternal(internal, locus)) return -1
  return policy.rules.indexOf(matchRule(policy, locus))
}

const numberOf = (octets: Uint8Array): bigint =>
  octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)

const octetsOfNumber = (number: bigint, octets: Octets): Uint8Array =>
  Uint8Array.from({ length: octets }, (_, i) =>
    Number((number >> BigInt(8 * (octets - 1 - i))) & 255n),
  )

/** The first address of each stretch without a border in the network. */
function stretches({ borders, octets }: World, network: Network): Uint8Array[] {
  const starts = borders.flatMap((border) => {
    const first = numberOf(border.octets)
    return [first, first + (1n << BigInt(8 * octets - border.prefixLength))]
  })
  const addresses = starts
    .filter((start) => start < 1n << BigInt(8 * octets))
    .map((start) => octetsOfNumber(start, octets))
  return [network.octets, ...addresses.filter((address) => networkContains(network, address))]
}

function referenceScope(world: World, client: Uint8Array): number {
  const cap = caps[world.octets]
  for (let prefixLength = 0; prefixLength < cap; prefixLength++) {
    const network = { octets: masked(client, prefixLength), prefixLength }
    if (new Set(stretches(world, network).map((one) => chosen(world, one))).size === 1)
      return prefixLength
  }
  return cap
}

function scopeOf({ networks, policy, internal }: World, client: Uint8Array): number {
  const scopes = new Scopes()
  scopes.use(networks)
  return scopes.prefixLength({ policy, internal }, client)
}

/** `inside`'s address, moved into the network of `client`. */
const movedInto = (client: Uint8Array, prefixLength: number, inside: Uint8Array): Uint8Array => {
  const kept = masked(client, prefixLength)
  const rest = masked(inside, prefixLength)
  return kept.map((octet, i) => octet | ((inside[i] as number) ^ (rest[i] as number)))
}

test.each([4, 16] as const)(
  '%i octets: clients of one scope get one rule',
  (octets) => {
    const cap = caps[octets]
    const arbitrary = fc.tuple(
      worldOf(octets, 8 * octets),
      fc.array(addressOf(octets), { minLength: 2, maxLength: 20 }),
    )
    fc.assert(
      fc.property(arbitrary, ([world, [first, ...others]]) => {
        const client = masked(first as Uint8Array, cap)
        const scope = scopeOf(world, client)
        expect(scope).toBeLessThanOrEqual(cap)
        for (const other of [...others, ...world.borders.map((border) => border.octets)]) {
          const neighbour = masked(movedInto(client, scope, other), cap)
          expect(chosen(world, neighbour)).toBe(chosen(world, client))
          // And so they have the same scope themselves: caches keep one answer for the network.
          expect(scopeOf(world, neighbour)).toBe(scope)
        }
      }),
      { numRuns: runs(300) },
    )
  },
  600_000,
)

test.each([4, 16] as const)(
  '%i octets: no shorter scope would do',
  (octets) => {
    const cap = caps[octets]
    const arbitrary = fc.tuple(
      worldOf(octets, cap),
      fc.array(addressOf(octets), { minLength: 1, maxLength: 4 }),
    )
    const lengths = new Set<number>()
    fc.assert(
      fc.property(arbitrary, ([world, clients]) => {
        for (const one of [
          ...clients,
          ...world.borders.slice(0, 6).map((border) => border.octets),
        ]) {
          const client = masked(one, cap)
          const scope = scopeOf(world, client)
          lengths.add(scope)
          expect(scope).toBe(referenceScope(world, client))
        }
      }),
      { numRuns: runs(150) },
    )
    expect(lengths.size).toBeGreaterThan(10)
  },
  600_000,
)
