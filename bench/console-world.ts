// What the console of bench/console.ts shows: targets on loopback addresses of their own, all before one MTA, which can be
// told to be dead for some of them.

import { createServer } from 'node:net'

import type { Overview } from '../src/admin/live/overview-rows.ts'
import { freePort } from '../test/support/free-ports.ts'
import { type RunningServer, startServer } from '../test/support/server.ts'
import { until } from '../test/support/wait.ts'
import { addressOf, steeredLines } from './probe-scale-world.ts'

export interface ConsoleWorld {
  readonly server: RunningServer
  /** Of the console, with its final slash. */
  readonly address: string
  /** The target of this number fails from now on. */
  kill(target: number): void
  /** Orders another weight for a target that nobody kills. */
  setWeight(factor: number): Promise<void>
  stop(): Promise<void>
}

const perZone = 1000
/** Probed each second, in a pool of their own: those that are killed. */
const quick = 8

export const zoneName = (zone: number): string => `bench${zone}.test`

/** Pools of twenty; the first one of the first zone has those that are killed. */
function zoneText(zone: number, count: number, port: number): string {
  const first = zone * perZone
  const all = Array.from({ length: Math.min(perZone, count - first) }, (_, i) => first + i)
  const split = zone === 0 ? quick : 0
  const pools = [...(zone === 0 ? [all.slice(0, quick)] : []), ...chunks(all.slice(split), 20)]
  const policies = chunks([...pools.keys()], 10)
  return [
    `zone: ${zoneName(zone)}`,
    'ttl: 60',
    'soa: { mname: ns1, rname: hostmaster.bench.test. }',
    'targets:',
    ...all.map((i) => `  t${i}: { addresses: [${addressOf(i)}] }`),
    'probes:',
    `  usual: { port: ${port}, level: banner, interval: 30s, slow_start: 0s }`,
    `  quick: { port: ${port}, level: banner, interval: 1s, fast_interval: 200ms, fall: 1, rise: 1, slow_start: 0s }`,
    'pools:',
    ...pools.map((members, i) => {
      const probe = members[0] === 0 ? 'quick' : 'usual'
      return `  p${i}: { probe: ${probe}, targets: { ${members.map((one) => `t${one}: 1`).join(', ')} } }`
    }),
    ...steeredLines(policies),
  ].join('\n')
}

const chunks = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )

export async function startWorld(count: number): Promise<ConsoleWorld> {
  const dead = new Set<string>()
  const mta = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => socket.end('221 bye\r\n'))
    if (dead.has(socket.localAddress ?? '')) socket.destroy()
    else socket.write('220 bench ready\r\n')
  })
  const port = await freePort()
  await new Promise<void>((resolve) => void mta.listen(port, '0.0.0.0', resolve))
  const zones = Array.from({ length: Math.ceil(count / perZone) }, (_, i) => i)
  const server = await startServer({
    zones: Object.fromEntries(zones.map((i) => [`bench${i}.yaml`, zoneText(i, count, port)])),
  })
  await until(async () => (await addressesUp(server)) === count, {
    what: 'all targets up',
    withinMs: 60_000,
    // Each look at ten thousand costs the server something, and who asks too often is refused.
    everyMs: 5000,
  })
  return {
    server,
    address: `http://127.0.0.1:${server.adminPort}/console/`,
    kill: (target) => void dead.add(addressOf(target)),
    setWeight: (factor) => setWeight(server.adminPort, factor),
    async stop() {
      await server.stop()
      mta.close()
    },
  }
}

async function setWeight(adminPort: number, factor: number): Promise<void> {
  const order = { zone: zoneName(0), target: 't9', kind: 'weight', factor, seconds: 600 }
  const response = await fetch(`http://127.0.0.1:${adminPort}/overrides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...order, why: 'bench' }),
  })
  await response.text()
}

/** null: it was too busy to say. */
async function addressesUp(server: RunningServer): Promise<number | null> {
  const { status, body } = await server.http('/overview')
  if (status !== 200) return null
  return (JSON.parse(body) as Pick<Overview, 'figures'>).figures.addresses.up
}
