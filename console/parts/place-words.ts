// Places by their names: rules, clients and classes of clients come with the codes that zone files have.

import { shown } from './shown.ts'

const continentNames: Readonly<Record<string, string>> = {
  AF: 'Africa',
  AN: 'Antarctica',
  AS: 'Asia',
  EU: 'Europe',
  NA: 'North America',
  OC: 'Oceania',
  SA: 'South America',
}

/** A code that is none stays as it is. */
export const continentName = (code: string): string => continentNames[code] ?? shown(code)

let regions: Intl.DisplayNames | null = null

/** In English; a code that is none stays as it is. */
export function countryName(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return shown(code)
  regions ??= new Intl.DisplayNames('en', { type: 'region' })
  return regions.of(code) ?? code
}

const coded = /\b(continent|country) ([A-Z]{2}(?:(?: or |, | and )[A-Z]{2}\b)*)/g

/** `continent EU or AF and asn 64500` → Europe or Africa and asn 64500: of what a rule or a class says, as it may be shown. */
export const placeWords = (text: string): string =>
  shown(text).replace(coded, (_, kind: string, codes: string) =>
    codes.replaceAll(/[A-Z]{2}/g, kind === 'continent' ? continentName : countryName),
  )
