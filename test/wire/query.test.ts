// Decoding of queries: what is accepted, what is rejected with which RCODE, what is dropped.

import { describe, expect, test } from 'vitest'
import { createQueryDecoder } from '../../src/wire/query.ts'
import { Rcode } from '../../src/wire/rcode.ts'
import { buildQuery, wireName, wireRecord } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'

const decodeSpec = (spec: QuerySpec) => decodeOctets(buildQuery(spec))

function decodeOctets(packet: Uint8Array) {
  const padded = new Uint8Array(packet.length + 10).fill(0xff)
  padded.set(packet, 5)
  return createQueryDecoder()(padded, 5, packet.length)
}

function outcomeOf(spec: QuerySpec): string {
  const decoded = decodeSpec(spec)
  if (decoded.kind !== 'reject') return decoded.kind
  const [name] = Object.entries(Rcode).find(([, code]) => code === decoded.rcode) ?? []
  return `${name}`
}

const labelOf = (octets: number): number[] => [octets, ...Array.from({ length: octets }, () => 97)]
const longest = [...labelOf(63), ...labelOf(63), ...labelOf(63), ...labelOf(61), 0]
const tooLong = [...labelOf(63), ...labelOf(63), ...labelOf(63), ...labelOf(62), 0]
const name = 'www.example.test'
const a = [192, 0, 2, 1]
const soa = wireRecord([0], 6, a)

describe('outcomes', () => {
  const cases: [string, QuerySpec, string][] = [
    ['a plain query', { name }, 'query'],
    ['the root', { name: '.' }, 'query'],
    ['a response', { name, flags: 0x8000 }, 'drop'],
    ['a response with an unknown opcode', { name, flags: 0xf800 }, 'drop'],
    ['NOTIFY', { name, type: 6, flags: 0x2000 }, 'REFUSED'],
    ['NOTIFY about another type', { name, flags: 0x2000 }, 'FORMERR'],
    [
      'NOTIFY with its SOA',
      { name, type: 6, flags: 0x2000, counts: [1, 1, 0, 0], records: [wireRecord([0], 6, a)] },
      'REFUSED',
    ],
    ['NOTIFY cut short', { name, type: 6, flags: 0x2000, counts: [1, 1, 0, 0] }, 'FORMERR'],
    ['UPDATE', { name, type: 6, flags: 0x2800 }, 'REFUSED'],
    [
      'UPDATE with records',
      { name, type: 6, flags: 0x2800, counts: [1, 1, 1, 0], records: [soa, soa] },
      'REFUSED',
    ],
    ['UPDATE of no SOA', { name, flags: 0x2800 }, 'FORMERR'],
    ['UPDATE of two zones', { name, type: 6, flags: 0x2800, counts: [2, 0, 0, 0] }, 'FORMERR'],
    ['opcode 15', { name, flags: 0x7800 }, 'NOTIMP'],
    ['opcode 15, malformed', { rawName: [0xc0], flags: 0x7800 }, 'NOTIMP'],
    ['no question', { rawName: [], counts: [0, 0, 0, 0] }, 'FORMERR'],
    ['two questions', { name, counts: [2, 0, 0, 0] }, 'FORMERR'],
    ['an answer', { name, counts: [1, 1, 0, 0], records: [wireRecord([0], 1, a)] }, 'FORMERR'],
    ['an authority', { name, counts: [1, 0, 1, 0], records: [wireRecord([0], 1, a)] }, 'FORMERR'],
    [
      'the SOA of IXFR',
      { name, type: 251, counts: [1, 0, 1, 0], records: [wireRecord([0], 6, a)] },
      'query',
    ],
    [
      'an OPT where IXFR has its SOA',
      { name, type: 251, counts: [1, 0, 1, 0], opts: [{}] },
      'FORMERR',
    ],
    ['a pointer as the name', { rawName: [0xc0, 0x0c] }, 'FORMERR'],
    ['a pointer after a label', { rawName: [1, 97, 0xc0, 0x0c] }, 'FORMERR'],
    ['a reserved label type', { rawName: [0x41, 0] }, 'FORMERR'],
    ['a label past the end', { rawName: [40, 97] }, 'FORMERR'],
    ['a name of 255 octets', { rawName: longest }, 'query'],
    ['a name of 256 octets', { rawName: tooLong }, 'FORMERR'],
    ['OPT', { name, opts: [{}] }, 'query'],
    ['two OPT', { name, opts: [{}, {}] }, 'FORMERR'],
    ['OPT with an owner', { name, opts: [{ owner: wireName('a') }] }, 'FORMERR'],
    ['OPT with a pointer to a root label', { name, opts: [{ owner: [0xc0, 28] }] }, 'FORMERR'],
    ['EDNS version 1', { name, opts: [{ version: 1 }] }, 'BADVERS'],
    ['OPT after another record', { name, opts: [{}], records: [wireRecord([0], 1, a)] }, 'query'],
    [
      'another record by a pointer that is not followed',
      { name, records: [wireRecord([0xc0, 0xff], 1, a)] },
      'query',
    ],
    ['a record cut short', { name, records: [wireRecord([0], 1, a).slice(0, -1)] }, 'FORMERR'],
    ['a missing record', { name, counts: [1, 0, 0, 1] }, 'FORMERR'],
    ['more records than sense', { name, counts: [1, 0, 0, 9] }, 'FORMERR'],
    ['trailing octets', { name, trailing: [1, 2, 3] }, 'query'],
    ['trailing octets after OPT', { name, opts: [{}], trailing: [0] }, 'query'],
  ]
  test.each(cases)('%s', (_what, spec, outcome) => {
    expect(outcomeOf(spec)).toBe(outcome)
  })

  test('a truncated packet is dropped if shorter than a header, else FORMERR', () => {
    const packet = buildQuery({ name, opts: [{ options: [0, 100, 0, 2, 1, 2] }] })
    for (let length = 0; length < packet.length; length++) {
      const decoded = decodeOctets(packet.subarray(0, length))
      expect([length, decoded.kind]).toEqual([length, length < 12 ? 'drop' : 'reject'])
    }
  })
})

describe('a decoded query', () => {
  test('has the question with its case, and the key in lower case', () => {
    const decoded = decodeSpec({ id: 0xbeef, name: 'WwW.Example.TEST', type: 15, class: 255 })
    if (decoded.kind !== 'query') throw new Error(decoded.kind)
    const { query } = decoded
    const end = query.qnameOffset + query.qnameOctets
    expect([...query.packet.subarray(query.qnameOffset, end)]).toEqual(wireName('WwW.Example.TEST'))
    expect(query.key).toBe('\x03www\x07example\x04test\0')
    expect(query).toMatchObject({ id: 0xbeef, qtype: 15, qclass: 255, recursionDesired: true })
    expect(query).toMatchObject({ hasOpt: false, dnssecOk: false, optionsOctets: 0 })
  })

  test('EDNS size, DO and where the options are', () => {
    const options = [0, 100, 0, 2, 7, 8]
    const decoded = decodeSpec({ name, opts: [{ udp: 4096, dnssecOk: true, options }] })
    if (decoded.kind !== 'query') throw new Error(decoded.kind)
    const { query } = decoded
    expect(query).toMatchObject({ hasOpt: true, udpOctets: 4096, dnssecOk: true })
    const end = query.optionsOffset + query.optionsOctets
    expect([...query.packet.subarray(query.optionsOffset, end)]).toEqual(options)
  })

  test('has nothing of the previous query', () => {
    const decode = createQueryDecoder()
    const first = buildQuery({ name, opts: [{ dnssecOk: true, options: [0, 3, 0, 0] }] })
    const second = buildQuery({ name: 'b', flags: 0 })
    expect(decode(first, 0, first.length)).toMatchObject({ query: { hasOpt: true } })
    expect(decode(second, 0, second.length)).toMatchObject({
      kind: 'query',
      query: {
        key: '\x01b\0',
        hasOpt: false,
        dnssecOk: false,
        optionsOctets: 0,
        options: { hasNsid: false },
      },
    })
  })

  test('octets above ASCII have no case', () => {
    const decoded = decodeSpec({ rawName: [3, 0xc4, 0x5b, 0x40, 0] })
    expect(decoded).toMatchObject({ kind: 'query', query: { key: '\x03\xc4\x5b\x40\0' } })
  })
})
