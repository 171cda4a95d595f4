// The PROXY header, version 2: valid headers, invalid ones, and headers split at every octet.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  readProxyHeader,
  createProxyHeaderReader,
} from '../../../src/transport/stream/proxy-protocol.ts'
import { localHeader, proxyHeader } from '../../support/proxy-header.ts'

const read = (octets: Uint8Array) => readProxyHeader(octets, 0, octets.length)
const ipv6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]

describe('a valid header', () => {
  test('of IPv4', () => {
    expect(read(proxyHeader({ port: 4711 }))).toEqual({
      kind: 'proxied',
      octets: 28,
      client: { family: 4, octets: Uint8Array.of(198, 51, 100, 7) },
      port: 4711,
    })
  })

  test('of IPv6, over a stream, with TLVs', () => {
    const header = proxyHeader({ source: ipv6, family: 0x21, tlvs: [4, 0, 2, 0, 0] })
    expect(read(header)).toEqual({
      kind: 'proxied',
      octets: 57,
      client: { family: 6, octets: Uint8Array.from(ipv6) },
      port: 40_000,
    })
  })

  test('of an IPv4 client on a dual-stack socket of the proxy: the IPv4 address', () => {
    const source = [...Array<number>(10).fill(0), 255, 255, 198, 51, 100, 7]
    expect(read(proxyHeader({ source, port: 4711 }))).toEqual({
      kind: 'proxied',
      octets: 52,
      client: { family: 4, octets: Uint8Array.of(198, 51, 100, 7) },
      port: 4711,
    })
  })

  test('not at the start of its buffer, with a query after it', () => {
    const header = proxyHeader()
    const buffer = Buffer.concat([Buffer.alloc(5, 1), header, Buffer.alloc(30, 2)])
    expect(readProxyHeader(buffer, 5, buffer.length)).toMatchObject({ kind: 'proxied', octets: 28 })
  })

  test.each([
    ['LOCAL', localHeader, 16],
    ['LOCAL with addresses, which say nothing', proxyHeader({ command: 0x20 }), 28],
    ['UNSPEC', proxyHeader({ family: 0x00 }), 28],
    ['AF_UNIX', proxyHeader({ family: 0x31, source: Array<number>(108).fill(1) }), 236],
  ])('%s: the address of the proxy stands', (_, header, octets) => {
    expect(read(header)).toEqual({ kind: 'local', octets })
  })
})

describe('an invalid header', () => {
  const altered = (at: number, octet: number): Buffer => {
    const header = proxyHeader()
    header[at] = octet
    return header
  }

  test.each([
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['DNS', Buffer.from('123401000001000000000000', 'hex')],
    ['another version', altered(12, 0x11)],
    ['a command that there is not', altered(12, 0x22)],
    ['a family that there is not', altered(13, 0x41)],
    ['a protocol that there is not', altered(13, 0x13)],
    ['IPv6 in the room of IPv4', altered(13, 0x22)],
    ['a length too short for its addresses', altered(15, 11)],
  ])('%s', (_, octets) => {
    expect(read(octets)).toEqual({ kind: 'bad' })
  })

  test('is detected at its first wrong octet', () => {
    for (let at = 0; at < 12; at++) {
      const header = altered(at, 0x7e)
      expect(read(header.subarray(0, at))).toEqual({ kind: 'short' })
      expect(read(header.subarray(0, at + 1))).toEqual({ kind: 'bad' })
    }
  })
})

describe('over a stream', () => {
  const header = fc.record({
    source: fc.constantFrom([198, 51, 100, 7], ipv6),
    port: fc.integer({ min: 1, max: 65_535 }),
    tlvs: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 }),
    command: fc.constantFrom(0x20, 0x21),
  })

  test('wherever it is split, the header is the same, and what follows is not consumed', () => {
    fc.assert(
      fc.property(header, fc.array(fc.nat(400), { maxLength: 8 }), (spec, cuts) => {
        const octets = proxyHeader(spec)
        const stream = Buffer.concat([octets, Buffer.from('what follows')])
        const points = [...new Set([...cuts.map((cut) => cut % stream.length), stream.length])]
        points.sort((a, b) => a - b)
        const reader = createProxyHeaderReader()
        let from = 0
        let left = Buffer.alloc(0)
        for (const to of points) {
          const chunk = stream.subarray(from, to)
          left = Buffer.concat([left, chunk.subarray(reader.consume(chunk))])
          if (to < octets.length) expect(reader.header).toBe(null)
          from = to
        }
        expect(left.toString()).toBe('what follows')
        expect(reader.header).toEqual(read(octets))
      }),
    )
  })

  test('random octets are never read as a header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 300 }), (octets) => {
        const reader = createProxyHeaderReader()
        reader.consume(octets)
        expect(reader.header).toEqual({ kind: 'bad' })
      }),
    )
  })
})
