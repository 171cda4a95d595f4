// `records_file`: a master file beside the YAML of a zone, from the folder to the zone that is served.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { keyOfName, parseName } from '../../src/wire/name.ts'
import { formatRdata } from '../../src/wire/rdata/format.ts'
import { createZoneKeeper } from '../../src/zonefile/zone-keeper.ts'
import { isZoneFile } from '../../src/zonefile/read-folder.ts'
import type { ZonesRead } from '../../src/zonefile/load-zones.ts'
import { openCatalog } from '../../src/zone/packed-catalog.ts'
import { readZonesHere } from '../support/read-zones.ts'
import { watchFiles } from '../../src/zonefile/watch-files.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

let folder = ''
beforeEach(() => {
  folder = join(temporaryFolder(), 'zones')
  mkdirSync(folder)
})

const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text)
}

const yaml = (extra = '', file = 'static.zone'): string => `zone: a.test
records_file: ${file}
${extra}`

const master = `$TTL 3600
@ SOA ns1 hostmaster 2026010101 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.1
`

const soa = 'soa: { mname: primary, rname: hostmaster }\n'

/** Without a thread, which a load of the server has. */
const load = (): Promise<ZonesRead> => readZonesHere(folder, { wallMs: 1_700_000_000_000 })

const found = (read: ZonesRead): string[] =>
  (read.kind === 'rejected' ? read.diagnostics : read.warnings).map(
    ({ file, line, column, code, message }) =>
      `${file.slice(folder.length + 1)}:${line}:${column} ${code} ${message}`,
  )

type Loaded = Extract<ZonesRead, { kind: 'loaded' }>

async function loaded(): Promise<Loaded> {
  const read = await load()
  if (read.kind !== 'loaded') throw new Error(found(read).join('\n'))
  return read
}

/** TTL and data of a set of the one zone. */
function dataOf({ packed }: Loaded, owner: string, type: number): string[] {
  const [zone] = openCatalog(packed).zones.values()
  const name = parseName(owner)
  const key = name.kind === 'name' ? keyOfName(name.name) : ''
  const set = zone?.nodes.get(key)?.sets.get(type)
  return set?.kind === 'plain'
    ? set.rdata.map(({ octets }) => `${set.ttl} ${formatRdata(type, octets)}`)
    : []
}

const [A, NS, SOA, MX] = [1, 2, 6, 15]

it('serves the records of the file, its SOA and its NS where the YAML has none', async () => {
  write('a.yaml', yaml())
  write('static.zone', master)
  const zones = await loaded()
  expect(zones.warnings).toEqual([])
  expect(dataOf(zones, 'www.a.test.', A)).toEqual(['3600 192.0.2.1'])
  expect(dataOf(zones, 'a.test.', NS)).toEqual(['3600 ns1.a.test.'])
  expect(dataOf(zones, 'a.test.', SOA)).toEqual([
    expect.stringMatching(/^60 ns1\.a\.test\. hostmaster\.a\.test\. \d+ 7200 900 1209600 300$/),
  ])
  // A serial that secondaries of the zone before would take.
  const serial = zones.zones[0]?.serial ?? 0
  expect((serial - 2026010101) | 0).toBeGreaterThan(0)
})

it('leaves out the SOA and the NS of the file where the YAML has its own, and says so', async () => {
  write('a.yaml', yaml(`${soa}records: { "@": { NS: [ns1] } }\n`))
  write('static.zone', master.replace('@ NS ns1', '@ NS old.invalid.'))
  const zones = await loaded()
  expect(found(zones)).toEqual([
    'static.zone:2:3 superseded the SOA of the zone is that of `soa:`: this one is left out',
    'static.zone:3:3 superseded the NS of the zone are those of records.@.NS: these are left out',
  ])
  expect(dataOf(zones, 'a.test.', NS)).toEqual(['60 ns1.a.test.'])
  expect(dataOf(zones, 'a.test.', SOA)[0]).toMatch(/^60 primary\.a\.test\./)
})

it('asks for an SOA and for NS in one of the two', async () => {
  write('a.yaml', yaml())
  write('static.zone', 'www A 192.0.2.1\n')
  expect(found(await load())).toEqual([
    'a.yaml:1:1 missing missing, expected a map such as { mname: ns1, rname: hostmaster.example.com. }, or an SOA in the file that records_file names',
    'a.yaml:1:1 no-apex-ns the zone has no NS at its apex, expected the servers that the parent zone delegates to, such as "@": { NS: [ns1, ns2] }',
  ])
})

it('joins other types at a name, and refuses one type in two places, naming both', async () => {
  write('a.yaml', yaml('records:\n  www: { MX: 10 www }\n'))
  write('static.zone', master)
  expect(dataOf(await loaded(), 'www.a.test.', MX)).toEqual(['60 10 www.a.test.'])
  write('a.yaml', yaml('records:\n  www: { A: 192.0.2.9 }\n'))
  expect(found(await load())).toEqual([
    'static.zone:5:5 duplicate-type the A of www.a.test. is given by records.www.A too, expected in one place',
  ])
  write('a.yaml', yaml('targets: { www: { addresses: [192.0.2.9] } }\n'))
  expect(found(await load())[0]).toMatch(/^static\.zone:5:5 address-clash target www owns the A/)
})

it.each([
  ['alias CNAME www\nalias A 192.0.2.1\n', '6:7 cname-beside-other-data'],
  ['one CNAME www\none CNAME ns1\n', '6:5 several-aliases'],
  ['out.test. A 192.0.2.1\n', '6:11 out-of-zone'],
  ['x.a.test A 192.0.2.1\n', '6:10 doubled-zone'],
  ['mx MX 10 nowhere\n', '6:7 points-at-nothing'],
  ['two A 192.0.2.1\ntwo A 192.0.2.1\n', '7:7 duplicate-record'],
  ['child NS ns1\nx.child TXT y\n', '7:9 occluded'],
  ['d DNAME e.test.\nx.d A 192.0.2.1\n', '7:5 dname-with-data-below'],
  ['n MX 0 .\nn MX 10 www\n', '6:3 null-mx-beside-others'],
])('checks %j as it does records of the YAML', async (text, expected) => {
  write('a.yaml', yaml())
  write('static.zone', master + text)
  expect(found(await load())).toEqual([expect.stringContaining(`static.zone:${expected}`)])
})

it('finds the mistakes of both files at once', async () => {
  write('a.yaml', yaml('ttl: 0\n'))
  write('static.zone', `${master}x A y\nalias CNAME www\n  TXT z\n`)
  const mistakes = found(await load()).map((one) => one.split(' ', 2).join(' '))
  expect(mistakes).toEqual([
    'a.yaml:3:6 bad-value',
    'static.zone:6:5 bad-rdata',
    'static.zone:7:7 cname-beside-other-data',
  ])
  // A file that is not read for a mistake in the YAML is named all the same.
  write('a.yaml', yaml('colour: blue\n'))
  expect(found(await load())).toEqual([expect.stringMatching(/^a\.yaml:3:1 unknown-key/)])
})

it.each([
  ['/etc/passwd', /^a\.yaml:2:15 bad-value expected the path of a master file/],
  ['../static.zone', /^a\.yaml:2:15 bad-value/],
  ['sub/../../x', /^a\.yaml:2:15 bad-value/],
  ['""', /^a\.yaml:2:15 bad-value/],
  ['none.zone', /^a\.yaml:2:15 unreadable-file cannot read none\.zone: it does not exist/],
  ['link.zone', /^a\.yaml:2:15 bad-path cannot read link\.zone: a symbolic link leads out/],
  ['up/static.zone', /^a\.yaml:2:15 bad-path cannot read up\/static\.zone: a symbolic link/],
])('refuses the path %s', async (path, expected) => {
  writeFileSync(join(folder, '../static.zone'), master)
  symlinkSync('../static.zone', join(folder, 'link.zone'))
  symlinkSync('..', join(folder, 'up'))
  write('a.yaml', yaml('', path))
  const mistakes = found(await load()).filter((one) => !one.includes(' not-read '))
  expect(mistakes).toEqual([expect.stringMatching(expected)])
})

it('follows links within the folder, as a mount of Kubernetes has them', async () => {
  write('..2026/static.zone', master)
  write('..2026/a.yaml', yaml())
  symlinkSync('..2026', join(folder, '..data'))
  for (const name of ['a.yaml', 'static.zone']) symlinkSync(`..data/${name}`, join(folder, name))
  expect((await loaded()).zones).toHaveLength(1)
})

it('has a serial and a hash of what both files say', async () => {
  const digest = async (): Promise<string> => (await loaded()).content
  write('a.yaml', yaml(soa, 'sub/static.zone'))
  write('sub/static.zone', master)
  const before = await digest()
  expect(await digest()).toBe(before)
  write('sub/static.zone', master.replace('www A', '; a comment\nwww   IN A'))
  expect(await digest()).toBe(before)
  write('sub/static.zone', `www 3600 A 192.0.2.1\n${master.replace(/www.*\n/, '')}`)
  expect(await digest()).toBe(before)
  write('sub/static.zone', `${master}www MX 10 www\nwww TXT x\n`)
  const two = await digest()
  write('sub/static.zone', `www 3600 TXT x\nwww 3600 MX 10 www\n${master}`)
  expect(await digest()).toBe(two)
  write('sub/static.zone', `${master}$INCLUDE sub/more\n`)
  write('sub/more', '; nothing\n')
  expect(await digest()).toBe(before)
  write('sub/more', 'more A 192.0.2.7\n')
  const after = await digest()
  expect(after).not.toBe(before)
  write('sub/more', 'more 60 A 192.0.2.7\n')
  expect(await digest()).not.toBe(after)
})

it('takes the time of the file that changed last for the serial', async () => {
  write('a.yaml', yaml(soa))
  write('static.zone', master)
  utimesSync(join(folder, 'a.yaml'), 1_600_000_000, 1_600_000_000)
  utimesSync(join(folder, 'static.zone'), 1_600_000_500, 1_600_000_500)
  expect((await loaded()).zones).toMatchObject([{ name: 'a.test', serial: 1_600_000_500 }])
})

it('warns of master files that no zone names, and of none that one does', async () => {
  write('a.yaml', yaml())
  write('static.zone', master)
  write('other.zone', master)
  expect(found(await load())).toEqual([expect.stringMatching(/^other\.zone:1:1 not-read /)])
})

const memory = { restored: new Map(), shared: async () => null }

it('serves what a file had before it could not be read, and the other zones', async () => {
  write('a.yaml', yaml('', 'sub/static.zone'))
  write('sub/static.zone', master)
  write('b.yaml', `zone: b.test\n${soa}records: { "@": { NS: ns.invalid. } }\n`)
  const keeper = createZoneKeeper({ folder, filesMax: 10 }, { clock: systemClock, memory })
  expect((await keeper.load()).kind).toBe('loaded')
  unlinkSync(join(folder, 'sub/static.zone'))
  execFileSync('mkfifo', [join(folder, 'sub/static.zone')])
  const kept = await keeper.load()
  expect(kept).toMatchObject({
    kind: 'loaded',
    warnings: [{ code: 'unreadable-file', file: join(folder, 'sub/static.zone') }],
  })
  expect(keeper.current().zones).toHaveLength(2)
  expect(keeper.lastReload().successful).toBe(false)
  // Without anything kept the zone is left out.
  const fresh = createZoneKeeper({ folder, filesMax: 10 }, { clock: systemClock, memory })
  expect((await fresh.load()).kind).toBe('loaded')
  expect(fresh.current().zones.map(({ name }) => name)).toEqual(['b.test'])
  expect(fresh.lastReload().successful).toBe(false)
  // A file that is gone is a mistake: the zones before stay.
  rmSync(join(folder, 'sub/static.zone'))
  expect((await keeper.load()).kind).toBe('rejected')
  expect(keeper.current().zones).toHaveLength(2)
})

it('reads zones again when a file changes that they include', async () => {
  write('a.yaml', yaml())
  write('static.zone', `${master}$INCLUDE sub/more.zone\n$INCLUDE sub/late.zone\n`)
  write('sub/more.zone', 'more A 192.0.2.7\n')
  const keeper = createZoneKeeper({ folder, filesMax: 10 }, { clock: systemClock, memory })
  const results: string[] = []
  const reload = async (): Promise<void> => void results.push((await keeper.load()).kind)
  await reload()
  const first = { fingerprint: '', others: () => keeper.lastReload().masterLooks }
  const watch = await watchFiles(folder, isZoneFile, () => void reload(), first)
  const within = { withinMs: 60_000 }
  try {
    // The fingerprint of before is none.
    await until(() => results.length === 2, { what: 'the first look', ...within })
    expect(results).toEqual(['rejected', 'rejected'])
    write('sub/late.zone', 'late A 192.0.2.8\n')
    await until(() => results.at(-1) === 'loaded', { what: 'a load with the late file', ...within })
    const { content } = keeper.current()
    write('sub/more.zone', 'more A 192.0.2.77\n')
    await until(() => keeper.current().content !== content, { what: 'a change', ...within })
  } finally {
    watch.close()
  }
}, 600_000)
