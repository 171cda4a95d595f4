// Mnemonics for numbers in the presentation form of DNSSEC types and CERT.

import type { Mnemonics } from './number-field.ts'

/** DNS security algorithm numbers (IANA). */
export const algorithms: Mnemonics = {
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  'DSA-NSEC3-SHA1': 6,
  'RSASHA1-NSEC3-SHA1': 7,
  NSEC3RSASHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  'ECC-GOST': 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
}

/** Digest types of DS, as the tools of signers write them. */
export const digests: Mnemonics = {
  SHA1: 1,
  'SHA-1': 1,
  SHA256: 2,
  'SHA-256': 2,
  SHA384: 4,
  'SHA-384': 4,
}

/** Certificate types of CERT (RFC 4398 §2.1). */
export const certificates: Mnemonics = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPKIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
}
