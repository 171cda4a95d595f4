// What the records of the known kinds of database say of a place. Anything else in them, and any other shape,
// is not known (null): a file that the operator chose is still a file from elsewhere.
//
//   country   { country_code }                              ip-location-db
//             { country: { iso_code }, continent: { code } }    MaxMind Country and City
//   asn       { autonomous_system_number }                  MaxMind ASN, ip-location-db

import type { Place } from '../steer/scope/place-networks.ts'
import { continentOf } from './continents.ts'

export function placeOf(record: unknown): Place {
  const country =
    code(field(record, 'country_code')) ?? code(field(field(record, 'country'), 'iso_code'))
  const continent =
    code(field(field(record, 'continent'), 'code')) ?? (country && continentOf(country))
  return { continent, country }
}

export function asnOf(record: unknown): number | null {
  const asn = field(record, 'autonomous_system_number')
  return isAsn(asn) ? asn : null
}

const field = (record: unknown, name: string): unknown =>
  typeof record === 'object' && record !== null && Object.hasOwn(record, name)
    ? (record as Record<string, unknown>)[name]
    : undefined

const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : null

const isAsn = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff_ffff
