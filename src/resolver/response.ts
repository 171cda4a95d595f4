// Reads a response as decoded by dns2. Names are in lower case and without final dot. Records that dns2 cannot decode,
// and types other than those of QueryType and CNAME, are left out.

import { Packet } from 'dns2'

import { bareName } from '../lib/bare-name.ts'
import { formatAddress, parseAddress } from '../lib/ip.ts'

export interface ServerEndpoint {
  /** An IPv4 or IPv6 address in canonical form. */
  readonly address: string
  readonly port: number
}

export type QueryType = 'A' | 'AAAA' | 'PTR' | 'NS' | 'SOA' | 'MX' | 'TXT'

export interface Question {
  /** Name that is queried, without the final dot; empty for the root. */
  readonly name: string
  readonly type: QueryType
}

export interface ResourceRecord {
  readonly owner: string
  readonly type: QueryType | 'CNAME'
  readonly ttlSeconds: number
  /** An address in canonical form, a name, or a text; the serial of an SOA; of an MX preference and exchange. */
  readonly data: string
  /** Only of an SOA: the TTL of negative answers (RFC 2308 §5). */
  readonly negativeSeconds?: number
}

export type Response =
  | {
      readonly kind: 'reply'
      readonly rcode: number
      readonly isAuthoritative: boolean
      readonly isTruncated: boolean
      readonly answers: readonly ResourceRecord[]
      readonly authority: readonly ResourceRecord[]
      readonly additional: readonly ResourceRecord[]
    }
  /** There was no usable response. `why`: `timeout`, `refused-connection`, `strange-reply` and the like. */
  | { readonly kind: 'failed'; readonly why: string }

export const failed = (why: string): Response => ({ kind: 'failed', why })

/** Records read of a section at most: none of our questions needs more, and a message may hold thousands. */
const recordLimit = 256

/** Returns the response, or `strange-reply` if it is no response to the question or its answer section is malformed. */
export function readResponse(packet: Packet, question: Question): Response {
  const { header, questions } = packet
  const [first] = questions
  const isAnswer = header.qr === 1 && header.opcode === 0
  // An error response may lack the question.
  const isBareError = first === undefined && header.rcode !== 0
  const isSameQuestion =
    first?.name.toLowerCase() === question.name.toLowerCase() &&
    first.type === Packet.TYPE[question.type]
  const isWhole = !packet.errors.some(({ section }) => section === 'answers')
  if (!isAnswer || !isWhole || (!isBareError && !isSameQuestion)) return failed('strange-reply')
  return {
    kind: 'reply',
    rcode: header.rcode,
    isAuthoritative: header.aa === 1,
    isTruncated: header.tc === 1,
    answers: readSection(packet.answers),
    authority: readSection(packet.authorities),
    additional: readSection(packet.additionals),
  }
}

type Resource = Packet['answers'][0]

const readSection = (section: readonly Resource[]): readonly ResourceRecord[] =>
  section.slice(0, recordLimit).flatMap((resource) => readRecord(resource) ?? [])

function readRecord(resource: Resource): ResourceRecord | null {
  const { name, ttl, type, class: cls } = resource
  if (cls !== Packet.CLASS.IN || typeof name !== 'string') return null
  const data = dataOf(resource, type)
  if (data === null) return null
  // A TTL with the top bit set counts as zero (RFC 2181 §8).
  const ttlSeconds = ttl >= 0 && ttl < 2 ** 31 ? ttl : 0
  return { owner: bareName(name), ttlSeconds, ...data }
}

type Data = Pick<ResourceRecord, 'type' | 'data' | 'negativeSeconds'>

function dataOf(resource: Resource, type: number): Data | null {
  const { address, domain, ns, data, serial, minimum = 0, exchange, priority } = resource
  switch (type) {
    case Packet.TYPE.A:
      return addressData('A', address)
    case Packet.TYPE.AAAA:
      return addressData('AAAA', address)
    case Packet.TYPE.PTR:
      return nameData('PTR', domain)
    case Packet.TYPE.CNAME:
      return nameData('CNAME', domain)
    case Packet.TYPE.NS:
      return nameData('NS', ns)
    case Packet.TYPE.MX:
      return exchangeData(priority, exchange)
    case Packet.TYPE.TXT:
      return textData(data)
    case Packet.TYPE.SOA:
      return serial === undefined
        ? null
        : { type: 'SOA', data: String(serial), negativeSeconds: Math.min(minimum, resource.ttl) }
    default:
      return null
  }
}

function addressData(type: 'A' | 'AAAA', text: string | undefined): Data | null {
  const parsed = text === undefined ? null : parseAddress(text)
  return parsed && { type, data: formatAddress(parsed.octets) }
}

const nameData = (type: 'PTR' | 'CNAME' | 'NS', name: string | undefined): Data | null =>
  name === undefined || name === '' ? null : { type, data: bareName(name) }

/** As in a master file, but for the final dot; the root, which says that there is no mail (RFC 7505), is a dot. */
const exchangeData = (preference: number | undefined, exchange: string | undefined): Data | null =>
  preference === undefined || exchange === undefined
    ? null
    : { type: 'MX', data: `${preference} ${bareName(exchange) || '.'}` }

/** No text that anything here reads is as long: answers are kept. */
const maxTextCharacters = 8192

/** The strings of a record, joined (RFC 7208 §3.3). */
function textData(data: Resource['data']): Data | null {
  const text = [data].flat().join('')
  return text.length > maxTextCharacters ? null : { type: 'TXT', data: text }
}
