import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatMistakes } from '../../src/config/format-mistakes.ts'
import { type Settings, type SettingsInput, loadSettings } from '../../src/config/settings.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-settings-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const host = { name: 'mail-1.example', parallelism: 6 }
let files = 0
function file(text: string): string {
  const name = join(scratch, `settings-${files++}.yaml`)
  writeFileSync(name, text)
  return name
}

const load = (input: Partial<SettingsInput>) => loadSettings({ flags: {}, env: {}, host, ...input })

async function settings(input: Partial<SettingsInput>): Promise<Settings> {
  const loaded = await load(input)
  if (loaded.kind === 'rejected') throw new Error(formatMistakes(loaded.mistakes))
  return loaded.settings
}

async function mistakes(input: Partial<SettingsInput>): Promise<string[]> {
  const loaded = await load(input)
  const found = loaded.kind === 'rejected' ? loaded.mistakes : loaded.warnings
  return found.map(
    ({ file, line, column, code, message }) =>
      `${file.replace(/.*\//, '')} ${line}:${column} ${code} ${message}`,
  )
}

it('needs nothing to be said', async () => {
  expect(await settings({})).toEqual({
    listen: [{ address: '127.0.0.1', port: 5300 }],
    admin: { address: '127.0.0.1', port: 8053 },
    zones: 'zones',
    state: 'memory',
    workers: 6,
    instance: 'mail-1.example',
    site: 'default',
    lameduckSeconds: 5,
    readyWithinSeconds: 30,
    maxUdpOctets: 1232,
    logLevel: 'info',
    geoip: {},
  })
})

it('reads every key of the file', async () => {
  const configFile = file(`
listen: [0.0.0.0:53, "[2001:db8::1]:53"]
admin: off
zones: /etc/mxsteer/zones
state: memory
workers: 3
instance: ns1
site: fra
lameduck: 1m
ready_within: 10
max_udp: 4096
log_level: debug
geoip: { country: /geo/country.mmdb, asn: /geo/asn.mmdb }
`)
  expect(await settings({ configFile })).toEqual({
    listen: [
      { address: '0.0.0.0', port: 53 },
      { address: '2001:db8::1', port: 53 },
    ],
    admin: null,
    zones: '/etc/mxsteer/zones',
    state: 'memory',
    workers: 3,
    instance: 'ns1',
    site: 'fra',
    lameduckSeconds: 60,
    readyWithinSeconds: 10,
    maxUdpOctets: 4096,
    logLevel: 'debug',
    geoip: { country: '/geo/country.mmdb', asn: '/geo/asn.mmdb' },
  })
})

describe('precedence', () => {
  const configFile = file('workers: 2\nsite: file\ninstance: file\nzones: file\n')
  const env = {
    MXSTEER_SITE: 'env',
    MXSTEER_INSTANCE: 'env',
    MXSTEER_WORKERS: '4',
    MXSTEER_ZONES: '',
  }
  const flags = { instance: 'flag', 'log-level': 'warn' }

  it('is flags over environment over file over defaults', async () => {
    const { workers, site, instance, zones, logLevel, maxUdpOctets } = await settings({
      configFile,
      env,
      flags,
    })
    expect({ workers, site, instance, zones, logLevel, maxUdpOctets }).toEqual({
      workers: 4,
      site: 'env',
      instance: 'flag',
      // An empty variable counts as none.
      zones: 'file',
      logLevel: 'warn',
      maxUdpOctets: 1232,
    })
  })

  it('holds for the name of the file as well', async () => {
    const other = file('site: other\n')
    expect((await settings({ configFile, env: { MXSTEER_CONFIG: other } })).site).toBe('other')
    expect(
      (await settings({ env: { MXSTEER_CONFIG: configFile }, flags: { config: other } })).site,
    ).toBe('other')
  })
})

it('splits MXSTEER_LISTEN at commas, and takes --listen many times', async () => {
  const two = [
    { address: '127.0.0.1', port: 53 },
    { address: '::1', port: 53 },
  ]
  expect((await settings({ env: { MXSTEER_LISTEN: '127.0.0.1:53, [::1]:53' } })).listen).toEqual(
    two,
  )
  expect((await settings({ flags: { listen: ['127.0.0.1:53', '[::1]:53'] } })).listen).toEqual(two)
})

it('names every mistake by flag, variable, or line', async () => {
  const configFile = file('worker: 3\nmax_udp: 100\nadmin: localhost:80\n')
  const env = { MXSTEER_LISTEN: '127.0.0.1,::1:53', MXSTEER_LOG_LEVEL: 'loud' }
  expect(
    await mistakes({ configFile, env, flags: { workers: '0', listen: ['1.2.3.4:99999'] } }),
  ).toEqual(
    [
      `${configFile.replace(/.*\//, '')} 1:1 unknown-key unknown key "worker", did you mean "workers"?`,
      `${configFile.replace(/.*\//, '')} 3:8 bad-value expected ADDRESS:PORT such as 127.0.0.1:8053, or off, got "localhost:80"`,
      `${configFile.replace(/.*\//, '')} 2:10 bad-value expected a size in octets from 512 to 4096, got 100`,
      'MXSTEER_LISTEN 0:0 bad-value expected ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300, got "127.0.0.1"',
      'MXSTEER_LISTEN 0:0 bad-value expected ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300, got "::1:53"',
      'MXSTEER_LOG_LEVEL 0:0 bad-value expected trace, debug, info, warn, error, fatal or silent, got "loud"',
      '--workers 0:0 bad-value expected a count from 1 to 256, got "0"',
      '--listen 0:0 bad-value expected ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300, got "1.2.3.4:99999"',
    ].sort((a, b) => rank(a) - rank(b)),
  )
})

/** The file first, in its order of lines; then variables; then flags. */
const rank = (line: string): number =>
  line.startsWith('--') ? 3 : line.startsWith('MXSTEER') ? 2 : 0

it('says that a file is missing', async () => {
  const found = await mistakes({ flags: { config: '/nonexistent/mxsteer.yaml' } })
  expect(found).toEqual([
    'mxsteer.yaml 1:1 unreadable-file cannot read the file: it does not exist',
  ])
})

it('takes a file of nothing but comments', async () => {
  expect((await settings({ configFile: file('# all defaults\n') })).site).toBe('default')
})

it('warns of a slip in a variable, not of what orchestrators set', async () => {
  const env = {
    MXSTEER_LISTN: 'x',
    MXSTEER_PORT: 'tcp://10.0.0.1:53',
    MXSTEER_SERVICE_HOST: '10.0.0.1',
  }
  expect(await mistakes({ env })).toEqual([
    'MXSTEER_LISTN 0:0 unknown-variable unknown variable, did you mean MXSTEER_LISTEN?',
  ])
})

describe('a password in the URL of a store', () => {
  const urls = [
    'redis://:hunter2@10.0.0.1:6379/0',
    'rediss://user:hunter2@store',
    'redis://store?password=hunter2',
    'redis:/:hunter2@store',
    'redis:hunter2',
  ]
  it.each(urls)('is never repeated: %s', async (url) => {
    const inputs = [
      { env: { MXSTEER_STATE: url } },
      { flags: { state: url } },
      { configFile: file(`state: "${url}"\nworkers: 0\n`) },
      { configFile: file(`{ workers: 0, state: "${url}" }\n`) },
    ]
    for (const input of inputs) {
      const loaded = await load(input)
      expect(loaded.kind).toBe('rejected')
      const said = loaded.kind === 'rejected' ? JSON.stringify(loaded.mistakes) : ''
      expect(said).toContain('expected memory')
      expect(said).not.toContain('hunter2')
    }
  })
})
