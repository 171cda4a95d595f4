// The Locus of a client by its address, from the GeoIP trees that all workers share. Lookups are synchronous and never
// throw: what a database does not have is unknown, and rules on places do not match unknown clients.

import { isIpv4Mapped } from '../lib/ip.ts'
import { lookUp } from '../lib/prefix-tree.ts'
import type { Place, PlaceNetworks } from '../steer/scope/place-networks.ts'
import type { Locus } from '../steer/selection.ts'

/**
 * The locus of an address of 4 or 16 octets, or of its network of `prefixLength` bits. An IPv4-mapped IPv6 address is
 * taken as the IPv4 address that it carries. Every call overwrites and returns the same record, which must not be kept.
 */
type LocateClient = (octets: Uint8Array, family: 4 | 6, prefixLength?: number) => Locus

type FilledLocus = { -readonly [Key in keyof Locus]: Locus[Key] }

const unknownPlace: Place = { continent: null, country: null }

/** A lookup in these trees; without a tree its fields are unknown (null). */
export function createLocate({ country, asn }: PlaceNetworks): LocateClient {
  const locus: FilledLocus = {
    family: 4,
    octets: new Uint8Array(4),
    prefixLength: 32,
    continent: null,
    country: null,
    asn: null,
  }
  return (address, _, prefixLength) => {
    // Dual-stack sockets show IPv4 clients as IPv4-mapped addresses.
    const octets = isIpv4Mapped(address) ? address.subarray(12) : address
    const place = country ? (country.places[lookUp(country, octets)] ?? unknownPlace) : unknownPlace
    locus.family = octets.length === 4 ? 4 : 6
    locus.octets = octets
    locus.prefixLength = prefixLength ?? octets.length * 8
    locus.continent = place.continent
    locus.country = place.country
    // The first ASN of a tree is 0, for "unknown".
    locus.asn = asn ? asn.asns[lookUp(asn, octets)] || null : null
    return locus
  }
}
