// The public side of a key: DNSKEY rdata, its key tag, and the DS records that a parent has of it (RFC 4034 §2, §5 and
// appendix B; RFC 4509; RFC 6605 §2).

import { createHash } from 'node:crypto'

import { keyOfName, type Name } from '../wire/name.ts'
import { readUint16, writeUint16 } from '../wire/octets.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Algorithm } from './algorithms.ts'

/**
 * Flags of DNSKEY: 256 is a zone key; 257 a zone key with the SEP bit (RFC 4034 §2.1.1), the one that a DS of the parent
 * names.
 */
export type KeyFlags = 256 | 257

/** The only value of the protocol field (RFC 4034 §2.1.2). */
const protocol = 3

const headOctets = 4

export function dnskeyRdata(
  flags: KeyFlags,
  algorithm: Algorithm,
  publicOctets: Uint8Array,
): Uint8Array {
  const rdata = new Uint8Array(headOctets + publicOctets.length)
  writeUint16(rdata, 0, flags)
  rdata[2] = protocol
  rdata[3] = algorithm
  rdata.set(publicOctets, headOctets)
  return rdata
}

/** The key tag of DNSKEY rdata (RFC 4034 appendix B), 0 – 65535. Several keys can have one tag. */
export function keyTagOf(rdata: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < rdata.length; i++) sum += (rdata[i] as number) << (i & 1 ? 0 : 8)
  return (sum + (sum >> 16)) & 0xffff
}

/** Digest types of DS: SHA-256 and SHA-384. SHA-1 must not be made any more (RFC 8624 §3.3). */
export type DigestType = 2 | 4

const digestNames: Readonly<Record<DigestType, string>> = { 2: 'sha256', 4: 'sha384' }

/** DS rdata of a key: the digest is over the owner in lower case and the DNSKEY rdata (RFC 4034 §5.1.4). */
export function dsRdata(owner: Name, dnskey: Uint8Array, digestType: DigestType): Uint8Array {
  const digest = createHash(digestNames[digestType])
    .update(keyOfName(owner), 'latin1')
    .update(dnskey)
    .digest()
  const rdata = new Uint8Array(headOctets + digest.length)
  writeUint16(rdata, 0, keyTagOf(dnskey))
  rdata[2] = dnskey[3] as number
  rdata[3] = digestType
  rdata.set(digest, headOctets)
  return rdata
}

/** CDS and CDNSKEY rdata of a zone that is to become unsigned (RFC 8078 §4). */
export const deleteDs: { readonly cds: Uint8Array; readonly cdnskey: Uint8Array } = {
  cds: Uint8Array.of(0, 0, 0, 0, 0),
  cdnskey: Uint8Array.of(0, 0, 3, 0, 0),
}

/** What keys bring to the apex of a zone. */
export interface ApexRdatas {
  readonly type: number
  readonly rdatas: readonly Uint8Array[]
}

/**
 * DNSKEY, CDS and CDNSKEY, those of them that have any record. `published`, and `synced` of them, which the parent is to name, are
 * DNSKEY rdata of here; `foreign` is that of other signers. Those of others alone never tell a parent which DS to have: a set without a key of
 * here would have it drop the one that answers from here need.
 */
export function apexRdatas(
  apex: Name,
  {
    published,
    synced,
  }: { readonly published: readonly Uint8Array[]; readonly synced: readonly Uint8Array[] },
  foreign: readonly Uint8Array[],
  isUnsigning: boolean,
): readonly ApexRdatas[] {
  const others = foreign.filter((key) => !published.some((one) => Buffer.compare(one, key) === 0))
  const entryPoints = others.filter((key) => readUint16(key, 0) === entryPointFlags)
  const told = synced.length === 0 ? [] : [...synced, ...entryPoints]
  const sets = [
    { type: RRType.DNSKEY, rdatas: [...published, ...others] },
    {
      type: RRType.CDS,
      rdatas: isUnsigning ? [deleteDs.cds] : told.map((key) => dsRdata(apex, key, sha256)),
    },
    { type: RRType.CDNSKEY, rdatas: isUnsigning ? [deleteDs.cdnskey] : told },
  ]
  return sets.filter(({ rdatas }) => rdatas.length > 0)
}

const entryPointFlags: KeyFlags = 257
const sha256: DigestType = 2
