import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'maxmind'
import type { CountryResponse } from 'maxmind'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPlaces, unknownPlaces } from '../../src/geo/places.ts'
import type { PlaceFiles, Places } from '../../src/geo/places.ts'
import { isSpecialPurpose } from '../../src/geo/special-purpose.ts'
import { parseAddress } from '../../src/lib/ip.ts'
import { seeded } from '../steer/arrange.ts'
import { bitsOf, mmdbFile } from './mmdb-file.ts'

const shipped = createRequire(import.meta.url).resolve(
  '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
)

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'places-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function written(name: string, octets: Uint8Array): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, octets)
  return file
}

async function opened(files: PlaceFiles): Promise<Places> {
  const result = await openPlaces(files)
  if (result.kind === 'broken') throw new Error(result.why)
  return result.places
}

const at = (text: string, prefix: number): string => bitsOf(octetsOf(text), prefix)

const octetsOf = (text: string): Uint8Array => {
  const address = parseAddress(text)
  if (!address) throw new Error(`no address: ${text}`)
  return address.octets
}

function locate(places: Places, text: string) {
  const octets = octetsOf(text)
  const locus = places.locate(octets, octets.length === 4 ? 4 : 6)
  return `${locus.continent} ${locus.country} ${locus.asn}`
}

describe('the shipped database', () => {
  test.each([
    ['193.0.6.139', 'EU NL null'],
    ['8.8.8.8', 'NA US null'],
    ['200.160.2.3', 'SA BR null'],
    ['2001:67c:2e8:22::c100:68b', 'EU NL null'],
    ['::ffff:193.0.6.139', 'EU NL null'],
    ['10.1.2.3', 'null null null'],
    ['127.0.0.1', 'null null null'],
    ['192.168.1.1', 'null null null'],
    ['172.31.0.1', 'null null null'],
    ['100.64.0.1', 'null null null'],
    ['203.0.113.9', 'null null null'],
    ['2001:db8::1', 'null null null'],
    ['::ffff:192.168.1.1', 'null null null'],
    ['::1', 'null null null'],
    ['fd00::1', 'null null null'],
    ['fe80::1', 'null null null'],
  ])('%s: %s', async (text, wanted) => {
    expect(locate(await opened({}), text)).toBe(wanted)
  })

  test('says of any address what its reader says, cached or not', async () => {
    const [places, reader] = [await opened({}), await open<CountryResponse>(shipped)]
    const random = seeded(11)
    const group = (): string => Math.floor(random() * 65_536).toString(16)
    const differ: string[] = []
    for (let i = 0; i < 20_000; i++) {
      const quad = Array.from({ length: 4 }, () => Math.floor(random() * 256)).join('.')
      const text = i % 2 ? quad : `2${group().padStart(4, '0').slice(1)}:${group()}:${group()}::1`
      const record = reader.get(text) as { country_code?: string } | null
      for (let round = 0; round < 2; round++) {
        const octets = octetsOf(text)
        const locus = places.locate(octets, octets.length === 4 ? 4 : 6)
        const wanted = isSpecialPurpose(octets) ? null : (record?.country_code ?? null)
        if (locus.country !== wanted) differ.push(text)
      }
    }
    expect(differ).toEqual([])
  })
})

test('a mapped address is an IPv4 locus, for the networks of rules too', () => {
  const locus = unknownPlaces.locate(octetsOf('::ffff:192.0.2.7'), 6)
  expect(locus).toEqual({
    family: 4,
    octets: Uint8Array.of(192, 0, 2, 7),
    continent: null,
    country: null,
    asn: null,
  })
})

test('MaxMind’s own form, with a database of ASNs beside it', async () => {
  const city = { country: { iso_code: 'TR' }, continent: { code: 'EU' } }
  const country = await written(
    'city.mmdb',
    mmdbFile([{ bits: at('11.0.0.0', 8), record: city }], 4),
  )
  const number = { autonomous_system_number: 64_500 }
  const asn = await written('asn.mmdb', mmdbFile([{ bits: at('11.1.0.0', 16), record: number }], 4))
  const places = await opened({ country, asn })
  expect(locate(places, '11.1.2.3')).toBe('EU TR 64500')
  expect(locate(places, '11.2.2.3')).toBe('EU TR null')
  expect(locate(places, '12.1.2.3')).toBe('null null null')
  expect(locate(places, 'b01:203::1')).toBe('null null null')
})

test('networks finer than the cache’s unit are not mixed up by it', async () => {
  const entries = ['11.0.0.0', '11.0.0.128'].map((text, i) => ({
    bits: at(text, 25),
    record: { country_code: i ? 'FR' : 'DE' },
  }))
  const places = await opened({ country: await written('fine.mmdb', mmdbFile(entries, 4)) })
  const seen = ['11.0.0.1', '11.0.0.129', '11.0.0.2', '11.0.0.200'].map((text) =>
    locate(places, text),
  )
  expect(seen).toEqual(['EU DE null', 'EU FR null', 'EU DE null', 'EU FR null'])
})

describe('a file that cannot be used is a value', () => {
  test.each([
    ['no file', async () => join(folder, 'absent.mmdb'), /absent\.mmdb: ENOENT/],
    ['a folder', async () => folder, /EISDIR/],
    ['an empty file', () => written('empty.mmdb', Buffer.alloc(0)), /is no MaxMind database/],
    ['text', () => written('text.mmdb', Buffer.from('DE,10.0.0.0/8\n')), /is no MaxMind database/],
    [
      'the first half',
      async () => written('half.mmdb', (await readFile(shipped)).subarray(0, 4e6)),
      /./,
    ],
    [
      'the last octets',
      async () => written('tail.mmdb', (await readFile(shipped)).subarray(-2000)),
      /is cut short/,
    ],
    ['gzip', () => written('zipped.mmdb', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])), /gzip/],
  ])('%s', async (_, path, why) => {
    const country = await path()
    expect(await openPlaces({ country })).toEqual({
      kind: 'broken',
      why: expect.stringMatching(why),
    })
    const asBeside = await openPlaces({ asn: country })
    expect(asBeside.kind).toBe('broken')
  })

  test('damage that shows only at a lookup is an unknown client', async () => {
    const octets = mmdbFile([{ bits: at('11.0.0.0', 8), record: { country_code: 'DE' } }], 4)
    const start = octets.indexOf('country_code') - 2
    octets.fill(0xff, start, start + 4)
    const places = await opened({ country: await written('damaged.mmdb', octets) })
    expect(locate(places, '11.0.0.1')).toBe('null null null')
  })
})
