// The servers that are compared, each with one thread for UDP on a core of its own, in a folder of its own.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'

import { dig } from '../test/support/dig.ts'
import { freePort } from '../test/support/free-ports.ts'
import { generateKeys } from '../test/support/signed-zone.ts'
import { type Launched, mainFile, stopChild, temporaryFolder } from '../test/support/server.ts'
import { watchChild } from '../test/support/server.ts'
import { until } from '../test/support/wait.ts'
import { packageVersion, pinned } from './measure.ts'
import type { Work } from './work.ts'

export interface Contender {
  readonly name: string
  readonly port: number
  readonly child: Launched
  /** One step of what the work disturbs servers by; null: this one knows no such thing. */
  readonly disturb: (() => void) | null
}

export type Started =
  | { readonly kind: 'started'; readonly contender: Contender }
  | { readonly kind: 'absent'; readonly why: string }

export type Starter = (work: Work) => Promise<Started>

const apex = 'bench.test.'

/** Of all who sign. */
const algorithm = 'ECDSAP256SHA256'

const absent = (why: string): Started => ({ kind: 'absent', why })

const launched = (command: string, args: readonly string[]): Launched => {
  const [runner, rest] = pinned(0, command, args)
  return watchChild(spawn(runner, rest, { stdio: ['ignore', 'pipe', 'pipe'] }))
}

const stopWithinMs = 5000
export const stop = ({ child }: Contender): Promise<unknown> => stopChild(child, stopWithinMs)

async function answering(contender: Contender): Promise<Started> {
  const { name, port, child } = contender
  try {
    const question = ['plain.bench.test', 'A'] as const
    await until(
      () =>
        dig(port, ...question).then(
          ({ answer, status }) => answer.length > 0 || status === 'NXDOMAIN',
          () => false,
        ),
      { what: `${name} answers`, withinMs: 60_000, everyMs: 100 },
    )
    return { kind: 'started', contender }
  } catch {
    await stopChild(child, stopWithinMs)
    return absent(
      `${name} does not answer: ${child.stderr().slice(-500)}${child.stdout().slice(-500)}`,
    )
  }
}

function writePlaces(folder: string, { places }: Work): string {
  const file = join(folder, 'places.mmdb')
  if (places) writeFileSync(file, places)
  return file
}

export const startOurs =
  (transport: 'mmsg' | 'dgram', name = `mxsteer ${transport}`): Starter =>
  async (work) => {
    const folder = temporaryFolder()
    const zones = join(folder, 'zones')
    mkdirSync(zones)
    const file = join(zones, 'bench.yaml')
    const isSigned = name === signedName
    writeFileSync(file, isSigned ? `${work.ours}dnssec: {}\n` : work.ours)
    if (work.bulk !== undefined) writeFileSync(join(zones, 'bulk.zone'), work.bulk)
    const [port, adminPort] = [await freePort(), await freePort()]
    const config = join(folder, 'mxsteer.yaml')
    const settings = [
      ...(work.places ? [`geoip: { country: ${writePlaces(folder, work)} }`] : []),
      ...(isSigned ? [`dnssec: { keys: ${generateKeys(apex, algorithm, false).folder} }`] : []),
    ]
    writeFileSync(config, `${settings.join('\n') || '{}'}\n`)
    const isFlipped = work.disturbance === 'flips' || work.isOneDead
    const admin = isFlipped ? `127.0.0.1:${adminPort}` : 'off'
    const child = launched(process.execPath, [
      ...(process.env['BENCH_NODE_FLAGS']?.split(' ') ?? []),
      mainFile,
      'serve',
      `--config=${config}`,
      `--zones=${zones}`,
      `--admin=${admin}`,
      `--listen=127.0.0.1:${port}`,
      `--transport=${transport}`,
      '--workers=1',
      '--lameduck=0s',
      '--log-level=error',
    ])
    const disturb = isFlipped ? flipOurs(adminPort) : rewriter(file, work.ours, '# ')
    return answering({ name, port, child, disturb })
  }

const signedName = 'mxsteer signed'

export const startSigned: Starter = startOurs('mmsg', signedName)

/** A target is drained, and not. */
function flipOurs(adminPort: number): () => void {
  let turn = 0
  return () => {
    const isDrain = turn++ % 2 === 0
    const path = isDrain ? '/overrides' : '/overrides/mx2?kind=drain&by=bench'
    const headers = { 'content-type': 'application/json' }
    const method = isDrain ? 'POST' : 'DELETE'
    const asked = request(
      { host: '127.0.0.1', port: adminPort, path, method, headers },
      (reply) => {
        if ((reply.statusCode ?? 0) >= 300) process.stderr.write(`flip: ${reply.statusCode}\n`)
        reply.resume()
      },
    )
    asked.on('error', () => {})
    asked.end(isDrain ? flipBody() : undefined)
  }
}

const flipBody = (): string =>
  JSON.stringify({
    target: 'mx2',
    kind: 'drain',
    seconds: 3600,
    why: 'bench',
  })

/** The same file anew, with another comment, renamed into place. */
function rewriter(file: string, text: string, comment: string): () => void {
  let turn = 0
  return () => {
    writeFileSync(`${file}.draft`, `${text}\n${comment}${turn++}\n`)
    renameSync(`${file}.draft`, file)
  }
}

export const startGdnsd: Starter = async (work) => {
  if (packageVersion('gdnsd') === null) return absent('gdnsd is not installed')
  if (work.gdnsd === null) return absent('gdnsd has no word for it')
  const folder = temporaryFolder()
  const port = await freePort()
  for (const name of ['zones', 'run', 'state']) mkdirSync(join(folder, name))
  const config = `options => { listen => 127.0.0.1:${port}, udp_threads => 1, tcp_threads => 1
    run_dir => "${folder}/run", state_dir => "${folder}/state" }\n${work.gdnsd.plugins}\n`
  writeFileSync(join(folder, 'config'), config)
  const zone = join(folder, 'zones', 'bench.test')
  writeFileSync(zone, work.records + work.gdnsd.records)
  const child = launched('gdnsd', ['-c', folder, 'start'])
  const states = join(folder, 'state', 'admin_state')
  let turn = 0
  const flip = (): void => {
    writeFileSync(states, turn++ % 2 === 0 ? '203.0.113.2/up => DOWN\n' : '')
  }
  const reload = (): void => {
    const texts = { ...process.env, LC_ALL: 'C' }
    spawn('gdnsdctl', ['-c', folder, 'reload-zones'], { stdio: 'ignore', env: texts }).unref()
  }
  const disturb = work.disturbance === 'flips' || work.isOneDead ? flip : reload
  return answering({ name: 'gdnsd', port, child, disturb })
}

const knotZones = {
  Knot: '',
  'Knot signed': `    dnssec-signing: on
    dnssec-policy: ecdsa
`,
  'Knot onlinesign': `    module: mod-onlinesign/ecdsa
`,
} as const

export const startKnot =
  (name: keyof typeof knotZones): Starter =>
  async (work) => {
    if (packageVersion('knot') === null) return absent('Knot is not installed')
    if (!work.knot) return absent('Knot steers nothing')
    const folder = temporaryFolder()
    const port = await freePort()
    mkdirSync(join(folder, 'run'))
    writeFileSync(join(folder, 'bench.test.zone'), work.records)
    const config = `server:
    rundir: ${folder}/run
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: ${folder}
policy:
  - id: ecdsa
    algorithm: ${algorithm}
    single-type-signing: on
mod-onlinesign:
  - id: ecdsa
    policy: ecdsa
zone:
  - domain: bench.test
    storage: ${folder}
    file: bench.test.zone
    zonefile-load: whole
    journal-content: none
${knotZones[name]}`
    writeFileSync(join(folder, 'knot.conf'), config)
    const child = launched('knotd', ['-c', join(folder, 'knot.conf')])
    const socket = join(folder, 'run', 'knot.sock')
    const disturb = (): void => {
      spawn('knotc', ['-s', socket, '-f', 'zone-reload', 'bench.test'], { stdio: 'ignore' }).unref()
    }
    return answering({ name, port, child, disturb })
  }

export const startPowerDns =
  (name: 'PowerDNS' | 'PowerDNS live'): Starter =>
  async (work) => {
    if (packageVersion('pdns-server') === null) return absent('PowerDNS is not installed')
    if (packageVersion('pdns-backend-bind') === null)
      return absent('the BIND backend of PowerDNS is not installed')
    if (work.pdns === null) return absent('PowerDNS is not asked')
    const folder = temporaryFolder()
    const port = await freePort()
    const zone = join(folder, 'bench.test.zone')
    writeFileSync(zone, work.records + work.pdns)
    const named = join(folder, 'named.conf')
    writeFileSync(named, `zone "bench.test" { type master; file "${zone}"; };\n`)
    const isSigned = name === 'PowerDNS live'
    const config = `launch=bind
${isSigned ? `bind-dnssec-db=${folder}/dnssec.sqlite\n` : ''}bind-config=${named}
enable-lua-records=yes
local-address=127.0.0.1
local-port=${port}
socket-dir=${folder}
receiver-threads=1
distributor-threads=1
security-poll-suffix=
version-string=anonymous
setuid=
setgid=
`
    writeFileSync(join(folder, 'pdns.conf'), config)
    if (isSigned) {
      const util = (...args: string[]): unknown =>
        execFileSync('pdnsutil', [`--config-dir=${folder}`, ...args], { stdio: 'pipe' })
      util('create-bind-db', `${folder}/dnssec.sqlite`)
      util('secure-zone', 'bench.test')
    }
    const child = launched('pdns_server', [
      `--config-dir=${folder}`,
      '--daemon=no',
      '--guardian=no',
    ])
    return answering({ name, port, child, disturb: null })
  }

const scriptFile = new URL('dns2-server.ts', import.meta.url).pathname

export const startDns2: Starter = async ({ dns2 }) => {
  if (dns2 === null) return absent('a script with dns2 is not asked')
  const port = await freePort()
  const child = launched(process.execPath, [scriptFile, String(port), dns2])
  return answering({ name: 'dns2', port, child, disturb: null })
}
