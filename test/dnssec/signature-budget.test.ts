// Who asks for names that nobody asked for makes the server sign. Over UDP, where sources may be forged, that is bounded: what
// cannot be signed now is TC, and never unsigned.

import { expect, test } from 'vitest'

import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { CatalogSigners } from '../../src/dnssec/zone-signer.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { alone, fixedKey } from '../support/signers.ts'
import { catalogOf } from '../support/zone-builder.ts'

const names = 4600
const records = Array.from({ length: names }, (_, i) => `  n${i}: { A: 192.0.2.1 }`)
const { zone } = compiledZone(`
zone: wide.test
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.53 }
${records.join('\n')}
`)

const key = fixedKey()

function arrange() {
  let nowMs = 1_700_000_000_000
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs }
  const counters = createCounters()
  const signers = new CatalogSigners(clock, counters)
  signers.use([zone], () => alone(key))
  const respond = createRespond(contextOf(catalogOf(zone), { clock, counters, signers }))
  const ask = (index: number, transport: 'udp' | 'tcp'): 'signed' | 'truncated' | 'other' => {
    const opts = [{ udp: 1232, dnssecOk: true }]
    const packet = buildQuery({ name: `n${index}.wide.test`, type: 1, opts })
    const reply = send(respond, packet, peerOf(transport))
    if (reply === null) return 'other'
    const view = new DataView(reply.buffer, reply.byteOffset)
    const isTruncated = (view.getUint8(2) & 0x02) !== 0
    // The address and its RRSIG.
    const answers = view.getUint16(6)
    if (isTruncated) return answers === 0 && view.getUint16(8) === 0 ? 'truncated' : 'other'
    return answers === 2 ? 'signed' : 'other'
  }
  const countAll = (from: number, to: number, transport: 'udp' | 'tcp') => {
    const counts = { signed: 0, truncated: 0, other: 0 }
    for (let index = from; index < to; index++) counts[ask(index, transport)]++
    return counts
  }
  return { countAll, counters, pass: (ms: number) => void (nowMs += ms) }
}

test('over UDP 4000 at once and 2000 a second, TC beyond; what was made is found again', () => {
  const { countAll, counters, pass } = arrange()
  expect(countAll(0, names, 'udp')).toEqual({ signed: 4000, truncated: 600, other: 0 })
  const { scalars } = counters.read()
  expect([scalars.signaturesRefused, scalars.signaturesKept]).toEqual([600, 4000])
  // 72 h of validity, begun at most a sixth of a day ago.
  const leftHours = (scalars.signedUntilSeconds - 1_700_000_000) / 3600
  expect(leftHours).toBeGreaterThan(65.9)
  expect(leftHours).toBeLessThan(66.1)
  expect(countAll(0, 4000, 'udp')).toEqual({ signed: 4000, truncated: 0, other: 0 })
  pass(250)
  expect(countAll(4000, names, 'udp')).toEqual({ signed: 500, truncated: 100, other: 0 })
})

test('over TCP without a bound, as a retry after TC', () => {
  const { countAll } = arrange()
  countAll(0, 4000, 'udp')
  expect(countAll(4000, names, 'udp')).toEqual({ signed: 0, truncated: 600, other: 0 })
  expect(countAll(4000, names, 'tcp')).toEqual({ signed: 600, truncated: 0, other: 0 })
})
