// What a server said, in our words. Names are without final dot and in lower case; what dns2 cannot make out of a
// record is left out.

import { Packet } from 'dns2'

import { formatAddress, parseAddress } from '../lib/ip.ts'

export interface ServerEndpoint {
  /** In canonical form. */
  readonly address: string
  readonly port: number
}

export type QueryType = 'A' | 'AAAA' | 'PTR' | 'NS' | 'SOA' | 'TXT'

export interface Question {
  /** Without final dot. */
  readonly name: string
  readonly type: QueryType
}

export interface ResourceRecord {
  readonly owner: string
  readonly type: QueryType | 'CNAME'
  readonly ttlSeconds: number
  /** An address in canonical form, a name, a text; of an SOA the serial. */
  readonly data: string
  /** Of an SOA: how long a negative answer holds. */
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
  /** `why`: a word such as `timeout`, `refused-connection`, `strange-reply`. */
  | { readonly kind: 'failed'; readonly why: string }

export const failed = (why: string): Response => ({ kind: 'failed', why })

/** Most that is read of a section: an answer of ours never needs more, and one of 64 KiB may hold thousands. */
const recordLimit = 256

export function readResponse(packet: Packet, question: Question): Response {
  const { header, questions } = packet
  const [asked] = questions
  const isAnswer = header.qr === 1 && header.opcode === 0
  // A server in trouble may leave the question out; then there is nothing else in it either.
  const isBare = asked === undefined && header.rcode !== 0
  const isOurs =
    asked?.name.toLowerCase() === question.name.toLowerCase() &&
    asked.type === Packet.TYPE[question.type]
  const isWhole = !packet.errors.some(({ section }) => section === 'answers')
  if (!isAnswer || !isWhole || (!isBare && !isOurs)) return failed('strange-reply')
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
  const found = dataOf(resource, type)
  if (found === null) return null
  // RFC 2181 §8: above 2³¹ is zero.
  const ttlSeconds = ttl >= 0 && ttl < 2 ** 31 ? ttl : 0
  return { owner: nameOf(name), ttlSeconds, ...found }
}

type Data = Pick<ResourceRecord, 'type' | 'data' | 'negativeSeconds'>

function dataOf(resource: Resource, type: number): Data | null {
  const { address, domain, ns, data, serial, minimum = 0 } = resource
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
  name === undefined || name === '' ? null : { type, data: nameOf(name) }

const textData = (data: Resource['data']): Data => ({
  type: 'TXT',
  data: [data].flat().join('').slice(0, 255),
})

const nameOf = (text: string): string => text.replace(/\.$/, '').toLowerCase()
