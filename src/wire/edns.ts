// The EDNS options of a query (RFC 6891 §6.1.2), as offsets and lengths in the packet: nothing is copied.
//
//   NSID (RFC 5001)            requested, whatever its data
//   subnet (RFC 7871 §6)       family 1 or 2, or 0 without an address; a prefix length of the family, scope 0, exactly
//                              the octets that the prefix needs, its trailing bits 0
//   cookie (RFC 7873 §4)       8 octets, or 16 to 40
//   keepalive (RFC 7828 §3.1)  requested if it is empty; with a timeout, which only a server may send, it is ignored,
//                              as BIND and NSD do
//   padding (RFC 7830)         requested
//   any other                  ignored
//
// An option that violates these rules, or ends outside the OPT, is FORMERR. Of several options of a kind the first one
// counts (RFC 7873 §4).

import { readUint16 } from './octets.ts'
import { Rcode } from './rcode.ts'

/** Option codes. */
export const EdnsOption = {
  NSID: 3,
  SUBNET: 8,
  COOKIE: 10,
  KEEPALIVE: 11,
  PADDING: 12,
  EXTENDED_ERROR: 15,
} as const

/** The octets of OPTION-CODE and OPTION-LENGTH. */
export const optionHeadOctets = 4

/** The octets of FAMILY, SOURCE PREFIX-LENGTH and SCOPE PREFIX-LENGTH. */
export const subnetHeadOctets = 4

/** The options of one query. The record is reused for every packet and must not be kept. */
export interface EdnsOptions {
  hasNsid: boolean
  hasPadding: boolean
  hasKeepalive: boolean
  /** Where the cookie's data starts in the packet. */
  cookieOffset: number
  /** The length of the cookie's data; 0: no cookie. */
  cookieOctets: number
  /** Where the subnet's data starts in the packet, with FAMILY. */
  subnetOffset: number
  /** The length of the subnet's data; 0: no subnet. */
  subnetOctets: number
  /** The subnet's address family: 1 is IPv4, 2 is IPv6, 0 is none. */
  subnetFamily: number
  sourcePrefixLength: number
}

/** A record without options. */
export const emptyOptions = (): EdnsOptions => ({
  hasNsid: false,
  hasPadding: false,
  hasKeepalive: false,
  cookieOffset: 0,
  cookieOctets: 0,
  subnetOffset: 0,
  subnetOctets: 0,
  subnetFamily: 0,
  sourcePrefixLength: 0,
})

/** Makes the record one without options. */
export function resetOptions(options: EdnsOptions): void {
  options.hasNsid = false
  options.hasPadding = false
  options.hasKeepalive = false
  options.cookieOctets = 0
  options.subnetOctets = 0
  options.subnetFamily = 0
  options.sourcePrefixLength = 0
}

/**
 * Fills `options`, which must have been reset, from the OPT's rdata between `from` and `end`. Returns NOERROR, or
 * FORMERR for a malformed option.
 */
export function readOptions(
  options: EdnsOptions,
  packet: Uint8Array,
  from: number,
  end: number,
): Rcode {
  let at = from
  while (at < end) {
    const data = at + optionHeadOctets
    if (data > end) return Rcode.FORMERR
    const octets = readUint16(packet, at + 2)
    if (data + octets > end) return Rcode.FORMERR
    if (!readOption(options, readUint16(packet, at), packet, data, octets)) return Rcode.FORMERR
    at = data + octets
  }
  return Rcode.NOERROR
}

/** Reads one option, whose data has `octets` octets from `at`; false: it is malformed. */
function readOption(
  options: EdnsOptions,
  code: number,
  packet: Uint8Array,
  at: number,
  octets: number,
): boolean {
  switch (code) {
    case EdnsOption.NSID:
      options.hasNsid = true
      return true
    case EdnsOption.SUBNET:
      return readSubnet(options, packet, at, octets)
    case EdnsOption.COOKIE:
      if (octets !== 8 && (octets < 16 || octets > 40)) return false
      if (options.cookieOctets > 0) return true
      options.cookieOffset = at
      options.cookieOctets = octets
      return true
    case EdnsOption.KEEPALIVE:
      if (octets === 0) options.hasKeepalive = true
      return true
    case EdnsOption.PADDING:
      options.hasPadding = true
      return true
    default:
      return true
  }
}

/** False: the option is malformed. */
function readSubnet(options: EdnsOptions, packet: Uint8Array, at: number, octets: number): boolean {
  if (octets < subnetHeadOctets) return false
  const family = readUint16(packet, at)
  const prefixLength = packet[at + 2] as number
  const address = at + subnetHeadOctets
  const addressOctets = octets - subnetHeadOctets
  if (family > 2 || prefixLength > (maxPrefixLengths[family] as number)) return false
  if (packet[at + 3] !== 0 || addressOctets !== (prefixLength + 7) >> 3) return false
  const rest = prefixLength & 7
  if (rest !== 0 && ((packet[address + addressOctets - 1] as number) & (0xff >> rest)) !== 0)
    return false
  if (options.subnetOctets > 0) return true
  options.subnetOffset = at
  options.subnetOctets = octets
  options.subnetFamily = family
  options.sourcePrefixLength = prefixLength
  return true
}

/** By address family. Older clients send family 0 to opt out of sending an address; BIND accepts it as well. */
const maxPrefixLengths: readonly number[] = [0, 32, 128]
