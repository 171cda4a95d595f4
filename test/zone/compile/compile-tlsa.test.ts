// TLSA of targets at the names of steered addresses: the union of all that can be answered there.

import { describe, expect, it } from 'vitest'
import type { Zone } from '../../../src/zone/zone.ts'
import { keyOfName, parseName } from '../../../src/wire/name.ts'
import { RRType } from '../../../src/wire/rrtype.ts'
import { compiledZone } from '../../support/compiled-zone.ts'

const digest = (octet: string): string => octet.repeat(32)

const zoneWith = (records: string): Zone =>
  compiledZone(`
zone: smtp.test
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
on_all_down: { backup: reserve }
targets:
  one: { addresses: [192.0.2.1], tlsa: [3 1 1 ${digest('dd')}, 2 1 1 ${digest('ee')}] }
  two: { addresses: ['2001:db8::2'], tlsa: [3 1 1 ${digest('bb')}, 2 1 1 ${digest('ee').toUpperCase()}] }
  later: { addresses: [192.0.2.3], tlsa: 3 1 1 ${digest('cc')} }
  spare: { addresses: [192.0.2.4], tlsa: 3 1 2 ${digest('aaaa')} }
  plain: { addresses: [192.0.2.5] }
pools:
  near: { targets: { one: 1, later: 0 } }
  far: { targets: [two] }
  reserve: { targets: [spare] }
  bare: { targets: { plain: 1, later: 0 } }
steering:
  out:
    - { when: { country: DE }, pools: [far] }
    - { pools: [near] }
  bare: [{ pools: [bare] }]
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.53 }
${records}`).zone

/** Usage, selector, matching type and first octet of each record; null: the name has no TLSA. */
function tlsaAt(zone: Zone, owner: string): string[] | null {
  const parsed = parseName(`${owner}.smtp.test.`)
  if (parsed.kind !== 'name') throw new Error(owner)
  const set = zone.nodes.get(keyOfName(parsed.name))?.sets.get(RRType.TLSA)
  if (set?.kind !== 'plain') return null
  return set.rdata.map(({ octets }) => Buffer.from(octets.subarray(0, 4)).toString('hex'))
}

describe('a steered address name', () => {
  it('has the records of every target of its steering once, in canonical order', () => {
    const zone = zoneWith('  relay: { address: { steer: out, answers: 1 } }')
    const union = ['020101ee', '030101bb', '030101cc', '030101dd', '030102aa']
    expect(tlsaAt(zone, '_25._tcp.relay')).toEqual(union)
    expect(tlsaAt(zone, '_25._tcp.one')).toEqual(['030101dd', '020101ee'])
  })

  it('has them as an exchange slot too, each name', () => {
    const zone = zoneWith('slots: { steer: out, names: [in1, in2] }')
    const union = ['020101ee', '030101bb', '030101cc', '030101dd', '030102aa']
    expect(tlsaAt(zone, '_25._tcp.in1')).toEqual(union)
    expect(tlsaAt(zone, '_25._tcp.in2')).toEqual(union)
  })

  it('has those of the backup pool too', () => {
    const zone = zoneWith('  relay: { address: { steer: bare } }')
    expect(tlsaAt(zone, '_25._tcp.relay')).toEqual(['030101cc', '030102aa'])
  })

  it('has none where only targets of weight 0 have any', () => {
    const plain = compiledZone(`
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets: { a: { addresses: [192.0.2.1] }, b: { addresses: [192.0.2.2], tlsa: 3 1 1 ${digest('aa')} } }
pools: { p: { targets: { a: 1, b: 0 } } }
steering: { s: [{ pools: [p] }] }
records: { '@': { NS: ns1 }, ns1: { A: 192.0.2.53 }, relay: { address: { steer: s } } }
`).zone
    expect(tlsaAt(plain, '_25._tcp.relay')).toBeNull()
    expect(tlsaAt(plain, '_25._tcp.b')).toEqual(['030101aa'])
  })

  it('may be a long way below the apex', () => {
    const zone = zoneWith('  a.b: { address: { steer: out } }')
    expect(tlsaAt(zone, '_25._tcp.a.b')).toHaveLength(5)
  })

  const relay = '  relay: { address: { steer: out } }\n'
  it.each([
    ['TLSA', `_25._tcp.relay: { TLSA: 3 1 1 ${digest('ff')} }`, ['030101ff']],
    ['an alias', '_25._tcp.relay: { CNAME: _25._tcp.one }', null],
    ['a wildcard for every port', `'*._tcp.relay': { TLSA: 3 1 1 ${digest('ff')} }`, null],
    ['a delegation', '_tcp.relay: { NS: ns.example.net. }', null],
    ['a DNAME', '_tcp.relay: { DNAME: tlsa.example.net. }', null],
  ])('by hand has %s, which comes first', (_, record, expected) => {
    expect(tlsaAt(zoneWith(`${relay}  ${record}\n`), '_25._tcp.relay')).toEqual(expected)
  })

  it('that is a wildcard has none: nobody asks below it', () => {
    const zone = zoneWith("  '*.any': { address: { steer: out } }")
    expect(tlsaAt(zone, '_25._tcp.*.any')).toBeNull()
  })
})

it('refuses a union that fits into no message', () => {
  const many = Array.from({ length: 32 }, (_, i) => i).map((i) => {
    const tlsa = Array.from({ length: 50 }, (__, j) => {
      const octet = ((50 * i + j) % 256).toString(16).padStart(2, '0')
      return `3 1 1 ${octet}${(50 * i + j).toString(16).padStart(62, '0')}`
    })
    return `  t${i}: { addresses: [192.0.2.${i + 1}], tlsa: [${tlsa.join(', ')}] }`
  })
  const text = `
zone: smtp.test
soa: { mname: ns1, rname: hostmaster }
targets:
${many.join('\n')}
pools: { p: { targets: [${many.map((__, i) => `t${i}`).join(', ')}] } }
steering: { s: [{ pools: [p] }] }
records: { '@': { NS: ns1 }, ns1: { A: 192.0.2.53 }, relay: { address: { steer: s } } }
`
  expect(() => compiledZone(text)).toThrow(/rrset-too-large.*75200 octets/s)
})
