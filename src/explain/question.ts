// A question and its query packet, so that an explanation decodes the same octets as the answering
// path.

import type { Name } from '../wire/name.ts'
import { EdnsOption, optionHeadOctets, subnetHeadOctets } from '../wire/edns.ts'
import { headerOctets, optOctets, questionTailOctets } from '../wire/header.ts'
import { RRClass, RRType } from '../wire/rrtype.ts'

export interface Question {
  readonly name: Name
  readonly type: number
  /** Source address of the query: 4 or 16 octets. */
  readonly peer: Uint8Array
  /** EDNS Client Subnet (RFC 7871); null: no such option. */
  readonly subnet: Subnet | null
}

export interface Subnet {
  readonly octets: Uint8Array
  readonly prefixLength: number
}

const udpOctets = 1232

/** A query of class IN with EDNS, and with the client subnet option if there is one. */
export function questionPacket({ name, type, subnet }: Question): Uint8Array {
  const option = subnet === null ? new Uint8Array(0) : subnetOption(subnet)
  const optAt = headerOctets + name.length + questionTailOctets
  const packet = new Uint8Array(optAt + optOctets + option.length)
  packet[5] = 1 // QDCOUNT
  packet[11] = 1 // ARCOUNT
  packet.set(name, headerOctets)
  put16(packet, headerOctets + name.length, type)
  put16(packet, headerOctets + name.length + 2, RRClass.IN)
  put16(packet, optAt + 1, RRType.OPT)
  put16(packet, optAt + 3, udpOctets)
  put16(packet, optAt + 9, option.length)
  packet.set(option, optAt + optOctets)
  return packet
}

function subnetOption({ octets, prefixLength }: Subnet): Uint8Array {
  const given = Math.ceil(prefixLength / 8)
  const option = new Uint8Array(optionHeadOctets + subnetHeadOctets + given)
  put16(option, 0, EdnsOption.SUBNET)
  put16(option, 2, subnetHeadOctets + given)
  put16(option, 4, octets.length === 4 ? 1 : 2)
  option[6] = prefixLength
  option.set(octets.subarray(0, given), optionHeadOctets + subnetHeadOctets)
  return option
}

function put16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8
  octets[at + 1] = value & 0xff
}
