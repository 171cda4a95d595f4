// NXDOMAIN without deciding and encoding: the authority section, encoded once, behind any question about a name below the
// zone's apex. It is the SOA of the zone; for queries with DO to a signed zone also the NSEC records that cover the name and
// the wildcard, with their signatures (signing.ts): one section for each pair of places in the denial chain.
//
// The names in it are compressed against the question, so that only their pointers depend on it: all of them shift by
// as much as the qname is longer than the apex. That holds where the question's label before the apex does not also stand
// before the apex in one of the section's names. Other questions are encoded as usual (encode.ts).

import { Flag, headerOctets, questionTailOctets, recordTailOctets } from '../../wire/header.ts'
import { keyOfOctets, lowerOctet, type Name } from '../../wire/name.ts'
import { readUint16 } from '../../wire/octets.ts'
import { emptyQuery, type Query } from '../../wire/query.ts'
import { Rcode } from '../../wire/rcode.ts'
import { RRClass, RRType } from '../../wire/rrtype.ts'
import { beginMessage, createWriter } from '../../wire/writer.ts'
import { createChainKey, placeInChain, putChainKey } from '../../zone/denial-chain.ts'
import type { DenialChain, Zone } from '../../zone/zone.ts'
import { putQuestion, putSections } from '../encode.ts'
import { addEntry, createPlan, type Plan, type PlanEntry, resetPlan } from '../plan.ts'

/** An authority section as it is encoded behind a question whose qname is the apex. */
interface EncodedSection {
  readonly octets: Uint8Array
  readonly records: number
  /** Offsets of the compression pointers in it. */
  readonly pointers: readonly number[]
  /** The labels right before the apex in its names: length octet and lower-case octets. */
  readonly labelsBeforeApex: readonly Uint8Array[]
}

/** Sections of signed zones, some 600 octets each. */
const maxDenials = 4096

/** Above the number of names of any zone. */
const placesPerZone = 2 ** 24

export class NxdomainAnswers {
  /** null: the zone's SOA cannot be used. */
  readonly #soas = new WeakMap<Zone, EncodedSection | null>()
  /** By the places of the name and of the wildcard in the chain. */
  #denials = new Map<Zone, Map<number, EncodedSection>>()
  #denialCount = 0
  readonly #chainKey = createChainKey()

  /** How many sections of signed zones are kept. */
  denials(): number {
    return this.#denialCount
  }

  /** To be called when what is signed has to be signed anew. */
  clear(): void {
    if (this.#denialCount > 0) this.#denials = new Map()
    this.#denialCount = 0
  }

  /**
   * Writes header, question and authority section to `out` from `start` on; ID and RD are left to the caller. `query`: for a
   * name below the zone's apex, whose closest encloser begins at `encloserAt` of its packet. Returns the offset of their end;
   * -1 where the question needs the encoder, or there is no room before `limit`.
   */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  put(
    zone: Zone,
    query: Query,
    encloserAt: number,
    out: Uint8Array,
    start: number,
    limit: number,
  ): number {
    const { packet, qnameOffset, qnameOctets } = query
    const shift = qnameOctets - zone.apex.length
    const isSigned = query.dnssecOk && zone.signing !== null
    const section = isSigned ? this.#denialOf(zone, query, encloserAt) : this.#soaOf(zone)
    if (section === undefined || section === null || shift <= 0) return -1
    const questionOctets = qnameOctets + questionTailOctets
    const at = start + headerOctets + questionOctets
    if (at + section.octets.length > limit) return -1
    if (hasLabelOf(section, packet, qnameOffset, shift)) return -1
    putHeader(out, start, section.records)
    for (let i = 0; i < questionOctets; i++)
      out[start + headerOctets + i] = packet[qnameOffset + i] as number
    const { octets, pointers } = section
    out.set(octets, at)
    for (let i = 0; i < pointers.length; i++) {
      const pointerAt = at + (pointers[i] as number)
      const pointer = readUint16(out, pointerAt) + shift
      out[pointerAt] = pointer >> 8
      out[pointerAt + 1] = pointer
    }
    return at + octets.length
  }

  /** Stores the authority section of a signed NXDOMAIN that was planned. `encloserAt`: as of `put`. */
  storeDenial(zone: Zone, query: Query, encloserAt: number, plan: Plan): void {
    if (zone.signing === null) return
    const section = encodeSection(zone, plan)
    if (section === null) return
    if (this.#denialCount === maxDenials) this.clear()
    let denials = this.#denials.get(zone)
    if (denials === undefined) this.#denials.set(zone, (denials = new Map()))
    const places = this.#placesOf(zone, zone.signing.chain, query, encloserAt)
    if (!denials.has(places)) this.#denialCount++
    denials.set(places, section)
  }

  #denialOf(zone: Zone, query: Query, encloserAt: number): EncodedSection | undefined {
    const denials = this.#denials.get(zone)
    if (denials === undefined || zone.signing === null) return undefined
    return denials.get(this.#placesOf(zone, zone.signing.chain, query, encloserAt))
  }

  /** The places of the name and of the wildcard that could answer for it, as one number. */
  #placesOf(zone: Zone, chain: DenialChain, query: Query, encloserAt: number): number {
    const key = this.#chainKey
    const { packet, qnameOffset, qnameOctets } = query
    const apexAt = qnameOffset + qnameOctets - zone.apex.length
    const encloserOctets = putChainKey(key, packet, encloserAt, apexAt)
    key[encloserOctets] = asterisk
    key[encloserOctets + 1] = 0
    const wildcard = placeInChain(chain, key, encloserOctets + 2)
    const name = placeInChain(chain, key, putChainKey(key, packet, qnameOffset, apexAt))
    return name * placesPerZone + wildcard
  }

  #soaOf(zone: Zone): EncodedSection | null {
    let soa = this.#soas.get(zone)
    if (soa === undefined) this.#soas.set(zone, (soa = encodeSoa(zone)))
    return soa
  }
}

const asterisk = 0x2a

/** One question, no answer, so many authority records, nothing more. */
function putHeader(out: Uint8Array, start: number, records: number): void {
  for (let i = 0; i < headerOctets; i++) out[start + i] = 0
  out[start + 2] = Flag.QR | Flag.AA
  out[start + 3] = Rcode.NXDOMAIN
  out[start + 5] = 1
  out[start + 9] = records
}

/** Whether the qname's label before the apex is one that the section's names have there; `shift`: octets before the apex. */
function hasLabelOf(
  { labelsBeforeApex }: EncodedSection,
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

function encodeSoa(zone: Zone): EncodedSection | null {
  const plan = createPlan()
  resetPlan(plan, Rcode.NXDOMAIN)
  const entry = addEntry(plan, 'authority', zone.apex, zone.negativeSoa.type)
  if (entry === null) return null
  entry.ttl = zone.negativeSoa.ttl
  entry.rdata = zone.negativeSoa.rdata
  return encodeSection(zone, plan)
}

/** The authority section of a plan that has nothing else; null: it cannot be used behind other questions. */
function encodeSection(zone: Zone, plan: Plan): EncodedSection | null {
  const writer = createWriter()
  const query = emptyQuery()
  const question = new Uint8Array(zone.apex.length)
  question.set(zone.apex)
  query.packet = question
  query.qnameOctets = question.length
  query.qtype = RRType.SOA
  query.qclass = RRClass.IN
  beginMessage(writer, new Uint8Array(maxSectionOctets), 0, maxSectionOctets)
  writer.at = headerOctets
  putQuestion(writer, query)
  const from = writer.at
  if (putSections(writer, plan, RRClass.IN)) return null
  const octets = writer.out.slice(from, writer.at)
  const records = readUint16(writer.out, 8)
  const names = plan.entries.slice(0, plan.count).flatMap(namesOf)
  return {
    octets,
    records,
    pointers: pointersIn(octets, records),
    labelsBeforeApex: names.flatMap((name) => labelBefore(zone, name)),
  }
}

const maxSectionOctets = 4096

/** The names of a set that are compressed: its owner, and those in the rdata. */
function namesOf({ owner, rdata }: PlanEntry): readonly Name[] {
  const inRdata = rdata.flatMap(({ octets, compressible }) =>
    compressible.map((at) => octets.subarray(at)),
  )
  return owner === null ? inRdata : [owner, ...inRdata]
}

/** The offsets of compression pointers: of each owner, and of the two names in a SOA. NSEC and RRSIG have none in rdata. */
function pointersIn(octets: Uint8Array, records: number): readonly number[] {
  const pointers: number[] = []
  let at = 0
  for (let record = 0; record < records; record++) {
    at = skipName(octets, at, pointers)
    const type = readUint16(octets, at)
    const rdataAt = at + recordTailOctets
    at = rdataAt + readUint16(octets, at + 8)
    if (type === RRType.SOA) skipName(octets, skipName(octets, rdataAt, pointers), pointers)
  }
  return pointers
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

/** The label of a name right before the apex, in lower case; none where the name is not below it. */
function labelBefore({ apex, apexKey }: Zone, name: Name): readonly Uint8Array[] {
  let at = 0
  while (name[at] !== 0) {
    const next = at + 1 + (name[at] as number)
    if (keyOfOctets(name, next, next + apex.length) === apexKey)
      return [name.slice(at, next).map(lowerOctet)]
    at = next
  }
  return []
}
