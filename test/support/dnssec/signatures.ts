// Keys, delegation signers and the signature of one RRset (RFC 4034, RFC 4035 §5.3, RFC 6605, RFC 8080).

import { type KeyObject, createHash, createPublicKey, verify } from 'node:crypto'

import { type Rr, nameAt } from './message.ts'
import { type Labels, isSameName, labelsOf, lowered, wireOf } from './names.ts'

export interface ZoneKey {
  readonly algorithm: number
  readonly tag: number
  readonly isSep: boolean
  readonly rdata: Buffer
  readonly publicKey: KeyObject
  /** What was found signed, and its signature: most of it comes many times. */
  readonly verified: Set<string>
}

/** A zone whose keys are trusted. */
export interface TrustedZone {
  readonly apex: Labels
  readonly keys: readonly ZoneKey[]
  /**
   * In a change of the algorithm: signatures of keys that are not there say nothing, and one by each algorithm of the keys is
   * needed (RFC 4035 §2.2), as strict resolvers have it.
   */
  readonly byAlgorithm?: boolean
}

export interface Rrset {
  readonly owner: Labels
  readonly type: number
  readonly class: number
  readonly records: readonly Rr[]
}

export interface Rrsig {
  readonly covered: number
  readonly algorithm: number
  readonly labels: number
  readonly originalTtl: number
  readonly expiration: number
  readonly inception: number
  readonly tag: number
  readonly signer: Labels
  /** What precedes the signature, the signer's name lowered: the first part of what is signed. */
  readonly prefix: Buffer
  readonly signature: Buffer
  readonly ttl: number
}

export type SignatureFlaw =
  | 'signer is not the apex'
  | 'too many labels'
  | 'expired'
  | 'not yet valid'
  | 'TTL above the original'
  | 'TTLs differ'
  | 'no such key'
  | 'does not verify'

/** `source`: the owner that was signed, the name of a wildcard where the set was expanded from it. */
export type SignatureVerdict =
  | { readonly kind: 'valid'; readonly source: Labels }
  | { readonly kind: 'flawed'; readonly flaw: SignatureFlaw }

const sepFlag = 0x0001
const revokeFlag = 0x0080
const zoneFlag = 0x0100

/** A key that may sign zone data with an algorithm that is known here; null for others. */
export function zoneKey(rdata: Buffer): ZoneKey | null {
  const flags = rdata.readUInt16BE(0)
  const algorithm = rdata.readUInt8(3)
  const publicKey = publicKeyOf(algorithm, rdata.subarray(4))
  if ((flags & zoneFlag) === 0 || (flags & revokeFlag) !== 0) return null
  if (rdata.readUInt8(2) !== 3 || publicKey === null) return null
  return {
    algorithm,
    tag: keyTag(rdata),
    isSep: (flags & sepFlag) !== 0,
    rdata,
    publicKey,
    verified: new Set(),
  }
}

function publicKeyOf(algorithm: number, octets: Buffer): KeyObject | null {
  const part = (from: number): string => octets.subarray(from, from + 32).toString('base64url')
  if (algorithm === 13 && octets.length === 64)
    return createPublicKey({
      format: 'jwk',
      key: { kty: 'EC', crv: 'P-256', x: part(0), y: part(32) },
    })
  if (algorithm === 15 && octets.length === 32)
    return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: part(0) } })
  return null
}

/** RFC 4034 appendix B. */
export function keyTag(rdata: Buffer): number {
  let sum = 0
  rdata.forEach((octet, i) => (sum += i % 2 === 0 ? octet << 8 : octet))
  return (sum + (sum >>> 16)) & 0xffff
}

/** Reads lines such as `example.test. 60 IN DNSKEY 257 3 13 base64`, as key files have them; other lines are ignored. */
export function trustKeys(apex: string, text: string): TrustedZone {
  const keys = [...text.matchAll(/^[^;\s]\S*\s.*?\bDNSKEY\s+(\d+)\s+(\d+)\s+(\d+)\s+([^;\n]+)/gm)]
  return {
    apex: labelsOf(apex),
    keys: keys.flatMap(([, flags, protocol, algorithm, key = '']) => {
      const head = Buffer.of(Number(flags) >> 8, Number(flags), Number(protocol), Number(algorithm))
      return zoneKey(Buffer.concat([head, Buffer.from(key, 'base64')])) ?? []
    }),
  }
}

export interface DelegationSigner {
  readonly tag: number
  readonly algorithm: number
  readonly digestType: number
  readonly digest: Buffer
}

/** Reads lines such as `example.test. IN DS 12345 13 2 hex`. */
export const parseDelegationSigners = (text: string): DelegationSigner[] =>
  [...text.matchAll(/\bDS\s+(\d+)\s+(\d+)\s+(\d+)\s+([0-9A-Fa-f \t]+)/g)].map(
    ([, tag, algorithm, digestType, digest = '']) => ({
      tag: Number(tag),
      algorithm: Number(algorithm),
      digestType: Number(digestType),
      digest: Buffer.from(digest.replace(/\s/g, ''), 'hex'),
    }),
  )

const digests: Readonly<Record<number, string>> = { 2: 'sha256', 4: 'sha384' }

/** Whether a DS names this key (RFC 4034 §5.1.4, RFC 6605 §2). */
export function isKeyOf(ds: DelegationSigner, apex: Labels, key: ZoneKey): boolean {
  const digest = digests[ds.digestType]
  if (digest === undefined || ds.tag !== key.tag || ds.algorithm !== key.algorithm) return false
  const hash = createHash(digest)
    .update(wireOf(lowered(apex)))
    .update(key.rdata)
    .digest()
  return hash.equals(ds.digest)
}

/** The DS of a key by SHA-256. */
export const dsOf = ({ tag, algorithm, rdata }: ZoneKey, apex: Labels): DelegationSigner => ({
  tag,
  algorithm,
  digestType: 2,
  digest: createHash('sha256')
    .update(wireOf(lowered(apex)))
    .update(rdata)
    .digest(),
})

/** The records of a section as sets, RRSIGs apart. */
export function setsOf(records: readonly Rr[]): { sets: Rrset[]; signatures: Rr[] } {
  const sets = new Map<string, Rr[]>()
  for (const record of records) {
    if (record.type === 46) continue
    const key = `${wireOf(lowered(record.owner)).toString('latin1')} ${record.type} ${record.class}`
    sets.set(key, [...(sets.get(key) ?? []), record])
  }
  return {
    sets: [...sets.values()].map((all) => {
      const { owner, type, class: rrClass } = all[0] as Rr
      return { owner, type, class: rrClass, records: all }
    }),
    signatures: records.filter(({ type }) => type === 46),
  }
}

export function parseRrsig({ canonicalRdata: rdata, ttl }: Rr): Rrsig {
  const { labels: signer, next } = nameAt(rdata, 18, false)
  return {
    covered: rdata.readUInt16BE(0),
    algorithm: rdata.readUInt8(2),
    labels: rdata.readUInt8(3),
    originalTtl: rdata.readUInt32BE(4),
    expiration: rdata.readUInt32BE(8),
    inception: rdata.readUInt32BE(12),
    tag: rdata.readUInt16BE(16),
    signer,
    prefix: rdata.subarray(0, next),
    signature: rdata.subarray(next),
    ttl,
  }
}

/** Labels as an RRSIG counts them: without the root and a leading asterisk (RFC 4034 §3.1.3). */
export const signedLabelCount = (owner: Labels): number =>
  owner[0] === '*' ? owner.length - 1 : owner.length

/** Whether one signature is good for a set of `zone` at `nowSeconds`. */
export function judgeSignature(
  set: Rrset,
  rrsig: Rrsig,
  zone: TrustedZone,
  nowSeconds: number,
): SignatureVerdict {
  const flaw = formalFlaw(set, rrsig, zone, nowSeconds)
  if (flaw !== null) return { kind: 'flawed', flaw }
  const count = signedLabelCount(set.owner)
  const source =
    rrsig.labels < count ? ['*', ...set.owner.slice(set.owner.length - rrsig.labels)] : set.owner
  const keys = zone.keys.filter(
    ({ tag, algorithm }) => tag === rrsig.tag && algorithm === rrsig.algorithm,
  )
  if (keys.length === 0) return { kind: 'flawed', flaw: 'no such key' }
  const signed = signedOctets(set, rrsig, source)
  return keys.some((key) => isSigned(signed, rrsig, key))
    ? { kind: 'valid', source }
    : { kind: 'flawed', flaw: 'does not verify' }
}

/** RFC 4035 §5.3.1; a signature has the TTL of its set (RFC 4034 §3). */
function formalFlaw(
  set: Rrset,
  rrsig: Rrsig,
  zone: TrustedZone,
  nowSeconds: number,
): SignatureFlaw | null {
  const ttls = new Set([...set.records.map(({ ttl }) => ttl), rrsig.ttl])
  if (!isSameName(rrsig.signer, zone.apex)) return 'signer is not the apex'
  if (rrsig.labels > signedLabelCount(set.owner)) return 'too many labels'
  if (serialDistance(nowSeconds, rrsig.expiration) < 0) return 'expired'
  if (serialDistance(rrsig.inception, nowSeconds) < 0) return 'not yet valid'
  if (ttls.size > 1) return 'TTLs differ'
  if (rrsig.ttl > rrsig.originalTtl) return 'TTL above the original'
  return null
}

/** From `a` to `b`, modulo 2^32 (RFC 4034 §3.1.5, RFC 1982). */
const serialDistance = (a: number, b: number): number => (b - a) | 0

/** RFC 4034 §3.1.8.1. */
function signedOctets(set: Rrset, rrsig: Rrsig, source: Labels): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(set.type, 0)
  head.writeUInt16BE(set.class, 2)
  head.writeUInt32BE(rrsig.originalTtl, 4)
  const owner = wireOf(lowered(source))
  const all = set.records.map(({ canonicalRdata }) => canonicalRdata).sort((a, b) => a.compare(b))
  const unique = all.filter((one, i) => i === 0 || !one.equals(all[i - 1] as Buffer))
  const records = unique.map((rdata) => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(rdata.length)
    return Buffer.concat([owner, head, length, rdata])
  })
  return Buffer.concat([rrsig.prefix, ...records])
}

const maxVerified = 50_000

function isSigned(octets: Buffer, { signature }: Rrsig, key: ZoneKey): boolean {
  if (signature.length !== 64) return false
  const known = Buffer.concat([signature, octets]).toString('latin1')
  if (key.verified.has(known)) return true
  const isGood =
    key.algorithm === 13
      ? verify('sha256', octets, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature)
      : verify(null, octets, key.publicKey, signature)
  if (isGood && key.verified.size < maxVerified) key.verified.add(known)
  return isGood
}
