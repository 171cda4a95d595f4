// The header (RFC 1035 §4.1.1, RFC 4035 §3.1.6) and the fixed parts of other things on the wire.
//
//   octet 2: QR | opcode (4) | AA | TC | RD      octet 3: RA | Z | AD | CD | rcode (4)

export const headerOctets = 12

export const Flag = { QR: 0x80, AA: 0x04, TC: 0x02, RD: 0x01 } as const

export const opcodeOf = (flagOctet: number): number => (flagOctet >> 3) & 0x0f

/** QUERY is the only one that is served; NOTIFY and UPDATE are refused by name (RFC 1996, RFC 2136). */
export const Opcode = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const

/** QTYPE and QCLASS. */
export const questionTailOctets = 4

/** TYPE, CLASS, TTL and RDLENGTH. */
export const recordTailOctets = 10

/** An OPT without options: root owner and the record's tail. */
export const optOctets = 11

/** UDP without EDNS (RFC 1035 §4.2.1), and what a smaller EDNS size counts as (RFC 6891 §6.2.3). */
export const minUdpOctets = 512

export const maxTcpOctets = 65_535
