// What a served zone says of itself: its name servers, with the addresses of those at or below its apex, whether it is
// signed, and where it has TLSA records.

import { formatRdata } from '../wire/rdata/format.ts'
import { isAtOrBelow, keyOfName, type Name, type NameKey, nameToBareText } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Zone, ZoneSigning } from '../zone/zone.ts'

export interface OwnZone {
  /** All names here are in lower case, without final dot. */
  readonly name: string
  readonly apex: Name
  readonly nameServers: readonly string[]
  /**
   * Addresses by name server, for those at or below the apex; null: they are steered and vary from
   * answer to answer.
   */
  readonly addresses: ReadonlyMap<string, readonly string[] | null>
  /** null: the zone file does not have it signed. */
  readonly signing: Pick<ZoneSigning, 'validitySeconds' | 'isUnsigning'> | null
  /** Owners of TLSA records. */
  readonly tlsaOwners: readonly string[]
}

/** Names and addresses are sorted. */
export function readOwnZone(zone: Zone): OwnZone {
  const apexSets = zone.nodes.get(zone.apexKey)?.sets
  const ns = apexSets?.get(RRType.NS)
  const names = ns?.kind === 'plain' ? ns.rdata.map(({ octets }) => octets) : []
  const within = names.filter((name) => isAtOrBelow(keyOfName(name), zone.apexKey))
  return {
    name: nameToBareText(zone.apex),
    apex: zone.apex,
    signing: zone.signing,
    tlsaOwners: [...zone.nodes.values()]
      .filter(({ sets }) => sets.has(RRType.TLSA))
      .map(({ owner }) => nameToBareText(owner)),
    nameServers: names.map(nameToBareText).sort(),
    addresses: new Map(
      within.map((name) => [nameToBareText(name), plainAddresses(zone, keyOfName(name))] as const),
    ),
  }
}

function plainAddresses(zone: Zone, key: NameKey): readonly string[] | null {
  const sets = zone.nodes.get(key)?.sets
  const found: string[] = []
  for (const type of [RRType.A, RRType.AAAA]) {
    const set = sets?.get(type)
    if (set === undefined) continue
    if (set.kind !== 'plain') return null
    found.push(...set.rdata.map(({ octets }) => formatRdata(type, octets)))
  }
  return found.sort()
}
