// What the records of the known kinds of database say of a place. Anything else in them, and any other shape,
// is not known (null): a file that the operator chose is still a file from elsewhere.
//
//   country   { country_code }                              ip-location-db
//             { country: { iso_code }, continent: { code } }    MaxMind Country and City
//   asn       { autonomous_system_number }                  MaxMind ASN, ip-location-db

import { continentOf } from './continents.ts'

export interface Place {
  readonly continent: string | null
  readonly country: string | null
  readonly asn: number | null
}

export const nowhere: Place = { continent: null, country: null, asn: null }

export function placeOf(countryRecord: unknown, asnRecord: unknown): Place {
  const country =
    code(field(countryRecord, 'country_code')) ??
    code(field(field(countryRecord, 'country'), 'iso_code'))
  const continent =
    code(field(field(countryRecord, 'continent'), 'code')) ?? (country && continentOf(country))
  const asn = field(asnRecord, 'autonomous_system_number')
  return { continent, country, asn: isAsn(asn) ? asn : null }
}

const field = (record: unknown, name: string): unknown =>
  typeof record === 'object' && record !== null && Object.hasOwn(record, name)
    ? (record as Record<string, unknown>)[name]
    : undefined

const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : null

const isAsn = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff_ffff
