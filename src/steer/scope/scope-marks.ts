// Marks: the networks at whose borders a policy may decide differently, whatever the places are.
//
// Clients who are told of by EDNS Client Subnet are networks of /24 and /56 at the finest, and stand at the first
// address of theirs. What is finer in a rule or in the ASN database counts only where it holds that address;
// `internal` counts for the whole of such a network (see isInternal in match.ts).

import type { AsnNetworks } from './asn-networks.ts'
import type { Network } from '../../lib/ip.ts'
import type { Policy } from '../policy.ts'

export interface Mark extends Network {
  /** The bit of the condition that holds in it. */
  readonly condition: bigint
}

/** What of a steered set decides who gets what. */
export interface Steering {
  readonly policy: Policy
  readonly internal: readonly Network[]
}

export const scopeCap = (octets: number): number => (octets === 4 ? 24 : 56)

export const internalCondition = 1n
export const networkCondition = (rule: number): bigint => 2n << BigInt(2 * rule)
export const asnCondition = (rule: number): bigint => 4n << BigInt(2 * rule)

export function marksOf({ policy, internal }: Steering, asns: AsnNetworks): Mark[] {
  const marks: Mark[] = []
  for (const network of internal) {
    const prefixLength = Math.min(network.prefixLength, scopeCap(network.octets.length))
    marks.push({ octets: network.octets, prefixLength, condition: internalCondition })
  }
  for (const [rule, { when }] of policy.rules.entries()) {
    for (const network of when?.networks ?? []) addMark(marks, network, networkCondition(rule))
    for (const asn of when?.asns ?? [])
      for (const network of asns.of(asn)) addMark(marks, network, asnCondition(rule))
  }
  return marks
}

function addMark(marks: Mark[], { octets, prefixLength }: Network, condition: bigint): void {
  const cap = scopeCap(octets.length)
  if (prefixLength > cap && octets.some((octet, i) => i >= cap >> 3 && octet !== 0)) return
  marks.push({ octets, prefixLength: Math.min(prefixLength, cap), condition })
}
