// Following a signed zone as validators do: from DS of the parent to DNSKEY, from there to a signature over a set (RFC 4035
// §5.2 and §5.3). What is read here comes from any server. Algorithms are those that this server signs with.

import { createHash } from 'node:crypto'

import { keyOfName, type Name, type NameKey } from '../wire/name.ts'
import { readUint16 } from '../wire/octets.ts'
import { nameEnd } from '../wire/rdata/name-field.ts'
import { algorithmOfNumber, isSignedBy, publicKeyFrom, signatureOctets } from './algorithms.ts'
import { keyTagOf } from './dnskey.ts'
import { octetsToSign } from './rrsig.ts'

/** A DS or CDS record (RFC 4034 §5.1). */
export interface DelegationSigner {
  readonly tag: number
  readonly algorithm: number
  readonly digestType: number
  readonly digest: Uint8Array
}

const headOctets = 4

/** null: the rdata is too short. */
export const readDelegationSigner = (rdata: Uint8Array): DelegationSigner | null =>
  rdata.length < headOctets
    ? null
    : {
        tag: readUint16(rdata, 0),
        algorithm: rdata[2] as number,
        digestType: rdata[3] as number,
        digest: rdata.subarray(headOctets),
      }

/** By digest type. SHA-1 is compared as well, so that a DS of it can be told from a wrong one. */
const digestNames: ReadonlyMap<number, string> = new Map([
  [1, 'sha1'],
  [2, 'sha256'],
  [4, 'sha384'],
])

/**
 * What a DS names: `key` of the DNSKEY records; `wrong-digest` where a key has its tag and algorithm, and another digest;
 * `no-key` where none has; `unknown-digest` where this digest cannot be compared.
 */
export type DsMatch =
  | { readonly kind: 'key'; readonly dnskey: Uint8Array }
  | { readonly kind: 'wrong-digest' | 'no-key' | 'unknown-digest' }

/** `dnskeys`: rdata of the DNSKEY records of `apex`. */
export function matchDs(
  apex: Name,
  { tag, algorithm, digestType, digest }: DelegationSigner,
  dnskeys: readonly Uint8Array[],
): DsMatch {
  const candidates = dnskeys.filter((key) => key[3] === algorithm && keyTagOf(key) === tag)
  if (candidates.length === 0) return { kind: 'no-key' }
  const name = digestNames.get(digestType)
  if (name === undefined) return { kind: 'unknown-digest' }
  const dnskey = candidates.find((key) => {
    const hash = createHash(name).update(keyOfName(apex), 'latin1').update(key)
    return hash.digest().equals(digest)
  })
  return dnskey === undefined ? { kind: 'wrong-digest' } : { kind: 'key', dnskey }
}

/** An RRSIG record (RFC 4034 §3.1). Times are seconds since the epoch. */
export interface SetSignature {
  readonly covered: number
  readonly algorithm: number
  readonly labels: number
  readonly originalTtl: number
  readonly expiration: number
  readonly inception: number
  readonly tag: number
  readonly signer: NameKey
  readonly signature: Uint8Array
}

/** Octets of RRSIG rdata before the signer's name. */
const signerAt = 18

/** null: the rdata is none of RRSIG. */
export function readSignature(rdata: Uint8Array): SetSignature | null {
  const end = rdata.length > signerAt ? nameEnd(rdata, signerAt) : null
  if (end === null) return null
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.length)
  return {
    covered: view.getUint16(0),
    algorithm: view.getUint8(2),
    labels: view.getUint8(3),
    originalTtl: view.getUint32(4),
    expiration: view.getUint32(8),
    inception: view.getUint32(12),
    tag: view.getUint16(16),
    signer: keyOfName(rdata.subarray(signerAt, end)),
    signature: rdata.subarray(end),
  }
}

/** All records of an owner and type, as they were received. */
export interface ReceivedSet {
  readonly owner: Name
  readonly type: number
  readonly rdatas: readonly Uint8Array[]
}

/**
 * `unsupported`: of an algorithm that is not verified here. `not-yet` and `expired` are right but for the time. `wrong`: it
 * is none of the set by the key.
 */
export type SignatureVerdict = 'valid' | 'unsupported' | 'no-key' | 'wrong' | 'not-yet' | 'expired'

/** Whether one of `dnskeys`, those of the zone `apex`, has made the signature over the set. Sets of wildcards are not expanded. */
export function judgeSignature(
  set: ReceivedSet,
  signature: SetSignature,
  { apex, dnskeys }: { readonly apex: Name; readonly dnskeys: readonly Uint8Array[] },
  nowSeconds: number,
): SignatureVerdict {
  const algorithm = algorithmOfNumber(signature.algorithm)
  if (algorithm === null) return 'unsupported'
  const signers = dnskeys.filter(
    (key) => key[3] === algorithm && keyTagOf(key) === signature.tag && isZoneKey(key),
  )
  if (signers.length === 0) return 'no-key'
  if (signature.signer !== keyOfName(apex) || signature.covered !== set.type) return 'wrong'
  const { tag, originalTtl } = signature
  const rdata = set.rdatas.map((octets) => ({ octets, compressible: [] }))
  const content = { owner: set.owner, type: set.type, originalTtl, rdata }
  const { octets } = octetsToSign(content, { algorithm, tag }, apex, signature)
  const isRight = signers.some((dnskey) => {
    const key = publicKeyFrom(algorithm, dnskey.subarray(headOctets))
    if (key === null || signature.signature.length !== signatureOctets) return false
    return isSignedBy(algorithm, key, octets, signature.signature)
  })
  if (!isRight) return 'wrong'
  // Times count modulo 2^32 (RFC 4034 §3.1.5).
  if (((nowSeconds - signature.inception) | 0) < 0) return 'not-yet'
  return ((signature.expiration - nowSeconds) | 0) < 0 ? 'expired' : 'valid'
}

const zoneFlag = 0x0100
const revokeFlag = 0x0080

/** Whether a DNSKEY may sign: the flag Zone Key, not revoked (RFC 5011 §2.1), and the protocol 3. */
const isZoneKey = (dnskey: Uint8Array): boolean =>
  (readUint16(dnskey, 0) & (zoneFlag | revokeFlag)) === zoneFlag && dnskey[2] === 3

/** Whether the NSEC of `owner` denies `name`: it is behind the owner and before `next` in canonical order (RFC 4034 §6.1). */
export function isBetween(name: NameKey, owner: NameKey, next: NameKey): boolean {
  const isBehind = compareNames(owner, name) < 0
  const isBefore = compareNames(name, next) < 0
  // The last NSEC of the zone leads back to the apex.
  return compareNames(owner, next) < 0 ? isBehind && isBefore : isBehind || isBefore
}

/** Canonical order (RFC 4034 §6.1): below 0 where `a` comes first. */
export function compareNames(a: NameKey, b: NameKey): number {
  const [labels, others] = [labelsOf(a), labelsOf(b)]
  for (const [i, label] of labels.entries()) {
    const other = others[i]
    if (other === undefined) return 1
    // Keys are latin1: the order of their characters is that of the octets.
    if (label !== other) return label < other ? -1 : 1
  }
  return labels.length - others.length
}

/** From the last label to the first. */
function labelsOf(key: NameKey): readonly string[] {
  const labels: string[] = []
  for (let at = 0; key.charCodeAt(at) > 0; at += 1 + key.charCodeAt(at))
    labels.unshift(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels
}
