// What the settings say of probes of this host: where they come from, and how many there are at once.

import { type Server, createServer } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

import { mailZone } from '../support/mail-zone.ts'
import { launch, temporaryFolder } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const source = '127.0.4.77'
const canary = '127.0.0.99'
/** In three networks. */
const addresses = ['6.1', '6.2', '6.3', '6.4', '7.1', '7.2', '8.1'].map((end) => `127.0.${end}`)
const intervalMs = 300
/** Most of an interval: more than two of the first network, and more than four in all, would be open at most times. */
const greetingMs = 250
const targets = Object.fromEntries(
  addresses.map((address, i) => [`mx${i + 1}`, { address, weight: 1 }]),
)

let mta: Server
let port = 0
const from = new Set<string>()
const asked = new Set<string>()
const open = new Map<string, number>()
const peaks = { network: 0, all: 0 }
let zone = ''

function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) act()
    isDone = true
  }
}

const networkOf = (address = ''): string => address.replace(/\.\d+$/, '')
const count = (network: string, change: number): void => {
  open.set(network, (open.get(network) ?? 0) + change)
  peaks.network = Math.max(peaks.network, open.get(network) ?? 0)
  peaks.all = Math.max(
    peaks.all,
    [...open.values()].reduce((sum, one) => sum + one, 0),
  )
}

const server = servedZone(async () => {
  mta = createServer((socket) => {
    const { localAddress = '', remoteAddress = '' } = socket
    const network = networkOf(localAddress)
    from.add(remoteAddress)
    asked.add(localAddress)
    socket.on('error', () => {})
    if (localAddress === canary) return
    count(network, 1)
    const over = once(() => count(network, -1))
    setTimeout(() => socket.write('220 mx ESMTP\r\n'), greetingMs)
    socket.on('data', () => {
      // A client may begin anew as soon as it has read this.
      over()
      socket.end('221 bye\r\n')
    })
    // One that lost patience says nothing.
    socket.on('close', over)
  })
  port = await new Promise<number>((resolve) => {
    mta.listen(0, '0.0.0.0', () => resolve((mta.address() as { port: number }).port))
  })
  const probe = { level: 'banner', interval: `${intervalMs}ms`, fast_interval: '100ms' }
  zone = mailZone({ targets, port, probe })
  return {
    zones: { 'mail.yaml': zone },
    settings: [
      `probe_source: ${source}`,
      'probe_limits: { in_flight: 4, per_network: 2 }',
      `canaries: ${canary}:${port}`,
      '',
    ].join('\n'),
  }
})
afterAll(async () => {
  mta?.close()
})

it('probes and canaries come from probe_source, within probe_limits', async () => {
  for (const name of Object.keys(targets)) await server.waitForState(name, 'up', 30_000)
  await until(async () => ((await server.metric('mxsteer_probes_capped_total')) ?? 0) > 5, {
    what: 'probes that were held back',
    withinMs: 30_000,
  })
  await until(() => peaks.network >= 2 && peaks.all >= 4, {
    what: 'as many at once as may be',
    withinMs: 30_000,
  })
  expect([...asked].sort()).toEqual([...addresses, canary].sort())
  expect([...from]).toEqual([source])
  expect(peaks).toEqual({ network: 2, all: 4 })
}, 600_000)

it('check --live comes from there too', async () => {
  from.clear()
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'mail.yaml'), zone.replaceAll('127.0.6', '127.0.9'))
  const config = join(temporaryFolder(), 'settings.conf')
  writeFileSync(config, 'probe_source: 127.0.4.78\n')
  const { exited } = launch(['check', folder, '--live', '--config', config])
  expect((await exited).code).toBe(0)
  expect([...from]).toContain('127.0.4.78')
}, 600_000)
