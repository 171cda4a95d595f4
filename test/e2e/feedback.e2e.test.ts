// What MTAs say of themselves, by the script that is shipped: as an agent behind a socket, and pushing with curl.
// The mail queue is a fake one, whose length the test decides.

import { execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { ladderOf, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { launch, projectFolder, temporaryFolder } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const run = promisify(execFile)
const script = join(projectFolder, 'examples/mta-load.sh')
const folder = temporaryFolder()
const tokenFile = join(folder, 'token')
const drainFile = join(folder, 'drain')
const loadToken = 'a-token-for-loads-alone'
const adminToken = 'a-token-for-everything'
const environment = (more: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  PATH: `${folder}/bin:/usr/bin:/bin`,
  MTA: 'postfix',
  SPOOL: folder,
  QUEUE_LIMIT: '100',
  DISK_DRAIN: '101',
  DRAIN_FILE: drainFile,
  TOKEN_FILE: tokenFile,
  ...more,
})

/** As `postqueue -p` prints it: active messages with a star, deferred ones without. */
function queueOf(active: number): void {
  const line = (mark: string, i: number): string =>
    `${(0x3b4f52a0 + i).toString(16).toUpperCase()}${mark}     4567 Sat Nov 21 17:20:59  a@example.com`
  const lines = [
    '-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------',
    ...Array.from({ length: active }, (_, i) => line('*', i)),
    ...Array.from({ length: 500 }, (_, i) => `${line(' ', i)}\n      (connect timed out)`),
  ]
  writeFileSync(join(folder, 'queue'), `${lines.join('\n')}\n`)
}

let agent: Server
let mtas: OddMta[] = []

const server = servedZone(async () => {
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/postqueue'), `#!/bin/sh\ncat '${folder}/queue'\n`)
  chmodSync(join(folder, 'bin/postqueue'), 0o755)
  writeFileSync(tokenFile, `${loadToken}\n`)
  queueOf(0)
  // What systemd does with Accept=yes, or inetd: a process a connection, which prints and ends.
  agent = createServer((socket) => {
    socket.on('error', () => {})
    const child = spawn(script, { env: environment(), stdio: ['ignore', 'pipe', 'ignore'] })
    child.stdout.pipe(socket)
  })
  const agentPort = await new Promise<number>((resolve) => {
    agent.listen(0, '127.0.0.1', () => resolve((agent.address() as { port: number }).port))
  })
  const addresses = ['127.0.0.81', '127.0.0.82']
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  const targets = {
    mx1: { address: '127.0.0.81', weight: 1 },
    mx2: { address: '127.0.0.82', weight: 1 },
  }
  const zone = mailZone({ targets, port, probe: { level: 'banner' } }).replace(
    'mx1: { addresses: [127.0.0.81] }',
    `mx1: { addresses: [127.0.0.81], agent: { address: 127.0.0.1, port: ${agentPort}, interval: 1s } }`,
  )
  return {
    zones: { 'feedback.yaml': zone },
    settings: `admin_token: ${adminToken}\nload_token: ${loadToken}\n`,
  }
})
beforeAll(async () => {
  await server.waitForState('mx2', 'up', 20_000)
})
afterAll(async () => {
  agent?.close()
  await Promise.all(mtas.map((mta) => mta.close()))
})

const factorOf = (target: string): Promise<number | null> =>
  server.metric(`mxsteer_target_feedback{zone="${mailDomain}",target="${target}"}`)

const factorBecomes = (target: string, factor: number): Promise<true> =>
  until(async () => (await factorOf(target)) === factor, {
    what: `${target} worth ${factor}`,
    withinMs: 60_000,
    everyMs: 100,
  })

const exchanges = async (): Promise<string[]> => {
  const client = openUdpClient(server.port)
  const ladder = ladderOf(await client.ask(mailDomain, 'MX'))
  client.close()
  return ladder.map(({ exchange }) => exchange).sort()
}

const url = (target: string): string =>
  `http://127.0.0.1:${server.adminPort}/targets/${target}/load`

async function send(method: string, target: string, token: string, body?: object): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const reply = await fetch(url(target), {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  })
  await reply.text()
  return reply.status
}

describe('the agent', () => {
  it('takes weight as the active queue grows, deferred mail aside, and gives it back', async () => {
    await factorBecomes('mx1', 1)
    queueOf(40)
    await factorBecomes('mx1', 0.6)
    const members = JSON.parse((await server.http('/targets')).body) as {
      members: { target: string; weight: { feedback: number; effective: number } }[]
      told: object[]
    }
    expect(members.members.find(({ target }) => target === 'mx1')?.weight).toMatchObject({
      feedback: 0.6,
      effective: 0.6,
    })
    expect(members.told).toMatchObject([
      { target: 'mx1', words: [{ writer: 'agent', factor: 0.6, wants: 'mail', down: false }] },
    ])
    queueOf(1000)
    await factorBecomes('mx1', 0.1)
    queueOf(0)
    await factorBecomes('mx1', 1)
  }, 600_000)

  it('drains while the file is there; an operator goes before it, and cannot undo it', async () => {
    writeFileSync(drainFile, '')
    await factorBecomes('mx1', 0)
    expect(await exchanges()).toEqual([exchangeOf('mx2')])
    const forced = launch([
      'up',
      'mx1',
      '--for=1h',
      `--admin=127.0.0.1:${server.adminPort}`,
      `--config=${join(server.zonesFolder, 'settings.conf')}`,
    ])
    expect([(await forced.exited).code, forced.stderr()]).toEqual([0, ''])
    expect(await exchanges()).toEqual([exchangeOf('mx1'), exchangeOf('mx2')])
    expect(await send('DELETE', 'mx1', adminToken)).toBe(404)
    expect(await factorOf('mx1')).toBe(0)
    await run('rm', [drainFile])
    await factorBecomes('mx1', 1)
  }, 600_000)
})

describe('the pusher', () => {
  const push = (more: Record<string, string> = {}): Promise<unknown> =>
    run(script, ['--push', url('mx2')], { env: environment(more) })

  it('tells a load that sheds, with the load token', async () => {
    queueOf(85)
    await push()
    // Half of the way from 0.7 to 1.
    await factorBecomes('mx2', 0.55)
    expect(await send('DELETE', 'mx2', adminToken)).toBe(404)
    expect(await factorOf('mx2')).toBe(0.55)
    expect(await send('DELETE', 'mx2', loadToken)).toBe(200)
    expect(await factorOf('mx2')).toBe(1)
    queueOf(0)
  }, 600_000)

  it('drains when the disk is full, until that ends by itself', async () => {
    await push({ DISK_DRAIN: '0', KEEP: '5s' })
    expect(await factorOf('mx2')).toBe(0)
    expect(await exchanges()).toEqual([exchangeOf('mx1')])
    await factorBecomes('mx2', 1)
  }, 600_000)

  it('fails aloud with a wrong token; the load token can do nothing else', async () => {
    writeFileSync(tokenFile, 'another-token-of-16\n')
    await expect(push()).rejects.toThrow(/401/)
    writeFileSync(tokenFile, `${loadToken}\n`)
    const reply = await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
      method: 'POST',
      headers: { authorization: `Bearer ${loadToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ target: 'mx2', kind: 'drain', seconds: 60 }),
    })
    expect(reply.status).toBe(401)
  })

  it.each([
    [{ load: 0.5 }, 400],
    [{ load: 0.5, for: '0s' }, 400],
    [{ load: 0.5, for: '2d' }, 400],
    [{ load: -1, for: '2m' }, 400],
    [{ load: 1, share: 1, for: '2m' }, 400],
    [{ share: 1.5, for: '2m' }, 400],
    [{ share: 0.5, low: 1, for: '2m' }, 400],
    [{ load: 1, low: 2, high: 1, for: '2m' }, 400],
    [{ load: 1, for: '2m', until: 'x' }, 400],
    [{ share: 1, for: '2m', zone: 'no.such.zone' }, 404],
  ])('%j is refused', async (body, status) => {
    expect(await send('PUT', 'mx2', loadToken, body)).toBe(status)
    expect(await send('PUT', 'mx9', loadToken, { share: 1, for: 60 })).toBe(404)
  })
})
