// A server that runs out of descriptors while it probes takes that for its own fault: no target leaves the answers, and it
// goes on when there are enough again.

import { execFileSync, spawn } from 'node:child_process'
import { type Server, createServer } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { ladderOf, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import {
  ask,
  type Launched,
  mainFile,
  stopChild,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const descriptors = 160
/** Of ten addresses each. */
const targets = Object.fromEntries(
  Array.from({ length: 30 }, (_, i) => {
    const addresses = Array.from({ length: 10 }, (_, j) => `127.9.${i}.${1 + j}`)
    return [`t${i}`, { address: addresses.join(', '), weight: 1 }]
  }),
)
const count = 300

/** Greets after `delay.ms`: so many dialogues are open at once. */
async function startMtas(delay: { ms: number }): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => socket.end('221 bye\r\n'))
    setTimeout(() => socket.write('220 mx ESMTP\r\n'), delay.ms)
  })
  const port = await new Promise<number>((resolve) => {
    server.listen({ host: '0.0.0.0', port: 0, backlog: 1024 }, () =>
      resolve((server.address() as { port: number }).port),
    )
  })
  return { server, port }
}

/** As `serve`, with no more descriptors than that once it is ready: loading its modules takes some too. */
async function startTight(zone: string): Promise<{ child: Launched; dns: number; admin: number }> {
  const zones = join(temporaryFolder(), 'zones')
  mkdirSync(zones)
  writeFileSync(join(zones, 'mail.yaml'), zone)
  const [dns, admin] = [await freePort(), await freePort()]
  const args = [mainFile, 'serve', '--zones', zones, '--workers', '1', '--lameduck', '0s']
  const places = ['--listen', `127.0.0.1:${dns}`, '--admin', `127.0.0.1:${admin}`]
  const child = watchChild(spawn(process.execPath, [...args, ...places]))
  const ended = child.exited.then(() => {
    throw new Error(`the server ended early: ${child.stderr()}`)
  })
  const ready = until(() => child.logs().some(({ event }) => event === 'server.ready'), {
    what: 'the server',
    withinMs: 60_000,
  })
  await Promise.race([ready, ended])
  ended.catch(() => {})
  execFileSync('prlimit', [`--pid=${child.pid}`, `--nofile=${descriptors}:${descriptors}`])
  return { child, dns, admin }
}

const metric = async (admin: number, sample: string): Promise<number> => {
  const { body } = await ask(admin, '/metrics')
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.slice(sample.length),
  )
}

it('out of descriptors: no target goes down, and it passes', async () => {
  const delay = { ms: 0 }
  const { server, port } = await startMtas(delay)
  const probe = { level: 'banner', interval: '2s', fall: 2, banner_timeout: '10s' }
  const { child, dns, admin } = await startTight(mailZone({ targets, port, probe }))
  const client = openUdpClient(dns)
  try {
    delay.ms = 1500
    // Four rounds and more, in each of which half of the probes finds no descriptor.
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    expect(ladderOf(await client.ask(mailDomain, 'MX')).length).toBe(4)
    delay.ms = 0
    const self = 'mxsteer_probe_outcomes_total{kind="self"}'
    const seen = await until(() => metric(admin, self).catch(() => null), {
      what: 'the admin server again',
      withinMs: 60_000,
      everyMs: 200,
    })
    expect(seen).toBeGreaterThan(count)
    await until(
      async () => {
        const ok = await metric(admin, 'mxsteer_probe_outcomes_total{kind="ok"}').catch(() => 0)
        return ok > 2 * count
      },
      {
        what: 'probes that are well again',
        withinMs: 60_000,
        everyMs: 500,
      },
    )
    // Admin connections may be reset as long as there are too few.
    const { body } = await until(() => ask(admin, '/targets').catch(() => null), {
      what: 'the states of targets',
      withinMs: 60_000,
      everyMs: 200,
    })
    const states = (JSON.parse(body) as { targets: { state: string }[] }).targets
    expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['up']))
    const troubled = child.logs().filter(({ event }) => /target\.(down|suspect)/.test(event ?? ''))
    expect(troubled).toEqual([])
  } finally {
    client.close()
    await stopChild(child, 10_000)
    server.close()
  }
})
