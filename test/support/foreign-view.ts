// An answer as dns2's decoder reads it, in presentation form: the independent eye on what we encode.

import { Packet } from 'dns2'
import type DNS from 'dns2'
import { typeToText } from '../../src/wire/rrtype.ts'

export interface View {
  readonly id: number
  readonly opcode: number
  readonly rcode: number
  /** The flags that are set, in the order aa tc rd ra z ad cd. */
  readonly flags: string
  readonly question: string | null
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  /** Without the OPT. */
  readonly additional: readonly string[]
  readonly opt: OptView | null
}

export interface OptView {
  readonly udp: number
  readonly version: number
  readonly dnssecOk: boolean
}

export function viewOf(octets: Uint8Array): View {
  const packet = Packet.parse(Buffer.from(octets))
  if (packet.errors.length > 0) throw packet.errors[0] as Error
  const header = packet.header as DNS.Packet.Header & { ad: number; cd: number }
  if (header.qr !== 1) throw new Error('not a response')
  const words = ['aa', 'tc', 'rd', 'ra', 'z', 'ad', 'cd'] as const
  const question = packet.questions[0]
  const opts = packet.additionals.filter((record) => record.type === 41)
  if (opts.length > 1) throw new Error('more than one OPT')
  return {
    id: header.id,
    opcode: header.opcode,
    rcode: header.rcode,
    flags: words.filter((word) => header[word] === 1).join(' '),
    question: question === undefined ? null : `${question.name} ${typeToText(question.type)}`,
    answer: packet.answers.map(recordText),
    authority: packet.authorities.map(recordText),
    additional: packet.additionals.filter((record) => record.type !== 41).map(recordText),
    opt: opts[0] === undefined ? null : optView(opts[0]),
  }
}

const optView = (record: DNS.Packet.Resource): OptView => ({
  udp: record.class,
  version: record.version ?? -1,
  dnssecOk: record.doFlag ?? false,
})

/** `owner TTL type rdata`. */
export const recordText = (record: DNS.Packet.Resource): string =>
  `${record.name} ${record.ttl} ${typeToText(record.type)} ${rdataText(record)}`

function rdataText(record: DNS.Packet.Resource): string {
  if (record.class !== 1) throw new Error(`class ${record.class}`)
  switch (typeToText(record.type)) {
    case 'A':
    case 'AAAA':
      return String(record.address)
    case 'NS':
      return String(record.ns)
    case 'CNAME':
    case 'PTR':
      return String(record.domain)
    case 'MX':
      return `${record.priority} ${record.exchange}`
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}`
    case 'SOA':
      return `${record.primary} ${record.admin} ${record.serial} ${record.minimum}`
    case 'TXT':
      return (record.data as string[]).map((part) => `"${part}"`).join(' ')
    default:
      return Buffer.from(record.data as Buffer).toString('hex')
  }
}
