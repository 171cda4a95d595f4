import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { type Allocation, createAllocation } from '../../src/zonefile/allocation.ts'
import type { ZonesRead } from '../../src/zonefile/load-zones.ts'
import type { Serials } from '../../src/zonefile/serials.ts'
import { readZonesHere } from '../support/read-zones.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-load-'))
afterAll(() => rmSync(scratch, { recursive: true }))

let folder = ''
let allocation: Allocation
let seconds = 0
let serials: Serials = new Map()
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'zones-'))
  allocation = createAllocation()
  seconds = 1_000_000
  serials = new Map()
})

const zone = (name: string, address: string, extra = ''): string => `zone: ${name}
soa: { mname: ns.invalid., rname: hostmaster }
targets: { mx1: { addresses: [${address}] }, mx2: { addresses: [192.0.2.2] } }
probes: { p: { ehlo: probe.invalid } }
pools: { a: { probe: p, targets: [mx1, mx2] } }
steering: { s: [{ pools: [a] }] }
records: { '@': { NS: ns.invalid., MX: { steer: s } } }
${extra}`

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text)
async function load(): Promise<ZonesRead> {
  const read = await readZonesHere(folder, { allocation, serials, wallMs: seconds * 1000 })
  if (read.kind === 'loaded') ({ allocation, serials } = read)
  return read
}

async function loaded(): Promise<Extract<ZonesRead, { kind: 'loaded' }>> {
  const zones = await load()
  if (zones.kind !== 'loaded') throw new Error(JSON.stringify(zones.diagnostics))
  return zones
}
const codes = (zones: ZonesRead): string[] =>
  zones.kind === 'rejected' ? zones.diagnostics.map(({ code }) => code) : []

it('reads every zone file of the folder and nothing else', async () => {
  write('b.yaml', zone('b.test', '192.0.2.1'))
  write('a.yml', zone('A.test', '192.0.2.1'))
  write('.hidden.yaml', 'no')
  write('a.yaml~', 'no')
  expect((await loaded()).zones.map(({ name }) => name)).toEqual(['b.test', 'a.test'].sort())
})

it('refuses a folder that is missing, empty, or no folder', async () => {
  expect(codes(await readZonesHere(join(folder, 'none')))).toEqual(['unreadable-file'])
  expect(codes(await load())).toEqual(['no-zones'])
  write('a.yaml', zone('a.test', '192.0.2.1'))
  expect(codes(await readZonesHere(join(folder, 'a.yaml')))).toEqual(['unreadable-file'])
})

it('refuses what is no file, too large, or no text', async () => {
  mkdirSync(join(folder, 'a.yaml'))
  write('b.yaml', '#'.repeat(4 * 1024 * 1024 + 1))
  writeFileSync(join(folder, 'c.yaml'), Buffer.from('zone: a\nsoa: "\u00fc\xe9"\n', 'latin1'))
  const zones = await load()
  expect(codes(zones)).toEqual(['unreadable-file', 'too-large', 'not-utf8'])
  expect(zones).toMatchObject({ diagnostics: [{}, {}, { line: 2, column: 7 }] })
})

it('reports the problems of all files at once', async () => {
  write('a.yaml', zone('a.test', '192.0.2.256'))
  write('b.yaml', zone('b.test', '192.0.2.1', 'colour: blue'))
  write('c.yaml', zone('c.test', '192.0.2.1'))
  expect(codes(await load())).toEqual(['bad-address', 'unknown-key'])
})

it('refuses one zone in two files, whatever its case', async () => {
  write('a.yaml', zone('same.test', '192.0.2.1'))
  write('b.yaml', zone('SAME.test.', '192.0.2.1'))
  const zones = await load()
  expect(zones).toMatchObject({ diagnostics: [{ code: 'duplicate-zone', line: 1, column: 7 }] })
  if (zones.kind === 'rejected') expect(zones.diagnostics[0]?.file).toBe(join(folder, 'b.yaml'))
})

it('limits the count of diagnostics, and tells how many are left out', async () => {
  const records = Array.from({ length: 300 }, (_, i) => `  h${i}: { A: nowhere }`).join('\n')
  write(
    'a.yaml',
    zone('a.test', '192.0.2.1').replace(
      /records: .*/,
      `records:\n  '@': { NS: ns.invalid. }\n${records}`,
    ),
  )
  const zones = await load()
  expect(codes(zones)).toHaveLength(101)
  expect(codes(zones).at(-1)).toBe('more-mistakes')
})

it('gives an address one slot for all zones and pools that probe it alike', async () => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  write('b.yaml', zone('b.test', '192.0.2.1'))
  write(
    'c.yaml',
    zone('c.test', '192.0.2.1').replace('ehlo: probe.invalid', 'ehlo: probe.invalid, fall: 9'),
  )
  const { watched, targets } = await loaded()
  expect(
    watched.map(({ zone: name, address, profile, slot }) => [name, address, profile.fall, slot]),
  ).toEqual([
    ['a.test', '192.0.2.1', 3, 1],
    ['a.test', '192.0.2.2', 3, 2],
    ['b.test', '192.0.2.1', 3, 1],
    ['b.test', '192.0.2.2', 3, 2],
    ['c.test', '192.0.2.1', 9, 3],
    ['c.test', '192.0.2.2', 9, 4],
  ])
  expect(targets.map((one) => one.pools[0]?.member.slots)).toEqual([[1], [2], [1], [2], [3], [4]])
})

it('keeps slots and indices over reloads, and takes none for a load that is refused', async () => {
  write('b.yaml', zone('b.test', '192.0.2.1'))
  const before = await loaded()
  write('a.yaml', zone('a.test', '198.51.100.1'))
  write('c.yaml', 'nonsense: [')
  expect((await load()).kind).toBe('rejected')
  rmSync(join(folder, 'c.yaml'))
  const after = await loaded()
  const of = (zones: typeof before, name: string): unknown =>
    zones.targets
      .filter((one) => one.zone === name)
      .map(({ target, pools }) => [target.index, pools[0]?.member.slots])
  expect(of(after, 'b.test')).toEqual(of(before, 'b.test'))
  expect(of(after, 'a.test')).toEqual([
    [2, [3]],
    [3, [2]],
  ])
  rmSync(join(folder, 'b.yaml'))
  await loaded()
  expect(allocation.slots.released).toEqual([1])
})

it('refuses more addresses and targets than there are places', async () => {
  allocation = createAllocation({ slots: 2, rows: 8, targets: 1 })
  write('a.yaml', zone('a.test', '192.0.2.1'))
  expect(codes(await load()).sort()).toEqual(['too-many-addresses', 'too-many-targets'])
})

it('moves the serial with the content, and with nothing else', async () => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  const serialNow = async (): Promise<number | undefined> => (await loaded()).zones[0]?.serial
  expect(await serialNow()).toBe(1_000_000)
  seconds += 10
  expect(await serialNow()).toBe(1_000_000)
  write('a.yaml', zone('a.test', '192.0.2.9'))
  expect(await serialNow()).toBe(1_000_010)
  write('a.yaml', zone('a.test', '192.0.2.10'))
  expect(await serialNow()).toBe(1_000_011)
  write('a.yaml', 'bad')
  expect((await load()).kind).toBe('rejected')
  write('a.yaml', zone('a.test', '192.0.2.10'))
  expect(await serialNow()).toBe(1_000_011)
})

it('tells by its hash whether anything changed', async () => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  const { hash } = await loaded()
  expect((await loaded()).hash).toBe(hash)
  write('a.yaml', zone('a.test', '192.0.2.1', '# a comment'))
  expect((await loaded()).hash).not.toBe(hash)
})
