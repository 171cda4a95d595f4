// What goes wrong stands first in `mxsteer status` and in `/status`: each kind of problem, brought about on real servers
// that go on answering, and its end where it is mended.

import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { makeCertificate, replaceFile } from '../support/certificate.ts'
import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailZone } from '../support/mail-zone.ts'
import { countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, launch, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

interface Problem {
  readonly kind: string
  readonly severity: string
  readonly subject: string
  readonly since: string | null
  readonly text: string
}

async function problems(server: RunningServer): Promise<readonly Problem[]> {
  const { body } = await server.http('/status')
  return (JSON.parse(body) as { problems: Problem[] }).problems
}

const problem = (server: RunningServer, kind: string, about = /^/): Promise<Problem> =>
  until(
    async () =>
      (await problems(server)).find((one) => one.kind === kind && about.test(one.subject)),
    { what: `${kind} ${String(about)}`, withinMs: 90_000, everyMs: 100 },
  )

const mended = (server: RunningServer, kind: string): Promise<true> =>
  until(async () => (await problems(server)).every((one) => one.kind !== kind), {
    what: `no more ${kind}`,
    withinMs: 90_000,
    everyMs: 100,
  })

async function page(server: RunningServer): Promise<readonly string[]> {
  const command = launch(['status', '--admin', `127.0.0.1:${server.adminPort}`])
  expect((await command.exited).code).toBe(0)
  return command.stdout().split('\n')
}

async function override(server: RunningServer, body: object): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(reply.status).toBe(201)
  return reply.json()
}

const living = '127.0.0.131'
/** Nobody listens there. */
const dead = ['127.0.0.132', '127.0.0.133', '127.0.0.134', '127.0.0.135', '127.0.0.136']

describe('files, pools and probes of an instance that is alone', () => {
  const folder = temporaryFolder()
  const country = join(folder, 'country.mmdb')
  const notAFolder = join(folder, 'taken')
  const pair = makeCertificate('ns1.example.test')
  let server: RunningServer
  let mta: OddMta | undefined
  let port = 0

  /** A zone whose one target is dead, by what it answers then. */
  const zoneOf = (name: string, address: string, onAllDown: string, pools = '[main]'): string => `
zone: ${name}.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
on_all_down: ${onAllDown}
targets:
  mx1: { addresses: [${address}] }
  spare1: { addresses: [${living}] }
probes:
  inbound: { port: ${port}, level: banner, interval: 1s, fast_interval: 500ms, fall: 2, rise: 2 }
pools:
  main: { probe: inbound, targets: { mx1: 1 } }
  spare: { probe: inbound, targets: { spare1: 1 } }
steering:
  inbound:
    - { when: { country: DE }, pools: ${pools} }
    - { pools: ${pools} }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`

  const database = (octets: Uint8Array): void => {
    writeFileSync(`${country}.new`, octets)
    renameSync(`${country}.new`, country)
  }

  beforeAll(async () => {
    port = await freePort([living, ...dead])
    ;[mta] = await startGreeters([living], port)
    database(mmdbFile([['11.0.0.0/8', countryOf('DE')]], { buildSeconds: 1_700_000_000 }))
    // The folder of the state file can be made only once this file is out of its way.
    writeFileSync(notAFolder, '')
    const tlsPort = await freePort()
    const [first, second, third, fourth, fifth] = dead as [string, string, string, string, string]
    server = await startServer({
      zones: {
        'all.yaml': zoneOf('all', first, 'all'),
        'good.yaml': zoneOf('good', second, 'last_good'),
        'servfail.yaml': zoneOf('servfail', third, 'servfail'),
        'backup.yaml': zoneOf('backup', fourth, '{ backup: spare }'),
        'spill.yaml': zoneOf('spill', fifth, 'all', '[main, spare]'),
      },
      settings: [
        'instance: alone',
        'workers: 1',
        'lameduck: 10s',
        `geoip: { country: ${country} }`,
        `state_dir: ${join(notAFolder, 'state')}`,
        `tls: { listen: "127.0.0.1:${tlsPort}", certificate: ${pair.certificate}, key: ${pair.key} }`,
        '',
      ].join('\n'),
    })
  })
  afterAll(async () => {
    await server?.stop()
    await mta?.close()
  })

  it('probes that are held back since many began to fail at once', async () => {
    // It is held for two minutes.
    await server.waitForLog(({ event }) => event === 'probes.braked')
    const found = await problem(server, 'probes-held', /^\*$/)
    expect(found.text).toContain('has to fail a second round')
  })

  it.each([
    ['all', 'critical', 'all', 'all members are answered, down ones too'],
    ['good', 'critical', 'last-good', 'those that went down last are answered'],
    ['servfail', 'critical', 'servfail', 'SERVFAIL is answered'],
    ['backup', 'warning', 'backup', 'its clients go to pool spare (on_all_down)'],
    ['spill', 'warning', 'other-pool', 'its clients go to pool spare,'],
  ])('a pool with nobody, in zone %s', async (zone, severity, instead, text) => {
    const found = await problem(server, 'pool-empty', new RegExp(`^main of ${zone}\\.`))
    expect(found).toMatchObject({ severity })
    expect(found.text).toContain(text)
    const logged = await server.waitForLog(
      (line) => line.event === 'pool.empty' && line['zone'] === `${zone}.example.test`,
    )
    expect(logged).toMatchObject({ pool: 'main', instead: [instead] })
    const eligible = `mxsteer_pool_members_eligible{zone="${zone}.example.test",pool=`
    expect(await server.metric(`${eligible}"main"}`)).toBe(0)
    expect(await server.metric(`${eligible}"spare"}`)).toBe(1)
  })

  it('a state folder that cannot be written, until it can', async () => {
    const found = await problem(server, 'state-unwritten')
    expect(found.text).toMatch(/alone\.state cannot be written \(E[A-Z]+\): a restart forgets/)
    expect(Date.parse(found.since ?? '')).toBeLessThanOrEqual(Date.now())
    rmSync(notAFolder)
    // A change that is written at once; it changes nothing.
    const noChange = {
      target: 'spare1.backup.example.test',
      kind: 'weight',
      factor: 1,
      seconds: 60,
    }
    expect(await override(server, noChange)).toMatchObject({ lasting: true, warnings: [] })
    await mended(server, 'state-unwritten')
  }, 600_000)

  it('zone files that are rejected, with the first mistake, until they are mended', async () => {
    const text = zoneOf('all', dead[0] ?? '', 'all')
    server.writeZone('all.yaml', text.replace('\nsoa:', '\nsao:'))
    const found = await problem(server, 'zones-rejected')
    expect(found.subject).toMatch(/all\.yaml$/)
    expect(found.text).toMatch(/all\.yaml:\d+:\d+ .*sao.* What was served before goes on/)
    server.writeZone('all.yaml', text)
    await mended(server, 'zones-rejected')
  })

  it('a GeoIP database that is refused, until there is a good one', async () => {
    database(new TextEncoder().encode('no database at all'))
    expect(await problem(server, 'geoip-refused')).toMatchObject({
      severity: 'warning',
      subject: 'country',
      text: expect.stringContaining('The one before goes on'),
    })
    database(mmdbFile([['11.0.0.0/8', countryOf('FR')]], { buildSeconds: 1_710_000_000 }))
    await mended(server, 'geoip-refused')
  })

  it('a certificate that is refused, until there is a good one; and one that soon ends', async () => {
    const other = makeCertificate('other.example.test')
    replaceFile(other.certificate, pair.certificate)
    const found = await problem(server, 'certificate-refused')
    expect(found.text).toMatch(/the key is not that of/)
    const short = join(temporaryFolder(), 'short.pem')
    const request = ['-x509', '-key', other.key, '-subj', '/CN=short.example.test', '-days', '3']
    execFileSync('openssl', ['req', ...request, '-out', short], { stdio: 'ignore' })
    replaceFile(short, pair.certificate)
    replaceFile(other.key, pair.key)
    await mended(server, 'certificate-refused')
    expect(await problem(server, 'certificate-expires')).toMatchObject({ severity: 'warning' })
  })

  it('is all on the page, below the name of the instance and before anything else', async () => {
    const lines = await page(server)
    expect(lines[0]).toMatch(/^alone at /)
    expect(lines[1]).toMatch(/^CRITICAL {2}pool-empty, \d+ [sm]/)
    const first = lines.findIndex((line) => line === 'ready')
    const kinds = lines
      .slice(1, first)
      .flatMap((line) => /^[A-Z]+ +([a-z-]+)[,:]/.exec(line)?.[1] ?? [])
    expect(kinds.filter((kind) => kind === 'pool-empty')).toHaveLength(5)
    expect(kinds).toContain('certificate-expires')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines.join('\n')).not.toContain('\u001b')
  })

  it('answers go on, and a pool that has somebody again is told of', async () => {
    const client = openUdpClient(server.port)
    expect((await client.ask('all.example.test', 'MX')).header.rcode).toBe(0)
    client.close()
    const greeters = await startGreeters(dead.slice(0, 1), port)
    const over = await server.waitForLog(({ event }) => event === 'pool.empty.over', 60_000)
    expect(over).toMatchObject({ zone: 'all.example.test', pool: 'main' })
    await Promise.all(greeters.map((greeter) => greeter.close()))
  })

  it('an instance that is stopping is not ready, and says so among its problems', async () => {
    server.signal('SIGTERM')
    await server.waitForLog(({ event }) => event === 'server.signal')
    const found = await problem(server, 'not-ready')
    expect(found).toMatchObject({ severity: 'critical', text: 'stopping', since: null })
  })
})

describe('a host that cannot probe', () => {
  let server: RunningServer
  let mta: OddMta | undefined
  beforeAll(async () => {
    const port = await freePort([living])
    ;[mta] = await startGreeters([living], port)
    const targets = { mx1: { address: living, weight: 1 } }
    server = await startServer({
      zones: { 'mail.yaml': mailZone({ targets, port, probe: { level: 'banner' } }) },
      // An address of no host (RFC 5737).
      settings: 'workers: 1\nlameduck: 0\nprobe_source: 192.0.2.77\n',
    })
  })
  afterAll(async () => {
    await server?.stop()
    await mta?.close()
  })

  it('says that its addresses cannot be probed, and why', async () => {
    const found = await problem(server, 'probes-own-fault')
    expect(found.text).toMatch(/^1 of 1 addresses cannot be probed .* \(local-ports\)/)
  })
})

describe('instances that share', () => {
  let redis: RedisServer
  let mta: OddMta | undefined
  let one: RunningServer
  let two: RunningServer
  let imposter: RunningServer | undefined
  let zone = ''

  const start = (instance: string, text: string): Promise<RunningServer> =>
    startServer({
      zones: { 'mail.yaml': text },
      settings: `instance: ${instance}\nsite: at-${instance}\nworkers: 1\nlameduck: 0\nstate: ${redis.url}\nstate_heartbeat: 300ms\n`,
    })

  beforeAll(async () => {
    redis = await startRedis()
    const port = await freePort([living])
    ;[mta] = await startGreeters([living], port)
    const targets = { mx1: { address: living, weight: 1 } }
    zone = mailZone({ targets, port, probe: { level: 'banner' } })
    ;[one, two] = await Promise.all([
      start('one', zone),
      start('two', zone.replace('ttl: 60', 'ttl: 61')),
    ])
  })
  afterAll(async () => {
    await Promise.all([one?.stop(), two?.stop(), imposter?.stop()])
    await redis?.kill()
    await mta?.close()
  })

  it('name who differs', async () => {
    const found = await problem(one, 'config-differs')
    expect(found.text).toMatch(/: (one \| two|two \| one)\./)
  })

  it('name who is missing, and since when, until it is back', async () => {
    two.signal('SIGKILL')
    await two.exited
    const found = await problem(one, 'peer-missing', /^two$/)
    expect(found.text).toMatch(/^two at at-two went silent/)
    expect(found.since).not.toBeNull()
    two = await start('two', zone)
    await mended(one, 'peer-missing')
  })

  it('say that another process has their name', async () => {
    imposter = await start('one', zone)
    expect((await problem(one, 'name-taken')).text).toMatch(/a name of its own/)
    await imposter.stop()
    imposter = undefined
    await mended(one, 'name-taken')
  })

  it('say that the store is away, and why', async () => {
    await redis.kill()
    const found = await until(
      async () => {
        const degraded = await problem(one, 'store-degraded')
        return /ECONNREFUSED/.test(degraded.text) && degraded
      },
      { what: 'the reason', withinMs: 60_000 },
    )
    expect(found.text).toMatch(/not answered for \d+ s: .*ECONNREFUSED/)
    const { state } = JSON.parse((await one.http('/status')).body) as {
      state: { degraded: boolean; reasons: { why: string }[] }
    }
    expect(state.degraded).toBe(true)
    expect(state.reasons.map(({ why }) => why)).toContain('ECONNREFUSED')
    const body = { target: 'mx1', kind: 'weight', factor: 1, seconds: 60 }
    expect(await override(one, body)).toMatchObject({
      lasting: false,
      warnings: [{ code: 'not-shared', message: expect.stringContaining('this instance alone') }],
    })
  })
})
