// The fields of each record type. To add a type, add a line here (and its number in rrtype.ts).
//
// Only names in the types of RFC 1035 may be compressed (RFC 3597 §4).

import { RRType } from '../rrtype.ts'
import type { Field } from './field.ts'
import { location } from './loc-field.ts'
import { algorithms, certificates, digests } from './mnemonics.ts'
import { compressibleName, domainName } from './name-field.ts'
import { checkSubstitution } from './naptr.ts'
import { type Mnemonics, period, wholeNumber } from './number-field.ts'
import { address, base64ToEnd, hardwareAddress, hexToEnd } from './octet-field.ts'
import { characterString, characterStrings, tag, textToEnd } from './string-field.ts'
import { svcParams } from './svcb.ts'
import { typeBitmap } from './type-bitmap.ts'

/** The fields of a record type in their order, and what must hold between them. */
export interface Layout {
  readonly fields: readonly Field[]
  /** Whether tokens may be `key="quoted value"` (SvcParams). */
  readonly pairs?: boolean
  /** Checks rdata whose fields are valid. Returns what is wrong, or null. */
  readonly check?: (octets: Uint8Array) => string | null
}

const u8 = (label: string, mnemonics?: Mnemonics): Field => wholeNumber(label, 1, mnemonics)
const u16 = (label: string, mnemonics?: Mnemonics): Field => wholeNumber(label, 2, mnemonics)

const of = (...fields: readonly Field[]): Layout => ({ fields })

const alias = of(compressibleName('the target', 'alias'))
const strings = of(characterStrings('the string'))
const key = of(
  u16('flags'),
  u8('protocol'),
  u8('algorithm', algorithms),
  base64ToEnd('the public key'),
)
const association = of(
  u8('usage'),
  u8('selector'),
  u8('matching type'),
  hexToEnd('the association data'),
)
const service: Layout = {
  ...of(u16('priority'), domainName('the target', 'srv'), svcParams),
  pairs: true,
}
const digest: Layout = {
  ...of(
    u16('key tag'),
    u8('algorithm', algorithms),
    u8('digest type', digests),
    hexToEnd('the digest'),
  ),
  check: digestLength(3, 4, { 1: 20, 2: 32, 3: 32, 4: 48 }),
}
const zoneDigest: Layout = {
  ...of(wholeNumber('serial', 4), u8('scheme'), u8('hash algorithm'), hexToEnd('the digest')),
  check: digestLength(5, 6, { 1: 48, 2: 64 }),
}

/** A check of a digest's length, by the digest type at `typeAt`; digests of unknown types may have any length. */
function digestLength(
  typeAt: number,
  digestAt: number,
  lengths: Readonly<Record<number, number>>,
): (octets: Uint8Array) => string | null {
  return (octets) => {
    const expected = lengths[octets[typeAt] as number]
    const count = octets.length - digestAt
    return expected === undefined || count === expected
      ? null
      : `the digest has ${count} octets, expected ${expected} for type ${octets[typeAt]}`
  }
}

/** By record type. Types without a layout have only the generic form of RFC 3597. */
export const layouts: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [RRType.A, of(address(4))],
  [RRType.AAAA, of(address(6))],
  [RRType.NS, of(compressibleName('the name server', 'ns'))],
  [RRType.CNAME, alias],
  [RRType.DNAME, of(domainName('the target', 'alias'))],
  [RRType.PTR, of(compressibleName('the name'))],
  [
    RRType.SOA,
    of(
      compressibleName('mname'),
      compressibleName('rname'),
      wholeNumber('serial', 4),
      period('refresh'),
      period('retry'),
      period('expire'),
      period('minimum'),
    ),
  ],
  [RRType.MX, of(u16('preference'), compressibleName('the exchange', 'exchange'))],
  [RRType.KX, of(u16('preference'), domainName('the exchanger', 'exchange'))],
  [RRType.TXT, strings],
  [RRType.SPF, strings],
  [RRType.HINFO, of(characterString('cpu'), characterString('os'))],
  [RRType.RP, of(domainName('the mailbox'), domainName('the TXT name'))],
  [RRType.AFSDB, of(u16('subtype'), domainName('the host', 'srv'))],
  [RRType.LOC, of(location)],
  [RRType.SRV, of(u16('priority'), u16('weight'), u16('port'), domainName('the target', 'srv'))],
  [
    RRType.NAPTR,
    of(
      u16('order'),
      u16('preference'),
      characterString('flags'),
      characterString('services'),
      characterString('the expression', checkSubstitution),
      domainName('the replacement'),
    ),
  ],
  [
    RRType.CERT,
    of(
      u16('certificate type', certificates),
      u16('key tag'),
      u8('algorithm', algorithms),
      base64ToEnd('the certificate'),
    ),
  ],
  [RRType.DS, digest],
  [RRType.CDS, digest],
  [RRType.DNSKEY, key],
  [RRType.CDNSKEY, key],
  [RRType.SSHFP, of(u8('algorithm'), u8('fingerprint type'), hexToEnd('the fingerprint'))],
  [RRType.TLSA, association],
  [RRType.SMIMEA, association],
  [RRType.OPENPGPKEY, of(base64ToEnd('the key'))],
  [RRType.CSYNC, of(wholeNumber('serial', 4), u16('flags'), typeBitmap('the list of types'))],
  [RRType.ZONEMD, zoneDigest],
  [RRType.SVCB, service],
  [RRType.HTTPS, service],
  [RRType.EUI48, of(hardwareAddress(6))],
  [RRType.EUI64, of(hardwareAddress(8))],
  [RRType.URI, of(u16('priority'), u16('weight'), textToEnd('the target', 1))],
  [RRType.CAA, of(u8('flags'), tag('the tag'), textToEnd('the value', 0))],
])
