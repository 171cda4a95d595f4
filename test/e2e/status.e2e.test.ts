// `mxsteer status` of real servers: alone, with another over Redis and cut off from it, not ready, and not there.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { mailZone } from '../support/mail-zone.ts'
import { type OddMta, startOddMta } from '../support/odd-mtas.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, launch, startServer, stopChild } from '../support/server.ts'
import { until } from '../support/wait.ts'

const living = '127.0.0.71'
/** Nobody listens there. */
const dead = '127.0.0.72'

let mta: OddMta
let zoneText = ''

beforeAll(async () => {
  const port = await freePort([living, dead])
  mta = await startOddMta(living, port, (socket) => void socket.write('220 mx ESMTP\r\n'))
  const targets = { mx1: { address: living, weight: 3 }, mx2: { address: dead, weight: 1 } }
  zoneText = mailZone({ targets, port, probe: { level: 'banner' } })
})
afterAll(() => mta?.close())

async function status(server: Pick<RunningServer, 'adminPort'>, ...flags: readonly string[]) {
  const command = launch(['status', '--admin', `127.0.0.1:${server.adminPort}`, ...flags])
  const { code } = await command.exited
  return { code, stdout: command.stdout(), stderr: command.stderr() }
}

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))

describe('of an instance that is alone', () => {
  let server: RunningServer
  beforeAll(async () => {
    const settings = 'instance: lonely\nsite: attic\nworkers: 1\nlameduck: 20s\n'
    server = await startServer({ zones: { 'mail.yaml': zoneText }, settings })
    await server.waitForState('mx1', 'up', 20_000)
    await server.waitForState('mx2', 'down', 20_000)
  })
  afterAll(() => server?.stop())

  it('is a page that says what is wrong first', async () => {
    const { code, stdout } = await status(server)
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^lonely at attic, mxsteer \d\S*, up \d+ [sm]\b/)
    expect(lines.slice(1, 3)).toEqual(['ready', 'state: memory, no other instances'])
    const rows = lines.filter((line) => /^mx\d\./.test(line))
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatch(/^mx2\.\S+ +127\.0\.0\.72 +DOWN +\d+ s +connect-refused +down lonely$/)
    expect(rows[1]).toMatch(/^mx1\.\S+ +127\.0\.0\.71 +up +\d+ s +\S+ +up lonely$/)
    expect(stdout).toMatch(/^\S+ of \S+ +1 +2 +75\.0 %$/m)
    expect(stdout).not.toMatch(/^INSTANCE/m)
    expect(widest(stdout)).toBeLessThanOrEqual(80)
  })

  it('shows overrides, folded where they are long', async () => {
    const set = await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        target: 'mx2',
        kind: 'disable',
        why: `disk ${'x'.repeat(150)}`,
        by: 'ann',
      }),
    })
    expect(set.status).toBe(201)
    const { stdout } = await status(server)
    expect(stdout).toMatch(/^mx2\.\S+ +- +disable +undone +for [\dms ]+ +ann +disk x+$/m)
    const folded = stdout.slice(stdout.indexOf('disk '))
    expect(folded.match(/x/g)).toHaveLength(150)
    expect(widest(stdout)).toBeLessThanOrEqual(80)
  })

  it('is JSON for scripts, with every vote', async () => {
    const { code, stdout } = await status(server, '--json')
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ instance: 'lonely', ready: true, reasons: [], peers: [] })
    expect(report.state).toMatchObject({ kind: 'memory', degraded: false })
    const down = report.targets.find((one: { target: string }) => one.target === 'mx2')
    expect(down.votes).toEqual([
      { instance: 'lonely', site: 'attic', vote: 'down', reason: 'connect-refused' },
    ])
    expect(report.pools).toEqual([
      expect.objectContaining({ members: 2, healthy: 1, healthyShare: 0.75 }),
    ])
  })

  it('comes again and again with --watch, and clears no screen that is none', async () => {
    const watching = launch(['status', '--watch', '--admin', `127.0.0.1:${server.adminPort}`])
    await until(() => watching.stdout().split('lonely at attic').length > 2, {
      what: 'a second page',
      withinMs: 60_000,
    })
    expect(watching.stdout()).not.toContain('\u001b')
    expect(await stopChild(watching, 5000)).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it('says by its exit code that the server is not ready, or not there', async () => {
    server.signal('SIGTERM')
    await server.waitForLog(({ event }) => event === 'server.signal')
    const stopping = await status(server)
    expect(stopping.code).toBe(1)
    expect(stopping.stdout).toContain('\nNOT READY: stopping\n')
    await server.stop()
    const gone = await status(server)
    expect(gone.code).toBe(1)
    expect(gone.stderr).toMatch(/^mxsteer status: no answer from the admin server at 127\.0\.0\.1/)
    expect((await status(server, 'everything')).code).toBe(2)
  })
})

describe('of two that share', () => {
  let redis: RedisServer
  let servers: RunningServer[] = []
  beforeAll(async () => {
    redis = await startRedis()
    servers = await Promise.all(
      ['one', 'two'].map((instance) =>
        startServer({
          zones: { 'mail.yaml': zoneText },
          settings: `instance: ${instance}\nsite: at-${instance}\nworkers: 1\nlameduck: 0\nstate: ${redis.url}\nstate_heartbeat: 300ms\n`,
        }),
      ),
    )
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await redis?.kill()
  })

  it('names the other one, how both vote, and that the store is gone', async () => {
    const [one] = servers as [RunningServer]
    const page = (matches: RegExp) =>
      until(
        async () => {
          const { stdout } = await status(one)
          return matches.test(stdout) ? stdout : null
        },
        { what: String(matches), withinMs: 30_000, everyMs: 200 },
      )
    const together = await page(/^mx2\S+ .* down one two$/m)
    expect(together).toContain('\nstate: redis, 2 instances\n')
    expect(together).toMatch(/^two +at-two +ok +\d+ s ago +0\.1\.0 +the same$/m)
    await redis.kill()
    await page(/^state: redis, DEGRADED: the store has not answered for \d+ s$/m)
  })
})
