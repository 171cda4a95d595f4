// A fleet: instances as processes, each at a site of its own and behind a proxy of its own to one Redis, over three
// MTAs on loopback; and somebody who asks each of them all the time and writes down what is wrong.

import { once } from 'node:events'
import { type Server, type Socket, createServer } from 'node:net'

import { type ChaosProxy, startChaosProxy } from '../support/chaos-proxy.ts'
import { type UdpClient, ladderOf, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { pause, until } from '../support/wait.ts'

export const zone = 'smtp.example.test'
export const targets = ['mx1', 'mx2', 'mx3'] as const
export type Target = (typeof targets)[number]

/** Usual intervals are 20 s, 5 s and 3 s. */
const probeTimes = 'interval: 1s, fast_interval: 250ms, fall: 3, rise: 2'
export const heartbeatMs = 300

export interface Instance {
  readonly name: string
  readonly server: RunningServer
  readonly proxy: ChaosProxy
  readonly watch: AnswerWatch
}

/** What somebody who asks for the MX records every few milliseconds saw. */
export interface AnswerWatch {
  answers(): number
  /** Answers without a record, and none in time. */
  wrong(): readonly string[]
  /** When the last answer that named it came; -Infinity: none ever did. */
  lastNamedAtMs(target: Target): number
  names(target: Target): boolean
  stop(): Promise<void>
}

export interface Fleet {
  readonly redis: RedisServer
  readonly instances: readonly Instance[]
  readonly mtas: Readonly<Record<Target, Mta>>
  stop(): Promise<void>
}

export interface Mta {
  /** Nothing listens any more, and what is open is reset. */
  die(): Promise<void>
  revive(): Promise<void>
}

export async function startFleet(count: number): Promise<Fleet> {
  const redis = await startRedis()
  const addresses = ['127.0.3.1', '127.0.3.2', '127.0.3.3']
  const port = await freePort(addresses)
  const [mx1, mx2, mx3] = (await Promise.all(addresses.map((one) => startMta(one, port)))) as [
    Mta,
    Mta,
    Mta,
  ]
  const text = zoneText(port, addresses)
  const names = Array.from({ length: count }, (_, i) => `i${i + 1}`)
  const instances = await Promise.all(names.map((name) => startInstance(name, redis, text)))
  const fleet: Fleet = {
    redis,
    instances,
    mtas: { mx1, mx2, mx3 },
    async stop() {
      await Promise.all(instances.map(({ watch }) => watch.stop()))
      await Promise.all(instances.map(({ server }) => server.stop()))
      await Promise.all(instances.map(({ proxy }) => proxy.close()))
      await Promise.all([mx1, mx2, mx3].map((one) => one.die()))
      await redis.kill()
    },
  }
  await everyone(fleet, 'sees all the others', async ({ server }) => {
    return (await server.metric('mxsteer_instances')) === count
  })
  await everyone(fleet, 'has every target up', async ({ server }) =>
    (await server.targets()).every(({ state }) => state === 'up'),
  )
  return fleet
}

/** Waits until that is so of every instance. */
export const everyone = (
  { instances }: Pick<Fleet, 'instances'>,
  what: string,
  holds: (instance: Instance) => Promise<boolean>,
  withinMs = 30_000,
): Promise<true> =>
  until(async () => (await Promise.all(instances.map(holds))).every(Boolean), {
    what: `everyone ${what}`,
    withinMs,
    everyMs: 50,
  })

const zoneText = (port: number, addresses: readonly string[]): string => `
zone: ${zone}
ttl: 60
min_ttl: 1
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
${targets.map((name, i) => `  ${name}: { addresses: [${addresses[i]}] }`).join('\n')}
probes:
  inbound: { port: ${port}, level: banner, ehlo: probe.example.test, ${probeTimes} }
pools:
  main: { probe: inbound, targets: { mx1: 1, mx2: 1, mx3: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@":
    NS: [ns1]
    MX: { steer: inbound }
  ns1: { A: 192.0.2.53 }
`

async function startInstance(name: string, redis: RedisServer, text: string): Promise<Instance> {
  const proxy = await startChaosProxy(redis.port)
  const server = await startServer({
    zones: { 'smtp.yaml': text },
    settings: [
      `state: redis://127.0.0.1:${proxy.port}`,
      `state_heartbeat: ${heartbeatMs}ms`,
      `instance: ${name}`,
      `site: site-${name}`,
      'workers: 1',
      'lameduck: 0',
    ].join('\n'),
  })
  return { name, server, proxy, watch: watchAnswers(server.port) }
}

function watchAnswers(port: number): AnswerWatch {
  const client: UdpClient = openUdpClient(port)
  const wrong: string[] = []
  const named = new Map<string, number>()
  let latest = new Set<string>()
  let count = 0
  const stopping = new AbortController()
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const [reply] = await client.askMany(zone, 'MX', 1)
        const ladder = reply ? ladderOf(reply) : []
        count++
        if (ladder.length === 0) wrong.push('an answer without a record')
        latest = new Set(ladder.map(({ exchange }) => exchange.split('.')[0] ?? ''))
        for (const target of latest) named.set(target, performance.now())
      } catch (error) {
        wrong.push(String(error))
      }
      await pause(10)
    }
  }
  const ended = loop()
  return {
    answers: () => count,
    wrong: () => wrong,
    lastNamedAtMs: (target) => named.get(target) ?? -Infinity,
    names: (target) => latest.has(target),
    async stop() {
      stopping.abort()
      await ended
      client.close()
    },
  }
}

async function startMta(address: string, port: number): Promise<Mta> {
  const sockets = new Set<Socket>()
  let server: Server | null = null
  const revive = async (): Promise<void> => {
    server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
      socket.write('220 mta.example.test ESMTP\r\n')
      socket.on('data', () => socket.end('221 bye\r\n'))
    })
    server.listen(port, address)
    await once(server, 'listening')
  }
  await revive()
  return {
    revive,
    async die() {
      const closed = server?.listening ? once(server, 'close') : null
      server?.close()
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
    },
  }
}
