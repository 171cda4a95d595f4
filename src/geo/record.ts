// Reads the place or the ASN from a record of a known kind of database. Any other shape is unknown (null): even a file
// that the operator chose is untrusted input.
//
//   country   { country_code }                                     ip-location-db
//             { country_code, continent_code, country, continent }   IPinfo Lite, which has names in the last two
//             { country, continent }                                IPinfo before that: codes in both
//             { country: { iso_code }, continent: { code } }        MaxMind Country and City, DB-IP
//   asn       { autonomous_system_number }                          MaxMind ASN, DB-IP, ip-location-db
//             { asn: "AS64500" }                                    IPinfo

import { continentOf } from '../lib/countries.ts'
import type { Place } from '../steer/scope/place-networks.ts'

/** The continent and country of a record, null where unknown; a continent that is missing follows from the country. */
export function placeOf(record: unknown): Place {
  const [country, continent] = [field(record, 'country'), field(record, 'continent')]
  const countryCode =
    code(field(record, 'country_code')) ?? code(field(country, 'iso_code')) ?? code(country)
  const continentCode =
    code(field(continent, 'code')) ?? code(field(record, 'continent_code')) ?? code(continent)
  return {
    continent: continentCode ?? (countryCode && continentOf(countryCode)),
    country: countryCode,
  }
}

/** The AS number of a record; null: unknown. */
export function asnOf(record: unknown): number | null {
  const number = field(record, 'autonomous_system_number')
  const text = field(record, 'asn')
  const asn = typeof text === 'string' && /^AS\d{1,10}$/.test(text) ? Number(text.slice(2)) : number
  return isAsn(asn) ? asn : null
}

const field = (record: unknown, name: string): unknown =>
  typeof record === 'object' && record !== null && Object.hasOwn(record, name)
    ? (record as Record<string, unknown>)[name]
    : undefined

/** A code of two letters, in upper case; null for anything else. */
const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : null

const isAsn = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff_ffff
