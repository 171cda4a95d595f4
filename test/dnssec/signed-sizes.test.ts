// Octets of signed answers, over names as short as these: what a resolver with the usual 1,232 octets gets by UDP, and what a
// forged query can make of its 60.

import { expect, test } from 'vitest'

import { createRespond } from '../../src/answer/respond.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { contextOf, fixedClock, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { fixedKey, signedLadderText, signersOf } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const { zone } = compiledZone(
  `${signedLadderText('mx.test')}  _25._tcp.mx1: { TLSA: 3 1 1 ${'ab'.repeat(32)} }\n`,
)

const respond = createRespond(
  contextOf(catalogOf(zone), { signers: signersOf([zone], fixedClock, fixedKey(13)) }),
)

interface Answered {
  readonly octets: number
  readonly isTruncated: boolean
  readonly records: number
}

function answered(name: string, type: number): Answered {
  const packet = buildQuery({ name, type, opts: [{ udp: 1232, dnssecOk: true }] })
  const reply = send(respond, packet, peerOf('udp')) ?? new Uint8Array(12)
  const view = new DataView(reply.buffer, reply.byteOffset)
  const [answers = 0, authority = 0, additional = 0] = [6, 8, 10].map((at) => view.getUint16(at))
  return {
    octets: reply.length,
    isTruncated: (view.getUint8(2) & 0x02) !== 0,
    // Without OPT.
    records: answers + authority + additional - 1,
  }
}

test.each([
  [
    'an MX of four with all addresses, in a zone of seven letters',
    'mx.test',
    RRType.MX,
    1232,
    5 + 16,
  ],
  ['NXDOMAIN', 'none.mx.test', RRType.A, 640, 6],
  ['TLSA', '_25._tcp.mx1.mx.test', RRType.TLSA, 230, 2],
])('%s', (_, name, type, most, records) => {
  const { octets, ...rest } = answered(name, type)
  expect(rest).toEqual({ isTruncated: false, records })
  expect(octets).toBeLessThanOrEqual(most)
})
