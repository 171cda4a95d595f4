// Ten restarts, one after the other, under clients that ask 500 times a second over UDP and TCP: none of them is left
// without an answer, whether the sockets wait with a service manager or the next process takes them over.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, describe, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { startNotifyReader } from '../support/notify-reader.ts'
import {
  isProcessAlive,
  launch,
  type Launched,
  projectFolder,
  temporaryFolder,
} from '../support/server.ts'
import { restart, startHolder } from '../support/socket-holder.ts'
import { type Asked, startAskers, type SteadyAskers } from '../support/steady-askers.ts'
import { pause, until } from '../support/wait.ts'

const name = 'busy.example.test'
const zone = `
zone: ${name}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2] }
pools:
  main: { targets: { mx1: 1, mx2: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`
const restarts = 10
const perSecond = 500
/** On a machine that is busy with other things, where a start takes many seconds. */
const withinMs = 60_000

interface World {
  readonly port: number
  readonly adminPort: number
  readonly folder: string
  readonly args: readonly string[]
}

async function makeWorld(settings: string): Promise<World> {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'zones'))
  writeFileSync(join(folder, 'zones', 'busy.yaml'), zone)
  writeFileSync(
    join(folder, 'settings.conf'),
    `state_dir: ${folder}/state\ninstance: ns1\n${settings}`,
  )
  const [port, adminPort] = [await freePort(), await freePort()]
  const listen = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`]
  const files = ['--zones', join(folder, 'zones'), '--config', join(folder, 'settings.conf')]
  return { port, adminPort, folder, args: ['serve', ...files, ...listen] }
}

const running: { stop(): unknown }[] = []
const stopLater = <One extends { stop(): unknown }>(one: One): One => {
  running.push(one)
  return one
}
afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.stop()
})

const count = (process: Launched, event: string): number =>
  process.logs().filter((line) => line.event === event).length

/** Waits for an event; fails with what the process has said if it ends without. */
async function says(process: Launched, event: string): Promise<void> {
  let hasEnded = false
  void process.exited.then(() => (hasEnded = true))
  await until(
    () => {
      if (count(process, event) > 0) return true
      if (hasEnded) throw new Error(`no ${event}: ${process.stdout()}${process.stderr()}`)
      return false
    },
    { what: event, withinMs: 120_000 },
  )
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Launched {
  const process = launch(args, projectFolder, { env })
  stopLater({
    async stop() {
      process.signal('SIGKILL')
      await process.exited
    },
  })
  return process
}

/** Asks, and once it is answered leaves the questions a second of rest before anything happens. */
async function ask(port: number, rate = perSecond): Promise<SteadyAskers> {
  const askers = startAskers({ port, name, perSecond: rate, withinMs })
  await pause(1000)
  return askers
}

/**
 * As many questions a second as can wait for a start that takes so long: 1024 connections are open at once, of which a
 * quarter second of questions may be the old process's. Five hundred, unless a start takes three seconds.
 */
const bearable = (startMs: number): number =>
  Math.min(perSecond, Math.round((2 * 750) / (startMs / 1000)))

function report(what: string, { sent, lost, empty, repeated, latestMs }: Asked): void {
  console.info(
    `${what}: ${sent} asked, ${lost.length} lost, ${empty} empty, ${repeated} of TCP asked again; latest ${latestMs.udp.toFixed()} ms over UDP, ${latestMs.tcp.toFixed()} ms over TCP`,
  )
}

describe.each(['mmsg', 'dgram'])('over %s', (transport) => {
  test.each([1, 2])('restarts with %i UDP sockets of a service manager', async (udpSockets) => {
    const { port, args } = await makeWorld(`workers: 2\nlameduck: 0\ntransport: ${transport}\n`)
    const sinceMs = performance.now()
    const holder = stopLater(startHolder({ port, args, udpSockets }))
    await says(holder, 'server.ready')
    const askers = await ask(port, bearable(performance.now() - sinceMs))
    const times = udpSockets === 1 ? restarts : 2
    for (let i = 0; i < times; i++) {
      await restart(holder)
      await pause(200)
    }
    const asked = await askers.stop()
    report(`${times} restarts by ${transport}, ${udpSockets} UDP sockets held`, asked)
    expect(asked).toMatchObject({ lost: [], empty: 0 })
    expect(holder.pids()).toHaveLength(times + 1)
  })

  test('take-overs', async () => {
    const world = await makeWorld(`workers: 2\nlameduck: 1s\ntransport: ${transport}\n`)
    let current = start(world.args)
    await says(current, 'server.ready')
    const askers = await ask(world.port)
    for (let i = 0; i < restarts; i++) {
      const next = start([...world.args, '--take-over'])
      await says(next, 'server.ready')
      expect(await current.exited).toEqual({ code: 0, signal: null })
      current = next
    }
    const asked = await askers.stop()
    report(`${restarts} take-overs by ${transport}`, asked)
    expect(asked).toMatchObject({ lost: [], empty: 0 })
  })
})

test('take-overs between numbers of workers, and between mmsg and dgram', async () => {
  const world = await makeWorld('lameduck: 1s\n')
  const like = (workers: number, transport: string): readonly string[] => [
    ...world.args,
    '--workers',
    String(workers),
    '--transport',
    transport,
  ]
  let current = start(like(1, 'mmsg'))
  await says(current, 'server.ready')
  const askers = await ask(world.port)
  for (const [workers, transport] of [
    [3, 'mmsg'],
    [1, 'mmsg'],
    [2, 'dgram'],
    [1, 'mmsg'],
  ] as const) {
    const next = start([...like(workers, transport), '--take-over'])
    await says(next, 'server.ready')
    expect(await current.exited).toEqual({ code: 0, signal: null })
    current = next
  }
  const asked = await askers.stop()
  report('take-overs of other numbers of workers and other transports', asked)
  expect(asked).toMatchObject({ lost: [], empty: 0 })
})

describe('where the new one does not start, the old one goes on', () => {
  let world: World
  let old: Launched
  let askers: SteadyAskers

  async function serving(): Promise<void> {
    world = await makeWorld('workers: 2\nlameduck: 1s\n')
    old = start(world.args)
    await says(old, 'server.ready')
    askers = await ask(world.port)
  }

  /** It still serves, all were answered, and the next one can take over from it. */
  async function goesOn(): Promise<void> {
    await until(() => !old.logs().some((line) => line.event === 'takeover.handed'), {
      what: 'nothing was handed over',
      withinMs: 1000,
    })
    expect(isProcessAlive(old.pid)).toBe(true)
    const next = start([...world.args, '--take-over'])
    await says(next, 'server.ready')
    expect(await old.exited).toEqual({ code: 0, signal: null })
    const asked = await askers.stop()
    report('a start that failed, and one that did not', asked)
    expect(asked).toMatchObject({ lost: [], empty: 0 })
  }

  test('a mistake in a zone file', async () => {
    await serving()
    const bad = temporaryFolder()
    writeFileSync(join(bad, 'busy.yaml'), zone.replace('pools: [main]', 'pools: [other]'))
    const next = start([...world.args, '--zones', bad, '--take-over'])
    expect(await next.exited).toEqual({ code: 2, signal: null })
    await says(old, 'takeover.failed')
    await goesOn()
  })

  test('an address that it cannot have', async () => {
    await serving()
    const next = start([...world.args, '--listen', '192.0.2.1:53', '--take-over'])
    expect(await next.exited).toEqual({ code: 3, signal: null })
    expect(next.stderr()).toContain('no interface of this host has that address')
    await goesOn()
  })

  test('it is killed with the sockets in its hands', async () => {
    await serving()
    const preload = new URL('../fixtures/workers/killed-at-start.ts', import.meta.url)
    const next = start([...world.args, '--take-over'], { NODE_OPTIONS: `--import=${preload.href}` })
    expect(await next.exited).toEqual({ code: null, signal: 'SIGKILL' })
    await says(old, 'takeover.failed')
    await goesOn()
  })
})

test('SIGUSR2 starts the next one, which systemd follows', async () => {
  const reader = stopLater(await startNotifyReader())
  const world = await makeWorld('workers: 1\nlameduck: 1s\n')
  const announce = join(world.folder, 'announce')
  const command = join(world.folder, 'tell.sh')
  writeFileSync(command, `#!/bin/sh\necho $1 >> ${world.folder}/told\n`, { mode: 0o755 })
  writeFileSync(
    join(world.folder, 'settings.conf'),
    `state_dir: ${world.folder}/state\ninstance: ns1\nlameduck: 1s\nworkers: 1\nannounce: { file: ${announce}, command: ${command} }\n`,
  )
  const old = start(world.args, { NOTIFY_SOCKET: reader.place, WATCHDOG_USEC: '1500000' })
  const told = (): string => readFileSync(join(world.folder, 'told'), 'utf8')
  await until(() => existsSync(join(world.folder, 'told')) && told().includes('up'), {
    what: 'announced',
    withinMs: 120_000,
  })
  const before = told()
  old.signal('SIGUSR2')
  const pidOf = (event: string): number =>
    Number(old.logs().find((line) => line.event === event)?.['pid'] ?? 0)
  await says(old, 'takeover.handed')
  const pid = pidOf('takeover.handed')
  stopLater({ stop: () => isProcessAlive(pid) && process.kill(pid, 'SIGKILL') })
  // Its output goes on in the pipe of the old one, so that the end of the old one is not seen by that.
  await until(() => !isProcessAlive(old.pid), { what: 'the old one ends', withinMs: 60_000 })
  const lines = (): readonly string[] =>
    reader.datagrams().filter((line) => !line.startsWith('STATUS'))
  const main = lines().indexOf(`MAINPID=${pid}`)
  expect(main).toBeGreaterThan(0)
  await until(
    () => {
      const after = lines().slice(main + 1)
      return after.some((line) => line.startsWith('READY=1')) && after.includes('WATCHDOG=1')
    },
    { what: `the new one is ready and feeds: ${lines().join(' | ')}`, withinMs: 60_000 },
  )
  expect(lines().filter((line) => line.startsWith('STOPPING'))).toEqual([])
  // Nobody was told that this place is down, not even for a moment.
  expect(told()).toBe(before)
  expect(readFileSync(announce, 'utf8')).toBe('up\n')
  process.kill(pid, 'SIGTERM')
  await until(() => !isProcessAlive(pid), { what: 'the new one ends', withinMs: 60_000 })
})
