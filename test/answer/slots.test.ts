// Exchange slots as clients see them: beside the MX that lists them, in transfers, with client subnets, and in the counts.

import { expect, test } from 'vitest'
import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createBeginTransfer } from '../../src/answer/transfer/transfer.ts'
import { parseAddress } from '../../src/lib/ip.ts'
import { askerOf, contextOf, fixedClock, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { viewOf } from '../support/foreign-view.ts'
import { optsOf, subnetOption } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { catalogOf } from '../support/zone-builder.ts'

const { zone } = compiledZone(`
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets:
  mx1: { addresses: [192.0.2.1, 2001:db8::1] }
  mx2: { addresses: [192.0.2.2, 2001:db8::2] }
  mx3: { addresses: [192.0.2.3, 2001:db8::3] }
  mx4: { addresses: [192.0.2.4, 2001:db8::4] }
pools: { main: { targets: { mx1: 4, mx2: 3, mx3: 2, mx4: 1 } } }
steering: { inbound: [{ pools: [main] }] }
slots: { steer: inbound, names: [in1, in2, in3] }
records:
  '@': { NS: ns1, MX: [10 in1, 20 in2, 30 in3] }
  ns1: { A: 192.0.2.53 }
`)
const catalog = catalogOf(zone)
const names = ['in1', 'in2', 'in3'].map((name) => `${name}.smtp.test`)
const lastOctets = (records: readonly string[], type: string): number[] =>
  records
    .filter((record) => record.includes(` ${type} `))
    .map((record) => parseAddress(record.split(' ').at(-1) ?? '')?.octets.at(-1) ?? 0)

test('an MX that lists them has their addresses beside it, the same as they have alone, of both families', () => {
  const ask = askerOf(catalog)
  const { answer, additional } = ask('smtp.test', 'MX')
  expect(answer).toEqual(names.map((name, i) => `smtp.test 60 MX ${(i + 1) * 10} ${name}`))
  const beside = lastOctets(additional, 'A')
  expect(new Set(beside).size).toBe(3)
  expect(lastOctets(additional, 'AAAA')).toEqual(beside)
  for (const type of ['A', 'AAAA'])
    expect(names.flatMap((name) => lastOctets(ask(name, type).answer, type))).toEqual(beside)
})

test('other instances answer alike, whatever their random numbers, and later in the epoch', () => {
  const beside = (random: number, laterSeconds: number): readonly string[] => {
    const wallMs = (): number => fixedClock.wallMs() + laterSeconds * 1000
    const ask = askerOf(catalog, { random: () => random, clock: { ...fixedClock, wallMs } })
    return names.flatMap((name) => ask(name, 'A').answer.map((one) => one.replace(/ \d+ /, ' ')))
  }
  const first = beside(0.1, 0)
  const times = Array.from({ length: 120 }, (_, i) => beside(0.9, 10 * i).join())
  // In 20 minutes of epochs of ten there are two others.
  expect(times[0]).toBe(first.join())
  expect(new Set(times).size).toBe(3)
})

test('the answer is for the /24 or /56 of the client subnet', () => {
  const respond = createRespond(contextOf(catalog))
  const scopes = (['100.1.240.7', '2001:db8:7:8::9'] as const).map((text) => {
    const octets = [...(parseAddress(text)?.octets ?? [])]
    const [family, prefix] = octets.length === 4 ? [1, 24] : [2, 56]
    const options = subnetOption(family, prefix, octets.slice(0, prefix / 8))
    const packet = buildQuery({ name: 'in1.smtp.test', type: 1, opts: [{ options }] })
    const reply = send(respond, packet, peerOf('udp')) ?? new Uint8Array(0)
    return optsOf(reply)[0]?.options.find(({ code }) => code === 8)?.data[3]
  })
  expect(scopes).toEqual([24, 56])
})

test('the first is counted as first, the others as later, each answer once', () => {
  const counters = createCounters()
  const ask = askerOf(catalog, { counters })
  // As often as it takes until whole answers are kept.
  for (let i = 0; i < 30; i++)
    for (const name of names) for (const type of ['A', 'AAAA']) ask(name, type)
  const { answerCounts } = counters.read()
  const counts = Array.from({ length: 8 }, (_, target) => answerCounts(target))
  const sum = (key: 'first' | 'any'): number => counts.reduce((total, one) => total + one[key], 0)
  expect([sum('first'), sum('any')]).toEqual([60, 180])
})

test('a transfer has one selection of all names, which do not overlap', () => {
  const context = contextOf(catalog, { mayTransfer: () => true })
  const packet = buildQuery({ name: 'smtp.test', type: 252 })
  const transfer = createBeginTransfer(context)(packet, 0, packet.length, peerOf('tcp'))
  const out = Buffer.alloc(65_535)
  const length = transfer?.next(out, 0, 65_535) ?? 0
  const records = viewOf(out.subarray(0, length)).answer.filter((one) => /^in\d\./.test(one))
  const octets = lastOctets(records, 'A')
  expect(octets).toHaveLength(3)
  expect(new Set(octets).size).toBe(3)
  expect(lastOctets(records, 'AAAA')).toEqual(octets)
})
