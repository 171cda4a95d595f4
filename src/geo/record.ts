// Reads the place or the ASN from a record of a known kind of database. Any other shape is unknown (null): even a file
// that the operator chose is untrusted input.
//
//   country   { country_code }                              ip-location-db
//             { country: { iso_code }, continent: { code } }    MaxMind Country and City
//   asn       { autonomous_system_number }                  MaxMind ASN, ip-location-db

import { continentOf } from '../lib/countries.ts'
import type { Place } from '../steer/scope/place-networks.ts'

/** The continent and country of a record, null where unknown; a continent that is missing follows from the country. */
export function placeOf(record: unknown): Place {
  const country =
    code(field(record, 'country_code')) ?? code(field(field(record, 'country'), 'iso_code'))
  const continent =
    code(field(field(record, 'continent'), 'code')) ?? (country && continentOf(country))
  return { continent, country }
}

/** The AS number of a record; null: unknown. */
export function asnOf(record: unknown): number | null {
  const asn = field(record, 'autonomous_system_number')
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
