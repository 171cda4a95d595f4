// Who is answering: class CHAOS; and what comes of keys and opcodes that this server does not know.

import { describe, expect, test } from 'vitest'
import type { ServerIdentity } from '../../src/answer/context.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import { viewOf } from '../support/foreign-view.ts'
import { optsOf } from '../support/opt-options.ts'
import { buildQuery, wireName } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'

const given: ServerIdentity = { nsid: null, chaosIdentity: 'ns1.fra', chaosVersion: 'mxsteer' }

function reply(spec: QuerySpec, identity = given): Uint8Array {
  const respond = createRespond(contextOf(exampleCatalog, { identity }))
  return send(respond, buildQuery(spec), peerOf('udp')) ?? new Uint8Array(0)
}
const textRecord = (text: string): string =>
  `c00c00100003000000000${(text.length + 1).toString(16).padStart(3, '0')}` +
  `${text.length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')

describe('CHAOS (RFC 4892)', () => {
  test.each([
    ['id.server', 16, 'ns1.fra'],
    ['hostname.bind', 16, 'ns1.fra'],
    ['VERSION.Bind', 16, 'mxsteer'],
    ['version.server', 255, 'mxsteer'],
  ])('%s type %i', (name, type, text) => {
    const octets = reply({ name, type, class: 3 })
    const question = buildQuery({ name, type, class: 3 }).subarray(12)
    expect(hex(octets)).toBe(`123485000001000100000000${hex(question)}${textRecord(text)}`)
  })
  test.each([
    ['authors.bind', 16, 3],
    ['id.server', 1, 3],
    ['mx1.example.test', 1, 3],
    ['id.server', 16, 4],
    ['id.server', 16, 254],
    ['id.server', 16, 0],
  ])('%s type %i class %i: REFUSED', (name, type, qclass) => {
    expect(reply({ name, type, class: qclass })[3]).toBe(5)
  })
  test('off: REFUSED, the other goes on', () => {
    const off = { ...given, chaosVersion: null }
    expect(reply({ name: 'version.bind', type: 16, class: 3 }, off)[3]).toBe(5)
    expect(reply({ name: 'id.server', type: 16, class: 3 }, off)[3]).toBe(0)
  })
  test('a text of 255 octets is one string, whole', () => {
    const long = { ...given, chaosVersion: 'v'.repeat(255) }
    const octets = reply({ name: 'version.bind', type: 16, class: 3 }, long)
    expect(hex(octets).endsWith(`0100ff${'76'.repeat(255)}`)).toBe(true)
  })
})

/** A TSIG (RFC 8945 §4.2) by a key called `key.`, HMAC-SHA256, of `macOctets`. */
function tsig(changes: {
  readonly owner?: readonly number[]
  readonly class?: number
  readonly ttl?: number
  readonly mac?: number
  readonly macLength?: number
  readonly algorithm?: readonly number[]
}): number[] {
  const macOctets = changes.mac ?? 32
  const rdata = [
    ...(changes.algorithm ?? wireName('hmac-sha256')),
    ...Buffer.from('00006553f100012c', 'hex'),
    0,
    changes.macLength ?? macOctets,
    ...new Uint8Array(macOctets).fill(0xaa),
    ...Buffer.from('123400000000', 'hex'),
  ]
  return [
    ...(changes.owner ?? wireName('key')),
    ...[250, changes.class ?? 255, 0, changes.ttl ?? 0, rdata.length].flatMap((n) => [0, n]),
    ...rdata,
  ]
}

describe('TSIG by a key that is not known', () => {
  const name = 'mx1.example.test'
  const badKey =
    '036b657900' +
    '00fa00ff00000000' +
    '001d' +
    '0b686d61632d73686132353600' +
    '00006553f100012c' +
    '0000' +
    '1234' +
    '0011' +
    '0000'
  test('NOTAUTH with an unsigned TSIG that says BADKEY (RFC 8945 §5.3.2)', () => {
    const octets = reply({ name, records: [tsig({})] })
    const question = hex(buildQuery({ name }).subarray(12))
    expect(hex(octets)).toBe(`123481090001000000000001${question}${badKey}`)
  })
  test('behind the OPT, where it must be the last', () => {
    const octets = reply({
      name,
      opts: [],
      records: [[0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0], tsig({})],
    })
    expect(hex(octets).endsWith(badKey)).toBe(true)
    expect(optsOf(octets)).toMatchObject([{ flags: 0x8000, recordsAfter: 1 }])
  })
  test('its name by a pointer is written out', () => {
    const octets = reply({ name: 'key', records: [tsig({ owner: [0xc0, 12] })] })
    expect(hex(octets).endsWith(badKey)).toBe(true)
  })
  test.each<[string, readonly number[][]]>([
    ['of class IN', [tsig({ class: 1 })]],
    ['with a TTL', [tsig({ ttl: 1 })]],
    ['a MAC past its end', [tsig({ macLength: 200 })]],
    ['a MAC shorter than it says', [tsig({ mac: 8, macLength: 4 })]],
    ['its algorithm by a pointer', [tsig({ algorithm: [0xc0, 12] })]],
    ['not the last', [tsig({}), [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]]],
    ['twice', [tsig({}), tsig({})]],
  ])('%s: FORMERR', (_what, records) => {
    expect(reply({ name, records })[3]).toBe(1)
  })
  test.each<[string, readonly number[]]>([
    ['at itself', [0xc0, 34]],
    ['forward', [0xc0, 60]],
    ['past the end', [0xff, 0xff]],
  ])('its name by a pointer %s: no TSIG in the answer', (_what, owner) => {
    const octets = reply({ name, records: [tsig({ owner })] })
    expect(octets[3]).toBe(9)
    expect(viewOf(octets).additional).toEqual([])
  })
})

describe('other opcodes', () => {
  test.each([1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])('%i: NOTIMP, OPT as asked', (opcode) => {
    const flags = (opcode << 11) | 0x07f0
    const octets = reply({ name: 'mx1.example.test', flags, opts: [{ dnssecOk: true }] })
    expect(viewOf(octets)).toMatchObject({
      rcode: 4,
      opcode,
      flags: '',
      question: null,
      opt: { version: 0, dnssecOk: true },
    })
  })
})
