// The databases in force: when files are read, in which order, and the effect of a broken file.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { CompileResult } from '../../src/geo/compile-database.ts'
import { type PlaceEvent, type PlaceFiles, createPlaceKeeper } from '../../src/geo/place-keeper.ts'
import { compileInThread } from '../../src/geo/run-compile.ts'
import type { PlaceNetworks } from '../../src/steer/scope/place-networks.ts'
import { asnOf, countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import { whereabouts } from './arrange.ts'

const folder = mkdtempSync(join(tmpdir(), 'mxsteer-places-'))
afterAll(() => rmSync(folder, { recursive: true }))

function written(name: string, octets: Uint8Array): string {
  writeFileSync(join(folder, name), octets)
  return join(folder, name)
}

const placed = (code: string): Buffer => mmdbFile([['11.0.0.0/8', countryOf(code)]], { type: code })
const numbered = mmdbFile([['11.0.0.0/8', asnOf(64_500)]])

function keeperOf(files: PlaceFiles) {
  const events: string[] = []
  const changes = new Map<string, () => void>()
  const published: PlaceNetworks[] = []
  const sinces: (string | undefined)[] = []
  const keeper = createPlaceKeeper({
    files,
    wallMs: () => 1_700_000_000_000,
    onEvent: (event: PlaceEvent) =>
      events.push(
        event.kind === 'loaded'
          ? `${event.database} loaded ${event.facts.type}`
          : `${event.database} refused, in force: ${event.inForce}: ${event.why}`,
      ),
    folders: {
      look: (looked) => Promise.resolve({ fingerprint: `of ${looked}` }),
      watch(watched, matters, onChange, since) {
        for (const name of ['country.mmdb', 'asn.mmdb'])
          if (matters(name)) changes.set(join(watched, name), onChange)
        sinces.push(since?.fingerprint)
        return Promise.resolve({ close: () => changes.clear() })
      },
    },
  })
  const at = (text: string): string => whereabouts(keeper.current(), text)
  return { keeper, events, changes, published, sinces, at }
}

test('each database is read from its own file, and both are reported', async () => {
  const files = {
    country: written('country.mmdb', placed('DE')),
    asn: written('asn.mmdb', numbered),
  }
  const { keeper, events, at } = keeperOf(files)
  expect(at('11.0.0.1')).toBe('null null null')
  expect(keeper.states()).toEqual([])
  await keeper.open()
  expect(at('11.0.0.1')).toBe('EU DE 64500')
  expect(events).toEqual(['country loaded DE', 'asn loaded test'])
  expect(keeper.states()).toEqual([
    {
      database: 'country',
      facts: { type: 'DE', buildSeconds: 1_700_000_000 },
      lastReloadSuccessful: true,
      refusal: null,
      successAtSeconds: 1_700_000_000,
    },
    expect.objectContaining({ database: 'asn', lastReloadSuccessful: true }),
  ])
  await keeper.open()
  expect(events.length).toBe(2)
})

test('a watch goes on from a look taken before the file was read', async () => {
  const files = { country: written('country.mmdb', placed('DE')) }
  const opened = keeperOf(files)
  await opened.keeper.open()
  await opened.keeper.follow(() => {})
  expect(opened.sinces).toEqual([`of ${folder}`])
  const unread = keeperOf(files)
  await unread.keeper.follow(() => {})
  expect(unread.sinces).toEqual([undefined])
})

test('without a file the shipped database is used, and it is never read again', async () => {
  const { keeper, events, changes, at } = keeperOf({})
  await keeper.follow(() => {})
  await keeper.open()
  expect(at('193.0.6.139')).toBe('EU NL null')
  expect(events).toEqual(['country loaded country ipvAll'])
  await keeper.reload()
  expect(events.length).toBe(1)
  expect(changes.size).toBe(0)
})

describe('a broken file', () => {
  test('changes nothing, and a repaired one is put in force', async () => {
    const files = { country: written('country.mmdb', placed('DE')) }
    const { keeper, events, changes, published, at } = keeperOf(files)
    await keeper.open()
    await keeper.follow((networks) => published.push(networks))
    written('country.mmdb', new Uint8Array(0))
    changes.get(files.country)?.()
    await keeper.reload()
    expect(at('11.0.0.1')).toBe('EU DE null')
    const refused = `country refused, in force: true: ${files.country}: is empty`
    expect(events).toEqual(['country loaded DE', refused, refused])
    expect(keeper.states()[0]).toMatchObject({
      lastReloadSuccessful: false,
      refusal: expect.any(String),
      facts: { type: 'DE' },
    })
    expect(published).toEqual([])
    written('country.mmdb', placed('FR'))
    changes.get(files.country)?.()
    await keeper.open()
    expect(at('11.0.0.1')).toBe('EU FR null')
    expect(published).toEqual([keeper.current()])
    expect(keeper.states()[0]).toMatchObject({ lastReloadSuccessful: true, facts: { type: 'FR' } })
  })

  test.each([
    ['that is not there', join(folder, 'absent.mmdb'), /absent\.mmdb: it does not exist/],
    ['that is a folder', folder, /folder/],
    [
      'of places where ASNs are wanted',
      written('places.mmdb', placed('DE')),
      /knows the ASN of no/,
    ],
  ])('%s leaves the other database alone', async (_, asn, why) => {
    const { keeper, events, at } = keeperOf({ country: written('good.mmdb', placed('DE')), asn })
    await keeper.open()
    expect(at('11.0.0.1')).toBe('EU DE null')
    expect(events[1]).toMatch(/^asn refused, in force: false/)
    expect(events[1]).toMatch(why)
    expect(keeper.states()[1]).toMatchObject({ facts: null, successAtSeconds: 0 })
  })
})

test('a database that is not in use is not read when it changes', async () => {
  const files = { country: written('country.mmdb', placed('DE')) }
  const { keeper, events, changes } = keeperOf(files)
  await keeper.follow(() => {})
  changes.get(files.country)?.()
  await keeper.reload()
  expect(events).toEqual([])
})

test('changes during a read are read after it, in order', async () => {
  const pending: ((result: CompileResult) => void)[] = []
  const loaded: string[] = []
  const keeper = createPlaceKeeper({
    files: { country: 'x/country.mmdb' },
    wallMs: () => 0,
    onEvent: (event) => loaded.push(event.kind),
    folders: null,
    compile: () => new Promise((resolve) => pending.push(resolve)),
  })
  const first = keeper.open()
  const second = keeper.reload()
  await Promise.resolve()
  expect(pending.length).toBe(1)
  pending[0]?.({ kind: 'broken', why: 'first' })
  await first
  await Promise.resolve()
  expect(pending.length).toBe(2)
  pending[1]?.({ kind: 'broken', why: 'second' })
  await second
  expect(loaded).toEqual(['refused', 'refused'])
})

test('the compiling thread returns shared memory, and never rejects', async () => {
  const result = await compileInThread({
    database: 'country',
    file: written('t.mmdb', placed('DE')),
  })
  if (result.kind === 'broken') throw new Error(result.why)
  expect(result.tree.links.buffer).toBeInstanceOf(SharedArrayBuffer)
  const missing = await compileInThread({ database: 'country', file: join(folder, 'nowhere/x') })
  expect(missing).toEqual({ kind: 'broken', why: expect.stringContaining('does not exist') })
})
