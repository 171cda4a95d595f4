import { describe, expect, test } from 'vitest'
import { asnOf, placeOf } from '../../src/geo/record.ts'

const unknown = { continent: null, country: null }

describe('records', () => {
  test.each([
    ['flat', { country_code: 'de' }, { continent: 'EU', country: 'DE' }],
    [
      'MaxMind',
      { country: { iso_code: 'TR', geoname_id: 298_795 }, continent: { code: 'EU' } },
      { continent: 'EU', country: 'TR' },
    ],
    [
      'MaxMind without a continent',
      { country: { iso_code: 'TR' } },
      { continent: 'AS', country: 'TR' },
    ],
    [
      'MaxMind without a country',
      { continent: { code: 'AF' } },
      { continent: 'AF', country: null },
    ],
    [
      'IPinfo Lite',
      {
        asn: 'AS64500',
        as_name: 'Example',
        as_domain: 'example.net',
        country_code: 'CA',
        country: 'Canada',
        continent_code: 'NA',
        continent: 'North America',
      },
      { continent: 'NA', country: 'CA' },
    ],
    [
      'IPinfo with codes alone',
      { country: 'TR', country_name: 'Turkey', continent: 'EU', continent_name: 'Europe' },
      { continent: 'EU', country: 'TR' },
    ],
    ['a country of no continent', { country_code: 'ZZ' }, { continent: null, country: 'ZZ' }],
  ])('%s', (_, record, place) => {
    expect(placeOf(record)).toEqual(place)
  })

  test('ASN', () => {
    const record = { autonomous_system_number: 3333, autonomous_system_organization: 'RIPE' }
    expect(asnOf(record)).toBe(3333)
  })

  test.each([
    ['AS64500', 64_500],
    ['AS4294967295', 4_294_967_295],
    ['AS4294967296', null],
    ['AS0', null],
    ['AS', null],
    ['as64500', null],
    ['64500', null],
    ['AS64500 Example', null],
    [64_500, null],
    [['AS64500'], null],
  ])('ASN as IPinfo writes it: %j', (text, asn) => {
    expect(asnOf({ asn: text })).toBe(asn)
  })

  test.each([
    null,
    undefined,
    7,
    'DE',
    [],
    { country_code: 5 },
    { country_code: 'Germany' },
    { country: 'Germany', continent: 'Europe' },
    { country: ['DE'] },
  ])('nothing is known by %j', (record) => {
    expect(placeOf(record)).toEqual(unknown)
    expect(asnOf(record)).toBeNull()
  })

  test.each([0, -1, 1.5, 2 ** 32, '3333', null])('no ASN: %j', (number) => {
    expect(asnOf({ autonomous_system_number: number })).toBeNull()
  })
})
