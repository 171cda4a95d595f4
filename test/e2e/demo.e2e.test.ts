// `npm start` as the newcomer of the README runs it: three demo MTAs, one killed, out of the answers, and back. On ports
// that are free, since one may be running.

import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { atExit } from '../support/at-exit.ts'
import { dig, rdataOf } from '../support/dig.ts'
import { freePort } from '../support/free-ports.ts'
import {
  type Launched,
  ask,
  isProcessAlive,
  projectFolder,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

let dnsPort = 0
let adminPort = 0
let mtaPort = 0
let ports: Readonly<Record<string, string>> = {}
const domain = 'smtp.example.test'

let demo: Launched
const restarted: Launched[] = []

/** A command line of the README, in a process group of its own, as a terminal would start it. */
function shell(command: string): Launched {
  const [file = '', ...args] = command.split(' ')
  const child = spawn(file, args, {
    cwd: projectFolder,
    env: { ...process.env, ...ports },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  atExit(() => signalGroup(child.pid as number, 'SIGKILL'))
  return watchChild(child)
}

/** What Ctrl-C does: npm, its shell, and everything below get the signal. */
function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch {
    // All of them have ended.
  }
}

async function interrupt(launched: Launched): Promise<void> {
  signalGroup(launched.pid, 'SIGINT')
  const overdue = setTimeout(() => signalGroup(launched.pid, 'SIGKILL'), 15_000)
  await launched.exited
  clearTimeout(overdue)
}

beforeAll(async () => {
  dnsPort = await freePort()
  adminPort = await freePort()
  mtaPort = await freePort(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
  const zones = temporaryFolder()
  const file = 'smtp.example.test.yaml'
  const shipped = readFileSync(join(projectFolder, 'zones', file), 'utf8')
  const ported = shipped.replace('{ port: 2525, ', `{ port: ${mtaPort}, `)
  if (ported === shipped) throw new Error(`${file} has another port than 2525`)
  writeFileSync(join(zones, file), ported)
  ports = {
    MTA_PORT: String(mtaPort),
    MXSTEER_ZONES: zones,
    MXSTEER_LISTEN: `127.0.0.1:${dnsPort}`,
    MXSTEER_ADMIN: `127.0.0.1:${adminPort}`,
  }
  demo = shell('npm start')
  await until(() => demo.stdout().includes('"event":"server.ready"'), {
    what: `the demo's server\n${demo.stderr()}`,
    withinMs: 30_000,
  })
}, 600_000)

afterAll(async () => {
  await Promise.all([...restarted, demo].map(async (one) => one && interrupt(one)))
}, 600_000)

const printedPid = (launched: Launched, name: string): number | null => {
  const found = new RegExp(`demo MTA ${name} on 127\\.0\\.0\\.\\d:${mtaPort} pid (\\d+)`).exec(
    launched.stdout(),
  )
  return found ? Number(found[1]) : null
}

const exchanges = async (): Promise<string[]> =>
  (await dig(dnsPort, domain, 'MX')).answer.map((one) => one.rdata.split(' ')[1] ?? '').sort()
const all = ['mx1', 'mx2', 'mx3'].map((name) => `${name}.${domain}.`)

/** What the log says became of a target, in order: up, suspect, down. */
const transitionsOf = (target: string): string[] =>
  demo
    .logs()
    .filter((line) => line['target'] === target)
    .map((line) => String(line['to']))

describe('npm start', () => {
  it('prints a pid for each of three MTAs, and answers them all', async () => {
    const pids = await Promise.all(
      ['mx1', 'mx2', 'mx3'].map(async (name) =>
        until(() => printedPid(demo, name), { what: `pid of ${name}`, withinMs: 60_000 }),
      ),
    )
    expect(new Set(pids).size).toBe(3)
    for (const pid of pids) expect(isProcessAlive(pid)).toBe(true)
    await until(async () => (await ask(adminPort, '/readyz')).status === 200, {
      what: '/readyz 200',
      withinMs: 60_000,
    })
    for (const name of ['mx1', 'mx2', 'mx3'])
      await until(() => transitionsOf(name).at(-1) === 'up', {
        what: `${name} up`,
        withinMs: 60_000,
      })
    const mx = await dig(dnsPort, domain, 'MX')
    expect(mx.answer).toHaveLength(3)
    expect(rdataOf(mx.additional, 'A')).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
    expect((await dig(dnsPort, domain, 'MX', '+tcp')).answer).toHaveLength(3)
  }, 600_000)

  it('takes a killed one out of the answers, and in again when started as it says', async () => {
    const pid = printedPid(demo, 'mx2')
    process.kill(pid as number, 'SIGTERM')
    await until(async () => (await exchanges()).join() === [all[0], all[2]].join(), {
      what: 'an answer without mx2',
      withinMs: 45_000,
      everyMs: 250,
    })
    const hint = await until(
      () => /start it again: (npm run .+)$/m.exec(demo.stdout())?.[1] ?? null,
      {
        what: 'how to start it again',
        withinMs: 30_000,
      },
    )
    restarted.push(shell(hint))
    await until(async () => (await exchanges()).join() === all.join(), {
      what: 'mx2 back in the answer',
      withinMs: 45_000,
      everyMs: 250,
    })
    // The line may come a moment after the first such answer.
    await until(() => transitionsOf('mx2').at(-1) === 'up', { what: 'mx2 up', withinMs: 60_000 })
    expect(transitionsOf('mx2').slice(-2)).toEqual(['down', 'up'])
  }, 600_000)

  it('ends with everything it started', async () => {
    const pids = ['mx1', 'mx3'].map((name) => printedPid(demo, name) as number)
    await interrupt(demo)
    await until(() => pids.every((pid) => !isProcessAlive(pid)), {
      what: 'MTAs gone',
      withinMs: 30_000,
    })
    await expect(ask(adminPort, '/livez')).rejects.toThrow('ECONNREFUSED')
  }, 600_000)
})
