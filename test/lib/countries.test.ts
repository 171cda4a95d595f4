// The table against two independent lists: the regions that the runtime can name (CLDR), and the countries in the
// shipped database.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { open } from 'maxmind'
import { describe, expect, test } from 'vitest'
import { continentOf } from '../../src/lib/countries.ts'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('')
const allCodes = letters.flatMap((first) => letters.map((second) => first + second))
const known = allCodes.filter((code) => continentOf(code) !== null)

/** What CLDR names beyond ISO 3166-1: reserved codes, groupings, and former countries. */
const notIso = new Set(
  'AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ AN BU CS DD DY FX HV NH NT RH SU TP UK VD YD YU ZR'.split(
    ' ',
  ),
)

describe('continents', () => {
  test('every country of ISO 3166-1 has one, and nothing else but AN, AP, EU and XK', () => {
    const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
    const iso = allCodes.filter((code) => names.of(code) !== undefined && !notIso.has(code))
    expect(iso.length).toBe(249)
    expect(known).toEqual([...iso, 'AN', 'AP', 'EU', 'XK'].sort())
  })

  test('every country of the shipped database has one', async () => {
    const file = createRequire(import.meta.url).resolve(
      '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
    )
    const { metadata } = await open(file)
    // The data section holds each country's record once: a string of two octets is B (0x42) and its letters.
    const data = readFileSync(file)
      .subarray(metadata.searchTreeSize + 16)
      .toString('latin1')
    const codes = [...data.matchAll(/B([A-Z]{2})(?![a-z])/g)].map((match) => match[1] ?? '')
    expect(new Set(codes).size).toBeGreaterThan(230)
    expect(codes.filter((code) => continentOf(code) === null)).toEqual([])
  })

  test.each([
    ['DE', 'EU'],
    ['RU', 'EU'],
    ['CY', 'EU'],
    ['TR', 'AS'],
    ['KZ', 'AS'],
    ['EG', 'AF'],
    ['MX', 'NA'],
    ['TT', 'NA'],
    ['BR', 'SA'],
    ['NZ', 'OC'],
    ['AQ', 'AN'],
    ['ZZ', null],
    ['de', null],
    ['', null],
  ])('%s is in %s', (country, continent) => {
    expect(continentOf(country)).toBe(continent)
  })
})
