import { expect, test } from 'vitest'

import { digestZone, hashContent, readZone } from '../../src/zonefile/load-zones.ts'

const zone = `
zone: smtp.example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1], region: eu }
  mx2: { addresses: [192.0.2.2] }
probes:
  inbound: { port: 25, level: banner, interval: 10s }
pools:
  main: { probe: inbound, targets: { mx1: 2, mx2: 1 } }
steering:
  inbound: [{ when: { continent: [EU] }, pools: [main] }, { pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`

const hashOf = (...texts: readonly string[]): string =>
  hashContent(
    texts.map((text, i) => {
      const { source, diagnostics } = readZone(`${i}.yaml`, Buffer.from(text))
      if (!source) throw new Error(JSON.stringify(diagnostics))
      return digestZone(source)
    }),
  )
const own = hashOf(zone)

test('is 16 characters as heartbeats take them', () => expect(own).toMatch(/^[\w-]{16}$/))

test.each([
  ['a comment', `# who wrote this\n${zone}`],
  ['the order of keys', zone.replace('ttl: 60\n', '').concat('ttl: 60\n')],
  ['flow or block', zone.replace('{ A: 192.0.2.53 }', '\n    A: 192.0.2.53')],
  ['a unit', zone.replace('10s', '10000ms')],
  ['the long form of a record', zone.replace('A: 192.0.2.53', 'A: { data: [192.0.2.53] }')],
])('does not move with %s', (_, text) => {
  expect(text).not.toBe(zone)
  expect(hashOf(text)).toBe(own)
})

test.each([
  ['an address', zone.replace('192.0.2.2]', '192.0.2.3]')],
  ['a weight', zone.replace('mx1: 2', 'mx1: 3')],
  ['the order of rules', zone.replace('[EU]', '[NA]')],
  ['a TTL', zone.replace('ttl: 60', 'ttl: 61')],
  ['a probe', zone.replace('10s', '11s')],
  ['a record', zone.replace('192.0.2.53', '192.0.2.54')],
])('moves with %s', (_, text) => {
  expect(text).not.toBe(zone)
  expect(hashOf(text)).not.toBe(own)
})

test('does not care which of several zones is read first', () => {
  const other = zone.replace('smtp.example.test', 'mail.example.test')
  expect(hashOf(zone, other)).toBe(hashOf(other, zone))
  expect(hashOf(zone, other)).not.toBe(own)
})
