// `mxsteer doctor` between a real parent zone (BIND), a real resolver (Unbound), and servers of ours: each fault of a
// delegation is reported with its kind, and what is right is not reported.

import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { ReportLine } from '../../src/doctor/report.ts'
import type { Response } from '../../src/resolver/response.ts'
import { startBind } from '../support/bind.ts'
import { query } from '../../src/resolver/query.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { recordOf, replyTo } from '../support/scripted-dns.ts'
import { type ScriptedMta, startScriptedMta } from '../support/scripted-mta.ts'
import { type RunningServer, launch, startServer, temporaryFolder } from '../support/server.ts'
import { startUnbound } from '../support/unbound.ts'
import { until } from '../support/wait.ts'

const parent = `$ORIGIN example.test.
@ 60 IN SOA ns root 1 3600 600 86400 60
@ 60 IN NS ns
ns 60 IN A 127.0.0.1
host 60 IN A 127.0.0.92
right 60 IN NS ns1.right
right 60 IN NS ns2.right
ns1.right 60 IN A 127.0.0.92
ns2.right 60 IN A 127.0.0.93
other 60 IN NS ns1.other
other 60 IN NS old
ns1.other 60 IN A 127.0.0.92
old 60 IN A 127.0.0.92
foreign 60 IN NS old
stale 60 IN NS ns1.stale
stale 60 IN NS ns2.stale
ns1.stale 60 IN A 127.0.0.99
ns2.stale 60 IN A 127.0.0.92
outside 60 IN NS host
bare 60 IN NS ns1.bare
lame 60 IN NS ns1.lame
lame 60 IN NS ns2.lame
ns1.lame 60 IN A 127.0.0.92
ns2.lame 60 IN A 127.0.0.1
udponly 60 IN NS ns1.udponly
ns1.udponly 60 IN A 127.0.0.92
udponly 60 IN NS ns2.udponly
ns2.udponly 60 IN A 127.0.0.95
`

/** A zone file: its name servers, and their addresses where these are within it. */
const zoneFile = (
  name: string,
  servers: readonly string[],
  addresses: Readonly<Record<string, string>> = {},
  target = 'mx1: { addresses: [127.0.0.9] }',
): string => `zone: ${name}.example.test
soa: { mname: ns1, rname: hostmaster.example.test., serial: 7 }
targets: { ${target} }
pools: { main: { targets: [mx1] } }
steering: { inbound: [{ pools: [main] }] }
records:
  "@": { NS: [${servers.join(', ')}], MX: { steer: inbound } }
${Object.entries(addresses)
  .map(([owner, address]) => `  ${owner}: { A: ${address} }`)
  .join('\n')}
`

const both = { ns1: '127.0.0.92', ns2: '127.0.0.93' }
const zones = {
  'right.yaml': zoneFile('right', ['ns1', 'ns2'], both),
  'other.yaml': zoneFile('other', ['ns1', 'ns2'], both),
  'foreign.yaml': zoneFile('foreign', ['ns1', 'ns2'], both),
  'stale.yaml': zoneFile('stale', ['ns1', 'ns2'], both),
  'missing.yaml': zoneFile('missing', ['ns1', 'ns2'], both),
  'outside.yaml': zoneFile('outside', ['host.example.test.']),
  'bare.yaml': zoneFile('bare', ['ns1'], { ns1: '127.0.0.92' }),
  'lame.yaml': zoneFile('lame', ['ns1', 'ns2'], { ns1: '127.0.0.92', ns2: '127.0.0.1' }),
  'udponly.yaml': zoneFile('udponly', ['ns1', 'ns2'], { ns1: '127.0.0.92', ns2: '127.0.0.95' }),
}

let bind: ForeignServer
let unbound: ForeignServer
let server: RunningServer
let mta: ScriptedMta
let udpOnly: Socket

beforeAll(async () => {
  bind = await startBind([{ apex: 'example.test.', text: parent }])
  unbound = await startUnbound('example.test.', bind.port)
  const listen = ['127.0.0.92', '127.0.0.93'].flatMap((address) => [
    '--listen',
    `${address}:${bind.port}`,
  ])
  server = await startServer({ zones, flags: [...listen, '--lameduck', '0s'] })
  mta = await startScriptedMta([{ send: '220 mx ESMTP\r\n' }, { expect: 'QUIT' }, 'end'])
  udpOnly = createSocket('udp4')
  udpOnly.on('message', (query, from) => {
    const soa = recordOf(6, 60, [0, 0, 0, 0, 0, 8, ...Array<number>(16).fill(0)])
    udpOnly.send(replyTo(query, { flags: 0x8400, records: [soa] }), from.port, from.address)
  })
  udpOnly.bind({ address: '127.0.0.95', port: bind.port })
  await once(udpOnly, 'listening')
  const resolver = { address: '127.0.0.1', port: unbound.port }
  const question = { name: 'example.test', type: 'SOA' } as const
  const options = { timeoutMs: 1000, isRecursive: true }
  await until(async () => isGood(await query(resolver, question, options)), {
    what: 'Unbound resolves',
    withinMs: 30_000,
  })
})
afterAll(async () => {
  udpOnly?.close()
  await mta?.close()
  await server?.stop()
  await unbound?.stop()
  await bind?.stop()
})

const isGood = (reply: Response): boolean => reply.kind === 'reply' && reply.rcode === 0

interface Examined {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function doctor(...flags: readonly string[]): Promise<Examined> {
  const where = ['--zones', server.zonesFolder, '--resolver', `127.0.0.1:${unbound.port}`]
  const ports = ['--port', String(bind.port), '--egress', `127.0.0.1:${mta.port}`]
  const command = launch(['doctor', ...where, ...ports, ...flags])
  const { code } = await command.exited
  return { code, stdout: command.stdout(), stderr: command.stderr() }
}

/** The lines about the zone itself, as `check status text`, and the exit code. */
async function examined(
  zone: string,
): Promise<{ reported: readonly string[]; code: number | null }> {
  const { code, stdout } = await doctor('--zone', `${zone}.example.test`, '--json')
  const lines = JSON.parse(stdout) as readonly ReportLine[]
  for (const { status, advice } of lines)
    expect(advice !== null).toBe(status === 'warn' || status === 'fail')
  const reported = lines
    .filter((line) => line.zone !== null)
    .map(({ check, status, text }) => `${check} ${status}: ${text}`)
  return { reported, code }
}

const [n1, n2] = ['127.0.0.92', '127.0.0.93']
const servedBy = (zone: string): string =>
  `ns1.${zone}.example.test at ${n1}, ns2.${zone}.example.test at ${n2}`
const wellServed = (zone: string): readonly string[] => [
  `servers ok: ${servedBy(zone)} answer with authority`,
  `tcp ok: ${servedBy(zone)} answer over TCP`,
  'serials ok: all have 7',
]
const unsigned = 'ds ok: example.test has none, and the zone is not signed'

describe('the delegation', () => {
  it('is right', async () => {
    const { reported, code } = await examined('right')
    const names = 'ns1.right.example.test, ns2.right.example.test'
    expect(reported).toEqual([
      `delegation ok: example.test names ${names}, as the zone does`,
      `glue ok: addresses of ${names} are right`,
      ...wellServed('right'),
      unsigned,
    ])
    expect(code).toBe(0)
  })

  it('names others than the zone', async () => {
    const { reported, code } = await examined('other')
    expect(reported.slice(0, 2)).toEqual([
      'delegation warn: only example.test names old.example.test; only the zone names ns2.other.example.test',
      'glue ok: addresses of ns1.other.example.test are right',
    ])
    expect(code).toBe(1)
  })

  it('names no server that the zone names', async () => {
    const { reported, code } = await examined('foreign')
    expect(reported[0]).toMatch(
      /^delegation fail: only example\.test names old\.example\.test; only/,
    )
    expect(code).toBe(2)
  })

  it('has glue that leads elsewhere', async () => {
    const { reported, code } = await examined('stale')
    const old = 'ns1.stale.example.test'
    expect(reported).toContain(
      `glue fail: ${old} is at 127.0.0.99 in example.test, at ${n1} in the zone`,
    )
    expect(reported.find((one) => one.startsWith('servers fail'))).toBe(
      `servers fail: ${old} at 127.0.0.99: timeout`,
    )
    expect(code).toBe(2)
  })

  it('is not there', async () => {
    const { reported, code } = await examined('missing')
    expect(reported).toEqual([
      'delegation fail: example.test does not delegate it, says 127.0.0.1',
      'glue skip: there is no delegation',
      ...wellServed('missing'),
    ])
    expect(code).toBe(2)
  })

  it('needs no glue for names outside, and rests on one server', async () => {
    const { reported, code } = await examined('outside')
    expect(reported).toEqual([
      'delegation ok: example.test names host.example.test, as the zone does',
      'delegation warn: host.example.test is the only name server',
      'glue ok: none is needed: no name server is in the zone',
      `servers ok: host.example.test at ${n1} answer with authority`,
      `tcp ok: host.example.test at ${n1} answer over TCP`,
      'serials ok: all have 7',
      unsigned,
    ])
    expect(code).toBe(1)
  })

  it('lacks its glue', async () => {
    const { reported, code } = await examined('bare')
    expect(reported).toContain(
      'glue fail: example.test has no address of ns1.bare.example.test: no resolver can reach it',
    )
    expect(code).toBe(2)
  })
})

it('name servers without TCP, and with another serial', async () => {
  const { reported, code } = await examined('udponly')
  expect(reported.slice(2)).toEqual([
    'servers ok: ns1.udponly.example.test at 127.0.0.92, ns2.udponly.example.test at 127.0.0.95 answer with authority',
    'tcp fail: ns2.udponly.example.test at 127.0.0.95: refused-connection',
    'serials warn: 7: 127.0.0.92; 8: 127.0.0.95',
    unsigned,
  ])
  expect(code).toBe(2)
})

it('a name server that serves the parent alone', async () => {
  const { reported, code } = await examined('lame')
  const lame = 'ns2.lame.example.test at 127.0.0.1: it answers without authority'
  expect(reported.slice(2)).toEqual([
    `servers fail: ${lame}`,
    `tcp fail: ${lame}`,
    'serials ok: all have 7',
    unsigned,
  ])
  expect(code).toBe(2)
})

describe('the report', () => {
  it('looks at everything, for people', async () => {
    const peer = `127.0.0.1:${server.adminPort}`
    const { code, stdout } = await doctor('--zone', 'right.example.test.', '--peer', peer)
    const heads = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 16).trim())
    const wanted = 'config delegation glue servers tcp serials ds clock state egress'.split(' ')
    expect(heads).toEqual([...wanted.map((check) => `ok    ${check}`), 'skip  geoip'])
    expect(stdout).toContain(`as at ${peer}, to 2 s`)
    expect(stdout).toContain(`127.0.0.1 port ${mta.port} was reached`)
    expect(code).toBe(0)
  })

  it('has the age of the database where rules ask for places', async () => {
    const folder = temporaryFolder()
    const rules = 'inbound: [{ when: { continent: EU }, pools: [main] }, { pools: [main] }]'
    const text = zones['right.yaml'].replace('inbound: [{ pools: [main] }]', rules)
    writeFileSync(join(folder, 'right.yaml'), text)
    const { stdout } = await doctor('--zones', folder)
    expect(stdout).toMatch(/geoip {7}country: \S.*, \d+ days old/)
  })

  it('reports problems of the files, and nothing of their zones', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'bad.yaml'), 'zone: example.test\n')
    const { code, stdout } = await doctor('--zones', folder, '--json')
    const lines = JSON.parse(stdout) as readonly ReportLine[]
    expect(lines[0]).toMatchObject({ check: 'config', status: 'fail' })
    expect(lines.every(({ zone }) => zone === null)).toBe(true)
    expect(code).toBe(2)
  })

  it.each([
    [['--resolver', 'somewhere']],
    [['--port', '70000']],
    [['--peer', 'somewhere']],
    [['--zone', 'strange.test']],
    [['zones']],
  ])('refuses %j', async (flags) => {
    const { code, stderr, stdout } = await doctor(...flags)
    expect(stderr).toMatch(/^mxsteer doctor: /)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('says so when the resolver is silent', async () => {
    const { code, stdout } = await doctor(
      '--resolver',
      '127.0.0.94:9',
      '--zone',
      'right.example.test',
    )
    expect(stdout).toContain('FAIL  delegation  right.example.test: the parent could not be asked')
    expect(code).toBe(2)
  })
})
