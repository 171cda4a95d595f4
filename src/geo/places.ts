// Address → locus, by MaxMind databases. Lookups are synchronous and never throw: what a database does not
// know, or cannot be read at, is unknown, and unknown clients get the catch-all.
//
// A file that cannot be used is a value, not an exception: the server goes on with `unknownPlaces`.

import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { open } from 'maxmind'
import type { Reader, Response } from 'maxmind'
import { formatAddress } from '../lib/ip.ts'
import type { Locus } from '../steer/selection.ts'
import { cachedPrefix, createPlaceCache } from './place-cache.ts'
import { nowhere, placeOf } from './record.ts'
import type { Place } from './record.ts'
import { isSpecialPurpose } from './special-purpose.ts'

export interface Places {
  /** IPv4-mapped IPv6 addresses are taken as the IPv4 ones that they carry. */
  locate(octets: Uint8Array, family: 4 | 6): Locus
}

export interface PlaceFiles {
  /** Path of a country or city database; absent: the one that comes with the server. */
  readonly country?: string | undefined
  /** Path of an ASN database; absent: no client's ASN is known. */
  readonly asn?: string | undefined
}

export type OpenedPlaces =
  | { readonly kind: 'open'; readonly places: Places }
  | { readonly kind: 'broken'; readonly why: string }

/** Nothing is known of anyone. */
export const unknownPlaces: Places = {
  locate: (octets) => locusOf(unmapped(octets), nowhere),
}

const shippedDatabase = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'
/** A file is read whole, once a worker; the largest databases sold have some 150 MiB. */
const maxFileOctets = 512 * 1024 * 1024

export async function openPlaces(files: PlaceFiles): Promise<OpenedPlaces> {
  const country = await openDatabase(files.country ?? shippedDatabase, files.country === undefined)
  if (country.kind === 'broken') return country
  if (files.asn === undefined) return { kind: 'open', places: createPlaces(country.reader, null) }
  const asn = await openDatabase(files.asn, false)
  if (asn.kind === 'broken') return asn
  return { kind: 'open', places: createPlaces(country.reader, asn.reader) }
}

type Database = Reader<Response>

type OpenedDatabase =
  | { readonly kind: 'open'; readonly reader: Database }
  | { readonly kind: 'broken'; readonly why: string }

async function openDatabase(path: string, shipped: boolean): Promise<OpenedDatabase> {
  try {
    const file = shipped ? createRequire(import.meta.url).resolve(path) : path
    const { size } = await stat(file)
    if (size > maxFileOctets) return broken(path, `has ${size} octets, at most ${maxFileOctets}`)
    const reader = await open(file)
    // A file cut in front of its metadata would open, and be read past its end at some lookups.
    if (reader.metadata.searchTreeSize >= size) return broken(path, 'is cut short')
    reader.get('192.0.2.1')
    return { kind: 'open', reader }
  } catch (error) {
    return broken(path, reasonOf(error))
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // With a code it is the file system's word, which names the trouble by itself; else the parser's.
  return 'code' in error ? error.message : `is no MaxMind database: ${error.message}`
}

const broken = (path: string, why: string): { kind: 'broken'; why: string } => ({
  kind: 'broken',
  why: `${path}: ${why}`,
})

function createPlaces(country: Database, asn: Database | null): Places {
  const cache = createPlaceCache()
  return {
    locate(given) {
      const octets = unmapped(given)
      const cached = cache.get(octets)
      if (cached) return locusOf(octets, cached)
      if (isSpecialPurpose(octets)) return locusOf(octets, nowhere)
      const text = formatAddress(octets)
      const [countryRecord, countryPrefix] = lookUp(country, text, octets)
      const [asnRecord, asnPrefix] = asn ? lookUp(asn, text, octets) : [null, 0]
      const place = placeOf(countryRecord, asnRecord)
      if (Math.max(countryPrefix, asnPrefix) <= cachedPrefix(octets)) cache.put(octets, place)
      return locusOf(octets, place)
    },
  }
}

/** The record, and for how long a prefix it is the same; a damaged record is known of none. */
function lookUp(reader: Database, text: string, octets: Uint8Array): [unknown, number] {
  // A tree of IPv4 addresses walked by an IPv6 one answers nonsense.
  if (octets.length === 16 && reader.metadata.ipVersion === 4) return [null, 0]
  try {
    return reader.getWithPrefixLength(text)
  } catch {
    return [null, octets.length * 8]
  }
}

const locusOf = (octets: Uint8Array, { continent, country, asn }: Place): Locus => ({
  family: octets.length === 4 ? 4 : 6,
  octets,
  continent,
  country,
  asn,
})

/** `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2) is 192.0.2.1: what a socket of both families shows of an IPv4 peer. */
function unmapped(octets: Uint8Array): Uint8Array {
  if (octets.length !== 16 || octets[10] !== 0xff || octets[11] !== 0xff) return octets
  for (let i = 0; i < 10; i++) if (octets[i] !== 0) return octets
  return octets.subarray(12)
}
