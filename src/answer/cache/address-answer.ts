// Steered addresses written directly behind their question: the only name in the records is a pointer to the question's.

import type { SelectedAddress } from '../../steer/selection.ts'
import { headerOctets, questionTailOctets } from '../../wire/header.ts'
import { RRClass } from '../../wire/rrtype.ts'
import type { MessageWriter } from '../../wire/writer.ts'
import type { PlanEntry } from '../plan.ts'
import type { Transaction } from '../transaction.ts'

/** Owner (a pointer), type, class, TTL and RDLENGTH. */
const recordHeadOctets = 12

/**
 * Writes the plan's only set, of addresses, behind the header and question that stand in the writer's buffer. Returns the
 * offset of their end; -1 where the plan is another, or the records do not fit before `limit`.
 */
export function putAddressAnswer(
  { plan, query }: Transaction,
  { out, start }: MessageWriter,
  limit: number,
): number {
  const entry = plan.entries[0] as PlanEntry
  if (plan.count !== 1 || entry.section !== 'answer') return -1
  const at = start + headerOctets + query.qnameOctets + questionTailOctets
  const end = putAddresses(entry, out, at, limit)
  if (end < 0) return -1
  out[start + 6] = entry.addresses.length >> 8
  out[start + 7] = entry.addresses.length
  return end
}

/** Writes the address records of an entry owned by the qname; returns the offset of their end, or -1. */
function putAddresses(
  { addresses, type, ttl }: PlanEntry,
  out: Uint8Array,
  from: number,
  limit: number,
): number {
  let at = from
  for (let i = 0; i < addresses.length; i++) {
    const { octets } = (addresses[i] as SelectedAddress).address.rdata
    if (at + recordHeadOctets + octets.length > limit) return -1
    out[at] = 0xc0
    out[at + 1] = headerOctets
    out[at + 2] = type >> 8
    out[at + 3] = type
    out[at + 4] = 0
    out[at + 5] = RRClass.IN
    out[at + 6] = ttl >>> 24
    out[at + 7] = ttl >>> 16
    out[at + 8] = ttl >>> 8
    out[at + 9] = ttl
    out[at + 10] = 0
    out[at + 11] = octets.length
    at += recordHeadOctets
    for (let j = 0; j < octets.length; j++) out[at + j] = octets[j] as number
    at += octets.length
  }
  return at
}
