// Address → locus, by the trees that all workers share. Lookups are synchronous and never throw: what a database does
// not know is unknown, and unknown clients get the catch-all.

import { lookUp } from '../lib/prefix-tree.ts'
import type { Place, PlaceNetworks } from '../steer/scope/place-networks.ts'
import type { Locus } from '../steer/selection.ts'

/**
 * IPv4-mapped IPv6 addresses are taken as the IPv4 ones that they carry. One record is refilled by every call:
 * nothing may hold on to it.
 */
type LocateClient = (octets: Uint8Array, family: 4 | 6, prefixLength?: number) => Locus

type FilledLocus = { -readonly [Key in keyof Locus]: Locus[Key] }

const unknownPlace: Place = { continent: null, country: null }

export function createLocate({ country, asn }: PlaceNetworks): LocateClient {
  const locus: FilledLocus = {
    family: 4,
    octets: new Uint8Array(4),
    prefixLength: 32,
    continent: null,
    country: null,
    asn: null,
  }
  return (given, _, prefixLength) => {
    const octets = unmapped(given)
    const place = country ? (country.places[lookUp(country, octets)] ?? unknownPlace) : unknownPlace
    locus.family = octets.length === 4 ? 4 : 6
    locus.octets = octets
    locus.prefixLength = prefixLength ?? octets.length * 8
    locus.continent = place.continent
    locus.country = place.country
    // The first ASN of a tree is 0: none.
    locus.asn = asn ? asn.asns[lookUp(asn, octets)] || null : null
    return locus
  }
}

/** `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2) is 192.0.2.1: what a socket of both families shows of an IPv4 peer. */
function unmapped(octets: Uint8Array): Uint8Array {
  if (octets.length !== 16 || octets[10] !== 0xff || octets[11] !== 0xff) return octets
  for (let i = 0; i < 10; i++) if (octets[i] !== 0) return octets
  return octets.subarray(12)
}
