// RR types and classes by number and mnemonic (IANA DNS parameters); others are written as RFC 3597 prescribes.

export const RRType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
  SMIMEA: 53,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const
export type RRType = (typeof RRType)[keyof typeof RRType]

export const RRClass = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

const mnemonicOf: ReadonlyMap<number, string> = new Map(
  Object.entries(RRType).map(([name, type]) => [type, name]),
)
const typeOf: ReadonlyMap<string, number> = new Map(Object.entries(RRType))

/** The mnemonic of a type, such as `MX`; `TYPE65400` for one that has none here (RFC 3597 §5). */
export const typeToText = (type: number): string => mnemonicOf.get(type) ?? `TYPE${type}`

/** The number of a type from its mnemonic or from `TYPE65400`, in any case; undefined for other words. */
export function typeFromText(text: string): number | undefined {
  const upper = text.toUpperCase()
  const known = typeOf.get(upper)
  if (known !== undefined) return known
  const unnamed = /^TYPE(\d{1,5})$/.exec(upper)
  if (!unnamed) return undefined
  const type = Number(unnamed[1])
  return type <= 65535 ? type : undefined
}

/** Whether a type is a QTYPE or meta-type, which no zone can contain (RFC 6895 §3.1). */
export const isMetaType = (type: number): boolean =>
  type === 0 || type === RRType.OPT || (type >= 128 && type <= 255)
