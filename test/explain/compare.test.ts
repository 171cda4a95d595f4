// Comparison of two catalogs: plain records, and steered sets for every class of clients that either side distinguishes.

import { describe, expect, test } from 'vitest'
import { type Difference, compareCatalogs } from '../../src/explain/compare.ts'
import { classesOf, locusOf } from '../../src/explain/client-classes.ts'
import { ruleLabel } from '../../src/explain/decision.ts'
import { parseNetwork, type Network } from '../../src/lib/ip.ts'
import type { Conditions, Rule, SteeredMx } from '../../src/steer/policy.ts'
import type { Place } from '../../src/steer/scope/place-networks.ts'
import { arrange, mxOf, policyOf, seeded } from '../steer/arrange.ts'
import { arrangeWorld } from './arrange.ts'

const zone = `
zone: smtp.example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2] }
  mx3: { addresses: [192.0.2.3] }
pools:
  eu: { targets: { mx1: 2, mx2: 1 } }
  us: { targets: { mx3: 1 } }
steering:
  inbound:
    - { when: { continent: [EU, AF] }, pools: [eu, us] }
    - { when: { network: 10.0.0.0/8 }, pools: [us] }
    - { pools: [us, eu] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  text: { TXT: '"one"' }
`
const places: readonly Place[] = [
  { continent: 'EU', country: 'DE' },
  { continent: 'EU', country: 'FR' },
  { continent: 'AF', country: 'EG' },
  { continent: 'NA', country: 'US' },
]

async function differences(before: string, after: string): Promise<readonly Difference[]> {
  const [was, is] = [await arrangeWorld({ zone: before }), await arrangeWorld({ zone: after })]
  return compareCatalogs({ before: was.world, after: is.world, places, random: seeded(1) })
}

/** Of the steered sets: `clients (rule): change; …`, and the shares that moved. */
const linesOf = (all: readonly Difference[]): string[] =>
  all.flatMap((one) =>
    one.kind === 'steered'
      ? one.clients.map(({ clients, changes, shares }) => {
          const moved = shares
            .filter(({ before, after }) => before !== after)
            .map(
              ({ target, before, after }) => `${target} ${before.toFixed(2)}→${after.toFixed(2)}`,
            )
          return `${one.type} ${clients.join('; ')} | ${changes.join('; ')} | ${moved.join(' ')}`
        })
      : [],
  )

describe('nothing', () => {
  test('differs between a zone and itself, by whatever names', async () => {
    expect(await differences(zone, zone)).toEqual([])
    const renamed = zone.replaceAll('eu', 'europe').replaceAll('inbound', 'mail')
    expect(await differences(zone, renamed)).toEqual([])
    const split = zone.replace(
      '{ when: { continent: [EU, AF] }, pools: [eu, us] }',
      '{ when: { continent: EU }, pools: [eu, us] }\n    - { when: { country: EG }, pools: [eu, us] }',
    )
    expect(await differences(zone, split)).toEqual([])
  })
})

describe('plain records', () => {
  test('added, removed, changed, with their TTL; the serial does not count', async () => {
    const after = zone
      .replace('192.0.2.53', '192.0.2.54')
      .replace(`  text: { TXT: '"one"' }`, `  other: { TXT: { ttl: 90, data: '"two"' } }`)
    const of = { kind: 'records', zone: 'smtp.example.test' }
    expect(await differences(zone, after)).toEqual(
      expect.arrayContaining([
        {
          ...of,
          name: 'ns1.smtp.example.test',
          type: 'A',
          before: ['60 192.0.2.53'],
          after: ['60 192.0.2.54'],
        },
        { ...of, name: 'text.smtp.example.test', type: 'TXT', before: ['60 "one"'], after: null },
        { ...of, name: 'other.smtp.example.test', type: 'TXT', before: null, after: ['90 "two"'] },
      ]),
    )
    expect(await differences(zone, after)).toHaveLength(3)
  })

  test("a target's own name, a zone that goes, a plain set that becomes steered", async () => {
    const moved = await differences(zone, zone.replace('192.0.2.3]', '192.0.2.33]'))
    expect(moved).toEqual([
      expect.objectContaining({ type: 'A', before: ['60 192.0.2.3'], after: ['60 192.0.2.33'] }),
    ])
    const renamed = await differences(zone, zone.replace('zone: smtp', 'zone: mail'))
    expect(renamed.filter(({ kind }) => kind === 'zone')).toEqual([
      { kind: 'zone', zone: 'mail.example.test', change: 'added' },
      { kind: 'zone', zone: 'smtp.example.test', change: 'removed' },
    ])
    const plain = zone.replace('MX: { steer: inbound }', 'MX: 10 mx1')
    expect(await differences(plain, zone)).toEqual([
      expect.objectContaining({
        type: 'MX',
        before: ['60 10 mx1.smtp.example.test.'],
        after: ['steered by inbound'],
      }),
    ])
  })
})

describe('steered sets', () => {
  test('clients, rules, and shares of targets', async () => {
    const weight = zone.replace('mx1: 2, mx2: 1', 'mx1: 1, mx2: 1')
    expect(linesOf(await differences(zone, weight))).toEqual([
      'MX continent EU, AF | pool 1: mx1 2, mx2 1 → mx1 1, mx2 1 | mx1 0.67→0.50 mx2 0.33→0.50',
      'MX everyone else | pool 2: mx1 2, mx2 1 → mx1 1, mx2 1 | ',
    ])
  })

  test('a rule that loses a continent, and one that gains a network', async () => {
    const after = zone
      .replace('[EU, AF]', 'EU')
      .replace('network: 10.0.0.0/8', 'network: [10.0.0.0/8, 11.0.0.0/8]')
    const lines = linesOf(await differences(zone, after))
    expect(lines).toHaveLength(3)
    expect(lines).toContainEqual(
      expect.stringMatching(/^MX country EG \| pool 1: mx1 2, mx2 1 → mx3 1; .* mx1 0\.67→0\.00/),
    )
    expect(lines).toContainEqual(
      expect.stringMatching(/^MX network 11\.0\.0\.0\/8 \| pool 2: mx1 2, mx2 1 → none/),
    )
  })

  test.each([
    ['ladder', 'MX: { steer: inbound }', 'MX: { steer: inbound, ladder: 2 }', 'ladder: 4 → 2'],
    ['ttl', 'MX: { steer: inbound }', 'MX: { steer: inbound, ttl: 120 }', 'ttl: 60 s → 120 s'],
    ['panic', 'eu: { targets', 'eu: { panic: 0.5, targets', 'panic: 0 → 0.5'],
    ['on_all_down', 'pools:\n', 'on_all_down: servfail\npools:\n', 'on_all_down: all → servfail'],
    [
      'warm-up',
      'mx2: { addresses: [192.0.2.2] }',
      'mx2: { addresses: [192.0.2.2], warmup: { from: 2026-11-01, days: 5 } }',
      'mx2 warm-up: none → from 2026-11-01, 5 days, exponential from 0.01',
    ],
  ])('%s', async (_, was, is, change) => {
    const lines = linesOf(await differences(zone, zone.replace(was, is)))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).toContain(change)
  })

  test('internal networks: the fixed ladder, and its clients', async () => {
    const own = zone.replace('targets:\n  mx1', 'internal: 192.0.2.0/24\ntargets:\n  mx1')
    expect(linesOf(await differences(zone, own))).toEqual([
      'MX network 192.0.2.0/24 | fixed ladder: none → mx3 mx1 mx2 | ',
      'MX continent EU, AF and network 192.0.2.0/24 | fixed ladder: none → mx3 mx1 mx2 | mx1 0.67→0.00 mx2 0.33→0.00 mx3 0.00→1.00',
    ])
  })
})

test('what is left of a network behind one in it is a class of its own', () => {
  const { pools } = arrange({ one: { a: '1 up' } })
  const all = Object.values(pools)
  const within = (octets: readonly number[], prefixLength: number): Rule => ({
    when: {
      continents: null,
      countries: null,
      asns: null,
      networks: [{ octets: Uint8Array.from(octets), prefixLength }],
    },
    pools: all,
  })
  const set = mxOf(
    policyOf([within([0, 0, 0, 0], 1), within([0, 0, 0, 0], 0), { when: null, pools: all }]),
  )
  const { networks } = classesOf([set], places)
  const choices = networks.map((part) => ruleLabel(set, locusOf([part])))
  // Everyone of IPv4 is in one of both networks.
  expect(choices.toSorted()).toEqual(['rule 1', 'rule 2', 'rule 3'])
})

test('every client is in a class that was compared: 20,000 random clients of random rules', () => {
  const random = seeded(21)
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value
  const maybe = <Value>(values: readonly Value[]): readonly Value[] | null =>
    random() < 0.5 ? null : [pick(values), pick(values)]
  const networks: readonly Network[] = [
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.128.0/17',
    '255.0.0.0/8',
    '2001:db8::/32',
    '2001:db8:1::/48',
    '0.0.0.0/1',
    '192.0.2.7',
  ].map((text) => {
    const parsed = parseNetwork(text)
    if (parsed.kind === 'bad') throw new Error(parsed.why)
    return parsed
  })
  const { pools } = arrange({ one: { a: '1 up' } })
  const when = (): Conditions => ({
    continents: maybe(['EU', 'NA', 'AF']),
    countries: maybe(['DE', 'US', 'XX']),
    asns: maybe([1, 2, 3]),
    networks: maybe(networks),
  })
  const setOf = (): SteeredMx => {
    const rules = Array.from({ length: 4 }, (): Rule => ({
      when: when(),
      pools: Object.values(pools),
    }))
    const policy = policyOf([...rules, { when: null, pools: Object.values(pools) }])
    return mxOf(policy, { internal: random() < 0.3 ? [pick(networks)] : [] })
  }
  const clientIn = ({ octets }: Network): Uint8Array =>
    octets.map((octet) => (random() < 0.6 ? octet : Math.floor(random() * 256)))
  let distinct = 0
  for (let i = 0; i < 100; i++) {
    const [before, after] = [setOf(), setOf()]
    const sides = [before, after].map(({ policy, internal }) => ({ policy, internal }))
    const { places: placeParts, asns, networks: networkParts } = classesOf(sides, places)
    const choice = (locus: ReturnType<typeof locusOf>): string =>
      `${ruleLabel(before, locus)} → ${ruleLabel(after, locus)}`
    const seen = new Set(
      placeParts.flatMap((place) =>
        asns.flatMap((asn) => networkParts.map((one) => choice(locusOf([place, asn, one])))),
      ),
    )
    distinct += seen.size
    for (let j = 0; j < 200; j++) {
      const octets = clientIn(pick(networks))
      const place = pick([...places, { continent: null, country: null }])
      const family = octets.length === 4 ? 4 : 6
      const client = { family, octets, ...place, asn: pick([null, 1, 2, 3, 4]) } as const
      expect(seen).toContain(choice(client))
    }
  }
  expect(distinct).toBeGreaterThan(500)
})
