// NXDOMAIN kept ready: the SOA record of each zone, encoded once, beside any question about a name below its apex.
//
// Its names are compressed by what the question says, so that only their pointers depend on it: everything from the
// apex on stands as far behind its place as the question is longer than the apex. That holds where the question spells
// the apex as the zone does, and its label before the apex begins neither name in the SOA; other questions are answered
// the long way (encode.ts), as `write` says by -1.

import { Flag, headerOctets, questionTailOctets } from '../../wire/header.ts'
import { lowerOctet, type Name } from '../../wire/name.ts'
import { type Query, emptyQuery } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { beginMessage, createWriter } from '../../wire/writer.ts'
import type { Zone } from '../../zone/zone.ts'
import { putQuestion, putSections } from '../encode.ts'
import { addEntry, createPlan, resetPlan } from '../plan.ts'

/** The record as it stands behind a question that is the apex itself. */
interface ReadySoa {
  readonly octets: Uint8Array
  /** Where in it pointers stand. */
  readonly pointers: readonly number[]
  /** Names in its rdata that are below the apex: the label that they have right before it, with its length. */
  readonly before: readonly Uint8Array[]
}

const ready = new WeakMap<Zone, ReadySoa | null>()

function readyOf(zone: Zone): ReadySoa | null {
  let soa = ready.get(zone)
  if (soa === undefined) ready.set(zone, (soa = makeReady(zone)))
  return soa
}

/** Header, question and SOA to `out`: where they end, or -1: not here. */
export function putNxdomain(
  zone: Zone,
  query: Query,
  out: Uint8Array,
  start: number,
  limit: number,
): number {
  const soa = readyOf(zone)
  const { packet, qnameOffset, qnameOctets } = query
  const behind = qnameOctets - zone.apex.length
  if (soa === null || behind <= 0 || !endsAs(zone.apex, packet, qnameOffset + behind)) return -1
  const questionOctets = qnameOctets + questionTailOctets
  const at = start + headerOctets + questionOctets
  if (at + soa.octets.length > limit || isBeforeApex(soa, packet, qnameOffset, behind)) return -1
  putHeader(out, start)
  for (let i = 0; i < questionOctets; i++)
    out[start + headerOctets + i] = packet[qnameOffset + i] as number
  const { octets, pointers } = soa
  out.set(octets, at)
  for (let i = 0; i < pointers.length; i++) {
    const place = at + (pointers[i] as number)
    const pointer = (((out[place] as number) << 8) | (out[place + 1] as number)) + behind
    out[place] = pointer >> 8
    out[place + 1] = pointer
  }
  return at + octets.length
}

/** One question, no answer, one authority, nothing more; ID and RD are the caller's. */
function putHeader(out: Uint8Array, start: number): void {
  for (let i = 0; i < headerOctets; i++) out[start + i] = 0
  out[start + 2] = Flag.QR | Flag.AA
  out[start + 3] = Rcode.NXDOMAIN
  out[start + 5] = 1
  out[start + 9] = 1
}

function endsAs(apex: Name, packet: Uint8Array, from: number): boolean {
  for (let i = 0; i < apex.length; i++) if (apex[i] !== packet[from + i]) return false
  return true
}

/** Whether the question's label before the apex is one of those that the SOA's names have there. */
function isBeforeApex(
  { before }: ReadySoa,
  packet: Uint8Array,
  from: number,
  behind: number,
): boolean {
  if (before.length === 0) return false
  let at = from
  let last = from
  while (at < from + behind) {
    last = at
    at += 1 + (packet[at] as number)
  }
  for (let b = 0; b < before.length; b++) {
    const label = before[b] as Uint8Array
    let i = 0
    while (i < label.length && lowerOctet(packet[last + i] as number) === label[i]) i++
    if (i === label.length) return true
  }
  return false
}

function makeReady(zone: Zone): ReadySoa | null {
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
  // Owner (a pointer), type, class, TTL and length; then two names.
  let at = 12
  for (let name = 0; name < 2; name++) at = skipName(octets, at, pointers)
  return { octets, pointers, before: labelsBefore(zone) }
}

/** Where the name ends; if that is by a pointer, its place is noted. */
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

/** Lowered, since it does no harm to go the long way for too many. */
function labelsBefore({ apex, negativeSoa }: Zone): readonly Uint8Array[] {
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

/** Whether the name that starts there is the apex, whatever its case. */
function isApexAt(apex: Name, octets: Uint8Array, at: number): boolean {
  for (let i = 0; i < apex.length; i++)
    if (lowerOctet(apex[i] as number) !== lowerOctet(octets[at + i] ?? 256)) return false
  return true
}
