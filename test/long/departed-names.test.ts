// Mail by real Postfix and Unbound while targets, a pool and a steered name leave the zone: Unbound holds the MX of before, for
// its whole TTL or for 300 s, and Postfix looks up an exchange only then. Its clock and the server's go on in steps.

import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  askResolver,
  type DaneSender,
  type Delivery,
  startPlainSender,
  startReceivers,
} from '../support/dane-sender.ts'
import { createDaneWorld, daneApex } from '../support/dane-zone.ts'
import { createFakeTime } from '../support/fake-time.ts'
import { createNamespace } from '../support/namespace.ts'
import { dnsPort, launchIn, type NamespacedServer } from '../support/namespaced-server.ts'
import type { Postfix } from '../support/postfix.ts'
import { until } from '../support/wait.ts'

const namespace = createNamespace()
let receivers: Postfix

beforeAll(async () => {
  namespace.ip('link set lo up')
  receivers = await startReceivers(namespace, createDaneWorld().receivers)
}, 60_000)

afterAll(async () => {
  await receivers?.kill()
  namespace.remove()
})

/** Everything at once leaves between the two: all targets of `all`, the only one of `only`, a pool, and `relay`. */
const zoneOf = (isNew: boolean, onRemoved = 'keep'): string => {
  const of = (before: string, after: string): string => (isNew ? after : before)
  return `
zone: ${daneApex}
ttl: 60
on_removed: ${onRemoved}
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 5 }
targets:
  ${of('mx1: { addresses: [127.0.0.11] }', 'mx3: { addresses: [127.0.0.13] }')}
  ${of('mx2: { addresses: [127.0.0.12] }', 'mx4: { addresses: [127.0.0.14] }')}
pools:
  both: { targets: [${of('mx1, mx2', 'mx3, mx4')}] }
  one: { targets: [${of('mx1', 'mx3')}] }
  other: { targets: [${of('mx2', 'mx4')}] }
steering:
  all: [{ pools: [both] }]
  only: [{ pools: [one] }]
  pool: [{ pools: [${of('one, other', 'other')}] }]
records:
  '@': { NS: ns1 }
  ns1: { A: 127.0.0.1 }
  all: { MX: { steer: all } }
  only: { MX: { steer: only } }
  pool: { MX: { steer: pool } }
  through: { MX: 10 ${of('relay', 'mx3')} }
  ${of('relay: { address: { steer: all } }', '')}
`
}

const domains = ['all', 'only', 'pool', 'through'].map((name) => `${name}.${daneApex}`)

interface World {
  readonly server: NamespacedServer
  /** The stream: a mail to each domain, so many seconds after the caches were filled. */
  readonly mail: (seconds: number) => Promise<readonly Delivery[]>
}

/** `lines`: for Unbound. Its cache has the MX of before when the zone has changed. */
async function inWorld(
  { lines, onRemoved }: { readonly lines: string; readonly onRemoved: string },
  use: (world: World) => Promise<void>,
): Promise<void> {
  const time = createFakeTime()
  const env = { ...process.env, ...time.surroundings.env }
  const server = launchIn(namespace, {
    zone: zoneOf(false),
    flags: ['--listen', `127.0.0.1:${dnsPort}`, '--workers', '1'],
    env,
  })
  let sender: DaneSender | null = null
  try {
    await server.waitForLog(({ event }) => event === 'server.ready')
    const zone = { apex: daneApex, port: dnsPort }
    const sending = await startPlainSender(namespace, zone, { lines, env })
    sender = sending
    for (const domain of domains) expect(askResolver(namespace, domain, 'MX')).toContain('NOERROR')
    server.writeZone(zoneOf(true, onRemoved))
    const has = (): boolean => askServer('mx3').includes('127.0.0.13')
    await until(has, { what: 'the new zone', withinMs: 30_000 })
    await use({
      server,
      async mail(seconds) {
        time.shift(seconds)
        await until(() => clockOf(env) >= seconds, { what: `second ${seconds}`, withinMs: 10_000 })
        const deliveries: Delivery[] = []
        for (const domain of domains) deliveries.push(await sending.send(domain))
        return deliveries
      },
    })
  } finally {
    await sender?.stop()
    await server.stop()
  }
}

const askServer = (name: string): string =>
  namespace.run('dig', '@127.0.0.1', '-p', `${dnsPort}`, '+short', `${name}.${daneApex}`, 'A')

/** How much a process that starts now finds the clock ahead, seconds. */
const clockOf = (env: NodeJS.ProcessEnv): number => {
  const shown = Number(
    namespace.run(
      'env',
      `LD_PRELOAD=${env['LD_PRELOAD']}`,
      `FAKETIME_TIMESTAMP_FILE=${env['FAKETIME_TIMESTAMP_FILE']}`,
      'date',
      '+%s',
    ),
  )
  return Math.round(shown - Date.now() / 1000) + 1
}

it.each([
  ['holds the MX for its whole TTL', '', [20]],
  ['raises it to 300 s', 'cache-min-ttl: 300', [70, 240]],
])(
  'nothing bounces behind a resolver that %s',
  async (_, lines, steps) => {
    await inWorld({ lines, onRemoved: 'keep' }, async ({ server, mail }) => {
      for (const seconds of [...steps, 450]) {
        const deliveries = await mail(seconds)
        expect(deliveries.map(({ status }) => status)).toEqual(domains.map(() => 'sent'))
        // It is the MX of before that is gone by, or this would prove nothing.
        const isOld = deliveries.slice(0, 2).every(({ host }) => /^mx[12]\./.test(host ?? ''))
        expect(isOld).toBe(steps.includes(seconds))
      }
      await server.waitForLog(({ event }) => event === 'names.released')
      await until(() => askServer('mx1') === '', { what: 'mx1 has left', withinMs: 10_000 })
    })
  },
  180_000,
)

it('with on_removed: drop mail bounces', async () => {
  await inWorld({ lines: '', onRemoved: 'drop' }, async ({ mail }) => {
    const deliveries = await mail(30)
    expect(deliveries.map(({ status }) => status)).toContain('bounced')
  })
}, 120_000)
