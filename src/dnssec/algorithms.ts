// The algorithms that zones are signed with: ECDSA P-256 with SHA-256 (13, RFC 6605) and Ed25519 (15, RFC 8080).
//
// Others are left out on purpose: RFC 8624 §3.1 recommends or requires these two for signing, RSA is ten times slower
// here, and P-384 twenty times. Both have signatures of 64 octets and private keys of 32.
//
// Signing is synchronous: WebCrypto does the same work on another thread and takes six times as long. OpenSSL gives a
// signature of ECDSA in DER. Node can be asked for r and s alone (`dsaEncoding`), which takes 2.4 times as long as
// reading them out of DER here.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'

/** The number of an algorithm in DNSKEY, RRSIG and DS. */
export type Algorithm = 13 | 15

interface AlgorithmRow {
  /** Mnemonic of IANA, as BIND writes it. */
  readonly name: string
  /** Length of the public key in DNSKEY. */
  readonly publicOctets: number
  /** As node:crypto calls it. */
  readonly digest: 'sha256' | null
  readonly jwk: { readonly kty: string; readonly crv: string }
  /** What goes before the 32 octets of a private key in PKCS#8, where the public key is left out (RFC 5958). */
  readonly pkcs8Prefix: Uint8Array
}

const rows: Readonly<Record<Algorithm, AlgorithmRow>> = {
  13: {
    name: 'ECDSAP256SHA256',
    publicOctets: 64,
    digest: 'sha256',
    jwk: { kty: 'EC', crv: 'P-256' },
    pkcs8Prefix: Buffer.from(
      '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420',
      'hex',
    ),
  },
  15: {
    name: 'ED25519',
    publicOctets: 32,
    digest: null,
    jwk: { kty: 'OKP', crv: 'Ed25519' },
    pkcs8Prefix: Buffer.from('302e020100300506032b657004220420', 'hex'),
  },
}

export const algorithms: readonly Algorithm[] = [13, 15]

/** The order of the group of P-256: private keys are from 1 to below it (FIPS 186-5). OpenSSL lets others pass. */
const orderOfP256 = Buffer.from(
  'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  'hex',
)

/** Length of each half of a signature. */
const halfOctets = 32

/** Length of a private key. */
export const privateOctets: number = halfOctets

export const signatureOctets: number = 2 * halfOctets

/** The mnemonic, such as `ECDSAP256SHA256`. */
export const algorithmName = (algorithm: Algorithm): string => rows[algorithm].name

/** The algorithm of this number; null: no zone is signed with it here. */
export const algorithmOfNumber = (number: number): Algorithm | null =>
  algorithms.find((algorithm) => algorithm === number) ?? null

/** The algorithm that a public or private key is for; null: none of them. */
export function algorithmOfKey(key: KeyObject): Algorithm | null {
  if (key.asymmetricKeyType === 'ed25519') return 15
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  return key.asymmetricKeyType === 'ec' && isP256 ? 13 : null
}

export const generatePrivateKey = (algorithm: Algorithm): KeyObject =>
  algorithm === 13
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    : generateKeyPairSync('ed25519').privateKey

/** The key whose public key field of DNSKEY this is (RFC 6605 §4, RFC 8080 §3); null: it is not valid. */
export function publicKeyFrom(algorithm: Algorithm, octets: Uint8Array): KeyObject | null {
  const { publicOctets, jwk } = rows[algorithm]
  if (octets.length !== publicOctets) return null
  const coordinate = (index: number): string =>
    Buffer.from(octets.subarray(index * halfOctets, (index + 1) * halfOctets)).toString('base64url')
  const y = publicOctets > halfOctets ? { y: coordinate(1) } : {}
  try {
    return createPublicKey({ key: { ...jwk, x: coordinate(0), ...y }, format: 'jwk' })
  } catch {
    return null
  }
}

/** The public key field of DNSKEY, of a public or a private key of this algorithm. */
export function publicOctetsOf(algorithm: Algorithm, key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  const octets = new Uint8Array(rows[algorithm].publicOctets)
  octets.set(Buffer.from(x, 'base64url'))
  octets.set(Buffer.from(y, 'base64url'), halfOctets)
  return octets
}

/** The key with these 32 octets: the scalar of ECDSA, the seed of Ed25519. null: it is not valid. */
export function privateKeyFrom(algorithm: Algorithm, octets: Uint8Array): KeyObject | null {
  if (octets.length !== privateOctets) return null
  const isScalar = octets.some((octet) => octet !== 0) && orderOfP256.compare(octets) > 0
  if (algorithm === 13 && !isScalar) return null
  const key = Buffer.concat([rows[algorithm].pkcs8Prefix, octets])
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } catch {
    return null
  } finally {
    key.fill(0)
  }
}

/** The 32 octets of a private key, which `privateKeyFrom` reads. */
export function privateOctetsOf(key: KeyObject): Uint8Array {
  const { d = '' } = key.export({ format: 'jwk' })
  return Buffer.from(d, 'base64url')
}

/** The signature as RRSIG has it, 64 octets: r and s of ECDSA (RFC 6605 §4), R and S of Ed25519 (RFC 8080 §4). */
export function signWith(
  algorithm: Algorithm,
  privateKey: KeyObject,
  octets: Uint8Array,
): Uint8Array {
  const signature = sign(rows[algorithm].digest, octets, privateKey)
  return algorithm === 13 ? halvesOfDer(signature) : signature
}

/** Whether a signature as RRSIG has it is one of these octets. */
export const isSignedBy = (
  algorithm: Algorithm,
  publicKey: KeyObject,
  octets: Uint8Array,
  signature: Uint8Array,
): boolean =>
  verify(rows[algorithm].digest, octets, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)

/**
 * r and s out of `SEQUENCE { INTEGER r, INTEGER s }`, which has at most 72 octets and so lengths of one octet. DER puts a zero
 * before a first bit that is set, and leaves other leading zeros out.
 */
function halvesOfDer(der: Uint8Array): Uint8Array {
  const halves = new Uint8Array(signatureOctets)
  let at = 2
  for (let halfEnd = halfOctets; halfEnd <= signatureOctets; halfEnd += halfOctets) {
    const first = at + 2
    const end = first + (der[at + 1] as number)
    for (let i = Math.max(first, end - halfOctets); i < end; i++)
      halves[halfEnd - end + i] = der[i] as number
    at = end
  }
  return halves
}
