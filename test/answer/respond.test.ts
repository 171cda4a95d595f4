// The edges of respond: silence, headers of refusals, EDNS, counters, and what happens when something inside throws.

import { describe, expect, test } from 'vitest'
import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { askerOf, contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import { viewOf } from '../support/foreign-view.ts'
import { buildQuery } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'

const name = 'mx1.example.test'
const udp = peerOf('udp')

function reply(spec: QuerySpec, peer = udp): Uint8Array | null {
  return send(createRespond(contextOf(exampleCatalog)), buildQuery(spec), peer)
}

const hex = (octets: Uint8Array | null): string | undefined =>
  octets === null ? undefined : Buffer.from(octets).toString('hex')

describe('silence', () => {
  test('for responses, fragments and port 0', () => {
    expect(reply({ name, flags: 0x8180 })).toBeNull()
    expect(reply({ name }, peerOf('udp', 0))).toBeNull()
    const respond = createRespond(contextOf(exampleCatalog))
    for (let length = 0; length < 12; length++)
      expect(send(respond, buildQuery({ name }).subarray(0, length), udp)).toBeNull()
  })
})

describe('golden octets', () => {
  test('a plain A answer: header, question, one record by pointer', () => {
    expect(hex(reply({ name }))).toBe(
      '1234850000010001000000000' +
        '36d7831076578616d706c6504746573740000010001' +
        'c00c000100010000012c0004c0000201',
    )
  })
  test.each([0x7800, 0x7fff])('NOTIMP: id and opcode alone, of flags %i', (flags) => {
    expect(hex(reply({ name, flags }))).toBe('1234f8040000000000000000')
  })
  test('FORMERR without a readable question: the header alone', () => {
    expect(hex(reply({ rawName: [0xc0, 0x0c], flags: 0 }))).toBe('123480010000000000000000')
  })
})

describe('header', () => {
  test('RD is copied; RA, Z, AD and CD are clear (RFC 4035 §3.1.6)', () => {
    expect(viewOf(reply({ name, flags: 0x0000 }) ?? udp.octets).flags).toBe('aa')
    expect(viewOf(reply({ name, flags: 0x07f0 }) ?? udp.octets).flags).toBe('aa rd')
  })
  test('FORMERR keeps the question that could be read, and its OPT', () => {
    const view = viewOf(reply({ name, opts: [{}, {}] }) ?? udp.octets)
    expect(view).toMatchObject({ rcode: 1, question: `${name} A`, answer: [] })
    expect(view.opt).toEqual({ udp: 1232, version: 0, dnssecOk: false })
  })
})

describe('EDNS', () => {
  const ask = askerOf(exampleCatalog)
  test('an OPT in the answer iff one in the query; DO as asked; our size', () => {
    expect(ask(name, 'A').opt).toBeNull()
    expect(ask(name, 'A', { opts: [{ udp: 4096 }] }).opt).toEqual({
      udp: 1232,
      version: 0,
      dnssecOk: false,
    })
    expect(ask(name, 'A', { opts: [{ dnssecOk: true }] }).opt).toMatchObject({ dnssecOk: true })
    expect(ask('missing.example.test', 'A', { opts: [{}] }).opt).not.toBeNull()
    expect(ask('example.org', 'A', { opts: [{}] }).opt).not.toBeNull()
  })
  test('BADVERS: version 0 in the OPT, question, nothing else', () => {
    expect(ask(name, 'A', { opts: [{ version: 1, dnssecOk: true }] })).toMatchObject({
      rcode: 16,
      question: `${name} A`,
      answer: [],
      authority: [],
      additional: [],
      opt: { version: 0, dnssecOk: true },
    })
  })
  test('unknown options are not repeated', () => {
    const octets = reply({ name, opts: [{ options: [0xfd, 0xe9, 0, 2, 1, 2] }] })
    expect(hex(octets)).toMatch(/00002904d0000000000000$/)
  })
})

describe('counters', () => {
  test('packets are queries, rejections and drops; answers have an rcode each', () => {
    const counters = createCounters()
    const respond = createRespond(contextOf(exampleCatalog, { counters }))
    const tcp = peerOf('tcp')
    send(respond, buildQuery({ name }), udp)
    send(respond, buildQuery({ name, type: 15 }), tcp)
    send(respond, buildQuery({ name: 'missing.example.test' }), udp)
    send(respond, buildQuery({ name, type: 65400 }), udp)
    send(respond, buildQuery({ name, opts: [{ version: 3 }] }), udp)
    send(respond, buildQuery({ name, flags: 0x8000 }), udp)
    const { scalars, queriesByType, responsesByRcode } = counters.read()
    expect(scalars).toMatchObject({ packets: 6, dropped: 1, rejected: 1, answered: 5, failures: 0 })
    expect(scalars.tcpQueries).toBe(1)
    expect(queriesByType).toEqual(
      new Map([
        [1, 2],
        [15, 1],
        [259, 1],
      ]),
    )
    expect(responsesByRcode).toEqual(
      new Map([
        [0, 3],
        [3, 1],
        [16, 1],
      ]),
    )
  })
})

describe('a fault inside', () => {
  test('is SERVFAIL with question and OPT, counted, and gone with the next query', () => {
    const counters = createCounters()
    let broken = true
    const respond = createRespond(
      contextOf(exampleCatalog, {
        counters,
        catalog() {
          if (broken) throw new Error('a bug')
          return exampleCatalog
        },
      }),
    )
    const ask = () => viewOf(send(respond, buildQuery({ name, opts: [{}] }), udp) ?? udp.octets)
    expect(ask()).toMatchObject({ rcode: 2, question: `${name} A`, answer: [], opt: { udp: 1232 } })
    expect(counters.read().scalars).toMatchObject({ packets: 1, answered: 1, failures: 1 })
    broken = false
    expect(ask()).toMatchObject({ rcode: 0, answer: [`${name} 300 A 192.0.2.1`] })
  })
})
