// Reads the place or the ASN from a record of a known kind of database. Any other shape is unknown (null): even a file
// that the operator chose is untrusted input.
//
//   country   { country_code }                              ip-location-db
//             { country: { iso_code }, continent: { code } }    MaxMind Country and City
//   asn       { autonomous_system_number }                  MaxMind ASN, ip-location-db

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

// Countries (ISO 3166-1 alpha-2) by continent, for databases that have no continents. The continents are those of
// GeoNames and MaxMind, which also decide for countries on two: Russia and Cyprus EU; Turkey, Georgia, Armenia,
// Azerbaijan and Kazakhstan AS; Egypt AF. Not in ISO 3166, but in databases: XK (Kosovo), AN (Netherlands Antilles,
// until 2010), and EU and AP, which registries use for "somewhere in the region".
const countries = {
  AF: `AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW
    MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW`,
  AN: 'AQ BV GS HM TF',
  AS: `AE AF AM AP AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY
    NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE`,
  EU: `AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES EU FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC
    MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK`,
  NA: `AG AI AN AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX
    TC TT US VC VG VI`,
  OC: `AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS`,
  SA: 'AR BO BR CL CO EC FK GF GY PE PY SR UY VE',
} as const

type Continent = keyof typeof countries

const continentByCountry: ReadonlyMap<string, Continent> = new Map(
  Object.entries(countries).flatMap(([continent, list]) =>
    list.split(/\s+/).map((country) => [country, continent as Continent] as const),
  ),
)

/** The continent of a country code in upper case; null: unknown. */
export const continentOf = (country: string): Continent | null =>
  continentByCountry.get(country) ?? null
