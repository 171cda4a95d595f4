// A target that dies while canaries answer goes down. When canaries and all targets fall silent at once none does, and the
// server says that this host is cut off: in its log, its metrics, and first in its status until that is over.

import { afterAll, beforeAll, expect, it } from 'vitest'

import { ladderOf, openUdpClient } from '../support/dns-client.ts'
import { type FreezableHost, startFreezableHost } from '../support/freezable-host.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { launch } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const targets = {
  mx1: { address: '127.0.0.91', weight: 1 },
  mx2: { address: '127.0.0.92', weight: 1 },
  mx3: { address: '127.0.0.93', weight: 1 },
}
const names = Object.keys(targets)
const canaries = ['127.0.0.94', '127.0.0.95']
// A canary is known to be lost within 12 s; `fall` rounds of two seconds take as long, and the brake doubles that.
const probe = { fall: 6, interval: '1s', fast_interval: '1s', banner_timeout: '1s' }

let alone: FreezableHost
let others: FreezableHost
let outside: FreezableHost

const server = servedZone(async () => {
  const addresses = Object.values(targets).map(({ address }) => address)
  const port = await freePort([...addresses, ...canaries])
  alone = await startFreezableHost(addresses.slice(0, 1), port)
  others = await startFreezableHost(addresses.slice(1), port)
  outside = await startFreezableHost(canaries, port)
  return {
    zones: { 'mail.yaml': mailZone({ targets, port, probe, ladder: 3 }) },
    settings: `canaries: [${canaries.map((address) => `${address}:${port}`).join(', ')}]\n`,
  }
})
beforeAll(async () => {
  for (const name of names) await server.waitForState(name, 'up', 30_000)
})
afterAll(async () => {
  await Promise.all([alone?.close(), others?.close(), outside?.close()])
})

const exchanges = async (): Promise<string[]> => {
  const client = openUdpClient(server.port)
  const ladder = ladderOf(await client.ask(mailDomain, 'MX'))
  client.close()
  return ladder.map(({ exchange }) => exchange).sort()
}

const events = (event: string): readonly unknown[] =>
  server
    .logs()
    .filter((line) => line.event === event)
    .map(({ target }) => target)

interface Problem {
  readonly kind: string
  readonly severity: string
}

const problems = async (): Promise<readonly Problem[]> =>
  (JSON.parse((await server.http('/status')).body) as { problems: readonly Problem[] }).problems

it('canaries answer and a target does not: it goes down', { timeout: 120_000 }, async () => {
  await alone.freeze()
  await server.waitForState('mx1', 'down', 60_000)
  expect(await exchanges()).toEqual(['mx2', 'mx3'].map(exchangeOf))
  alone.thaw()
  await server.waitForState('mx1', 'up', 30_000)
  expect(events('target.down')).toEqual(['mx1'])
  expect(events('prober.isolated')).toEqual([])
})

it(
  'nothing answers: no target goes down, and the server says why',
  { timeout: 180_000 },
  async () => {
    await Promise.all([alone.freeze(), others.freeze(), outside.freeze()])
    const line = await server.waitForLog(({ event }) => event === 'prober.isolated', 60_000)
    expect(line).toMatchObject({ level: 'error', canaries: 2 })
    expect(await server.metric('mxsteer_prober_isolated')).toBe(1)
    expect((await problems())[0]).toMatchObject({ kind: 'prober-isolated', severity: 'critical' })
    const page = launch(['status', '--admin', `127.0.0.1:${server.adminPort}`])
    await page.exited
    expect(page.stdout().split('\n')[1]).toMatch(/^CRITICAL {2}prober-isolated/)
    // As many failures as would have taken all of them out twice.
    const discarded = 'mxsteer_probes_discarded_total{reason="isolated"}'
    await until(async () => ((await server.metric(discarded)) ?? 0) >= 36, {
      what: '36 failures that are not believed',
      withinMs: 90_000,
      everyMs: 500,
    })
    const seen = await server.targets()
    expect(seen.map(({ target, reason }) => `${target} ${reason}`)).toEqual(
      names.map((name) => `${name} isolated`),
    )
    expect(seen.filter(({ state }) => state === 'down')).toEqual([])
    expect(await exchanges()).toEqual(names.map(exchangeOf))
    for (const host of [alone, others, outside]) host.thaw()
    await server.waitForLog(({ event }) => event === 'prober.isolated.over', 60_000)
    for (const name of names) await server.waitForState(name, 'up', 30_000)
    expect(await server.metric('mxsteer_prober_isolated')).toBe(0)
    expect((await problems()).map(({ kind }) => kind)).not.toContain('prober-isolated')
    expect(events('target.down')).toEqual(['mx1'])
  },
)
