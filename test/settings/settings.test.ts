import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatDiagnostics } from '../../src/zonefile/diagnostic.ts'
import { type Settings, type SettingsInput, loadSettings } from '../../src/settings/settings.ts'
import { parseNetwork } from '../../src/lib/ip.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-settings-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const host = { name: 'mail-1.example', parallelism: 6 }
let files = 0
function file(text: string): string {
  const name = join(scratch, `settings-${files++}.yaml`)
  writeFileSync(name, text)
  return name
}

const networksOf = (...texts: readonly string[]) => texts.map((text) => parseNetwork(text))

const noStreams = { tls: null, proxy: null, transferAllow: [] }

/** The defaults of `answers`. */
const answers = {
  nsid: 'mail-1.example',
  chaosIdentity: 'mail-1.example',
  chaosVersion: 'mxsteer',
  cookieSecrets: [],
  rateLimit: {
    perSecond: 100,
    burst: 250,
    slip: 1,
    dryRun: false,
    exempt: networksOf('127.0.0.0/8', '::1/128', '::ffff:127.0.0.0/104'),
  },
}

const load = (input: Partial<SettingsInput>) => loadSettings({ flags: {}, env: {}, host, ...input })

async function settings(input: Partial<SettingsInput>): Promise<Settings> {
  const loaded = await load(input)
  if (loaded.kind === 'rejected') throw new Error(formatDiagnostics(loaded.diagnostics))
  return loaded.settings
}

async function diagnostics(input: Partial<SettingsInput>): Promise<string[]> {
  const loaded = await load(input)
  const found = loaded.kind === 'rejected' ? loaded.diagnostics : loaded.warnings
  return found.map(
    ({ file, line, column, code, message }) =>
      `${file.replace(/.*\//, '')} ${line}:${column} ${code} ${message}`,
  )
}

it('tells an endpoint of many commas and a blank at once', async () => {
  const configFile = file(`admin: "${'192.0.2.1:53,'.repeat(60)} 192.0.2.1 x"\n`)
  const [found = '', ...others] = await diagnostics({ flags: { config: configFile } })
  expect(others).toEqual([])
  expect(found).toContain(' 1:8 bad-value expected ADDRESS:PORT such as 127.0.0.1:8053')
})

it('has a default for everything', async () => {
  expect(await settings({})).toEqual({
    listen: [{ address: '127.0.0.1', port: 5300 }],
    admin: { address: '127.0.0.1', port: 8053 },
    adminHosts: [],
    adminRead: 'open',
    adminPrefix: '',
    hasConsole: true,
    adminToken: null,
    loadToken: null,
    stateDir: null,
    zones: 'zones',
    state: 'memory',
    workers: 6,
    transport: 'auto',
    resolver: null,
    instance: 'mail-1.example',
    site: 'default',
    lameduckSeconds: 5,
    readyWithinSeconds: 30,
    maxUdpOctets: 1232,
    maxZoneFiles: 10_000,
    logLevel: 'info',
    logFormat: 'auto',
    geoip: {},
    consoleUrl: null,
    historyAddresses: 10_000,
    forceUnsigned: [],
    keysFolder: null,
    canaries: [],
    probing: {
      source: { ipv4: null, ipv6: null },
      limits: { total: 4000, perHost: 4, perNetwork: 20 },
    },
    announce: null,
    streams: noStreams,
    answers,
  })
})

it('reads every key of the file', async () => {
  const secretFile = file(`# signs last\n\n${'0b'.repeat(16)}\n  ${'0c'.repeat(16)}  \n`)
  const configFile = file(`
listen: [0.0.0.0:53, "[2001:db8::1]:53"]
admin: off
admin_hosts: [NS1.example.com., mail-1]
admin_prefix: /ops/mxsteer
console: off
console_url: https://ns1.example.com/mxsteer/console/
history_addresses: 500
zones: /etc/mxsteer/zones
state: memory
workers: 3
instance: ns1
site: fra
lameduck: 1m
ready_within: 10
max_udp: 4096
max_zone_files: 25000
log_level: debug
log_format: text
geoip: { country: /geo/country.mmdb, asn: /geo/asn.mmdb }
dnssec: { keys: /etc/mxsteer/keys }
canaries: [192.0.2.1:53, "[2001:db8::1]:853"]
probe_source: [192.0.2.10, 2001:DB8::10]
probe_limits: { in_flight: 500, per_host: 1, per_network: 8 }
announce: { file: /run/mxsteer/announce, command: /usr/local/bin/tell }
transport: dgram
resolver: "[2001:db8::53]:53"
nsid: ns1.fra
chaos_identity: "off"
chaos_version: mxsteer of example.com
cookie_secret: ["${'0a'.repeat(16)}", "${'F1'.repeat(16)}"]
cookie_secret_file: ${secretFile}
rate_limit: { enabled: true, per_second: 40, burst: 90, slip: 2, dry_run: true, exempt: [192.0.2.0/24, 2001:db8::/32] }
`)
  expect(await settings({ configFile })).toEqual({
    announce: { file: '/run/mxsteer/announce', command: '/usr/local/bin/tell' },
    listen: [
      { address: '0.0.0.0', port: 53 },
      { address: '2001:db8::1', port: 53 },
    ],
    admin: null,
    adminHosts: ['ns1.example.com', 'mail-1'],
    adminRead: 'open',
    adminPrefix: '/ops/mxsteer',
    hasConsole: false,
    adminToken: null,
    loadToken: null,
    stateDir: null,
    zones: '/etc/mxsteer/zones',
    state: 'memory',
    workers: 3,
    transport: 'dgram',
    resolver: { address: '2001:db8::53', port: 53 },
    instance: 'ns1',
    site: 'fra',
    lameduckSeconds: 60,
    readyWithinSeconds: 10,
    maxUdpOctets: 4096,
    maxZoneFiles: 25_000,
    logLevel: 'debug',
    logFormat: 'text',
    geoip: { country: '/geo/country.mmdb', asn: '/geo/asn.mmdb' },
    consoleUrl: 'https://ns1.example.com/mxsteer/console/',
    historyAddresses: 500,
    forceUnsigned: [],
    keysFolder: '/etc/mxsteer/keys',
    canaries: [
      { address: '192.0.2.1', port: 53 },
      { address: '2001:db8::1', port: 853 },
    ],
    probing: {
      source: { ipv4: '192.0.2.10', ipv6: '2001:db8::10' },
      limits: { total: 500, perHost: 1, perNetwork: 8 },
    },
    streams: noStreams,
    answers: {
      nsid: 'ns1.fra',
      chaosIdentity: null,
      chaosVersion: 'mxsteer of example.com',
      cookieSecrets: [0x0a, 0xf1, 0x0b, 0x0c].map((octet) => new Uint8Array(16).fill(octet)),
      rateLimit: {
        perSecond: 40,
        burst: 90,
        slip: 2,
        dryRun: true,
        exempt: networksOf('192.0.2.0/24', '2001:db8::/32'),
      },
    },
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

it('names the flag, the variable or the line of every problem', async () => {
  const configFile = file('worker: 3\nmax_udp: 100\nadmin: localhost:80\n')
  const env = { MXSTEER_LISTEN: '127.0.0.1,::1:53', MXSTEER_LOG_LEVEL: 'loud' }
  expect(
    await diagnostics({ configFile, env, flags: { workers: '0', listen: ['1.2.3.4:99999'] } }),
  ).toEqual(
    [
      `${configFile.replace(/.*\//, '')} 1:1 unknown-key unknown key "worker", did you mean "workers"?`,
      `${configFile.replace(/.*\//, '')} 2:10 bad-value expected a size in octets from 512 to 4096, got 100`,
      `${configFile.replace(/.*\//, '')} 3:8 bad-value expected ADDRESS:PORT such as 127.0.0.1:8053, or off, got "localhost:80": write 127.0.0.1:80`,
      'MXSTEER_LISTEN 0:0 bad-value expected ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300, got "127.0.0.1": the port is missing, write 127.0.0.1:53',
      'MXSTEER_LISTEN 0:0 bad-value expected ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300, got "::1:53": write [::1]:53',
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
  const found = await diagnostics({ flags: { config: '/nonexistent/mxsteer.yaml' } })
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
  expect(await diagnostics({ env })).toEqual([
    'MXSTEER_LISTN 0:0 unknown-variable unknown variable, did you mean MXSTEER_LISTEN?',
  ])
})

describe('a password in the URL of a store', () => {
  const urls = [
    'redis://:hunter2@10.0.0.1:66379/0',
    'rediss://user:hunter2@store/zero',
    'redis+sentinel://:hunter2@store:26379',
    'redis://:hunter2%@store',
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
      const said = loaded.kind === 'rejected' ? JSON.stringify(loaded.diagnostics) : ''
      expect(said).toContain('expected memory')
      expect(said).not.toContain('hunter2')
    }
  })
})

describe('the rate limit', () => {
  const rateLimit = async (text: string) =>
    (await settings({ configFile: file(`rate_limit: ${text}\n`) })).answers.rateLimit

  it('is off on request', async () => {
    expect(await rateLimit('{ enabled: false, per_second: 5 }')).toBeNull()
  })

  it('has a burst that follows the rate, and never less than each worker needs', async () => {
    expect(await rateLimit('{ per_second: 1000 }')).toMatchObject({ burst: 2500 })
    expect(await rateLimit('{ per_second: 1 }')).toMatchObject({ burst: 6 * 25 })
    expect(await rateLimit('{ per_second: 1, burst: 3 }')).toMatchObject({ burst: 3 })
    const configFile = file('workers: 64\n')
    expect((await settings({ configFile })).answers.rateLimit).toMatchObject({ burst: 64 * 25 })
  })

  it('may exempt no network, or one that is not in a list', async () => {
    expect(await rateLimit('{ exempt: [] }')).toMatchObject({ exempt: [] })
    expect(await rateLimit('{ exempt: 10.0.0.0/8 }')).toMatchObject({
      exempt: networksOf('10.0.0.0/8'),
    })
  })

  it.each([
    ['{ per_second: 0 }', 'expected answers a second from 1 to 1000000, got 0'],
    ['{ slip: 0 }', 'expected a count from 1 to 100, got 0'],
    ['{ dry_run: maybe }', 'expected true or false, got "maybe"'],
    [
      '{ exempt: 10.0.0.1/8 }',
      'expected a network such as 192.0.2.0/24, got "10.0.0.1/8": has host bits set, expected the network 10.0.0.0/8',
    ],
    ['{ exempt: [::1/128, x] }', 'expected a network such as 192.0.2.0/24, got "x"'],
  ])('says what is wrong: %s', async (text, message) => {
    const found = await diagnostics({ configFile: file(`rate_limit: ${text}\n`) })
    expect(found.map((line) => line.split(' bad-value ')[1])).toEqual([message])
  })
})

describe('how the server identifies itself', () => {
  it('follows the instance, and is off by word or by YAML’s false', async () => {
    expect((await settings({ flags: { instance: 'ns7' } })).answers).toMatchObject({
      nsid: 'ns7',
      chaosIdentity: 'ns7',
    })
    const configFile = file('nsid: false\nchaos_version: off\n')
    const env = { MXSTEER_CHAOS_IDENTITY: 'off' }
    expect((await settings({ configFile, env })).answers).toMatchObject({
      nsid: null,
      chaosVersion: null,
      chaosIdentity: null,
    })
  })

  it('fits the wire', async () => {
    expect(await diagnostics({ env: { MXSTEER_NSID: 'x'.repeat(65) } })).toHaveLength(1)
    expect(await diagnostics({ env: { MXSTEER_CHAOS_VERSION: 'x'.repeat(255) } })).toEqual([])
    expect(await diagnostics({ env: { MXSTEER_CHAOS_VERSION: 'ü' } })).toHaveLength(1)
  })
})

describe('the secret of cookies', () => {
  const secret = 'deadbeef'.repeat(4)

  it('comes from the environment too, with commas', async () => {
    const env = { MXSTEER_COOKIE_SECRET: `${secret},${'00'.repeat(16)}` }
    expect((await settings({ env })).answers.cookieSecrets.map((one) => one[0])).toEqual([0xde, 0])
  })

  it('is never shown by a diagnostic', async () => {
    const short = secret.slice(1)
    const inputs = [
      { env: { MXSTEER_COOKIE_SECRET: short } },
      { configFile: file(`cookie_secret: ${short}\n`) },
      { configFile: file(`cookie_secret: ["${secret}", "${short}"]\n`) },
      { configFile: file(`{ workers: 0, cookie_secret: "${secret}" }\n`) },
      { env: { MXSTEER_COOKIE_SECRET_FILE: file(`${secret}\n${short}\n`) } },
    ]
    for (const input of inputs) {
      const loaded = await load(input)
      expect(loaded.kind).toBe('rejected')
      const said = loaded.kind === 'rejected' ? JSON.stringify(loaded.diagnostics) : ''
      expect(said).toMatch(/expected 32 hexadecimal digits|expected a count/)
      expect(said).not.toContain('deadbeef')
    }
  })

  it('of a file: by line, or that there is none', async () => {
    const bad = file(`# one\n${secret}\nsecret\n`)
    expect(await diagnostics({ env: { MXSTEER_COOKIE_SECRET_FILE: bad } })).toEqual([
      `${bad.replace(/.*\//, '')} 3:1 bad-value expected 32 hexadecimal digits`,
    ])
    const empty = file('# nothing\n')
    expect(await diagnostics({ env: { MXSTEER_COOKIE_SECRET_FILE: empty } })).toEqual([
      `${empty.replace(/.*\//, '')} 0:0 bad-value no secret in it`,
    ])
    expect(await diagnostics({ env: { MXSTEER_COOKIE_SECRET_FILE: '/nonexistent/s' } })).toEqual([
      's 1:1 unreadable-file cannot read the file: it does not exist',
    ])
  })
})

it('takes canaries from the environment, with commas, and says what is wrong with them', async () => {
  const taken = await settings({ env: { MXSTEER_CANARIES: '192.0.2.1:53,192.0.2.2:25' } })
  expect(taken.canaries.map(({ address, port }) => `${address}:${port}`)).toEqual([
    '192.0.2.1:53',
    '192.0.2.2:25',
  ])
  const said = async (text: string): Promise<string[]> =>
    (await diagnostics({ configFile: file(text) })).map((each) => each.replace(/-\d+/, '-X'))
  const expected = 'expected ADDRESS:PORT such as 192.0.2.1:53 or [2001:db8::1]:53'
  expect(await said('canaries: [192.0.2.1:53, 192.0.2.2]\n')).toEqual([
    `settings-X.yaml 1:26 bad-value ${expected}, got "192.0.2.2"`,
  ])
  const many = Array.from({ length: 17 }, (_, i) => `192.0.2.${i}:25`).join(', ')
  expect(await said(`canaries: [${many}]\n`)).toEqual([
    'settings-X.yaml 1:11 bad-value expected at most 16',
  ])
})
