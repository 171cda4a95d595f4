// The announce hook of a real server: down before it answers, up when it does, down at SIGTERM while it still answers.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, expect, it } from 'vitest'

import { addressesOf, openUdpClient } from '../support/dns-client.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

let server: RunningServer | null = null
afterEach(() => server?.stop())

const zone = mailZone({
  targets: { mx1: { address: '127.0.0.81', weight: 1 } },
  port: 9,
  probe: { level: 'banner' },
})

it('says up when it answers, whatever its targets are, and down at SIGTERM before it is silent', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'announce')
  const command = join(folder, 'tell.sh')
  writeFileSync(command, `#!/bin/sh\necho "$1" >> ${folder}/commands\n`, { mode: 0o755 })
  const settings = `workers: 1\nlameduck: 4s\nready_within: 1s\nannounce: { file: ${file}, command: ${command} }\n`
  server = await startServer({ zones: { 'mail.yaml': zone }, settings })
  // The first word comes about when the server is ready.
  const said = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  await until(() => said() === 'up\n', { what: 'up', withinMs: 30_000 })
  await server.waitForState('mx1', 'down', 20_000)
  expect(said()).toBe('up\n')
  expect(await server.metric('mxsteer_announced')).toBe(1)
  expect(await server.metric('mxsteer_announce_failures_total{what="command"}')).toBe(0)
  // A folder where it is written first: it cannot be said, and that is counted.
  mkdirSync(`${file}.new`)
  rmSync(file)
  await until(
    async () => ((await server?.metric('mxsteer_announce_failures_total{what="file"}')) ?? 0) > 0,
    { what: 'a failure is counted', withinMs: 60_000 },
  )
  const problems = async (): Promise<readonly unknown[]> => {
    const { body } = (await server?.http('/status')) ?? { body: '{}' }
    return (JSON.parse(body) as { problems: readonly { kind: string }[] }).problems
  }
  const row = { kind: 'announce-failed', severity: 'critical', subject: 'file' }
  expect(await problems()).toContainEqual(expect.objectContaining(row))
  rmSync(`${file}.new`, { recursive: true })
  await until(() => existsSync(file), { what: 'it is said again', withinMs: 60_000 })
  await until(async () => !JSON.stringify(await problems()).includes('announce-failed'), {
    what: 'no more announce-failed',
    withinMs: 60_000,
  })

  server.signal('SIGTERM')
  await until(() => said() === 'down\n', { what: 'down', withinMs: 30_000 })
  const client = openUdpClient(server.port)
  const answer = await client.ask(`mx1.${mailDomain}`, 'A')
  client.close()
  expect(addressesOf(answer)).toEqual(['127.0.0.81'])
  expect(await server.exited).toEqual({ code: 0, signal: null })
  expect(readFileSync(join(folder, 'commands'), 'utf8')).toBe('down\nup\ndown\n')
  const changes = server.logs().filter(({ event }) => event === 'announce.changed')
  expect(changes.map(({ to, reasons }) => [to, reasons])).toEqual([
    ['up', []],
    ['down', ['stopping']],
  ])
})
