import { describe, expect, test } from 'vitest'
import { parseNetwork, type Network } from '../../../src/lib/ip.ts'
import type { PlaceNetworks } from '../../../src/steer/scope/place-networks.ts'
import type { Conditions, Policy } from '../../../src/steer/policy.ts'
import { Scopes } from '../../../src/steer/scope/scope-cache.ts'
import { networksOf, octetsOf } from '../../geo/arrange.ts'
import { policyOf } from '../arrange.ts'

const networkOf = (text: string): Network => {
  const parsed = parseNetwork(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return { octets: parsed.octets, prefixLength: parsed.prefixLength }
}

interface When {
  readonly continent?: readonly string[]
  readonly country?: readonly string[]
  readonly asn?: readonly number[]
  readonly network?: readonly string[]
}

/** A rule for each, then the catch-all. */
const policy = (...rules: readonly When[]): Policy =>
  policyOf([
    ...rules.map(({ continent, country, asn, network }) => {
      const when: Conditions = {
        continents: continent ?? null,
        countries: country ?? null,
        asns: asn ?? null,
        networks: network?.map(networkOf) ?? null,
      }
      return { when, pools: [] }
    }),
    { when: null, pools: [] },
  ])

const noPlaces: PlaceNetworks = { country: null, asn: null }

function scope(
  networks: PlaceNetworks,
  by: Policy,
  client: string,
  internal: string[] = [],
): number {
  const scopes = new Scopes()
  scopes.use(networks)
  const set = { policy: by, internal: internal.map(networkOf) }
  const length = scopes.prefixLength(set, octetsOf(client))
  // The second answer is the remembered one.
  expect(scopes.prefixLength(set, octetsOf(client))).toBe(length)
  return length
}

test.each([
  ['1.2.0.0', 23],
  ['1.2.1.0', 23],
  ['1.2.2.0', 24],
  ['1.2.3.0', 24],
  ['1.2.4.0', 22],
  ['1.2.7.0', 22],
  ['1.2.8.0', 21],
  ['1.2.15.0', 21],
  ['1.2.16.0', 20],
  ['1.3.0.0', 16],
  ['1.0.0.0', 15],
  ['0.0.0.0', 8],
  ['128.0.0.0', 1],
])(
  'the example of RFC 7871 §7.2.1: 1.2.0/20 but for 1.2.3/24; %s is in a /%i',
  (client, length) => {
    const by = policy({ network: ['1.2.3.0/24'] }, { network: ['1.2.0.0/20'] })
    expect(scope(noPlaces, by, client)).toBe(length)
  },
)

describe('with databases', () => {
  const alone = policy({ network: ['12.0.0.0/7'], country: ['FR'] }, { network: ['12.0.0.0/7'] })
  const world = networksOf(
    {
      '11.0.0.0/8': 'DE',
      '12.0.0.0/8': 'FR',
      '13.0.0.0/9': 'US',
      '13.128.0.0/16': 'NL',
      '2a00::/16': 'DE',
      '2a01::/16': 'FR',
      '2a00:1234:5678:9a00::/64': 'US',
    },
    { '11.5.0.0/16': 64_500, '13.5.0.0/16': 64_500, '2a00:7::/32': 64_500 },
  )

  test.each([
    ['by country', policy({ country: ['DE'] }), '11.5.0.0', 8],
    ['by a country that is next to it', policy({ country: ['DE'] }), '12.0.0.0', 6],
    ['countries that one rule takes are one', policy({ country: ['DE', 'FR'] }), '11.5.0.0', 8],
    ['by continent', policy({ continent: ['EU'] }), '13.128.1.0', 16],
    ['by two rules', policy({ country: ['DE'] }, { country: ['FR'] }), '12.0.0.0', 8],
    ['a country that the rules do not name', policy({ country: ['SE'] }), '11.0.0.0', 0],
    ['by ASN', policy({ asn: [64_500] }), '11.5.1.0', 16],
    ['beside an ASN', policy({ asn: [64_500] }), '11.4.0.0', 16],
    ['an ASN without networks', policy({ asn: [1] }), '11.4.0.0', 0],
    ['ASN and country', policy({ asn: [64_500], country: ['DE'] }), '13.5.0.0', 6],
    ['ASN and country', policy({ asn: [64_500], country: ['DE'] }), '11.5.0.0', 16],
    [
      'a network where no country is',
      policy({ network: ['99.0.0.0/16'], country: ['DE'] }),
      '99.0.0.0',
      0,
    ],
    [
      'a network in a country',
      policy({ network: ['11.7.0.0/16'], country: ['DE'] }),
      '11.7.9.0',
      16,
    ],
    ['beside rules that hold in a network alone', alone, '14.0.0.0', 7],
    ['IPv6', policy({ country: ['DE'] }), '2a01::', 16],
    ['IPv6, at most 56', policy({ country: ['DE'] }), '2a00:1234:5678:9a00::', 56],
    ['IPv6, by ASN', policy({ asn: [64_500] }), '2a00:7::', 32],
    ['IPv6, elsewhere', policy({ country: ['DE'] }), '4000::', 2],
    ['no rules at all', policy(), '11.0.0.0', 0],
  ])('%s', (_, by, client, length) => {
    expect(scope(world, by, client)).toBe(length)
  })

  test('without a database no client has a place', () => {
    expect(scope(noPlaces, policy({ country: ['DE'] }, { asn: [64_500] }), '11.5.0.0')).toBe(0)
  })
})

describe('the MTAs’ own networks', () => {
  test.each([
    ['203.0.113.10', 24],
    ['203.0.112.0', 24],
    ['203.0.114.0', 23],
    ['64.0.0.0', 1],
  ])('%s', (client, length) => {
    expect(scope(noPlaces, policy(), client, ['203.0.113.10/32'])).toBe(length)
  })

  test('rules do not matter in them', () => {
    const by = policy({ network: ['10.1.0.0/16'] })
    expect(scope(noPlaces, by, '10.1.2.0', ['10.0.0.0/8'])).toBe(8)
    expect(scope(noPlaces, by, '10.1.2.0')).toBe(16)
  })

  test('sets of one policy with different ones are distinguished', () => {
    const scopes = new Scopes()
    const by = policy({ network: ['10.1.0.0/16'] })
    const client = octetsOf('10.1.2.0')
    expect(scopes.prefixLength({ policy: by }, client)).toBe(16)
    expect(scopes.prefixLength({ policy: by, internal: [networkOf('10.0.0.0/8')] }, client)).toBe(8)
    expect(scopes.prefixLength({ policy: by, internal: [] }, client)).toBe(16)
  })
})

test('a sticky set is answered by the client’s network', () => {
  const scopes = new Scopes()
  expect(scopes.prefixLength({ policy: policy(), sticky: true }, octetsOf('11.0.0.0'))).toBe(24)
  expect(scopes.prefixLength({ policy: policy(), sticky: true }, octetsOf('2a00::'))).toBe(56)
})

test('what was remembered goes with the databases', () => {
  const by = policy({ country: ['DE'] })
  const scopes = new Scopes()
  const lengths = [
    noPlaces,
    networksOf({ '11.0.0.0/16': 'DE' }),
    networksOf({ '11.0.0.0/8': 'DE' }),
  ].map((networks) => {
    scopes.use(networks)
    return scopes.prefixLength({ policy: by }, octetsOf('11.0.0.0'))
  })
  expect(lengths).toEqual([0, 16, 8])
})

test('clients that share a cell of the memory are not mixed up', () => {
  const by = policy({ network: ['11.0.0.0/9'] })
  const scopes = new Scopes()
  const wrong: string[] = []
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 65_536; i++) {
      const client = Uint8Array.of(11, i >> 8, i & 255, 0)
      if (scopes.prefixLength({ policy: by }, client) !== 9) wrong.push(client.join('.'))
      const other = Uint8Array.of(12, i >> 8, i & 255, 0)
      if (scopes.prefixLength({ policy: by }, other) !== 6) wrong.push(other.join('.'))
    }
  expect(wrong).toEqual([])
})

test('a search without end gives up, and is then too careful', () => {
  // A thousand networks of a condition that holds nowhere near.
  const network = Array.from({ length: 1000 }, (_, i) => `11.${i >> 4}.${(i & 15) * 16}.0/24`)
  const by = policy({ network, country: ['US'] })
  const length = scope(
    networksOf({ '13.0.0.0/8': 'US', '11.0.0.0/8': 'DE', '12.0.0.0/8': 'FR' }),
    by,
    '11.200.0.0',
  )
  expect(length).toBeGreaterThanOrEqual(6)
  expect(length).toBeLessThanOrEqual(9)
})
