// A response as records, for the validator: read to its last octet, names in rdata expanded, and beside each rdata its
// canonical form (RFC 4034 §6.2 as RFC 6840 §5.1 amends it). What does not parse throws.

import { type Labels, lowered, wireOf } from './names.ts'

export interface Rr {
  readonly owner: Labels
  readonly type: number
  readonly class: number
  readonly ttl: number
  /** Names in it expanded, their letters as they came. */
  readonly rdata: Buffer
  /** The same with those names lowered that are lowered for signing. */
  readonly canonicalRdata: Buffer
}

export interface Message {
  readonly isResponse: boolean
  readonly isAuthoritative: boolean
  readonly isTruncated: boolean
  /** With the upper bits of the OPT record. */
  readonly rcode: number
  readonly question: { readonly qname: Labels; readonly qtype: number } | null
  readonly answer: readonly Rr[]
  readonly authority: readonly Rr[]
  /** Without the OPT. */
  readonly additional: readonly Rr[]
  readonly opt: { readonly isDnssecOk: boolean } | null
}

/**
 * n: a name that may be compressed (RFC 3597 §4), N: one that may not; both are lowered for signing. K: one that may
 * neither be compressed nor lowered. s: a string, a number: so many octets, r: the rest.
 */
const layouts: Readonly<Record<number, string>> = {
  2: 'n', // NS
  3: 'n', // MD
  4: 'n', // MF
  5: 'n', // CNAME
  6: 'n n 20', // SOA
  7: 'n', // MB
  8: 'n', // MG
  9: 'n', // MR
  12: 'n', // PTR
  14: 'n n', // MINFO
  15: '2 n', // MX
  17: 'N N', // RP
  18: '2 N', // AFSDB
  21: '2 N', // RT
  26: '2 N N', // PX
  33: '6 N', // SRV
  35: '4 s s s N', // NAPTR
  36: '2 N', // KX
  39: 'N', // DNAME
  46: '18 N r', // RRSIG
  47: 'K r', // NSEC
  64: '2 K r', // SVCB
  65: '2 K r', // HTTPS
}

interface Reader {
  readonly octets: Buffer
  at: number
}

export function decodeMessage(octets: Buffer): Message {
  const reader: Reader = { octets, at: 12 }
  const flags = octets.readUInt16BE(2)
  const [questions = 0, ...counts] = [4, 6, 8, 10].map((at) => octets.readUInt16BE(at))
  if (questions > 1) throw new Error(`${questions} questions`)
  const question = questions === 1 ? readQuestion(reader) : null
  const [answer = [], authority = [], all = []] = counts.map((count) => readRecords(reader, count))
  if (reader.at !== octets.length) throw new Error('octets after the last record')
  const opts = all.filter(({ type }) => type === 41)
  if (opts.length > 1) throw new Error('more than one OPT')
  const [opt] = opts
  return {
    isResponse: (flags & 0x8000) !== 0,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    rcode: (flags & 15) | (opt === undefined ? 0 : (opt.ttl >>> 24) << 4),
    question,
    answer,
    authority,
    additional: all.filter(({ type }) => type !== 41),
    opt: opt === undefined ? null : { isDnssecOk: (opt.ttl & 0x8000) !== 0 },
  }
}

/** Without compression, with DO in the OPT record; RCODEs below 16. */
export function encodeMessage(message: Message): Buffer {
  const { question, answer, authority, additional } = message
  const header = Buffer.alloc(12)
  const flags: readonly (readonly [boolean, number])[] = [
    [message.isResponse, 0x8000],
    [message.isAuthoritative, 0x0400],
    [message.isTruncated, 0x0200],
  ]
  const bits = flags.reduce((sum, [isSet, bit]) => (isSet ? sum | bit : sum), message.rcode)
  const counts = [question ? 1 : 0, answer.length, authority.length, additional.length + 1]
  header.writeUInt16BE(bits, 2)
  counts.forEach((count, i) => header.writeUInt16BE(count, 4 + 2 * i))
  const opt = Buffer.of(0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0)
  const asked = question
    ? Buffer.concat([wireOf(question.qname), Buffer.of(question.qtype >> 8, question.qtype, 0, 1)])
    : Buffer.alloc(0)
  const records = [...answer, ...authority, ...additional].map(encodeRecord)
  return Buffer.concat([header, asked, ...records, opt])
}

function encodeRecord({ owner, type, class: rrClass, ttl, rdata }: Rr): Buffer {
  const fields = Buffer.alloc(10)
  fields.writeUInt16BE(type, 0)
  fields.writeUInt16BE(rrClass, 2)
  fields.writeUInt32BE(ttl, 4)
  fields.writeUInt16BE(rdata.length, 8)
  return Buffer.concat([wireOf(owner), fields, rdata])
}

function readQuestion(reader: Reader): { qname: Labels; qtype: number } {
  const qname = readName(reader, true)
  const qtype = take(reader, 2)
  take(reader, 2)
  return { qname, qtype }
}

function readRecords(reader: Reader, count: number): Rr[] {
  const records: Rr[] = []
  for (let i = 0; i < count; i++) {
    const owner = readName(reader, true)
    const type = take(reader, 2)
    const rrClass = take(reader, 2)
    const ttl = take(reader, 4)
    const length = take(reader, 2)
    const end = reader.at + length
    if (end > reader.octets.length) throw new Error('rdata beyond the end')
    const forms = readRdata(reader, type, end)
    if (reader.at !== end) throw new Error('rdata of a wrong length')
    records.push({ owner, type, class: rrClass, ttl, ...forms })
  }
  return records
}

function readRdata(
  reader: Reader,
  type: number,
  end: number,
): Pick<Rr, 'rdata' | 'canonicalRdata'> {
  const asSent: Buffer[] = []
  const canonical: Buffer[] = []
  // RFC 3597 §4: an empty rdata is one of meta types and of classes other than IN.
  const fields = end === reader.at ? [] : (layouts[type] ?? 'r').split(' ')
  for (const field of fields) {
    if (field === 'n' || field === 'N' || field === 'K') {
      const name = readName(reader, field === 'n')
      asSent.push(wireOf(name))
      canonical.push(wireOf(field === 'K' ? name : lowered(name)))
      continue
    }
    const from = reader.at
    if (field === 'r') reader.at = end
    else reader.at += field === 's' ? 1 + reader.octets.readUInt8(from) : Number(field)
    const part = reader.octets.subarray(from, reader.at)
    asSent.push(part)
    canonical.push(part)
  }
  return { rdata: Buffer.concat(asSent), canonicalRdata: Buffer.concat(canonical) }
}

function take(reader: Reader, count: number): number {
  const value = reader.octets.readUIntBE(reader.at, count)
  reader.at += count
  return value
}

function readName(reader: Reader, mayBeCompressed: boolean): Labels {
  const { labels, next } = nameAt(reader.octets, reader.at, mayBeCompressed)
  reader.at = next
  return labels
}

/** The name at an offset, and where what follows it begins. */
export function nameAt(
  octets: Buffer,
  from: number,
  mayBeCompressed: boolean,
): { labels: Labels; next: number } {
  const labels: string[] = []
  let [at, next, length] = [from, -1, 1]
  for (;;) {
    const first = octets.readUInt8(at)
    if (first >= 0xc0) {
      const target = octets.readUInt16BE(at) & 0x3fff
      if (target >= at) throw new Error('a pointer that is not backwards')
      if (!mayBeCompressed) throw new Error('a name compressed where it must not be')
      if (next < 0) next = at + 2
      at = target
      continue
    }
    if (first > 63) throw new Error('a label of an unknown kind')
    if (first === 0) return { labels, next: next < 0 ? at + 1 : next }
    length += 1 + first
    if (length > 255) throw new Error('a name of more than 255 octets')
    labels.push(octets.toString('latin1', at + 1, at + 1 + first))
    at += 1 + first
  }
}
