// Standard output that is not read, as of a pipe whose reader was stopped.

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { ask, mainFile, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

test('a reader of the log that stands still stops nothing: lines are dropped, counted, and named', async () => {
  const zones = join(temporaryFolder(), 'zones')
  mkdirSync(zones)
  writeFileSync(
    join(zones, 'a.yaml'),
    `zone: example.test\nsoa: { mname: ns1, rname: h.example.test. }\nrecords:\n  '@': { NS: ns1 }\n  ns1: { A: 127.0.0.1 }\n`,
  )
  const [dns, admin] = [await freePort(), await freePort()]
  const places = ['--listen', `127.0.0.1:${dns}`, '--admin', `127.0.0.1:${admin}`]
  const child = spawn(
    process.execPath,
    [mainFile, 'serve', '--zones', zones, '--workers', '1', '--lameduck', '0s', ...places],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    const metric = async (name: string): Promise<number> => {
      const { body } = await ask(admin, '/metrics')
      return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1] ?? 0)
    }
    const isLive = async (): Promise<boolean> =>
      ask(admin, '/livez').then(
        ({ status }) => status === 200,
        () => false,
      )
    await until(isLive, { what: 'the admin server', withinMs: 60_000 })
    // A hundred mistakes a reload, 250 octets each: the pipe is full after three, the buffer after 45.
    writeFileSync(join(zones, 'a.yaml'), 'zone: example.test\n' + unknownKeys(100))
    await until(
      async () => {
        child.kill('SIGHUP')
        return (await metric('mxsteer_log_dropped_lines_total')) > 0
      },
      { what: 'a dropped line', withinMs: 90_000, everyMs: 20 },
    )
    expect(await isLive()).toBe(true)
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await until(() => text.includes('"event":"log.dropped"'), {
      what: 'the event',
      withinMs: 60_000,
    })
  } finally {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await exited
  }
})

const unknownKeys = (count: number): string =>
  Array.from({ length: count }, (_, i) => `${'key'.repeat(20)}${i}: 1\n`).join('')
