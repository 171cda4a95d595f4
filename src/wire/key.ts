// The key of a name that lies somewhere in octets. As keyOfName, but made in one step: the answering path needs it
// for every query and every exchange.

import { type NameKey, maxNameOctets } from './name.ts'

const scratch = Buffer.alloc(maxNameOctets)

/** The key of the uncompressed name that fills `octets` from `from` up to `end`; at most 255 octets. */
export function keyOfOctets(octets: Uint8Array, from: number, end: number): NameKey {
  for (let at = from; at < end; at++) scratch[at - from] = lowerOctet(octets[at] as number)
  return scratch.toString('latin1', 0, end - from)
}

/** ASCII letters lowered, everything else as it is (RFC 4343 §3). A length octet is below `A` and stays. */
export const lowerOctet = (octet: number): number =>
  octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet
