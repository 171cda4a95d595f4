// Zone transfers from servers that refuse, fall silent, end early or send something else. Whole ones come from BIND in
// migration/import-round-trip.e2e.test.ts.

import { expect, it } from 'vitest'
import { defaultTransferLimits, transferZone } from '../../src/resolver/zone-transfer.ts'
import { parseName } from '../../src/wire/name.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { framed, recordOf, replyTo, startScriptedDns } from '../support/scripted-dns.ts'

const soa = recordOf(RRType.SOA, 60, [0, 0, ...Array.from({ length: 20 }, () => 1)])
const address = recordOf(RRType.A, 60, [192, 0, 2, 1])
/** SRV whose target is the name of the question, compressed as RFC 3597 §4 asks receivers to bear. */
const srv = recordOf(RRType.SRV, 60, [0, 1, 0, 2, 0, 3, 0xc0, 0x0c])

const apexOf = (text: string): Uint8Array => {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}

const apex = apexOf('zone.test.')

async function transfer(tcp: (query: Buffer) => Buffer | 'reset' | null, limits = {}) {
  const server = await startScriptedDns({ tcp })
  try {
    return await transferZone({ host: server.address, port: server.port }, apex, {
      ...defaultTransferLimits,
      idleMs: 20_000,
      ...limits,
    })
  } finally {
    await server.close()
  }
}

const answer = (query: Buffer, records: readonly Buffer[], flags = 0x8400): Buffer =>
  framed(replyTo(query, { flags, records }))

const withoutQuestion = (query: Buffer, records: readonly Buffer[]): Buffer => {
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(0x8400, 2)
  head.writeUInt16BE(0, 4)
  head.writeUInt16BE(records.length, 6)
  // Owners point at the header's end, where the name stands in the first record.
  const named = records.map((record, i) =>
    i === 0 ? Buffer.concat([apex, record.subarray(2)]) : record,
  )
  return framed(Buffer.concat([head, ...named]))
}

it('takes one message, or several that leave the question out', async () => {
  const one = await transfer((query) => answer(query, [soa, address, srv, soa]))
  expect(one.kind === 'zone' && one.records.map(({ type }) => type)).toEqual([6, 1, 33])
  const target = one.kind === 'zone' ? Buffer.from(one.records[2]?.rdata ?? []) : Buffer.alloc(0)
  expect(target.subarray(6)).toEqual(Buffer.from(apex))
  const two = await transfer((query) =>
    Buffer.concat([answer(query, [soa, address]), withoutQuestion(query, [address, soa])]),
  )
  expect(two.kind === 'zone' && two.records.map(({ type }) => type)).toEqual([6, 1, 1])
})

it.each<[string, (query: Buffer) => Buffer | 'reset' | null, object, RegExp]>([
  ['a refusal', (query) => answer(query, [], 0x8405), {}, /refuses it \(REFUSED\)/],
  ['another RCODE', (query) => answer(query, [], 0x8402), {}, /answers SERVFAIL/],
  ['no record', (query) => answer(query, []), {}, /no such zone/],
  ['no SOA at first', (query) => answer(query, [address, soa]), {}, /does not begin with the SOA/],
  [
    'another ID',
    (query) => answer(Buffer.from([1, 2, ...query.subarray(2)]), [soa, soa]),
    {},
    /no response/,
  ],
  ['a record cut short', (query) => answer(query, [soa, soa.subarray(0, 9)]), {}, /no response/],
  ['a message of three octets', () => framed(Buffer.of(1, 2, 3)), {}, /no response/],
  ['a reset', () => 'reset', {}, /reset/],
  ['silence', () => null, { idleMs: 50 }, /nothing came for 0\.05 s/],
  ['no end', (query) => answer(query, [soa, address]), { totalMs: 50 }, /longer than 0\.05 s/],
  [
    'too many octets',
    (query) => answer(query, [soa, address]),
    { maxOctets: 40 },
    /more than 40 octets/,
  ],
  [
    'too many messages',
    (query) => Buffer.concat([answer(query, [soa]), answer(query, [address])]),
    { maxMessages: 1 },
    /more than 1 messages/,
  ],
])('says so of %s', async (_, tcp, limits, expected) => {
  const outcome = await transfer(tcp, limits)
  expect(outcome).toEqual({ kind: 'failed', why: expect.stringMatching(expected) as string })
})
