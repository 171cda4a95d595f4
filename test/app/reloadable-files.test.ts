// What is written while the server starts, and what could not be read at first: both are read without another change.

import { nothingHanded } from '../../src/coherence/handed-out.ts'
import { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'

import type { Log } from '../../src/app/log.ts'
import { readFiles, reloadOnChange } from '../../src/app/reloadable-files.ts'
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
const names = { restored: new Map(), hasSecondaries: false }
const memory = {
  restored: new Map(),
  signed: new Map(),
  handed: { restored: nothingHanded, shared: async () => new Map() },
  shared: async () => null,
}

/** Reads the files, lets `meanwhile` write, and goes on as the start does; collects what is put in force. */
async function begin(
  settings: Partial<Settings>,
  meanwhile: () => void,
  watched = settings.zones,
  { clock, store } = { clock: systemClock, store: { readMs: Infinity } },
) {
  const all = { geoip: {}, streams: { tls: null }, ...settings } as Settings
  const read = await readFiles(
    all,
    { log, clock, signingTime: createSigningTime(clock) },
    { ...memory, names: { ...names, shared: async () => ({ sets: new Map(), ...store }) } },
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
    cluster: {
      publishConfig: nothing,
      publishSerials: nothing,
      publishNames: nothing,
      onSerialsBehind: nothing,
      onForeignNames: nothing,
      namesReadMs: () => store.readMs,
      publishHanded: nothing,
      onForeignHanded: nothing,
    },
    clock,
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

it('releases a name once no cache leads to it, by what the store was read for, and not from files with mistakes', async () => {
  const zones = temporaryFolder()
  const file = join(zones, 'a.yaml')
  const [old, next] = ['mx1', 'mx2'].map((name) =>
    zoneFile('a.test', '192.0.2.53', steered.replaceAll('mx1', name)),
  ) as [string, string]
  writeFileSync(file, old)
  const ahead = { ms: 0 }
  const clock = {
    wallMs: () => Date.now() + ahead.ms,
    monotonicMs: () => systemClock.monotonicMs() + ahead.ms,
  }
  const store = { readMs: Date.now() }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { files, watch } = await begin({ zones }, nothing, temporaryFolder(), { clock, store })
  /** What is written, after the looks at what is kept that come first: how many of them loaded, and what is kept then. */
  const write = async (
    text: string,
  ): Promise<{ readonly loads: number; readonly kept: number }> => {
    const { success, failure } = files.zones.reloads()
    for (let look = 0; look < 5; look++) {
      ahead.ms += 10_000
      vi.advanceTimersByTime(1000)
    }
    writeFileSync(file, text)
    // It waits for those that were begun.
    await files.zones.load()
    const after = files.zones.reloads()
    const kept = [...files.zones.names().values()].flatMap(({ departed }) => departed).length
    return { loads: after.success + after.failure - success - failure - 1, kept }
  }
  try {
    expect(await write(next)).toEqual({ loads: 0, kept: 1 })
    ahead.ms += 86_400_000
    expect(await write(next)).toEqual({ loads: 0, kept: 1 })
    store.readMs = clock.wallMs()
    expect(await write('zone: [')).toMatchObject({ loads: 1 })
    expect(await write(next)).toMatchObject({ loads: 0 })
  } finally {
    watch.close()
  }
})
