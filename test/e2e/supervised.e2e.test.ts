// The server under a service manager: what it reports from start to end, on a socket of the kind that systemd gives.

import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { startNotifyReader } from '../support/notify-reader.ts'
import { mainFile, temporaryFolder, watchChild } from '../support/server.ts'
import { until } from '../support/wait.ts'

test('READY, the watchdog fed, a reload, STOPPING with the time it takes', async () => {
  const reader = await startNotifyReader()
  const folder = temporaryFolder()
  const port = await freePort()
  const zone = mailZone({
    targets: { mx1: { address: '127.0.0.84', weight: 1 } },
    port: 9,
    probe: { level: 'banner' },
  })
  writeFileSync(join(folder, 'mail.yaml'), zone)
  // What is started by us must not speak for us.
  const command = join(folder, 'tell.sh')
  writeFileSync(command, `#!/bin/sh\nenv > ${folder}/environment\n`, { mode: 0o755 })
  const config = join(folder, 'settings.conf')
  writeFileSync(
    config,
    `workers: 1\nlameduck: 2s\nannounce: { file: ${folder}/announce, command: ${command} }\n`,
  )
  const flags = ['--zones', folder, '--listen', `127.0.0.1:${port}`, '--admin', 'off']
  const env = {
    ...process.env,
    NOTIFY_SOCKET: reader.place,
    WATCHDOG_USEC: '1500000',
    MXSTEER_INSTANCE: 'ns1',
  }
  const args = [mainFile, 'serve', '--config', config, ...flags]
  const server = watchChild(
    spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  const countOf = (word: string): number =>
    reader.datagrams().filter((line) => line.split(';')[0] === word).length
  const wait = (what: string, look: () => boolean): Promise<true> =>
    until(look, { what: `${what}: ${reader.datagrams().join(' | ')}`, withinMs: 30_000 })

  await wait('ready', () => countOf('READY=1') === 1)
  expect(reader.datagrams()[0]).toBe('READY=1;STATUS=ns1 answers for 1 zone')
  const client = openUdpClient(port)
  expect((await client.ask(mailDomain, 'SOA')).answers).toHaveLength(1)
  client.close()
  await wait('fed', () => countOf('WATCHDOG=1') >= 3)

  server.signal('SIGHUP')
  await wait('reloaded', () => countOf('READY=1') === 2)
  const lines = reader.datagrams().filter((line) => !line.startsWith('WATCHDOG'))
  const micros = Number(/^RELOADING=1;MONOTONIC_USEC=(\d+);/.exec(lines[1] ?? '')?.[1])
  const uptimeSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  // The clock of uptime counts time asleep as well.
  expect(micros / 1e6).toBeLessThanOrEqual(uptimeSeconds + 1)
  expect(micros).toBeGreaterThan(0)

  server.signal('SIGTERM')
  await wait('stopping', () => countOf('STOPPING=1') === 1)
  const fed = countOf('WATCHDOG=1')
  await wait('fed while it answers', () => countOf('WATCHDOG=1') > fed)
  expect(reader.datagrams().find((line) => line.startsWith('STOPPING'))).toBe(
    'STOPPING=1;EXTEND_TIMEOUT_USEC=12000000;STATUS=Stopping',
  )
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(server.logs().filter(({ event }) => event?.startsWith('service.'))).toEqual([])
  expect(readFileSync(join(folder, 'environment'), 'utf8')).not.toMatch(/NOTIFY_SOCKET|WATCHDOG/)
  await reader.stop()
})
