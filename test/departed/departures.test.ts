// What leaves a zone and stays, case by case; cached-names.test.ts has all that caches can hold.

import { expect, test } from 'vitest'

import { decodeState, emptyState, encodeState } from '../../src/persistence/state-format.ts'
import { createDenialChain } from '../../src/zone/denial-chain.ts'
import { beginNames } from '../../src/departed/name-round.ts'
import { departedNames } from '../../src/departed/departed-names.ts'
import { departingZone, zoneName } from './departing-zone.ts'

const tlsa = (octet: string): string => `3 1 1 ${octet.repeat(32)}`

/** Targets with their last octets; `records` beside those that are always there. */
const file = (
  targets: Readonly<Record<string, string>>,
  records = 'MX: { steer: inbound } }\n  relay: { address: { steer: inbound } }',
  more = '',
): string => `
zone: ${zoneName}
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.com., refresh: 1000, retry: 100 }
targets:
${Object.entries(targets)
  .map(([name, keys]) => `  ${name}: { addresses: ${keys} }`)
  .join('\n')}
pools: { main: { targets: [${Object.keys(targets).join(', ')}] } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns.elsewhere.test., ${records}
${more}`

const one = { mx1: '[192.0.2.1, 2001:db8::1]', mx2: `[192.0.2.2], tlsa: ${tlsa('ab')}` }
const other = { mx3: '[192.0.2.3]', mx2: `[192.0.2.2], tlsa: ${tlsa('ab')}` }

// MX TTL, clamp, own TTL.
const keepSeconds = 60 + 300 + 60

test('a target that left is answered until no cache can lead to it', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  expect(zone.load(file(other), 1000).left.map(({ owner, type }) => [owner, type])).toEqual([
    ['mx1.smtp.example.com.', 1],
    ['mx1.smtp.example.com.', 28],
  ])
  expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
  expect(zone.find('mx1.smtp.example.com', 'AAAA')).toEqual(['2001:db8::1'])
  zone.load(file(other), 1000 + keepSeconds - 1)
  expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
  const { released } = zone.load(file(other), 1000 + keepSeconds)
  expect(departedNames(released)).toMatchObject([
    { name: 'mx1.smtp.example.com', types: ['A', 'AAAA'] },
  ])
  expect(zone.find('mx1.smtp.example.com', 'A')).toBeNull()
})

test('it is never in what is steered', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  zone.load(file(other), 1)
  const set = zone.zone().nodes.get('\u0004smtp\u0007example\u0003com\0')?.sets.get(15)
  const members = set?.kind === 'steered-mx' ? set.policy.rules[0]?.pools[0]?.members : []
  expect(members?.map(({ target }) => target.name)).toEqual(['mx2', 'mx3'])
})

test('its TLSA stays with it, and the records that a steered name has lost of it', () => {
  const withTwo = { ...other, mx4: `[192.0.2.4], tlsa: ${tlsa('cd')}` }
  const zone = departingZone()
  zone.load(file(withTwo), 0)
  zone.load(file(other), 10)
  expect(zone.find('_25._tcp.mx4.smtp.example.com', 'TLSA')).toEqual([tlsa('CD')])
  expect(zone.find('_25._tcp.relay.smtp.example.com', 'TLSA')).toEqual([tlsa('AB'), tlsa('CD')])
  // Another change meanwhile does not forget them.
  zone.load(file({ mx2: other.mx2 }), 20)
  expect(zone.find('_25._tcp.relay.smtp.example.com', 'TLSA')).toEqual([tlsa('AB'), tlsa('CD')])
  zone.load(file({ mx2: other.mx2 }), 10 + keepSeconds)
  expect(zone.find('_25._tcp.mx4.smtp.example.com', 'TLSA')).toBeNull()
})

test('no TLSA comes to a steered name that has none: nobody there has such a certificate', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  zone.load(file({ mx3: '[192.0.2.3]' }), 10)
  expect(zone.find('_25._tcp.relay.smtp.example.com', 'TLSA')).toBeNull()
})

test('a name that is there again is itself again', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  zone.load(file(other), 10)
  zone.load(file({ ...one, mx1: '[192.0.2.99]' }), 20)
  expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['target-address'])
  expect(zone.find('mx1.smtp.example.com', 'AAAA')).toBeNull()
  expect(
    zone
      .memory()
      .get(zoneName)
      ?.departed.map(({ owner }) => owner),
  ).toEqual(['mx3.smtp.example.com.'])
})

test('steered names that left answer what their members are, for an hour at least', () => {
  const zone = departingZone()
  const srv = ` }\n  _submission._tcp: { SRV: { steer: inbound, port: 587 } }`
  zone.load(
    file(
      one,
      `MX: { steer: inbound } }\n  relay: { address: { steer: inbound } }\n  sub: { TXT: x${srv}`,
    ),
    0,
  )
  zone.load(file(one, 'TXT: x }\n  sub: { TXT: x }\n  other: { address: { steer: inbound } }'), 10)
  expect(zone.find('smtp.example.com', 'MX')).toEqual([
    '10 mx1.smtp.example.com.',
    '10 mx2.smtp.example.com.',
  ])
  expect(zone.find('smtp.example.com', 'TXT')).toEqual(['"x"'])
  expect(zone.find('relay.smtp.example.com', 'A')).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(zone.find('relay.smtp.example.com', 'AAAA')).toEqual(['2001:db8::1'])
  expect(zone.find('_submission._tcp.smtp.example.com', 'SRV')).toEqual([
    '10 1 587 mx1.smtp.example.com.',
    '10 1 587 mx2.smtp.example.com.',
  ])
  zone.load(file(one, 'TXT: x }'), 10 + 3600 + 300 + 59)
  expect(zone.find('relay.smtp.example.com', 'A')).not.toBeNull()
  zone.load(file(one, 'TXT: x }'), 10 + 3600 + 300 + 60)
  expect(zone.find('relay.smtp.example.com', 'A')).toBeNull()
})

test('targets that a kept MX names stay until nothing has that in its cache any more', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  zone.load(file({ mx3: '[192.0.2.3]' }, 'TXT: x }\n  relay: { address: { steer: inbound } }'), 10)
  const lastOfMx = 10 + 3600 + 300 + 60
  for (const seconds of [lastOfMx, lastOfMx + 60 + 60 + 300]) {
    zone.load(file({ mx3: '[192.0.2.3]' }), seconds)
    expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
  }
  zone.load(file({ mx3: '[192.0.2.3]' }), lastOfMx + 60 + keepSeconds)
  expect(zone.find('mx1.smtp.example.com', 'A')).toBeNull()
})

test('a plain record of the zone that names it keeps it for as long as that is cached', () => {
  const zone = departingZone()
  const plain = ' }\n  static: { MX: { ttl: 7200, data: 10 mx1 }'
  zone.load(file(one, `MX: { steer: inbound }${plain} }`), 0)
  const [left] = zone.load(file(other), 10).left
  expect(left?.untilMs).toBe((10 + 7200 + 300 + 60) * 1000)
})

test('secondaries have the old zone until they ask: refresh and retry', () => {
  const zone = departingZone()
  zone.load(file(one), 0, { hasSecondaries: true })
  const [left] = zone.load(file(other), 10, { hasSecondaries: true }).left
  expect(left?.untilMs).toBe((10 + keepSeconds + 1000 + 100) * 1000)
})

test.each([
  ['alias', 'mx1: { CNAME: mx2 }'],
  ['delegated', 'mx1: { NS: ns.elsewhere.test. }'],
  ['other-addresses', 'mx1: { A: 192.0.2.77 }'],
])('what cannot be kept is said: %s', (why, records) => {
  const zone = departingZone()
  zone.load(file(one), 0)
  const relay = 'relay: { address: { steer: inbound } }'
  const text = file(other, `MX: { steer: inbound } }\n  ${relay}\n  ${records}`)
  const { uncovered, left } = zone.load(text, 10)
  expect(left).toEqual([])
  expect(uncovered.map(({ set, why: found }) => [set.owner, set.type, found])).toEqual([
    ['mx1.smtp.example.com.', 1, why],
    ['mx1.smtp.example.com.', 28, why],
  ])
  expect(zone.load(text, 20).uncovered).toEqual([])
})

test('with on_removed: drop nothing is kept, and it is said once', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  zone.load(file(other), 10)
  const { uncovered } = zone.load(file({ mx2: one.mx2 }), 20, { isDropping: true })
  expect(uncovered.map(({ set, why }) => [set.owner, why])).toEqual([
    ['mx3.smtp.example.com.', 'dropped'],
  ])
  expect(zone.find('mx1.smtp.example.com', 'A')).toBeNull()
  expect(zone.find('mx3.smtp.example.com', 'A')).toBeNull()
})

test('what the state file knew is kept from the start on', () => {
  const before = departingZone()
  before.load(file(one), 0)
  const zone = departingZone(before.memory())
  zone.load(file(other), 5000)
  expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
})

const sharedOf = (owner: string, untilMs: number, isProven: boolean) => ({
  readMs: Infinity,
  sets: new Map([
    [
      zoneName,
      [{ owner, type: 1, ttl: 60, rdata: ['203.0.113.66'], keepSeconds: 420, untilMs, isProven }],
    ],
  ]),
})

test('records come from other instances only where a seal proves them', () => {
  for (const isProven of [true, false]) {
    const zone = departingZone()
    const shared = sharedOf('old.smtp.example.com.', 5_000_000, isProven)
    zone.load(file(one), 10, { shared })
    expect(zone.find('old.smtp.example.com', 'A')).toEqual(isProven ? ['203.0.113.66'] : null)
  }
})

test('without a seal they can only make stay what is known here, as it is known', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  const shared = sharedOf('mx1.smtp.example.com.', 5_000_000, false)
  zone.load(file(one), 5, { shared })
  zone.load(file(other), 10, { shared })
  zone.load(file(other), 4999, { shared })
  const names = zone.memory()
  const decoded = decodeState(encodeState({ ...emptyState, names }, 1))
  expect(decoded).toMatchObject({ kind: 'state', state: { names } })
  expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
  zone.load(file(other), 5000, { shared })
  expect(zone.find('mx1.smtp.example.com', 'A')).toBeNull()
})

test('nothing is released before the store could be read: others may still hand it out', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  const shared = { sets: new Map(), readMs: 20_000 }
  zone.load(file(other), 10, { shared })
  zone.load(file(other), 100_000, { shared })
  expect(zone.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
})

test('a name of somewhere else is not taken from the store', () => {
  const zone = departingZone()
  zone.load(file(one), 10, { shared: sharedOf('mx1.example.com.', 5_000_000, true) })
  expect(zone.find('mx1.example.com', 'A')).toBeNull()
})

test('in a signed zone the chain of denial has it while it is kept', () => {
  const zone = departingZone()
  zone.load(file(one, undefined, 'dnssec: {}'), 0)
  const before = zone.zone().signing?.chain
  zone.load(file(other, undefined, 'dnssec: {}'), 10)
  const { nodes, apexKey, signing } = zone.zone()
  expect(signing?.chain).toEqual(createDenialChain(apexKey, nodes))
  // mx3 is there too.
  expect(signing?.chain.offsets.length).toBe((before?.offsets.length ?? 0) + 1)
})

test('a zone that is served no more covers nothing, and comes back with what it had', () => {
  const zone = departingZone()
  zone.load(file(one), 0)
  const known = { shared: null, releaseMs: 10_000, hasSecondaries: false }
  const removed = beginNames({ ...known, memory: zone.memory() }, 10_000).close()
  expect(removed.departures).toMatchObject([{ zone: zoneName, kept: [], left: [] }])
  expect(new Set(removed.departures[0]?.uncovered.map(({ why }) => why))).toEqual(
    new Set(['zone-removed']),
  )
  const again = departingZone(removed.names)
  again.load(file(other), 20)
  expect(again.find('mx1.smtp.example.com', 'A')).toEqual(['192.0.2.1'])
  // Zones of other instances are none of this one's.
  const foreign = sharedOf('mx1.smtp.example.com.', 5_000_000, true)
  const stranger = beginNames({ ...known, memory: new Map(), shared: foreign }, 10_000)
  expect(stranger.close().names.size).toBe(0)
})
