// SPF records that take much work to look at: bounded by what the server counts.

import { expect, it } from 'vitest'
import { compileZone, type CompiledZone } from '../../../src/zone/compile/compile.ts'
import { readZone } from '../../../src/zonefile/load-zones.ts'

const addresses = Array.from({ length: 16 }, (_, i) => `198.51.100.${i}`)

function problemsOf(
  records: string,
  spfTerms: { left: number } = { left: Infinity },
): CompiledZone['problems'] {
  const text = `
zone: example.test
soa: { mname: ns1, rname: hostmaster }
targets: { ${Array.from({ length: 16 }, (_, t) => `t${t}: { addresses: [${addresses.map((one) => one.replace('100', String(101 + t))).join(', ')}] }`).join(', ')} }
pools: { out: { targets: [${Array.from({ length: 16 }, (_, t) => `t${t}`).join(', ')}] } }
records:
  '@': { NS: ns1 }
  ns1: { A: 192.0.2.53 }
  in: { spf: { pools: [out], also: ip4:198.51.0.0/16, all: -all } }
${records}`
  const { source } = readZone('f.yaml', new TextEncoder().encode(text))
  if (!source) throw new Error('no source')
  return compileZone({
    source,
    serial: 1,
    takeSlot: () => 1,
    takeRow: () => 1,
    takeTargetIndex: () => 1,
    spfTerms,
  }).problems
}

it('looks at terms up to a limit, and says where it has ended', () => {
  const many = Array.from({ length: 2500 }, (_, i) => `ip4:203.${i >> 8}.${i & 255}.1`).join(' ')
  const texts = Array.from(
    { length: 40 },
    (_, i) => `  s${i}: { TXT: '"v=spf1 ip4:198.51.101.0 include:big.example.test -all"' }`,
  )
  const problems = problemsOf([`  big: { TXT: '"v=spf1 ${many}"' }`, ...texts].join('\n'))
  const codes = problems.map(({ code }) => code)
  expect(codes.filter((code) => code === 'spf-unchecked')).toHaveLength(1)
  expect(codes.filter((code) => code === 'spf-uncovered').length).toBeLessThan(10)
})

it.each([
  [
    'a circle',
    '  a: { TXT: \'"v=spf1 include:b.example.test -all"\' }\n  b: { TXT: \'"v=spf1 include:a.example.test -all"\' }',
  ],
  ['itself', '  a: { TXT: \'"v=spf1 redirect=a.example.test"\' }'],
])('refuses a record that leads to %s', (_, records) => {
  const problems = problemsOf(records)
  expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['spf-limit']))
})

it('follows aliases and wildcards of the zone', () => {
  const problems = problemsOf(`  a: { TXT: '"v=spf1 include:x.wild.example.test -all"' }
  '*.wild': { CNAME: other }
  other: { TXT: '"v=spf1 ip4:203.0.113.1 -all"' }
  b: { TXT: '"v=spf1 include:in.example.test a:t1.example.test -all"' }
  c: { TXT: '"v=spf1 a:t1.example.test -all"' }`)
  expect(problems.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
    'spf-steered records.c.TXT',
  ])
})

it('counts the terms of all zones together', () => {
  const terms = { left: 10_000 }
  const records = `  a: { TXT: '"v=spf1 include:in.example.test a:h.example.test -all"' }
  h: { A: 192.0.2.1 }`
  const compiled = () => problemsOf(records, terms).map(({ code }) => code)
  expect(compiled()).toEqual([])
  const ofOne = 10_000 - terms.left
  expect(ofOne).toBeGreaterThan(5)
  terms.left = ofOne
  expect(compiled()).toEqual(['spf-unchecked'])
  expect(compiled()).toEqual(['spf-unchecked'])
  expect(terms.left).toBe(0)
})

it('looks once at what is behind a name, however many records lead there', () => {
  const hosts = Array.from({ length: 400 }, (_, i) => `  x${i}: { A: 192.0.2.${i % 250} }`)
  const mx = `  h: { MX: [${hosts.map((_, i) => `10 x${i}`).join(', ')}] }`
  const used = (count: number): number => {
    const texts = Array.from(
      { length: count },
      (_, i) => `  s${i}: { TXT: '"v=spf1 mx:h.example.test ~all"' }`,
    )
    const terms = { left: 3_000_000 }
    problemsOf([...hosts, mx, ...texts].join('\n'), terms)
    return 3_000_000 - terms.left
  }
  expect(used(200) - used(100)).toBeLessThan(100 * 20)
})
