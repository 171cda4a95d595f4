// Responses with DNSSEC records as any server may send them: those of a real one, cut, mangled, and with pointers that lead
// nowhere. What is read of them, records with signatures, long/doctor-signed-zones.test.ts has from four servers.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { buildRawQuery, isResponseTo, readRawReply } from '../../src/resolver/raw-message.ts'
import { nameToText, parseName, type Name } from '../../src/wire/name.ts'

const nameOf = (text: string): Name => {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}
const bits = { isRecursive: false, isUnchecked: false }
const question = { name: nameOf('Example.test.'), type: 6 }
const query = buildRawQuery(question, 0x1234, bits)
const questionEnd = 12 + question.name.length + 4

/** A response without OPT: SOA with names compressed against the question. */
const soa = Buffer.concat([
  Buffer.from('c00c00060001000000 3c0025'.replaceAll(' ', ''), 'hex'),
  Buffer.from('036e7331c00c0468 6f7374c00c'.replaceAll(' ', ''), 'hex'),
  Buffer.from('0000000700000e100000025800015180 0000003c'.replaceAll(' ', ''), 'hex'),
])
soa.writeUInt16BE(soa.length - 12, 10)

function reply(records: Buffer, count: number): Buffer {
  const message = Buffer.concat([query.subarray(0, questionEnd), records])
  message.writeUInt16BE(0x8420, 2)
  message.writeUInt16BE(count, 6)
  message.writeUInt16BE(0, 10)
  return message
}

describe('a response', () => {
  it('has names uncompressed', () => {
    const read = readRawReply(reply(soa, 1))
    expect(read).toMatchObject({ rcode: 0, isAuthoritative: true, isAuthentic: true })
    const rdata = read?.answers[0]?.rdata ?? new Uint8Array()
    expect(nameToText(rdata.subarray(0, 18))).toBe('ns1.Example.test.')
    expect(rdata).toHaveLength(18 + 19 + 20)
  })

  it.each([
    ['with another ID', (m: Buffer) => m.writeUInt16BE(0x1235, 0), false],
    ['to another question', (m: Buffer) => m.writeUInt8(0x78, 13), false],
    ['to another type', (m: Buffer) => m.writeUInt8(1, questionEnd - 3), false],
    ['that is a query', (m: Buffer) => m.writeUInt16BE(0x0000, 2), false],
    ['in other letters', (m: Buffer) => m.writeUInt8(0x65, 13), true],
  ] as const)('%s', (_, change, isTaken) => {
    const message = reply(soa, 1)
    change(message)
    expect(isResponseTo(message, query, question)).toBe(isTaken)
  })

  it.each([
    ['a pointer to itself', 'c01e'],
    ['a pointer forwards', 'c0ff'],
    ['a label of a length that there is none', '80'],
    ['a name that goes on behind the message', '3f61'],
  ])('with %s is malformed', (_, owner) => {
    expect(readRawReply(reply(Buffer.from(owner, 'hex'), 1))).toBeNull()
  })
})

it('is read or refused whatever is cut off or changed, and never throws', () => {
  const change = fc.tuple(fc.nat(200), fc.nat(255))
  const whole = fc.property(fc.nat(200), fc.array(change, { maxLength: 4 }), (cut, changes) => {
    const message = reply(Buffer.concat([soa, soa]), 2)
    for (const [at, octet] of changes) message[at % message.length] = octet
    const read = readRawReply(message.subarray(0, Math.max(12, message.length - cut)))
    return read === null || read.answers.length <= 512
  })
  expect(() => fc.assert(whole, { numRuns: 500 })).not.toThrow()
})
