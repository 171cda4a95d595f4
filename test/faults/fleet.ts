// A fleet: instances as processes, each at a site of its own and behind a proxy of its own to one Redis, over a few
// MTAs on loopback; and a client that asks each of them all the time and writes down what is wrong.

import { once } from 'node:events'
import { type Server, type Socket, createServer } from 'node:net'

import { type ChaosProxy, startChaosProxy } from '../support/chaos-proxy.ts'
import { type UdpClient, ladderOf, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RunningServer, type Surroundings, startServer } from '../support/server.ts'
import { pause, until } from '../support/wait.ts'

export const zone = 'smtp.example.test'
export const targets = ['mx1', 'mx2', 'mx3'] as const
export type Target = (typeof targets)[number]

/** Usual intervals are 20 s, 5 s and 3 s. */
const probeTimes = 'interval: 1s, fast_interval: 250ms, fall: 3'
export const heartbeatMs = 300

/** What a machine five times slower may take beside the waits that the settings prescribe. */
export const slowMachineMs = 10_000

export interface Instance {
  readonly name: string
  readonly server: RunningServer
  readonly proxy: ChaosProxy
  readonly watch: AnswerWatch
}

/** What a client that asks for the MX records every few milliseconds saw. */
export interface AnswerWatch {
  answers(): number
  /** Answers without a record, and none in time. */
  wrong(): readonly string[]
  /** When the last answer that named it came; -Infinity: none ever did. */
  lastNamedAtMs(target: string): number
  names(target: string): boolean
  /** The fewest records of an answer, and how long each took to come, in ms, since this was asked last. */
  lately(): { readonly fewest: number; readonly tookMs: readonly number[] }
  /** No queries until `resume`. */
  pause(): Promise<void>
  resume(): void
  stop(): Promise<void>
}

export interface Fleet<Name extends string = Target> {
  readonly redis: RedisServer
  readonly instances: readonly Instance[]
  readonly mtas: Readonly<Record<Name, Mta>>
  readonly zoneText: string
  stop(): Promise<void>
}

export interface FleetOptions<Name extends string> {
  readonly targets?: readonly Name[]
  /** First three octets of the MTAs' addresses. */
  readonly network?: string
  /** More keys of the probe, as in a zone file. */
  readonly probe?: string
  /** Lines for the settings of every instance. */
  readonly settings?: readonly string[]
  /** More lines, and surroundings, of one instance, by its name. */
  readonly only?: Readonly<Record<string, Surroundings & { readonly settings?: readonly string[] }>>
  /** The primary, where others are to be reached through this address. */
  readonly store?: { readonly primary: RedisServer; readonly url: string }
}

export interface Mta {
  /** Connections taken so far. */
  accepted(): number
  /** Nothing listens any more, and what is open is reset. */
  die(): Promise<void>
  revive(): Promise<void>
  /** Clients whose connections it resets from now on, by address; all others are served. */
  shun(addresses: readonly string[]): void
}

export async function startFleet<Name extends string = Target>(
  count: number,
  options: FleetOptions<Name> = {},
): Promise<Fleet<Name>> {
  const { network = '127.0.3', targets: names = targets as readonly string[] as readonly Name[] } =
    options
  const redis = options.store?.primary ?? (await startRedis())
  const addresses = names.map((_, i) => `${network}.${i + 1}`)
  const port = await freePort(addresses)
  const started = await Promise.all(addresses.map((one) => startMta(one, port)))
  const mtas = Object.fromEntries(names.map((name, i) => [name, started[i]])) as Record<Name, Mta>
  const text = zoneText(port, names, addresses, options.probe ?? 'rise: 2')
  const instances = await Promise.all(
    Array.from({ length: count }, (_, i) => startInstance(`i${i + 1}`, redis, text, options)),
  )
  const fleet: Fleet<Name> = {
    redis,
    instances,
    mtas,
    zoneText: text,
    async stop() {
      await Promise.all(instances.map(({ watch }) => watch.stop()))
      await Promise.all(instances.map(({ server }) => server.stop()))
      await Promise.all(instances.map(({ proxy }) => proxy.close()))
      await Promise.all(started.map((one) => one.die()))
      await redis.kill()
    },
  }
  await eachInstance(fleet, 'sees all the others', async ({ server }) => {
    return (await server.metric('mxsteer_instances')) === count
  })
  await eachInstance(fleet, 'has every target up', async ({ server }) =>
    (await server.targets()).every(({ state }) => state === 'up'),
  )
  return fleet
}

/** Waits until that is so of every instance. */
export const eachInstance = (
  { instances }: { readonly instances: readonly Instance[] },
  what: string,
  holds: (instance: Instance) => Promise<boolean>,
  withinMs = 60_000,
): Promise<true> =>
  until(async () => (await Promise.all(instances.map(holds))).every(Boolean), {
    what: `each instance ${what}`,
    withinMs,
    everyMs: 50,
  })

const zoneText = (
  port: number,
  names: readonly string[],
  addresses: readonly string[],
  probe: string,
): string => `
zone: ${zone}
ttl: 60
min_ttl: 1
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
${names.map((name, i) => `  ${name}: { addresses: [${addresses[i]}] }`).join('\n')}
probes:
  inbound: { port: ${port}, level: banner, ehlo: probe.example.test, ${probeTimes}, ${probe} }
pools:
  main: { probe: inbound, targets: { ${names.map((name) => `${name}: 1`).join(', ')} } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@":
    NS: [ns1]
    MX: { steer: inbound, ladder: ${Math.min(16, names.length)} }
  ns1: { A: 192.0.2.53 }
`

async function startInstance(
  name: string,
  redis: RedisServer,
  text: string,
  { store, settings = [], only = {} }: FleetOptions<string>,
): Promise<Instance> {
  const proxy = await startChaosProxy(redis.port)
  const { settings: more = [], ...surroundings } = only[name] ?? {}
  const server = await startServer({
    ...surroundings,
    zones: { 'smtp.yaml': text },
    settings: [
      `state: ${store?.url ?? `redis://127.0.0.1:${proxy.port}`}`,
      `state_heartbeat: ${heartbeatMs}ms`,
      `instance: ${name}`,
      `site: site-${name}`,
      'workers: 1',
      'lameduck: 0',
      ...settings,
      ...more,
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
  let fewest = Infinity
  let tookMs: number[] = []
  const stopping = new AbortController()
  const look = async (): Promise<void> => {
    const askedMs = performance.now()
    const ladder = ladderOf(await client.ask(zone, 'MX'))
    count++
    if (ladder.length === 0) wrong.push('an answer without a record')
    fewest = Math.min(fewest, ladder.length)
    tookMs.push(performance.now() - askedMs)
    latest = new Set(ladder.map(({ exchange }) => exchange.split('.')[0] ?? ''))
    for (const target of latest) named.set(target, performance.now())
  }
  let pausing = new AbortController()
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted && !pausing.signal.aborted) {
      await look().catch((error: unknown) => wrong.push(String(error)))
      await pause(10)
    }
  }
  let ended = loop()
  return {
    answers: () => count,
    wrong: () => wrong,
    lastNamedAtMs: (target) => named.get(target) ?? -Infinity,
    names: (target) => latest.has(target),
    lately() {
      const seen = { fewest, tookMs }
      fewest = Infinity
      tookMs = []
      return seen
    },
    async pause() {
      pausing.abort()
      await ended
    },
    resume() {
      pausing = new AbortController()
      ended = loop()
    },
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
  let accepted = 0
  let shunned: readonly string[] = []
  const revive = async (): Promise<void> => {
    server = createServer((socket) => {
      if (shunned.includes(socket.remoteAddress ?? '')) {
        socket.resetAndDestroy()
        return
      }
      accepted++
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
    shun: (addresses) => void (shunned = addresses),
    accepted: () => accepted,
    async die() {
      const closed = server?.listening ? once(server, 'close') : null
      server?.close()
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
    },
  }
}
