// Two instances with a Redis between them, two zones and eleven MTAs, all on loopback: what the console looks like in use.

import { openUdpClient } from '../support/dns-client.ts'
import { startRedis } from '../support/redis.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'
import { type DemoMtas, startMtas } from './served-console.ts'

const names = 'ams1 fra1 fra2 iad1 iad2 sjc1 sin1 tyo1 out1 out2 out3'.split(' ')
const addressOf = (target: string): string => `127.0.0.${names.indexOf(target) + 2}`

const targets = (of: readonly string[], region: string): string =>
  of.map((name) => `  ${name}: { addresses: [${addressOf(name)}], region: ${region} }\n`).join('')

const probe = (port: number): string =>
  `probes:
  inbound: { port: ${port}, level: ehlo, interval: 1s, fast_interval: 500ms, fall: 2, rise: 2, connect_timeout: 1s, slow_start: 0s }
`

const inbound = (port: number): string => `zone: smtp.example.com
ttl: 60
min_ttl: 5
soa: { mname: ns1, rname: hostmaster.example.com., minimum: 30 }
targets:
${targets(['ams1', 'fra1', 'fra2'], 'eu')}${targets(['iad1', 'iad2', 'sjc1'], 'us')}${targets(['sin1', 'tyo1'], 'ap')}${probe(port)}pools:
  eu: { probe: inbound, availability_target: 0.999, min_healthy: 0.5, targets: { ams1: 3, fra1: 5, fra2: 5 } }
  us: { probe: inbound, availability_target: 0.999, targets: { iad1: 4, iad2: 4, sjc1: 2 } }
  ap: { probe: inbound, targets: { sin1: 4, tyo1: 2 } }
steering:
  inbound:
    - { when: { continent: [EU, AF] }, pools: [eu, us] }
    - { when: { continent: [AS, OC] }, pools: [ap, us] }
    - { pools: [us, eu] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`

const outbound = (port: number): string => `zone: relay.example.net
ttl: 30
min_ttl: 5
soa: { mname: ns1, rname: hostmaster.example.net., minimum: 30 }
targets:
${targets(['out1', 'out2', 'out3'], 'eu')}${probe(port)}pools:
  smarthost: { probe: inbound, availability_target: 0.999, targets: { out1: 3, out2: 3, out3: 2 } }
steering:
  smart: [{ pools: [smarthost] }]
records:
  '@': { NS: ns1 }
  ns1: { A: 127.0.0.1 }
  smart: { address: { steer: smart, answers: 2 } }
`

export interface Fleet {
  /** `fra-a`, whose console is looked at; the other one is `iad-a`. */
  readonly server: RunningServer
  readonly mtas: DemoMtas
  /** As POST /overrides takes it. */
  order(body: object): Promise<void>
  stop(): Promise<void>
}

/** All targets are up, and have been asked for. */
export async function startFleet(): Promise<Fleet> {
  const mtas = await startMtas(
    Object.fromEntries(names.map((name) => [name, `${name}.example.com ESMTP ready`])),
  )
  const redis = await startRedis()
  const zones = { 'smtp.yaml': inbound(mtas.port), 'relay.yaml': outbound(mtas.port) }
  const start = (name: string): Promise<RunningServer> =>
    startServer({
      zones,
      flags: ['--state', redis.url, '--instance', name, '--site', name.split('-')[0] ?? ''],
    })
  const [server, peer] = await Promise.all([start('fra-a'), start('iad-a')])
  await until(async () => (await server.targets()).every(({ state }) => state === 'up'), {
    what: 'all targets up',
    withinMs: 30_000,
  })
  const client = openUdpClient(server.port)
  await client.askMany('smtp.example.com', 'MX', 1000)
  await client.askMany('smart.relay.example.net', 'A', 400)
  client.close()
  return {
    server,
    mtas,
    async order(body) {
      const reply = await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!reply.ok) throw new Error(`not ordered: ${await reply.text()}`)
    },
    async stop() {
      await Promise.all([server.stop(), peer.stop()])
      await Promise.all([redis.kill(), mtas.close()])
    },
  }
}
