// Databases made for tests, as trees, and places as short texts.

import { compileAsns, compilePlaces } from '../../src/geo/compile-database.ts'
import { createLocate } from '../../src/geo/places.ts'
import { parseAddress } from '../../src/lib/ip.ts'
import type { AsnTree, PlaceNetworks, PlaceTree } from '../../src/steer/scope/place-networks.ts'
import { type MmdbOptions, asnOf, countryOf, mmdbFile } from '../support/mmdb-writer.ts'

export const octetsOf = (text: string): Uint8Array => {
  const address = parseAddress(text)
  if (!address) throw new Error(`no address: ${text}`)
  return address.octets
}

export function placesFrom(octets: Buffer): PlaceTree {
  const compiled = compilePlaces(octets)
  if (compiled.kind === 'broken') throw new Error(compiled.why)
  return compiled.tree
}

export function asnsFrom(octets: Buffer): AsnTree {
  const compiled = compileAsns(octets)
  if (compiled.kind === 'broken') throw new Error(compiled.why)
  return compiled.tree
}

/** `{ '11.0.0.0/8': 'DE' }`, and the same with ASNs. */
export const networksOf = (
  countries: Readonly<Record<string, string>>,
  asns: Readonly<Record<string, number>> = {},
  options: MmdbOptions = {},
): PlaceNetworks => ({
  country:
    Object.keys(countries).length === 0
      ? null
      : placesFrom(
          mmdbFile(
            Object.entries(countries).map(([network, code]) => [network, countryOf(code)]),
            options,
          ),
        ),
  asn:
    Object.keys(asns).length === 0
      ? null
      : asnsFrom(
          mmdbFile(
            Object.entries(asns).map(([network, asn]) => [network, asnOf(asn)]),
            options,
          ),
        ),
})

/** `EU DE 64500`. */
export function whereabouts(networks: PlaceNetworks, text: string): string {
  const octets = octetsOf(text)
  const locus = createLocate(networks)(octets, octets.length === 4 ? 4 : 6)
  return `${locus.continent} ${locus.country} ${locus.asn}`
}
