// Name compression where it could go wrong: past the reach of a pointer, past the table, and on a hash collision.

import { expect, test } from 'vitest'
import { askerOf } from '../support/ask-catalog.ts'
import { catalogOf, zoneOf } from '../support/zone-builder.ts'

const many = (count: number, make: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => make(i))

interface Example {
  readonly why: string
  readonly exchanges: readonly string[]
}

const examples: readonly Example[] = [
  {
    // Some 19,000 octets, then names that share a suffix which is first written after them.
    why: 'no pointer to what lies at 0x4000 or beyond (RFC 1035 §4.1.4: 14 bits)',
    exchanges: [
      ...many(280, (i) => `${'m'.repeat(50)}${i}`),
      ...many(40, (i) => `l${i}.late.suffix`),
    ],
  },
  {
    why: 'more names than the table remembers',
    exchanges: many(1500, (i) => `${'m'.repeat(20)}${i}.mail`),
  },
  {
    // Found by search for the hash of wire/writer.ts (FNV-1a, 32 bits) below example.test.
    why: 'suffixes of equal hash are told apart',
    exchanges: ['c01pvu', 'c0g3ea', 'a.c01pvu', 'a.c0g3ea', 'b.c01pvu', 'b.c0g3ea'],
  },
]

test.each(examples)('$why', ({ exchanges }) => {
  const texts = exchanges.map((name, i) => `${i} ${name}`)
  const hosts = Object.fromEntries(exchanges.map((name) => [name, { A: '192.0.2.1' }]))
  const ask = askerOf(catalogOf(zoneOf('example.test.', { '@': { MX: texts }, ...hosts })))
  const { answer, additional } = ask('example.test', 'MX', {}, 'tcp')
  expect(answer).toEqual(texts.map((text) => `example.test 300 MX ${text}.example.test`))
  const owners = exchanges.slice(0, additional.length)
  expect(additional).toEqual(owners.map((name) => `${name}.example.test 300 A 192.0.2.1`))
  expect(additional.length).toBeGreaterThanOrEqual(Math.min(exchanges.length, 100))
})
