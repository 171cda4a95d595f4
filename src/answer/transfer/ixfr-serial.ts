// What an IXFR query says of the version that its sender has: the serial of the SOA in its authority section.

import { questionTailOctets, recordTailOctets } from '../../wire/header.ts'
import type { Query } from '../../wire/query.ts'
import { RRType } from '../../wire/rrtype.ts'

/** From the SOA that an IXFR query carries (RFC 1995 §3), or null. Decoding has seen that its record is whole. */
export function serialOfClient({ packet, offset, qnameOffset, qnameOctets }: Query): number | null {
  if (u16(packet, offset + 8) !== 1) return null
  let at = qnameOffset + qnameOctets + questionTailOctets
  while ((packet[at] as number) > 0 && (packet[at] as number) < 0xc0)
    at += 1 + (packet[at] as number)
  const tail = packet[at] === 0 ? at + 1 : at + 2
  const rdataOctets = u16(packet, tail + 8)
  // Two names of one octet at least, and five numbers.
  if (u16(packet, tail) !== RRType.SOA || rdataOctets < 22) return null
  const serialAt = tail + recordTailOctets + rdataOctets - 20
  return ((u16(packet, serialAt) << 16) | u16(packet, serialAt + 2)) >>> 0
}

const u16 = (packet: Uint8Array, at: number): number =>
  ((packet[at] as number) << 8) | (packet[at + 1] as number)
