// The options of a query's OPT (RFC 6891 §6.1.2), as octets of the packet: places and lengths, nothing is copied.
//
//   NSID (RFC 5001)            asked for, whatever it carries
//   subnet (RFC 7871 §6)       family 1 or 2, or 0 with nothing to say; prefix within the family, scope 0, just the
//                              octets that the prefix needs, its trailing bits zero
//   cookie (RFC 7873 §4)       8 octets, or 16 to 40
//   keepalive (RFC 7828 §3.1)  asked for if it is empty; with a timeout, which is the server's to tell, skipped, as
//                              BIND and NSD do
//   padding (RFC 7830)         asked for
//   any other                  skipped
//
// What breaks these, or ends outside the OPT, is FORMERR. Of several of a kind the first counts (RFC 7873 §4).

import { readUint16 } from './octets.ts'
import { Rcode } from './rcode.ts'

export const EdnsOption = {
  NSID: 3,
  SUBNET: 8,
  COOKIE: 10,
  KEEPALIVE: 11,
  PADDING: 12,
  EXTENDED_ERROR: 15,
} as const

/** OPTION-CODE and OPTION-LENGTH. */
export const optionHeadOctets = 4

/** FAMILY, SOURCE PREFIX-LENGTH and SCOPE PREFIX-LENGTH. */
export const subnetHeadOctets = 4

/** One record is refilled for every packet: nothing may hold on to it. */
export interface EdnsOptions {
  hasNsid: boolean
  hasPadding: boolean
  hasKeepalive: boolean
  /** Where the cookie starts in the packet; 0 octets: none. */
  cookieOffset: number
  cookieOctets: number
  /** Where FAMILY stands in the packet; 0 octets: no subnet. */
  subnetOffset: number
  subnetOctets: number
  /** 1: IPv4, 2: IPv6, 0: not told. */
  subnetFamily: number
  sourcePrefixLength: number
}

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

export function resetOptions(options: EdnsOptions): void {
  options.hasNsid = false
  options.hasPadding = false
  options.hasKeepalive = false
  options.cookieOctets = 0
  options.subnetOctets = 0
  options.subnetFamily = 0
  options.sourcePrefixLength = 0
}

/** Fills `options`, which were reset, from the OPT's RDATA; NOERROR or FORMERR. */
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

/** False: it is there, and wrong. */
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

/** By family. Family 0 is what older clients send for "no address, please"; BIND takes it too. */
const maxPrefixLengths: readonly number[] = [0, 32, 128]
