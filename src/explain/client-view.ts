// The client of a question: where it is taken to be, and which GeoIP database says so. Fields are
// JSON of /explain.

import { formatAddress } from '../lib/ip.ts'
import { prefixLengthOf } from '../lib/prefix-tree.ts'
import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import type { Locus } from '../steer/selection.ts'
import type { Question } from './question.ts'

export interface ClientView {
  readonly address: string
  /** The EDNS Client Subnet of the question. */
  readonly subnet: string | null
  /** Whose location decides: of the source address, or of the EDNS Client Subnet. */
  readonly decidedBy: 'address' | 'subnet'
  readonly continent: string | null
  readonly country: string | null
  readonly asn: number | null
  /**
   * The network of the database that holds the client; null: it has none there, or no database is
   * in use.
   */
  readonly countryPrefix: string | null
  readonly asnPrefix: string | null
  readonly databases: readonly DatabaseView[]
}

export interface DatabaseView {
  readonly database: string
  readonly type: string | null
  readonly built: string | null
}

export interface GeoipDatabases {
  readonly places: PlaceNetworks
  readonly databases: readonly DatabaseView[]
}

export function clientView(
  { places, databases }: GeoipDatabases,
  { peer, subnet }: Question,
  locus: Locus,
): ClientView {
  const prefixIn = (tree: PlaceNetworks['country' | 'asn'], isKnown: boolean): string | null =>
    tree && isKnown ? networkText(locus.octets, prefixLengthOf(tree, locus.octets)) : null
  const { continent, country, asn } = locus
  return {
    address: formatAddress(peer),
    subnet: subnet && networkText(subnet.octets, subnet.prefixLength),
    decidedBy: subnet !== null && subnet.prefixLength > 0 ? 'subnet' : 'address',
    continent,
    country,
    asn,
    countryPrefix: prefixIn(places.country, continent !== null || country !== null),
    asnPrefix: prefixIn(places.asn, asn !== null),
    databases,
  }
}

/** The network of this length that the address is in, as `192.0.2.0/24`. */
export function networkText(octets: Uint8Array, prefixLength: number): string {
  const network = octets.map((octet, i) => {
    const kept = Math.min(8, Math.max(0, prefixLength - 8 * i))
    return octet & (0xff00 >> kept)
  })
  return `${formatAddress(network)}/${prefixLength}`
}
