import { expect, it } from 'vitest'
import { keyOfName, parseName } from '../../../../src/wire/name.ts'
import { RRType } from '../../../../src/wire/rrtype.ts'
import { stringsOf } from '../../../../src/zone/compile/texts/txt-strings.ts'
import { compiledZone } from '../../../support/compiled-zone.ts'

const many = Array.from({ length: 40 }, (_, i) => `  t${i}: { addresses: [198.51.100.${2 * i}] }`)

const targetsFrom = (first: number): string =>
  Array.from({ length: 20 }, (_, i) => `t${first + i}`).join(', ')

const zoneWith = (records: string): ReturnType<typeof compiledZone>['zone'] =>
  compiledZone(`
zone: example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster }
targets:
  late: { addresses: [192.0.2.9], warmup: { from: 2099-01-01, days: 30 } }
  mx1: { addresses: ['2001:db8::1', 192.0.2.1] }
  idle: { addresses: [192.0.2.5] }
${many.join('\n')}
pools:
  out: { targets: { mx1: 5, idle: 0, late: 1 } }
  a: { targets: [${targetsFrom(0)}] }
  b: { targets: [${targetsFrom(20)}] }
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.53 }
${records}
`).zone

function textsAt(zone: ReturnType<typeof zoneWith>, name: string) {
  const parsed = parseName(`${name}.`)
  const set =
    parsed.kind === 'name' ? zone.nodes.get(keyOfName(parsed.name))?.sets.get(RRType.TXT) : null
  return set?.kind === 'plain'
    ? { ttl: set.ttl, texts: set.rdata.map((one) => stringsOf(one).join('|')) }
    : null
}

const spf = 'v=spf1 ip4:192.0.2.1 ip4:192.0.2.5 ip4:192.0.2.9 ip6:2001:db8::1 -all'

it('lists every target of its pools, whatever its weight and warm-up', () => {
  const zone = zoneWith('  send: { spf: { pools: [out], all: -all } }')
  expect(textsAt(zone, 'send.example.test')).toEqual({ ttl: 60, texts: [spf] })
})

it('stands beside other texts, whichever is written first', () => {
  const before = zoneWith(
    '  send: { spf: { pools: [out], all: -all }, TXT: { ttl: 300, data: token } }',
  )
  const after = zoneWith(
    '  send: { TYPE16: { ttl: 300, data: token }, SPF: { pools: [out], all: -all } }',
  )
  expect(textsAt(before, 'send.example.test')).toEqual({ ttl: 300, texts: ['token', spf] })
  expect(textsAt(after, 'send.example.test')).toEqual({ ttl: 300, texts: ['token', spf] })
})

it('has includes below its owner where it is long, with strings of 255 octets', () => {
  const zone = zoneWith(
    '  send: { spf: { pools: [a, b], also: [exp=why.example.com, mx:example.com], all: ~all, ttl: 2h } }',
  )
  const names = [1, 2].map((n) => `_spf${n}.send.example.test`)
  const includes = names.map((name) => `include:${name}`).join(' ')
  const text = `v=spf1 ${includes} mx:example.com ~all exp=why.example.com`
  expect(textsAt(zone, 'send.example.test')).toEqual({ ttl: 7200, texts: [text] })
  const [first, second] = names.map((name) => textsAt(zone, name))
  expect(first?.texts[0]?.indexOf('|')).toBe(255)
  const terms = [first, second].flatMap(
    (one) => one?.texts[0]?.replace('|', '').split(' ').slice(1) ?? [],
  )
  expect(terms).toEqual(many.map((_, i) => `ip4:198.51.100.${2 * i}`))
  expect([first?.ttl, second?.ttl]).toEqual([7200, 7200])
  expect(textsAt(zone, '_spf3.send.example.test')).toBeNull()
})

it('counts as a use of its pools', () => {
  // compiledZone would throw at an error; what is unused only warns, which the fixtures show.
  expect(() => zoneWith("  '*': { spf: { pools: [a, b, out], all: ?all } }")).not.toThrow()
})
