// The header of a message (RFC 1035 §4.1.1, RFC 4035 §3.1.6), and the sizes of other fixed parts of messages.
//
//   octet 2: QR | opcode (4) | AA | TC | RD      octet 3: RA | Z | AD | CD | rcode (4)

export const headerOctets = 12

/** Flags in octet 2 of the header. */
export const Flag = { QR: 0x80, AA: 0x04, TC: 0x02, RD: 0x01 } as const

/** The opcode in octet 2 of the header. */
export const opcodeOf = (flagOctet: number): number => (flagOctet >> 3) & 0x0f

/** Opcodes: only QUERY is served; NOTIFY and UPDATE are recognized to be refused (RFC 1996, RFC 2136). */
export const Opcode = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const

/** The octets of QTYPE and QCLASS, which follow the name in a question. */
export const questionTailOctets = 4

/** The octets of TYPE, CLASS, TTL and RDLENGTH, which follow the owner name in a record. */
export const recordTailOctets = 10

/** The octets of an OPT record without options: the root name and the fixed fields of a record. */
export const optOctets = 11

/**
 * The limit of a UDP message without EDNS (RFC 1035 §4.2.1); smaller EDNS payload sizes mean this (RFC 6891 §6.2.3).
 */
export const minUdpOctets = 512

/** The limit of a message over TCP, whose length has 16 bits (RFC 1035 §4.2.2). */
export const maxTcpOctets = 65_535
