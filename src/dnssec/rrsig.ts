// RRSIG records (RFC 4034 §3): what is signed, and the rdata of a signature.

import type { SetToSign } from '../answer/context.ts'
import { countLabels, keyOfName, type Name, type NameKey } from '../wire/name.ts'
import { writeUint16 } from '../wire/octets.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'
import { RRClass } from '../wire/rrtype.ts'
import { canonicalName, canonicalRdatas } from './canonical.ts'
import type { SigningKey } from './signing-key.ts'
import type { Validity } from './validity.ts'

/** Octets of RRSIG rdata before the signer's name (RFC 4034 §3.1). */
const headOctets = 18

/** Owner apart: type, class, TTL and the length of the rdata. */
const recordFixedOctets = 10

/**
 * The octets that are signed: RRSIG rdata up to the signature, and the set in canonical form (RFC 4034 §3.1.8.1). The first
 * `prefixOctets` of them are the rdata. `signer`: the apex of the zone.
 */
export function octetsToSign(
  { owner, type, originalTtl, rdata }: SetToSign,
  { algorithm, tag }: Pick<SigningKey, 'algorithm' | 'tag'>,
  signer: Name,
  { inception, expiration }: Validity,
): { readonly octets: Uint8Array; readonly prefixOctets: number } {
  const name = canonicalName(owner)
  const records = canonicalRdatas(
    type,
    rdata.map((one) => one.octets),
  )
  const prefixOctets = headOctets + signer.length
  const total = records.reduce(
    (sum, record) => sum + name.length + recordFixedOctets + record.length,
    prefixOctets,
  )
  const octets = new Uint8Array(total)
  const view = new DataView(octets.buffer)
  view.setUint16(0, type)
  octets[2] = algorithm
  octets[3] = labelsOf(keyOfName(name))
  view.setUint32(4, originalTtl)
  view.setUint32(8, expiration)
  view.setUint32(12, inception)
  view.setUint16(16, tag)
  octets.set(canonicalName(signer), headOctets)
  let at = prefixOctets
  for (const record of records) {
    octets.set(name, at)
    at += name.length
    writeUint16(octets, at, type)
    writeUint16(octets, at + 2, RRClass.IN)
    view.setUint32(at + 4, originalTtl)
    writeUint16(octets, at + 8, record.length)
    octets.set(record, at + recordFixedOctets)
    at += recordFixedOctets + record.length
  }
  return { octets, prefixOctets }
}

/** RRSIG rdata: what was signed of it, and the signature. */
export function rrsigRdata(prefix: Uint8Array, signature: Uint8Array): Rdata {
  const octets = new Uint8Array(prefix.length + signature.length)
  octets.set(prefix)
  octets.set(signature, prefix.length)
  return { octets, compressible: [] }
}

/** Labels without the root and without the `*` of a wildcard (RFC 4034 §3.1.3). */
const labelsOf = (key: NameKey): number => countLabels(key) - (key.startsWith('\x01*') ? 1 : 0)
