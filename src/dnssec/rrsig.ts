// RRSIG records (RFC 4034 §3): what is signed, and the rdata of a signature.

import type { SetToSign } from '../answer/context.ts'
import { isWildcard, type Name } from '../wire/name.ts'
import { writeUint16, writeUint32 } from '../wire/octets.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRClass } from '../wire/rrtype.ts'
import { canonicalRdatas, writeCanonicalName } from './canonical.ts'
import type { SigningKey } from './signing-key.ts'
import type { Validity } from './validity.ts'

/** Octets of RRSIG rdata before the signer's name (RFC 4034 §3.1). */
const headOctets = 18

/** Owner apart: type, class, TTL and the length of the rdata. */
const recordFixedOctets = 10

/** What is signed: RRSIG rdata up to the signature, `prefixOctets` of it, and the set in canonical form (RFC 4034 §3.1.8.1). */
interface SignedOctets {
  readonly octets: Uint8Array
  readonly prefixOctets: number
}

/** `signer`: the apex of the zone. */
export function octetsToSign(
  { owner, type, originalTtl, rdata }: SetToSign,
  { algorithm, tag }: Pick<SigningKey, 'algorithm' | 'tag'>,
  signer: Name,
  { inception, expiration }: Validity,
): SignedOctets {
  const records = canonicalRdatas(type, rdata)
  const prefixOctets = headOctets + signer.length
  let total = prefixOctets + records.length * (owner.length + recordFixedOctets)
  for (const record of records) total += record.length
  const octets = new Uint8Array(total)
  writeUint16(octets, 0, type)
  octets[2] = algorithm
  octets[3] = labelsOf(owner)
  writeUint32(octets, 4, originalTtl)
  writeUint32(octets, 8, expiration)
  writeUint32(octets, 12, inception)
  writeUint16(octets, 16, tag)
  writeCanonicalName(octets, headOctets, signer)
  let at = prefixOctets
  for (const record of records) {
    at = writeCanonicalName(octets, at, owner)
    writeUint16(octets, at, type)
    writeUint16(octets, at + 2, RRClass.IN)
    writeUint32(octets, at + 4, originalTtl)
    writeUint16(octets, at + 8, record.length)
    octets.set(record, at + recordFixedOctets)
    at += recordFixedOctets + record.length
  }
  return { octets, prefixOctets }
}

/** RRSIG rdata: the first `prefixOctets` of what was signed, and the signature. */
export function rrsigRdata(
  { octets: signed, prefixOctets }: SignedOctets,
  signature: Uint8Array,
): Rdata {
  const octets = new Uint8Array(prefixOctets + signature.length)
  for (let i = 0; i < prefixOctets; i++) octets[i] = signed[i] as number
  octets.set(signature, prefixOctets)
  return { octets, compressible: [] }
}

/** Labels without the root and without the `*` of a wildcard (RFC 4034 §3.1.3). */
function labelsOf(name: Name): number {
  let labels = isWildcard(name) ? -1 : 0
  for (let at = 0; (name[at] as number) > 0; at += 1 + (name[at] as number)) labels++
  return labels
}
