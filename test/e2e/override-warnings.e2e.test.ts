// Overrides that come to more than they seem to: one that no restart would know, and one that hands clients to another
// pool. Typed by an operator at a terminal, run by a script, and sent over HTTP.

import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import {
  type CommandResult,
  mainFile,
  runCommand,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const addresses = ['127.0.0.141', '127.0.0.142', '127.0.0.143'] as const
const folder = temporaryFolder()
/** A file where a folder of the state file should be. */
const inTheWay = join(folder, 'taken')

const zoneOf = (port: number): string => `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu1: { addresses: [${addresses[0]}] }
  eu2: { addresses: [${addresses[1]}] }
  us1: { addresses: [${addresses[2]}] }
probes:
  inbound: { port: ${port}, level: banner, interval: 1s, fast_interval: 500ms }
  submission: { port: ${port}, level: connect, interval: 1s, fast_interval: 500ms }
pools:
  eu: { probe: inbound, targets: { eu1: 1, eu2: 1 }, min_healthy: 0.6 }
  us: { probe: inbound, targets: { us1: 1 } }
  other: { probe: submission, targets: { us1: 1 } }
steering:
  inbound:
    - { when: { network: [198.51.100.0/24] }, pools: [eu, us] }
    - { pools: [us, other] }
records:
  '@': { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`

let mtas: OddMta[] = []
const server = servedZone(async () => {
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses, port)
  writeFileSync(inTheWay, '')
  return {
    zones: { 'mail.yaml': zoneOf(port) },
    settings: `instance: one\nworkers: 1\nlameduck: 0\nstate_dir: ${join(inTheWay, 'state')}\n`,
  }
})
beforeAll(async () => {
  // Each target at each of its probes.
  await until(async () => (await server.targets()).every(({ state }) => state === 'up'), {
    what: 'every target up',
    withinMs: 60_000,
  })
})
afterAll(async () => {
  await Promise.all(mtas.map((mta) => mta.close()))
})

const mxsteer = (...args: readonly string[]): Promise<CommandResult> =>
  runCommand(...args, '--admin', `127.0.0.1:${server.adminPort}`)

/** The same at a terminal, 120 columns wide, where `answer` is typed once a question stands there. */
async function atTerminal(
  args: readonly string[],
  answer: string | null,
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const words = [process.execPath, mainFile, ...args, '--admin', `127.0.0.1:${server.adminPort}`]
  const line = `stty cols 120; exec ${words.join(' ')}`
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    // Node has no colours where CI is set.
    env: { ...process.env, CI: undefined, TERM: 'xterm-256color', NO_COLOR: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const shown = watchChild(child)
  if (answer !== null) {
    await until(() => shown.stdout().includes('[y/N]'), { what: 'the question', withinMs: 60_000 })
    child.stdin.write(`${answer}\n`)
  }
  const { code } = await shown.exited
  return { code, stdout: shown.stdout(), stderr: shown.stderr() }
}

async function overrides(): Promise<readonly { target: string; kind: string }[]> {
  const { body } = await server.http('/overrides')
  return (JSON.parse(body) as { overrides: { target: string; kind: string }[] }).overrides
}

describe('a drain that takes a pool below its min_healthy', () => {
  const drain = ['drain', 'eu1', '--for', '1h']
  const goes = /100 % of clients of network 198\.51\.100\.0\/24 \(inbound rule 1\) go to pool us/

  it('is not set for a script that did not say --yes: it is told where clients would go', async () => {
    const { code, stdout, stderr } = await mxsteer(...drain)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^mxsteer drain: pool eu of smtp\.example\.test is left with 50 % /)
    expect(stderr).toMatch(goes)
    expect(stderr).toMatch(/--yes sets it \(below-min-healthy\)/)
    expect(await overrides()).toEqual([])
    const json = await mxsteer(...drain, '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'below-min-healthy' } })
    expect(await overrides()).toEqual([])
  })

  it.each(['n', '', 'perhaps'])('is not set for an operator who answers %j', async (answer) => {
    const { code, stdout } = await atTerminal(drain, answer)
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(goes)
    expect(code).toBe(1)
    expect(await overrides()).toEqual([])
  })

  it('is set for an operator who answers y', async () => {
    const { stdout } = await atTerminal(drain, 'y')
    expect(stdout).toMatch(/eu1\.smtp\.example\.test: drain until /)
    expect(await overrides()).toMatchObject([{ target: 'eu1', kind: 'drain' }])
    await mxsteer('undo', 'eu1')
    expect(await overrides()).toEqual([])
  })

  it('is set with --yes, and over HTTP, and warned of', async () => {
    const { stdout, stderr } = await mxsteer(...drain, '--yes')
    expect(stdout).toMatch(/^eu1\.smtp\.example\.test: drain until /)
    expect(stderr).toMatch(goes)
    await mxsteer('undo', 'eu1')
    const reply = await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ target: 'eu1', kind: 'drain', seconds: 3600 }),
    })
    expect(reply.status).toBe(201)
    const { warnings } = (await reply.json()) as { warnings: { code: string }[] }
    expect(warnings.map(({ code }) => code).sort()).toEqual(['below-min-healthy', 'not-kept'])
    await mxsteer('undo', 'eu1')
  })

  it('asks nothing where nobody moves', async () => {
    const { stdout } = await mxsteer('weight', 'eu1', '50%', '--for', '1h')
    expect(stdout).toMatch(/^eu1\.smtp\.example\.test: weight until /)
    await mxsteer('undo', 'eu1')
  })
})

describe('the page of status at a terminal', () => {
  it('is as wide as that, in colours, with the probe of each and the value of a weight', async () => {
    await mxsteer('weight', 'eu1', '50%', '--for', '1h')
    const { stdout } = await atTerminal(['status'], null)
    const bare = stripVTControlCharacters(stdout).replaceAll('\r', '')
    expect(stdout).toContain('\u001b[')
    expect(bare).toMatch(/^TARGET +ADDRESS +PROBE +STATE /m)
    expect(bare).toMatch(/^us1\.\S+ +127\.0\.0\.143 +submission +up /m)
    expect(bare).toMatch(/^eu1\.\S+ +- +weight 50% /m)
    // The whole of a problem on fewer lines than 80 columns take.
    expect(Math.max(...bare.split('\n').map((line) => line.length))).toBeGreaterThan(80)
    expect(Math.max(...bare.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
    const plain = await atTerminal(['status'], null, { NO_COLOR: '1' })
    expect(plain.stdout).not.toContain('\u001b[')
    await mxsteer('undo', 'eu1')
  })

  it('is not alone in naming the probe: targets does as well', async () => {
    const { stdout } = await mxsteer('targets')
    expect(stdout).toMatch(/^TARGET +ADDRESS +PROBE +STATE +SINCE +REASON$/m)
    expect(stdout).toMatch(/^us1\.\S+ +127\.0\.0\.143 +submission +up +20/m)
  })
})

describe('an override that cannot be written to the state file', () => {
  it('is in force, says that a restart forgets it, and exits 1; so does its end', async () => {
    const { code, stdout, stderr } = await mxsteer(
      'drain',
      'us1',
      '--for',
      '1h',
      '--force',
      '--yes',
    )
    expect(stdout).toMatch(/^us1\.smtp\.example\.test: drain until /)
    expect(stderr).toMatch(
      /^mxsteer drain: in force, but \S+one\.state cannot be written \(E[A-Z]+\): a restart forgets it/m,
    )
    expect(code).toBe(1)
    expect(await overrides()).toMatchObject([{ target: 'us1', kind: 'drain' }])
    const undone = await mxsteer('undo', 'us1', '--json')
    expect(undone.code).toBe(1)
    expect(JSON.parse(undone.stdout)).toMatchObject({
      undone: [{ target: 'us1' }],
      warnings: [{ code: 'not-kept' }],
    })
  })

  it('is kept, and exits 0, as soon as it can be written', async () => {
    rmSync(inTheWay)
    const { code, stderr } = await mxsteer('up', 'us1', '--for', '1h')
    expect([code, stderr]).toEqual([0, ''])
    expect((await mxsteer('undo', 'us1')).code).toBe(0)
  })
})
