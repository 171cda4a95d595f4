// NXDOMAIN without deciding and encoding: the SOA record of each zone, encoded once, behind any question about a name below
// the zone's apex.
//
// The names in the SOA are compressed against the question, so that only their pointers depend on it: all of them shift by
// as much as the qname is longer than the apex. That holds where the question's label before the apex does not also stand
// before the apex in one of the SOA's names. Other questions are encoded as usual (encode.ts).

import { Flag, headerOctets, questionTailOctets } from '../../wire/header.ts'
import { lowerOctet, type Name } from '../../wire/name.ts'
import { readUint16 } from '../../wire/octets.ts'
import { emptyQuery, type Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { beginMessage, createWriter } from '../../wire/writer.ts'
import type { Zone } from '../../zone/zone.ts'
import { putQuestion, putSections } from '../encode.ts'
import { addEntry, createPlan, resetPlan } from '../plan.ts'

/** A SOA record as it is encoded behind a question whose qname is the apex. */
interface EncodedSoa {
  readonly octets: Uint8Array
  /** Offsets of the compression pointers in it. */
  readonly pointers: readonly number[]
  /** The labels right before the apex in names of the rdata: length octet and lower-case octets. */
  readonly labelsBeforeApex: readonly Uint8Array[]
}

export class NxdomainAnswers {
  /** null: the zone's SOA cannot be used. */
  readonly #soas = new WeakMap<Zone, EncodedSoa | null>()

  /**
   * Writes header, question and SOA to `out` from `start` on; ID and RD are left to the caller. `query`: for a name below
   * the zone's apex. Returns the offset of their end; -1 where the question needs the encoder, or there is no room before `limit`.
   */
  put(zone: Zone, query: Query, out: Uint8Array, start: number, limit: number): number {
    const soa = this.#soaOf(zone)
    const { packet, qnameOffset, qnameOctets } = query
    const shift = qnameOctets - zone.apex.length
    if (soa === null || shift <= 0) return -1
    const questionOctets = qnameOctets + questionTailOctets
    const at = start + headerOctets + questionOctets
    if (at + soa.octets.length > limit || hasLabelOfSoa(soa, packet, qnameOffset, shift)) return -1
    putHeader(out, start)
    for (let i = 0; i < questionOctets; i++)
      out[start + headerOctets + i] = packet[qnameOffset + i] as number
    const { octets, pointers } = soa
    out.set(octets, at)
    for (let i = 0; i < pointers.length; i++) {
      const pointerAt = at + (pointers[i] as number)
      const pointer = readUint16(out, pointerAt) + shift
      out[pointerAt] = pointer >> 8
      out[pointerAt + 1] = pointer
    }
    return at + octets.length
  }

  #soaOf(zone: Zone): EncodedSoa | null {
    let soa = this.#soas.get(zone)
    if (soa === undefined) this.#soas.set(zone, (soa = encodeSoa(zone)))
    return soa
  }
}

/** One question, no answer, one authority, nothing more. */
function putHeader(out: Uint8Array, start: number): void {
  for (let i = 0; i < headerOctets; i++) out[start + i] = 0
  out[start + 2] = Flag.QR | Flag.AA
  out[start + 3] = Rcode.NXDOMAIN
  out[start + 5] = 1
  out[start + 9] = 1
}

/** Whether the qname's label before the apex is one that the SOA's names have there; `shift`: octets before the apex. */
function hasLabelOfSoa(
  { labelsBeforeApex }: EncodedSoa,
  packet: Uint8Array,
  from: number,
  shift: number,
): boolean {
  if (labelsBeforeApex.length === 0) return false
  let at = from
  let last = from
  while (at < from + shift) {
    last = at
    at += 1 + (packet[at] as number)
  }
  for (let l = 0; l < labelsBeforeApex.length; l++) {
    const label = labelsBeforeApex[l] as Uint8Array
    let i = 0
    while (i < label.length && lowerOctet(packet[last + i] as number) === label[i]) i++
    if (i === label.length) return true
  }
  return false
}

function encodeSoa(zone: Zone): EncodedSoa | null {
  const plan = createPlan()
  const writer = createWriter()
  const query = emptyQuery()
  const question = new Uint8Array(zone.apex.length)
  question.set(zone.apex)
  query.packet = question
  query.qnameOctets = question.length
  query.qtype = RRType.SOA
  query.qclass = RRClass.IN
  resetPlan(plan, Rcode.NXDOMAIN)
  const entry = addEntry(plan, 'authority', zone.apex, zone.negativeSoa.type)
  if (entry === null) return null
  entry.ttl = zone.negativeSoa.ttl
  entry.rdata = zone.negativeSoa.rdata
  beginMessage(writer, new Uint8Array(2048), 0, 2048)
  writer.at = headerOctets
  putQuestion(writer, query)
  const from = writer.at
  if (putSections(writer, plan, RRClass.IN)) return null
  const octets = writer.out.slice(from, writer.at)
  const pointers = [0]
  // Owner (a pointer), type, class, TTL and RDLENGTH; then MNAME and RNAME.
  let at = 12
  for (let name = 0; name < 2; name++) at = skipName(octets, at, pointers)
  return { octets, pointers, labelsBeforeApex: labelsBeforeApex(zone) }
}

/** Returns the end of the name at `from`; where it ends in a pointer, appends the pointer's offset. */
function skipName(octets: Uint8Array, from: number, pointers: number[]): number {
  let at = from
  for (;;) {
    const label = octets[at] as number
    if (label >= 0xc0) {
      pointers.push(at)
      return at + 2
    }
    if (label === 0) return at + 1
    at += 1 + label
  }
}

/** In lower case. */
function labelsBeforeApex({ apex, negativeSoa }: Zone): readonly Uint8Array[] {
  const labels: Uint8Array[] = []
  const { octets, compressible } = negativeSoa.rdata[0] ?? { octets: apex, compressible: [] }
  for (const from of compressible) {
    let at = from
    while (octets[at] !== 0) {
      const next = at + 1 + (octets[at] as number)
      if (isApexAt(apex, octets, next)) labels.push(octets.slice(at, next).map(lowerOctet))
      at = next
    }
  }
  return labels
}

/** Whether the name that starts at `at` is the apex, regardless of case. */
function isApexAt(apex: Name, octets: Uint8Array, at: number): boolean {
  for (let i = 0; i < apex.length; i++)
    if (lowerOctet(apex[i] as number) !== lowerOctet(octets[at + i] ?? 256)) return false
  return true
}
