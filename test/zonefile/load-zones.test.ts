import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { noKnownNames } from '../../src/departed/name-round.ts'
import type { ZoneSerials } from '../../src/lib/zone-serials.ts'
import { type Allocation, createAllocation } from '../../src/zonefile/allocation.ts'
import { type ZonesLoaded, loadZones } from '../../src/zonefile/run-load.ts'
import type { KeptFiles } from '../../src/zonefile/read-folder.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-load-'))
afterAll(() => rmSync(scratch, { recursive: true }))

let folder = ''
let allocation: Allocation
let seconds = 0
let serials: ZoneSerials = new Map()
let kept: KeptFiles = new Map()
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'zones-'))
  allocation = createAllocation()
  seconds = 1_000_000
  serials = new Map()
  kept = new Map()
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
/** One load after the other, as the server does it. */
async function load(from = folder): Promise<ZonesLoaded> {
  const known = { own: serials, shared: null }
  const names = noKnownNames
  const job = { folder: from, allocation, serials: known, names, kept, wallMs: seconds * 1000 }
  const zones = await loadZones({ ...job, filesMax: 100, isAlone: true })
  if (zones.kind === 'loaded') ({ allocation, serials, kept } = zones)
  return zones
}

async function loaded(): Promise<Extract<ZonesLoaded, { kind: 'loaded' }>> {
  const zones = await load()
  if (zones.kind !== 'loaded') throw new Error(JSON.stringify(zones.diagnostics))
  return zones
}
const codes = (zones: ZonesLoaded): string[] =>
  zones.kind === 'rejected' ? zones.diagnostics.map(({ code }) => code) : []

it('reads every zone file of the folder and nothing else', async () => {
  write('b.yaml', zone('b.test', '192.0.2.1'))
  write('a.yml', zone('A.test', '192.0.2.1'))
  write('.hidden.yaml', 'no')
  write('a.yaml~', 'no')
  expect((await loaded()).zones.map(({ name }) => name)).toEqual(['b.test', 'a.test'].sort())
})

it('refuses a folder that is missing, empty, or no folder', async () => {
  expect(codes(await load(join(folder, 'none')))).toEqual(['unreadable-file'])
  expect(codes(await load())).toEqual(['no-zones'])
  write('a.yaml', zone('a.test', '192.0.2.1'))
  expect(codes(await load(join(folder, 'a.yaml')))).toEqual(['unreadable-file'])
})

it('refuses what is too large, or no text', async () => {
  write('b.yaml', '#'.repeat(4 * 1024 * 1024 + 1))
  writeFileSync(join(folder, 'c.yaml'), Buffer.from('zone: a\nsoa: "\u00fc\xe9"\n', 'latin1'))
  const zones = await load()
  expect(codes(zones)).toEqual(['too-large', 'not-utf8'])
  expect(zones).toMatchObject({ diagnostics: [{}, { line: 2, column: 7 }] })
})

it('warns of one address under two names in two zones, where the names of its targets differ', async () => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  write('b.yaml', zone('b.test', '192.0.2.1'))
  expect((await loaded()).warnings).toEqual([])
  write('b.yaml', zone('b.test', '192.0.2.1').replaceAll('mx1', 'in1'))
  const { warnings } = await loaded()
  expect(warnings).toMatchObject([
    {
      code: 'shared-address',
      file: join(folder, 'b.yaml'),
      line: 3,
      path: 'targets.in1.addresses',
      message: expect.stringMatching(/^192\.0\.2\.1 is target mx1 in a\.test: /) as string,
    },
  ])
})

/** What can be in the place of a zone file, and cannot be read. */
const unreadable: readonly (readonly [string, (path: string) => void])[] = [
  ['folder', (path) => mkdirSync(path)],
  ['pipe', (path) => void execFileSync('mkfifo', [path])],
  ['device', (path) => symlinkSync('/dev/zero', path)],
  ['link that leads nowhere', (path) => symlinkSync('nowhere', path)],
  ['link that leads to itself', (path) => symlinkSync('a.yaml', path)],
]

const warnings = (zones: ZonesLoaded): string[] =>
  zones.kind === 'loaded' ? zones.warnings.map(({ code, message }) => `${code} ${message}`) : []

it.each(unreadable)('serves the others beside a %s, and says so', async (_, put) => {
  put(join(folder, 'a.yaml'))
  write('b.yaml', zone('b.test', '192.0.2.1'))
  const zones = await loaded()
  expect(zones.zones.map(({ name }) => name)).toEqual(['b.test'])
  expect(zones.isComplete).toBe(false)
  expect(warnings(zones)).toEqual([
    expect.stringMatching(/^unreadable-file cannot read the file: .*; its zone is not served$/),
  ])
})

it.each(unreadable)('serves what a file had before it became a %s', async (_, put) => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  write('b.yaml', zone('b.test', '192.0.2.1'))
  const before = await loaded()
  rmSync(join(folder, 'a.yaml'))
  put(join(folder, 'a.yaml'))
  write('b.yaml', zone('b.test', '192.0.2.3'))
  const after = await loaded()
  expect(after.zones[0]).toEqual(before.zones[0])
  expect(after.content).not.toBe(before.content)
  expect(warnings(after)).toEqual([
    expect.stringMatching(/^unreadable-file .*; what it had before is served$/),
  ])
  expect(after.isComplete).toBe(false)
  rmSync(join(folder, 'a.yaml'), { recursive: true })
  const without = await loaded()
  expect(without.zones.map(({ name }) => name)).toEqual(['b.test'])
  expect(without.isComplete).toBe(true)
})

it('refuses a folder of which nothing can be read', async () => {
  for (const name of ['a.yaml', 'b.yml']) symlinkSync('nowhere', join(folder, name))
  expect(codes(await load())).toEqual(['unreadable-file', 'unreadable-file'])
})

it('names what looks like a zone file and is none, and nothing else', async () => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  for (const name of ['b.YAML', 'c.Yml', 'd.zone', 'e.db', 'f.json']) write(name, 'no')
  for (const name of ['.#a.yaml', '.a.yaml.swp', 'a.yaml~', 'README.md', '#a.yaml#', '.yaml'])
    write(name, 'no')
  symlinkSync('user@host.1234:5678', join(folder, '.#b.yaml'))
  const zones = await loaded()
  expect(zones.warnings.map(({ code, file }) => [code, file.slice(folder.length + 1)])).toEqual(
    ['b.YAML', 'c.Yml', 'd.zone', 'e.db', 'f.json'].map((name) => ['not-read', name]),
  )
  expect(zones.isComplete).toBe(true)
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
  write('a.yaml', zone('a.test', '192.0.2.10', '# a comment'))
  expect(await serialNow()).toBe(1_000_011)
  // A start of the same files, with what was remembered.
  seconds += 1000
  allocation = createAllocation()
  expect(await serialNow()).toBe(1_000_011)
})

it('tells by its hash whether anything changed', async () => {
  write('a.yaml', zone('a.test', '192.0.2.1'))
  const { hash } = await loaded()
  expect((await loaded()).hash).toBe(hash)
  write('a.yaml', zone('a.test', '192.0.2.1', '# a comment'))
  expect((await loaded()).hash).not.toBe(hash)
})
