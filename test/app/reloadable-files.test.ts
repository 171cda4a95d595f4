// What is written while the server starts, and what could not be read at first: both are read without another change.

import { nothingHanded } from '../../src/coherence/handed-out.ts'
import { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'

import type { Log } from '../../src/app/log.ts'
import { isReleaseDue, readFiles, reloadOnChange } from '../../src/app/reloadable-files.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { createSigningTime } from '../../src/dnssec/signing-clock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { isZoneFile } from '../../src/zonefile/read-folder.ts'
import { lookAtFolder } from '../../src/zonefile/watch-files.ts'
import { countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import { makeCertificate, replaceFile } from '../support/certificate.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

type Consumers = Parameters<typeof reloadOnChange>[1]

const zoneFile = (name: string, address: string, extra = plain): string => `
zone: ${name}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  ns1: { A: ${address} }
  "@": { NS: [ns1]${extra}`

const plain = ' }\n'

const steered = `, MX: { steer: inbound } }
targets: { mx1: { addresses: [192.0.2.1] } }
pools: { main: { targets: { mx1: 1 } } }
steering: { inbound: [{ when: { country: DE }, pools: [main] }, { pools: [main] }] }
`

const nothing = (): void => {}
const log = { info: nothing, warn: nothing, error: nothing } as unknown as Log
const names = { restored: new Map(), shared: async () => null, hasSecondaries: false }
const memory = {
  restored: new Map(),
  signed: new Map(),
  handed: { restored: nothingHanded, shared: async () => new Map() },
  shared: async () => null,
  names,
}

/** Reads the files, lets `meanwhile` write, and goes on as the start does; collects what is put in force. */
async function begin(settings: Partial<Settings>, meanwhile: () => void, watched = settings.zones) {
  const all = { geoip: {}, streams: { tls: null }, ...settings } as Settings
  const read = await readFiles(
    all,
    { log, clock: systemClock, signingTime: createSigningTime(systemClock) },
    memory,
  )
  if (read.kind === 'bad-files') throw new Error(JSON.stringify(read.diagnostics))
  meanwhile()
  const published: string[] = []
  const looks = { ...read.files.looks }
  if (watched !== settings.zones) looks.zones = await lookAtFolder(watched ?? '', isZoneFile)
  const consumers = {
    ...read.files,
    looks,
    log,
    parts: { run: (_: string, start: () => unknown) => start() },
    watch: { update: nothing },
    controlPlane: { setTargets: nothing },
    reputation: { update: nothing },
    recorders: { history: { update: nothing } },
    cluster: {
      publishConfig: nothing,
      publishSerials: nothing,
      publishNames: nothing,
      onSerialsBehind: nothing,
      onForeignNames: nothing,
      namesReadMs: () => Infinity,
      publishHanded: nothing,
      onForeignHanded: nothing,
    },
    clock: systemClock,
    state: { flushSoon: nothing },
    workers: {
      publish: () => published.push('zones'),
      publishPlaces: () => published.push('places'),
      renewCertificate: () => published.push('certificate'),
    },
  } as unknown as Consumers
  const watch = await reloadOnChange(watched ?? '', consumers)
  return { files: read.files, published, watch }
}

/** Much longer than the poll of a folder, so that only a change that was missed is late. */
const notice = { withinMs: 60_000 }

afterEach(() => void vi.useRealTimers())

it('takes over what was written between the first read and the watch', async () => {
  const zones = temporaryFolder()
  const file = join(zones, 'a.yaml')
  const country = join(temporaryFolder(), 'country.mmdb')
  const [pair, next] = [makeCertificate('one.test'), makeCertificate('next.test')]
  writeFileSync(file, zoneFile('a.test', '192.0.2.53', steered))
  writeFileSync(country, mmdbFile([['11.0.0.0/8', countryOf('DE')]]))
  const tls = { listen: { address: '127.0.0.1', port: 853 }, ...pair }
  const streams = { tls } as unknown as Settings['streams']
  const { files, published, watch } = await begin({ zones, geoip: { country }, streams }, () => {
    writeFileSync(`${file}.new`, zoneFile('b.test', '192.0.2.54', steered))
    renameSync(`${file}.new`, file)
    writeFileSync(`${country}.new`, mmdbFile([['11.0.0.0/8', countryOf('FR')]]))
    renameSync(`${country}.new`, country)
    replaceFile(next.certificate, pair.certificate)
    replaceFile(next.key, pair.key)
  })
  try {
    for (const what of ['zones', 'places', 'certificate'])
      await until(() => published.includes(what), { what, ...notice })
    expect(files.zones.current().zones.map(({ name }) => name)).toEqual(['b.test'])
    expect(files.certificate?.current()?.pair).toEqual(next.pair)
  } finally {
    watch.close()
  }
})

it('tries files again that could not be read, though nothing shows a change of them', async () => {
  const zones = temporaryFolder()
  writeFileSync(join(zones, 'a.yaml'), zoneFile('a.test', '192.0.2.53'))
  const late = join(zones, 'b.yaml')
  mkdirSync(late)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  // The watch is of another folder, so that it sees nothing.
  const { files, published, watch } = await begin({ zones }, nothing, temporaryFolder())
  try {
    const mistakes = (): readonly string[] =>
      files.zones.lastReload().mistakes.map((mistake) => `${mistake.code} ${mistake.file}`)
    expect(mistakes()).toEqual([`unreadable-file ${late}`])
    rmdirSync(late)
    writeFileSync(late, zoneFile('b.test', '192.0.2.54'))
    vi.advanceTimersByTime(30_000)
    vi.useRealTimers()
    await until(() => published.includes('zones'), { what: 'the other zone', ...notice })
    expect(mistakes()).toEqual([])
    expect(files.zones.current().zones.map(({ name }) => name)).toEqual(['a.test', 'b.test'])
  } finally {
    watch.close()
  }
})

it.each([
  ['once no cache leads to it', { wallMs: 2000, readMs: 2000 }, true],
  ['not while one may', { wallMs: 1000, readMs: 2000 }, false],
  ['not by what the store was read for before', { wallMs: 2000, readMs: 1000 }, false],
  ['without a store by the clock alone', { wallMs: 2000, readMs: Infinity }, true],
  ['not out of files with mistakes', { wallMs: 2000, readMs: 2000, successful: false }, false],
])('releases a name %s', (_, { wallMs, readMs, ...last }, isDue) => {
  const departed = { owner: 'mx1.a.test.', type: 1, ttl: 60, rdata: ['192.0.2.1'], keepSeconds: 60 }
  const kept = new Map([['a.test', { current: [], departed: [{ ...departed, untilMs: 1500 }] }]])
  const zones = { lastReload: () => ({ successful: true, ...last }), names: () => kept }
  const consumers = {
    zones,
    clock: { wallMs: () => wallMs },
    cluster: { namesReadMs: () => readMs },
  }
  expect(isReleaseDue(consumers as unknown as Parameters<typeof isReleaseDue>[0])).toBe(isDue)
  zones.names = () => new Map()
  expect(isReleaseDue(consumers as unknown as Parameters<typeof isReleaseDue>[0])).toBe(false)
})
