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
    ['a country of no continent', { country_code: 'ZZ' }, { continent: null, country: 'ZZ' }],
  ])('%s', (_, record, place) => {
    expect(placeOf(record)).toEqual(place)
  })

  test('ASN', () => {
    const record = { autonomous_system_number: 3333, autonomous_system_organization: 'RIPE' }
    expect(asnOf(record)).toBe(3333)
  })

  test.each([
    null,
    undefined,
    7,
    'DE',
    [],
    { country_code: 5 },
    { country_code: 'Germany' },
    { country: 'DE' },
  ])('nothing is known by %j', (record) => {
    expect(placeOf(record)).toEqual(unknown)
    expect(asnOf(record)).toBeNull()
  })

  test.each([0, -1, 1.5, 2 ** 32, '3333', null])('no ASN: %j', (number) => {
    expect(asnOf({ autonomous_system_number: number })).toBeNull()
  })
})
