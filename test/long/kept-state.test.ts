// Row W2 of the fault table: the process is killed without warning and started again. Verdicts and drains are as they
// were, from the first answer on; a damaged file is reported and costs nothing but memory.

import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { ladderOf, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { type RunningServer, launch, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const targets = {
  mx1: { address: '127.0.0.71', weight: 1 },
  mx2: { address: '127.0.0.72', weight: 1 },
  mx3: { address: '127.0.0.73', weight: 1 },
  /** Nobody listens there. */
  dead: { address: '127.0.0.74', weight: 1 },
}

const folder = temporaryFolder()
const file = join(folder, 'one.state')
let mtas: OddMta[] = []
let zones: Record<string, string> = {}
let server: RunningServer

/** Probes so rare that nothing seen after a start can be taken for what was known before. */
const start = async (): Promise<RunningServer> =>
  startServer({ zones, settings: `state_dir: ${folder}\ninstance: one\n` })

const exchanges = async (): Promise<string[]> => {
  const client = openUdpClient(server.port)
  const ladder = ladderOf(await client.ask(mailDomain, 'MX'))
  client.close()
  return ladder.map(({ exchange }) => exchange).sort()
}

const stateOf = async (target: string): Promise<string | undefined> =>
  (await server.targets()).find((one) => one.target === target)?.state

async function drain(target: string, ...more: readonly string[]): Promise<void> {
  const command = launch([
    'drain',
    target,
    '--for',
    '1h',
    '--admin',
    `127.0.0.1:${server.adminPort}`,
    ...more,
  ])
  expect((await command.exited).code).toBe(0)
}

const fileSays = (what: string, pattern: RegExp): Promise<true> =>
  until(() => existsSync(file) && pattern.test(readFileSync(file, 'utf8')), {
    what,
    withinMs: 60_000,
  })

beforeAll(async () => {
  const addresses = Object.values(targets).map(({ address }) => address)
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses.slice(0, 3), port)
  const probe = { level: 'banner', interval: '30s', fast_interval: '3s', fall: 3 }
  zones = { 'kept.yaml': mailZone({ targets, port, probe }) }
  server = await start()
}, 600_000)
afterAll(async () => {
  await server?.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
})

describe('killed and started again', () => {
  it('keeps verdicts and drains, and reports them', async () => {
    await server.waitForState('dead', 'down', 60_000)
    await drain('mx3')
    expect(JSON.parse((await server.http('/overrides')).body)).toMatchObject({ lasting: true })
    await fileSays('the drain', /"target":"mx3"/)
    await fileSays('who is down', /"state":"down"/)
    server.signal('SIGKILL')
    await server.exited

    // Nobody is asked any more: what is answered now is what was known.
    await Promise.all(mtas.splice(0).map((mta) => mta.close()))
    server = await start()
    expect(await exchanges()).toEqual(['mx1', 'mx2'].map(exchangeOf))
    expect(await stateOf('dead')).toBe('down')
    const [taken] = server.logs().filter(({ event }) => event === 'state.restored')
    expect(taken).toMatchObject({ verdicts: 4, overrides: 1 })
    expect(server.logs().filter(({ event }) => event === 'target.down')).toEqual([])
  }, 600_000)

  it('goes on from a damaged file as if there were none, with one warning', async () => {
    server.signal('SIGKILL')
    await server.exited
    truncateSync(file, readFileSync(file).length - 7)
    server = await start()
    const warned = server.logs().filter(({ event }) => event === 'state.ignored')
    expect(warned).toMatchObject([{ level: expect.anything() as unknown, file }])
    const { overrides } = JSON.parse((await server.http('/overrides')).body) as { overrides: [] }
    expect(overrides).toEqual([])
    expect(await server.metric('mxsteer_state_last_write_successful')).toBe(1)
  }, 600_000)

  it('writes once more when it stops', async () => {
    // Its MTAs are gone: sooner or later all of them are down.
    await drain('mx2', '--force')
    expect((await server.stop()).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toMatch(/"target":"mx2"/)
    server = await start()
    expect(JSON.parse((await server.http('/overrides')).body)).toMatchObject({
      overrides: [{ target: 'mx2', kind: 'drain' }],
    })
  }, 600_000)
})
