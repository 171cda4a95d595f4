// How a server leaves: readiness first, answers for the lameduck time, then a clean exit; at once at a second signal.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'

import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { hangingFiles } from '../support/hanging-files.ts'
import {
  type RunningServer,
  launch,
  projectFolder,
  startServer,
  temporaryFolder,
} from '../support/server.ts'
import { pause, until } from '../support/wait.ts'

const zone = 'leaving.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`

let server: RunningServer
afterEach(async () => void (await server?.stop()))

const start = async (lameduck: string): Promise<void> => {
  server = await startServer({ zones: { 'a.yaml': zoneFile }, flags: ['--lameduck', lameduck] })
  await until(async () => (await server.http('/readyz')).status === 200, {
    what: '/readyz 200',
    withinMs: 60_000,
  })
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  'on %s it is unready at once and answers on',
  async (signal) => {
    await start('4s')
    const client = openUdpClient(server.port)
    const sinceMs = performance.now()
    server.signal(signal)
    await until(async () => (await server.http('/readyz')).status === 503, {
      what: '/readyz 503',
      withinMs: 30_000,
      everyMs: 5,
    })
    expect((await server.http('/livez')).status).toBe(200)
    for (let i = 0; i < 40; i++) {
      expect((await client.ask(zone, 'SOA')).answers).toHaveLength(1)
      await pause(20)
    }
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(performance.now() - sinceMs).toBeGreaterThan(3900)
    await expect(client.ask(zone, 'SOA', 300)).rejects.toThrow(/no reply|ECONNREFUSED/)
    client.close()
    expect(server.logs().at(-1)?.event).toBe('server.stopped')
    expect(server.stderr()).toBe('')
  },
)

it('on a second signal it is gone, long before its time', async () => {
  await start('5m')
  server.signal('SIGTERM')
  await server.waitForLog(({ event }) => event === 'server.signal', 30_000)
  server.signal('SIGTERM')
  expect((await server.exited).code).toBe(0)
})

it('with a file system that does not answer it is gone as well', async () => {
  const hang = hangingFiles()
  server = await startServer({
    zones: { 'a.yaml': zoneFile },
    flags: ['--lameduck', '0s'],
    env: hang.env,
  })
  hang.begin()
  server.signal('SIGHUP')
  await until(() => hang.asked().length > 0, { what: 'a file that hangs', withinMs: 60_000 })
  server.signal('SIGTERM')
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.logs().at(-1)?.event).toBe('server.stopped')
})

it.each(['goes on', 'does not go on'])(
  'a signal during a start that %s is not lost',
  async (outcome) => {
    const zones = temporaryFolder()
    writeFileSync(join(zones, 'a.yaml'), zoneFile)
    const hang = hangingFiles(zones)
    hang.begin()
    const listens = ['--listen', `127.0.0.1:${await freePort()}`, '--admin', 'off']
    const flags = ['--zones', zones, ...listens, '--workers', '1', '--lameduck', '0s']
    const child = launch(['serve', ...flags], projectFolder, { env: hang.env })
    await until(() => hang.asked().length > 0, { what: 'a file that hangs', withinMs: 60_000 })
    child.signal('SIGTERM')
    const events = (): unknown[] => child.logs().map(({ event }) => event)
    await until(() => events().includes('server.signal'), { what: 'the signal', withinMs: 60_000 })
    if (outcome === 'goes on') hang.end()
    expect(await child.exited).toEqual({ code: 0, signal: null })
    // One that does not go on within the grace ends without having answered.
    if (outcome !== 'goes on') expect(events()).toEqual(['server.signal'])
    else if (events().includes('server.ready')) expect(events().at(-1)).toBe('server.stopped')
  },
)
