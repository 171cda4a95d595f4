// What the zone itself says of a name that one of its records points at.

import { isAtOrBelow, keyOfName, parentKey, type Name, type NameKey } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { OwnerDraft, Owners } from './compile-records.ts'
import type { Zone } from '../zone.ts'

/** elsewhere: not for this zone to know. */
export type NameDescription = 'address' | 'alias' | 'nothing' | 'elsewhere'

export interface KnownNames {
  readonly owners: Owners
  /** With the empty non-terminals. */
  readonly nodes: Zone['nodes']
}

const wildcard = '\u0001*'

/** `from` is the owner of the record: below a delegation only its own servers need an address here, as glue. */
export function describeName(
  { owners, nodes }: KnownNames,
  name: Name,
  { apexKey, from }: { apexKey: NameKey; from: NameKey },
): NameDescription {
  const key = keyOfName(name)
  if (!isAtOrBelow(key, apexKey)) return 'elsewhere'
  const own = owners.get(key)
  const absent = absentBelowCut(owners, key, { apexKey, from })
  if (own && own.sets.size > 0) {
    const description = describeOwner(own)
    return description === 'nothing' ? (absent ?? 'nothing') : description
  }
  if (absent) return absent
  return describeThroughAncestors({ owners, nodes }, key, apexKey)
}

function describeOwner({ sets }: OwnerDraft): NameDescription {
  if (sets.has(RRType.CNAME)) return 'alias'
  return sets.has(RRType.A) || sets.has(RRType.AAAA) ? 'address' : 'nothing'
}

/** null: the name is not at or below a delegation. */
function absentBelowCut(
  owners: Owners,
  key: NameKey,
  { apexKey, from }: { apexKey: NameKey; from: NameKey },
): NameDescription | null {
  for (let at = key; at !== apexKey; at = parentKey(at)) {
    if (owners.get(at)?.sets.has(RRType.NS)) return at === from ? 'nothing' : 'elsewhere'
  }
  return null
}

/** A DNAME above makes it an alias; else a wildcard at the closest encloser speaks for it (RFC 4592 §3.3.1). */
function describeThroughAncestors(
  { owners, nodes }: KnownNames,
  key: NameKey,
  apexKey: NameKey,
): NameDescription {
  let closest: NameKey | null = null
  for (let at = key; ; at = parentKey(at)) {
    if (at !== key && owners.get(at)?.sets.has(RRType.DNAME)) return 'alias'
    if (closest === null && nodes.has(at)) closest = at
    if (at === apexKey) break
  }
  if (closest === null || closest === key) return 'nothing'
  const source = owners.get(wildcard + closest)
  return source ? describeOwner(source) : 'nothing'
}
