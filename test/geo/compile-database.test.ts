// Files that cannot be used must be refused as a whole, since every query walks a database that was accepted.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { compileAsns, compilePlaces } from '../../src/geo/compile-database.ts'
import { seeded } from '../steer/arrange.ts'
import { asnOf, cityOf, countryOf, mmdbFile } from '../support/mmdb-writer.ts'

const shipped = readFileSync(
  createRequire(import.meta.url).resolve(
    '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  ),
)
const small = mmdbFile([
  ['11.0.0.0/8', countryOf('DE')],
  ['12.0.0.0/8', cityOf('FR', 'EU')],
])
const nodeCountOf = (file: Buffer): number => {
  const at = file.indexOf('node_count') + 'node_count'.length
  return file.readUIntBE(at + 1, (file[at] ?? 0) & 31)
}
const changed = (change: (file: Buffer) => void, file: Buffer = small): Buffer => {
  const copy = Buffer.from(file)
  change(copy)
  return copy
}

describe('a file that cannot be used gives a result, not an exception', () => {
  test.each([
    ['nothing', Buffer.alloc(0), /is empty/],
    ['text', Buffer.from('DE,10.0.0.0/8\n'), /is no MaxMind database/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /gzip/],
    ['zeros', Buffer.alloc(100_000), /is no MaxMind database/],
    ['its first half', shipped.subarray(0, 4_000_000), /no metadata/],
    ['all but its last octet', small.subarray(0, -1), /./],
    ['its last octets', shipped.subarray(-2000), /cut short/],
    ['a hole in its tree', Buffer.concat([small.subarray(6)]), /damaged|cut short/],
    [
      'format 3',
      mmdbFile([['11.0.0.0/8', countryOf('DE')]], { metadata: { binary_format_major_version: 3 } }),
      /format 3/,
    ],
    [
      'IP version 5',
      mmdbFile([['11.0.0.0/8', countryOf('DE')]], { metadata: { ip_version: 5 } }),
      /version 5/,
    ],
    ['no nodes', mmdbFile([['11.0.0.0/8', countryOf('DE')]], { metadata: { node_count: 0 } }), /./],
    [
      'more nodes than it has',
      mmdbFile([['11.0.0.0/8', countryOf('DE')]], { metadata: { node_count: 5000 } }),
      /cut short/,
    ],
    [
      'record size 20',
      mmdbFile([['11.0.0.0/8', countryOf('DE')]], { metadata: { record_size: 20 } }),
      /record size/,
    ],
    [
      'ASNs',
      mmdbFile([['11.0.0.0/8', asnOf(1)]], { type: 'GeoLite2-ASN' }),
      /"GeoLite2-ASN" and knows the country of no address/,
    ],
    [
      'private addresses alone',
      mmdbFile([['10.0.0.0/8', { x: 1 }]]),
      /knows the country of no address/,
    ],
  ])('%s', (_, file, why) => {
    expect(compilePlaces(file)).toEqual({ kind: 'broken', why: expect.stringMatching(why) })
  })

  test('a country database in place of an ASN database', () => {
    const why = '"GeoLite2-Country" and knows the ASN of no address'
    const file = mmdbFile([['11.0.0.0/8', countryOf('DE')]], { type: 'GeoLite2-Country' })
    expect(compileAsns(file)).toEqual({ kind: 'broken', why: expect.stringContaining(why) })
  })

  test('a tree with a cycle', () => {
    const looped = changed((file) => file.writeUIntBE(3, 4 * 6, 3))
    expect(compilePlaces(looped)).toEqual({
      kind: 'broken',
      why: expect.stringContaining('back into itself'),
    })
  })

  test('a tree that is deeper than addresses are long', () => {
    // Without the 96 bits of ::/96, the IPv6 part of a tree is too deep for IPv4.
    const deep = mmdbFile([['2a00::/48', countryOf('DE')]], { metadata: { ip_version: 4 } })
    expect(compilePlaces(deep)).toEqual({
      kind: 'broken',
      why: expect.stringContaining('deeper than addresses'),
    })
  })

  test('a link that leads out of the file, and one into the separator', () => {
    const out = nodeCountOf(small)
    for (const link of [0xff_ffff, out + 1, out + 15]) {
      const broken = changed((file) => file.writeUIntBE(link, 6 * 3 + 3, 3))
      expect(compilePlaces(broken)).toEqual({
        kind: 'broken',
        why: expect.stringContaining('out of the file'),
      })
    }
  })

  test('a record that cannot be read, at any one address', () => {
    const broken = changed((file) =>
      file.fill(0xff, file.indexOf('country_code') - 2, file.indexOf('country_code')),
    )
    expect(compilePlaces(broken)).toEqual({
      kind: 'broken',
      why: expect.stringContaining('record cannot be read'),
    })
  })
})

test('random changes to a file are refused or read, and never throw', () => {
  const random = seeded(5)
  const kinds = new Map<string, number>()
  for (let round = 0; round < 2000; round++) {
    const noisy = changed((file) => {
      for (let i = 0; i <= random() * 4; i++)
        file[Math.floor(random() * file.length)] = Math.floor(random() * 256)
    })
    const { kind } = compilePlaces(
      noisy.subarray(0, random() < 0.2 ? Math.floor(random() * noisy.length) : undefined),
    )
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  expect(kinds.get('broken')).toBeGreaterThan(500)
  expect(kinds.get('compiled')).toBeGreaterThan(50)
})

test('the facts from the metadata', () => {
  const file = mmdbFile([['11.0.0.0/8', countryOf('DE')]], {
    type: 'GeoLite2-Country',
    buildSeconds: 1_710_000_000,
  })
  expect(compilePlaces(file)).toMatchObject({
    kind: 'compiled',
    facts: { type: 'GeoLite2-Country', buildSeconds: 1_710_000_000 },
  })
})

test('trees are in shared memory', () => {
  const compiled = compilePlaces(small)
  if (compiled.kind === 'broken') throw new Error(compiled.why)
  const { links, setOfNode, sets } = compiled.tree
  for (const array of [links, setOfNode, sets])
    expect(array.buffer).toBeInstanceOf(SharedArrayBuffer)
})
