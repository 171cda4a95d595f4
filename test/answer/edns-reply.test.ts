// The OPT of an answer, option by option: what is in it, what of it is never cut, and how long it may be.

import { describe, expect, test } from 'vitest'
import { createRespond } from '../../src/answer/respond.ts'
import type { AnswerContext, Transport } from '../../src/answer/context.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import { viewOf } from '../support/foreign-view.ts'
import { option, optionsOf, optsOf, subnetOption } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const name = 'mx1.example.test'
const identity = { nsid: Buffer.from('ns1.fra'), chaosIdentity: null, chaosVersion: null }
const nsidHex = identity.nsid.toString('hex')

function reply(
  spec: QuerySpec,
  transport: Transport = 'udp',
  overrides: Partial<AnswerContext> = {},
): Uint8Array {
  const respond = createRespond(contextOf(exampleCatalog, { identity, ...overrides }))
  const octets = send(respond, buildQuery({ name, ...spec }), peerOf(transport))
  if (octets === null) throw new Error('silence')
  return octets
}
const withOptions = (...options: readonly number[][]): QuerySpec => ({
  opts: [{ options: options.flat() }],
})

describe('NSID (RFC 5001)', () => {
  test('only to a client that asks for it', () => {
    expect(optionsOf(reply(withOptions(option(3))))).toEqual([`3 ${nsidHex}`])
    expect(optionsOf(reply(withOptions()))).toEqual([])
    expect(optionsOf(reply({}))).toBeNull()
  })
  test('not where it is off', () => {
    const off = { identity: { ...identity, nsid: null } }
    expect(optionsOf(reply(withOptions(option(3)), 'udp', off))).toEqual([])
  })
  test('with errors too, but not with BADVERS, whose options mean nothing yet', () => {
    const refused = reply({ name: 'example.org', ...withOptions(option(3)) })
    expect(optionsOf(refused)).toContain(`3 ${nsidHex}`)
    const badVersion = reply({ opts: [{ version: 1, options: option(3) }] })
    expect(optionsOf(badVersion)).toEqual([])
    expect(optsOf(badVersion)[0]).toMatchObject({ extendedRcode: 1, version: 0 })
  })
})

describe('keepalive (RFC 7828)', () => {
  const keepalive = withOptions(option(11))
  test('over TCP and TLS, in units of 100 ms, up to what the field holds', () => {
    expect(optionsOf(reply(keepalive, 'tcp'))).toEqual(['11 0064'])
    expect(optionsOf(reply(keepalive, 'tls', { tcpIdleMs: () => 0 }))).toEqual(['11 0000'])
    expect(optionsOf(reply(keepalive, 'tcp', { tcpIdleMs: () => 1e9 }))).toEqual(['11 ffff'])
    expect(optionsOf(reply(withOptions(), 'tcp'))).toEqual([])
  })
  test('never over UDP, whatever it holds', () => {
    expect(optionsOf(reply(keepalive))).toEqual([])
    expect(viewOf(reply(withOptions(option(11, [0, 1])))).rcode).toBe(0)
  })
  test('nothing to a client that tells a timeout', () => {
    const octets = reply(withOptions(option(11, [0, 1])), 'tcp')
    expect([viewOf(octets).rcode, optionsOf(octets)]).toEqual([0, []])
  })
})

describe('padding (RFC 7830, RFC 8467)', () => {
  const padded = withOptions(option(12, [0, 0]))
  test('over TLS, to a multiple of 468 octets, all zero', () => {
    for (const type of [1, 15, 255, 65400]) {
      const octets = reply({ name: 'example.test', type, ...padded }, 'tls')
      expect(octets.length % 468).toBe(0)
      const [opt] = optsOf(octets)
      expect(opt?.options.at(-1)?.code).toBe(12)
      expect(opt?.options.at(-1)?.data.every((octet) => octet === 0)).toBe(true)
    }
  })
  test('not in the clear, and not unasked', () => {
    expect(optionsOf(reply(padded))).toEqual([])
    expect(optionsOf(reply(padded, 'tcp'))).toEqual([])
    expect(optionsOf(reply(withOptions(), 'tls'))).toEqual([])
  })
})

describe('client subnet of a plain answer (RFC 7871)', () => {
  test('comes back as it was, with scope 0', () => {
    expect(optionsOf(reply(withOptions(subnetOption(1, 20, [192, 0, 0x20]))))).toEqual([
      '8 00011400c00020',
    ])
    expect(optionsOf(reply(withOptions(subnetOption(2, 9, [0x20, 0x80]))))).toEqual([
      '8 000209002080',
    ])
    expect(optionsOf(reply(withOptions(subnetOption(0, 0, []))))).toEqual(['8 00000000'])
  })
  test('a wrong one: FORMERR, question and OPT, nothing in it', () => {
    const octets = reply(withOptions(subnetOption(1, 24, [1, 2, 3], 1), option(3)))
    expect(viewOf(octets)).toMatchObject({ rcode: 1, question: `${name} A`, answer: [] })
    expect(optionsOf(octets)).toEqual([])
  })
})

describe('extended errors (RFC 8914)', () => {
  const codeOf = (octets: Uint8Array): number | null =>
    optsOf(octets)[0]
      ?.options.find((one) => one.code === 15)
      ?.data.readUInt16BE(0) ?? null
  test.each<[string, QuerySpec, number, number]>([
    ['a name of no zone of ours', { name: 'example.org' }, 5, 20],
    ['AXFR', { name: 'example.test', type: 252 }, 5, 18],
    ['IXFR', { name: 'example.test', type: 251 }, 5, 18],
    ['CHAOS', { name: 'version.bind', type: 16, class: 3 }, 5, 18],
    ['NXNAME', { name: 'example.test', type: 128 }, 1, 30],
    ['NOTIFY', { name: 'example.test', type: 6, flags: 0x2000 }, 5, 18],
    ['NOTIFY elsewhere', { name: 'example.org', type: 6, flags: 0x2000 }, 9, 20],
    ['UPDATE', { name: 'example.test', type: 6, flags: 0x2800 }, 5, 18],
    ['UPDATE elsewhere', { name: 'mx1.example.test', type: 6, flags: 0x2800 }, 9, 20],
  ])('%s', (_what, spec, rcode, code) => {
    const octets = reply({ ...spec, ...withOptions() })
    expect([viewOf(octets).rcode, codeOf(octets)]).toEqual([rcode, code])
    expect(optionsOf(reply(spec))).toBeNull()
  })
  test.each([{}, { name: 'missing.example.test' }, { type: 16 }, { opts: [{ version: 1 }] }])(
    'none with %j',
    (spec) => {
      expect(codeOf(reply({ ...withOptions(), ...spec }))).toBeNull()
    },
  )
})

describe('an answer that is cut', () => {
  const longName = [63, 63, 63, 46].map((count) => 'x'.repeat(count)).join('.')
  const catalog = catalogOf(
    zoneOf('example.test.', {
      '@': { NS: 'ns1' },
      [longName]: { TXT: Array.from({ length: 9 }, (_, i) => `${i}`.repeat(200)) },
    }),
  )
  test('keeps OPT and options at 512 octets and the longest name', () => {
    const question = `${longName}.example.test`
    const full = { ...identity, nsid: new Uint8Array(64).fill(65) }
    const cookies = { verify: () => 'client-only' as const, write: () => {} }
    const respond = createRespond(contextOf(catalog, { identity: full, cookies }))
    const address = Array.from({ length: 16 }, () => 1)
    const options = [option(10, address.slice(8)), subnetOption(2, 128, address), option(3)]
    const spec = { name: question, type: 16, opts: [{ udp: 512, options: options.flat() }] }
    const octets = send(respond, buildQuery(spec), peerOf('udp')) ?? new Uint8Array(0)
    expect(octets.length).toBeLessThanOrEqual(512)
    expect(viewOf(octets)).toMatchObject({ flags: 'aa tc rd', answer: [] })
    expect(optsOf(octets)[0]?.options.map(({ code }) => code)).toEqual([10, 8, 3])
  })
})

test('an OPT in the query stands before or after other records', () => {
  const record = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]
  const octets = reply({ ...withOptions(option(3)), records: [record] })
  expect(optionsOf(octets)).toEqual([`3 ${nsidHex}`])
})
