import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { createLocate } from '../../src/geo/places.ts'
import { specialPurposeNetworks } from '../../src/lib/special-address.ts'
import { formatAddress, networkContains } from '../../src/lib/ip.ts'
import { asnOf, cityOf, countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import { seeded } from '../steer/arrange.ts'
import { asnsFrom, networksOf, octetsOf, placesFrom, whereabouts } from './arrange.ts'
import { readFlatCountries } from './own-reader.ts'

const shippedFile = readFileSync(
  createRequire(import.meta.url).resolve(
    '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  ),
)
const shipped = { country: placesFrom(shippedFile), asn: null }

describe('the shipped database', () => {
  test.each([
    ['193.0.6.139', 'EU NL null'],
    ['8.8.8.8', 'NA US null'],
    ['200.160.2.3', 'SA BR null'],
    ['2001:67c:2e8:22::c100:68b', 'EU NL null'],
    ['::ffff:193.0.6.139', 'EU NL null'],
    ['10.1.2.3', 'null null null'],
    ['127.0.0.1', 'null null null'],
    ['192.168.1.1', 'null null null'],
    ['172.31.0.1', 'null null null'],
    ['100.64.0.1', 'null null null'],
    ['203.0.113.9', 'null null null'],
    ['2001:db8::1', 'null null null'],
    ['::ffff:192.168.1.1', 'null null null'],
    ['::1', 'null null null'],
    ['::8.8.8.8', 'null null null'],
    ['fd00::1', 'null null null'],
    ['fe80::1', 'null null null'],
  ])('%s: %s', (text, wanted) => {
    expect(whereabouts(shipped, text)).toBe(wanted)
  })

  test('1,000 addresses have the places that a second reader finds', () => {
    const own = readFlatCountries(shippedFile)
    const locate = createLocate(shipped)
    const random = seeded(11)
    const octet = (): number => Math.floor(random() * 256)
    const isSpecial = (octets: Uint8Array): boolean =>
      specialPurposeNetworks.some((network) => networkContains(network, octets))
    const [countries, wrong] = [new Set<string>(), [] as string[]]
    let [known, unknown] = [0, 0]
    while (known < 1000) {
      const isIpv4 = random() < 0.5
      const octets = Uint8Array.from({ length: isIpv4 ? 4 : 16 }, octet)
      if (!isIpv4) octets.set([0x20 | (octet() & 15), octet(), octet() & 0xf0, octet()], 0)
      const bits = [...octets].map((one) => one.toString(2).padStart(8, '0')).join('')
      const { at } = own.find(isIpv4 ? '0'.repeat(96) + bits : bits)
      const wanted = at === 0 || isSpecial(octets) ? null : own.countryCode(at)
      if (wanted === null) unknown++
      else known++
      if (wanted !== null) countries.add(wanted)
      const { country } = locate(octets, isIpv4 ? 4 : 6)
      if (country !== wanted) wrong.push(`${formatAddress(octets)}: ${country}, not ${wanted}`)
    }
    expect(wrong).toEqual([])
    expect(countries.size).toBeGreaterThan(50)
    expect(unknown).toBeGreaterThan(100)
  })
})

describe('databases of the operator', () => {
  const city = placesFrom(
    mmdbFile(
      [
        ['11.0.0.0/8', cityOf('DE', 'EU')],
        ['11.1.0.0/16', cityOf('TR', 'EU')],
        ['2a00::/12', cityOf('FR', 'EU')],
        ['2c00::/12', { continent: { code: 'AF' } }],
      ],
      { aliases: ['::ffff:0:0/96', '2002::/16'] },
    ),
  )
  const asn = asnsFrom(
    mmdbFile(
      [
        ['11.1.0.0/16', asnOf(64_500)],
        ['2a00:1::/32', asnOf(4_200_000_000)],
      ],
      {},
    ),
  )

  test.each([
    ['11.2.3.4', 'EU DE null'],
    ['11.1.2.3', 'EU TR 64500'],
    ['12.1.2.3', 'null null null'],
    ['2a00::1', 'EU FR null'],
    ['2a00:1:2::1', 'EU FR 4200000000'],
    ['2c0f::1', 'AF null null'],
    ['2002:b01:203::1', 'EU TR null'],
    ['::ffff:11.1.2.3', 'EU TR 64500'],
    ['::11.1.2.3', 'null null null'],
  ])('City and ASN beside each other: %s is at %s', (text, wanted) => {
    expect(whereabouts({ country: city, asn }, text)).toBe(wanted)
  })

  test('either may be missing', () => {
    expect(whereabouts({ country: city, asn: null }, '11.1.2.3')).toBe('EU TR null')
    expect(whereabouts({ country: null, asn }, '11.1.2.3')).toBe('null null 64500')
    expect(whereabouts({ country: null, asn: null }, '11.1.2.3')).toBe('null null null')
  })

  test.each([24, 28, 32] as const)(
    'record size %i, as a tree of both families or of IPv4',
    (recordSize) => {
      const entries = Array.from(
        { length: 300 },
        (_, i) => [`11.${i % 256}.${i >> 8}.0/24`, countryOf(i % 3 ? 'DE' : 'FR')] as const,
      )
      for (const ipVersion of [4, 6] as const) {
        const country = placesFrom(mmdbFile(entries, { recordSize, ipVersion }))
        for (const [i, [network]] of entries.entries()) {
          const text = network.replace('.0/24', '.77')
          expect(whereabouts({ country, asn: null }, text)).toBe(`EU ${i % 3 ? 'DE' : 'FR'} null`)
        }
        expect(whereabouts({ country, asn: null }, '2a00::1')).toBe('null null null')
      }
    },
  )

  test('the finest networks', () => {
    const networks = networksOf({ '11.0.0.0/25': 'DE', '11.0.0.128/32': 'FR', '2a00::1/128': 'NL' })
    expect(whereabouts(networks, '11.0.0.127')).toBe('EU DE null')
    expect(whereabouts(networks, '11.0.0.128')).toBe('EU FR null')
    expect(whereabouts(networks, '11.0.0.129')).toBe('null null null')
    expect(whereabouts(networks, '2a00::1')).toBe('EU NL null')
    expect(whereabouts(networks, '2a00::2')).toBe('null null null')
  })
})

test('an IPv4-mapped address has an IPv4 locus, also for the networks of rules', () => {
  const locate = createLocate({ country: null, asn: null })
  expect(locate(octetsOf('::ffff:192.0.2.7'), 6)).toEqual({
    family: 4,
    octets: Uint8Array.of(192, 0, 2, 7),
    prefixLength: 32,
    continent: null,
    country: null,
    asn: null,
  })
})
