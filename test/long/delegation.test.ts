// The lines that `mxsteer delegation` prints, put into a parent zone that BIND checks, signs and serves: a resolver that
// validates finds the zone, and `mxsteer doctor` has nothing to mend. Then mail domains that are led here wrongly, one by one.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { ReportLine } from '../../src/doctor/report.ts'
import { startBind } from '../support/bind.ts'
import { type ForeignServer, foreignPath } from '../support/foreign-server.ts'
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts'
import { generateKeys, signZone } from '../support/signed-zone.ts'
import { startValidatingUnbound } from '../support/unbound.ts'

const [parent, zone, domain] = ['example.test.', 'smtp.example.test', 'example.test']
const [n1, n2] = ['127.0.0.46', '127.0.0.47']

const zoneFile = `zone: ${zone}
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets: { mx1: { addresses: [127.0.0.9] }, mx2: { addresses: [127.0.0.10, 2001:db8::10] } }
pools: { main: { targets: [mx1, mx2] } }
steering: { inbound: [{ pools: [main] }] }
slots: { steer: inbound, names: [in1, in2, in3] }
records:
  "@": { NS: [ns1, ns2], MX: { steer: inbound } }
  ns1: { A: ${n1} }
  ns2: { A: ${n2} }
  in: { address: { steer: inbound } }
  second: { address: { steer: inbound } }
  none: { TXT: nothing }
  _spf: { spf: { pools: [main], all: -all } }
`

const spf = `TXT "v=spf1 include:_spf.${zone} -all"`

/** Domains of the same server as the parent: their records, and what doctor says of them. */
const domains: readonly (readonly [
  name: string,
  records: readonly string[],
  lines: readonly string[],
])[] = [
  [
    'right.test',
    [`MX 10 in.${zone}.`, `MX 20 second.${zone}.`, `TXT "v=spf1 redirect=_spf.${zone}"`],
    [
      `mx ok: right.test leads to in.${zone} (10), second.${zone} (20)`,
      `spf ok: right.test passes the 3 addresses of _spf.${zone}`,
    ],
  ],
  [
    'slots.test',
    [`MX 5 in1.${zone}.`, `MX 7 in2.${zone}.`, `MX 9 in3.${zone}.`, spf],
    [
      `mx ok: slots.test leads to in1.${zone} (5), in2.${zone} (7), in3.${zone} (9)`,
      `spf ok: slots.test passes the 3 addresses of _spf.${zone}`,
    ],
  ],
  [
    'disorder.test',
    [`MX 10 in2.${zone}.`, `MX 20 in1.${zone}.`, spf],
    [
      `mx warn: disorder.test lacks in3.${zone} of these slots`,
      `mx warn: disorder.test does not list in1.${zone}, in2.${zone}, in3.${zone} in this order`,
      `spf ok: disorder.test passes the 3 addresses of _spf.${zone}`,
    ],
  ],
  [
    'also.test',
    [`MX 10 in.${zone}.`, 'MX 20 mx.elsewhere.test.', spf],
    [
      'mx warn: also.test leads elsewhere too: mx.elsewhere.test',
      `spf ok: also.test passes the 3 addresses of _spf.${zone}`,
    ],
  ],
  [
    'away.test',
    ['MX 10 mx.elsewhere.test.', spf],
    [
      'mx fail: no MX of away.test leads here: mx.elsewhere.test',
      'spf skip: no zone that the mail is led to has an SPF record to compare with',
    ],
  ],
  [
    'no-mx.test',
    ['A 127.0.0.9'],
    [
      'mx fail: no-mx.test has no MX: its mail goes to its own address',
      'spf warn: no-mx.test has no SPF record',
    ],
  ],
  [
    'dead.test',
    [`MX 10 gone.${zone}.`, `MX 20 none.${zone}.`, `MX 30 in.${zone}.`, spf],
    [
      `mx fail: dead.test leads to gone.${zone}, none.${zone}, of which the zone has no address: mail bounces there`,
      `spf ok: dead.test passes the 3 addresses of _spf.${zone}`,
    ],
  ],
  [
    'fixed.test',
    [`MX 10 mx1.${zone}.`, spf],
    [
      `mx warn: fixed.test names mx1.${zone}, which weights and drains do not move mail away from`,
      `spf ok: fixed.test passes the 3 addresses of _spf.${zone}`,
    ],
  ],
  [
    'refuses.test',
    [`MX 10 in.${zone}.`, 'TXT "v=spf1 ip4:127.0.0.9 -all"'],
    [
      `mx ok: refuses.test leads to in.${zone} (10)`,
      'spf fail: refuses.test does not pass 2 of 3 addresses: 127.0.0.10 (fail), 2001:db8::10 (fail)',
    ],
  ],
  [
    'soft.test',
    [`MX 10 in.${zone}.`, 'TXT "v=spf1 ip4:127.0.0.0/8 ~all"'],
    [
      `mx ok: soft.test leads to in.${zone} (10)`,
      'spf warn: soft.test does not pass 1 of 3 addresses: 2001:db8::10 (softfail)',
    ],
  ],
  [
    'twice.test',
    [`MX 10 in.${zone}.`, spf, 'TXT "v=spf1 -all"'],
    [`mx ok: twice.test leads to in.${zone} (10)`, 'spf fail: twice.test: '],
  ],
]

const apexText = (apex: string, records: readonly string[]): string =>
  `$TTL 60\n${apex} SOA ns.${parent} root.${parent} 1 3600 600 86400 60\n${apex} NS ns.${parent}\n${records
    .map((record) => `${apex} ${record}\n`)
    .join('')}`

let server: RunningServer
let bind: ForeignServer
let unbound: ForeignServer
const stops: (() => Promise<unknown>)[] = []
const keysFolder = join(temporaryFolder(), 'keys')

/** What the command prints of the zone and its domain, as lines of a master file. */
async function printed(): Promise<string> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'smtp.yaml'), zoneFile)
  const { code, stdout, stderr } = await runCommand(
    'delegation',
    '--zones',
    folder,
    '--keys',
    keysFolder,
    '--domain',
    domain,
    '--format',
    'bind',
  )
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

beforeAll(async () => {
  mkdirSync(keysFolder, { mode: 0o700 })
  generateKeys(`${zone}.`, 'ECDSAP256SHA256', false, keysFolder)
  const text = `${apexText(parent, [])}ns.${parent} A 127.0.0.1\n${await printed()}`
  const file = join(temporaryFolder(), 'parent')
  writeFileSync(file, text)
  const env = { ...process.env, PATH: foreignPath }
  execFileSync('named-checkzone', ['-i', 'local', parent, file], { env, stdio: 'pipe' })
  const keys = generateKeys(parent, 'ECDSAP256SHA256', false)
  bind = await startBind([
    { apex: parent, text: signZone(parent, text, keys).text },
    ...domains.map(([name, records]) => ({
      apex: `${name}.`,
      text: apexText(`${name}.`, records),
    })),
  ])
  stops.push(() => bind.stop())
  server = await startServer({
    zones: { 'smtp.yaml': zoneFile },
    settings: `dnssec: { keys: ${keysFolder} }\nlameduck: 0s\n`,
    flags: [n1, n2].flatMap((address) => ['--listen', `${address}:${bind.port}`]),
  })
  stops.push(() => server.stop())
  unbound = await startValidatingUnbound([
    { apex: parent, port: bind.port, keys: keys.text },
    { apex: `${zone}.`, port: server.port, keys: '' },
    ...domains.map(([name]) => ({ apex: `${name}.`, port: bind.port, keys: '' })),
  ])
  stops.push(() => unbound.stop())
}, 120_000)
afterAll(async () => void (await Promise.all(stops.map((stop) => stop()))))

async function doctor(...flags: readonly string[]): Promise<readonly ReportLine[]> {
  const where = ['--zones', server.zonesFolder, '--resolver', `127.0.0.1:${unbound.port}`]
  const rest = ['--port', String(bind.port), '--egress', '127.0.0.1:9', '--json', ...flags]
  const { stdout, stderr } = await runCommand('doctor', ...where, ...rest)
  expect(stderr).toBe('')
  const lines = JSON.parse(stdout) as readonly ReportLine[]
  for (const { status, advice } of lines)
    expect(advice !== null).toBe(status === 'warn' || status === 'fail')
  return lines
}

const said = (lines: readonly ReportLine[], about: string): readonly string[] =>
  lines
    .filter((line) => line.zone === about)
    .map(({ check, status, text }) => `${check} ${status}: ${text}`)

it('the printed records make a delegation that doctor finds right, and so is the domain', async () => {
  const lines = await doctor('--domain', domain)
  expect(said(lines, domain)).toEqual([
    `mx ok: ${domain} leads to in1.${zone} (10), in2.${zone} (20), in3.${zone} (30)`,
    // `?all`: the record names no other host, and refuses none.
    `spf ok: ${domain} passes the 3 addresses of _spf.${zone}`,
  ])
  const ofZone = lines.filter((line) => line.zone === zone)
  const checks = 'delegation glue servers tcp serials ds keys signatures denial validation'.split(
    ' ',
  )
  expect(ofZone.filter(({ status }) => status === 'ok').map(({ check }) => check)).toEqual(checks)
  expect(ofZone.filter(({ status }) => status !== 'ok' && status !== 'skip')).toEqual([])
}, 60_000)

it('domains that are led here wrongly are told of', async () => {
  for (const [name, , expected] of domains) {
    const lines = said(await doctor('--domain', `${name}.`), name)
    const shortened = lines.map((line, i) =>
      expected[i]?.endsWith(': ') ? line.slice(0, expected[i].length) : line,
    )
    expect(shortened).toEqual(expected)
  }
}, 120_000)

it('an exchange elsewhere that is meant is none to warn of', async () => {
  const lines = await doctor('--domain', 'also.test', '--elsewhere', 'MX.elsewhere.test.')
  expect(said(lines, 'also.test')[0]).toMatch(/^mx ok: also\.test leads to in\./)
}, 60_000)
