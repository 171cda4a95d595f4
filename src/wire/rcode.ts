// Response codes (IANA DNS parameters). Those above 15 need an OPT, which carries the upper eight bits (RFC 6891
// §6.1.3).

export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  NOTAUTH: 9,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const
export type Rcode = (typeof Rcode)[keyof typeof Rcode]

const mnemonicOf: ReadonlyMap<number, string> = new Map(
  Object.entries(Rcode).map(([name, rcode]) => [rcode, name]),
)

/** The mnemonic of a response code, such as `NXDOMAIN`; `RCODE11` for one that has none here. */
export const rcodeToText = (rcode: number): string => mnemonicOf.get(rcode) ?? `RCODE${rcode}`
