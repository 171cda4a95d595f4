// A host whose IPv6 uplink becomes a black hole: the next hop takes what is sent and nothing comes back, neither an answer
// nor ICMP. With a canary beyond that hop the server says so, by family, and takes no target out; a target that dies by
// itself it does take out. Without a canary of IPv6 all its targets leave, as those of a dead site would. Two hosts and
// the link between them are network namespaces; the second one is the router, all MTAs and the canary.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { mailZone } from '../support/mail-zone.ts'
import { createNamespace, type Namespace } from '../support/namespace.ts'
import { dnsPort, launchIn, type NamespacedServer } from '../support/namespaced-server.ts'
import { mainFile, watchChild } from '../support/server.ts'
import { until } from '../support/wait.ts'

const smtpPort = 2525

const addresses: Readonly<Record<string, string>> = {
  mx1: '192.0.2.1',
  mx2: '198.51.100.2',
  mx3: '2001:db8:1::1',
  mx4: '2001:db8:1::2',
  mx5: '2001:db8:2::1',
  mx6: '2001:db8:3::1',
}
const names = Object.keys(addresses)
const ipv6 = names.filter((name) => addresses[name]?.includes(':'))

const mta = `
  require('node:net').createServer((socket) => {
    socket.on('error', () => {})
    socket.write('220 mx ESMTP\\r\\n')
    socket.on('data', (line) => {
      if (String(line).startsWith('QUIT')) socket.end('221 bye\\r\\n')
      else socket.write('250 mx\\r\\n')
    })
  }).listen({ host: '::', port: ${smtpPort} }, () => console.log('listening'))
`

const canary = '2001:db8:f::1'
const routerOfIpv4 = `10.60.0.2:${smtpPort}`

const zoneWith = (probe: Readonly<Record<string, string | number>>): string =>
  mailZone({
    targets: Object.fromEntries(
      names.map((name) => [name, { address: addresses[name] ?? '', weight: 1 }]),
    ),
    port: smtpPort,
    probe: { connect_timeout: '1s', ...probe },
  })

let prober: Namespace
let router: Namespace
let server: NamespacedServer

function connectHosts(): void {
  router.ip(`link add veth0 type veth peer veth0 netns ${prober.pid}`)
  for (const [side, host] of [
    [prober, 1],
    [router, 2],
  ] as const) {
    side.ip('link set lo up')
    side.ip(`addr add 10.60.0.${host}/24 dev veth0`)
    side.ip(`addr add fd60::${host}/64 dev veth0 nodad`)
    side.ip('link set veth0 up')
  }
  for (const address of [...Object.values(addresses), canary]) {
    const isV6 = address.includes(':')
    router.ip(`addr add ${address}/${isV6 ? 128 : 32} dev lo`)
    prober.ip(`route add ${address} via ${isV6 ? 'fd60::2' : '10.60.0.2'}`)
  }
}

/** Frames of IPv6 go to a hardware address that no host has. */
const lose = (): void =>
  prober.ip('neigh replace fd60::2 lladdr 02:00:00:00:00:99 dev veth0 nud permanent')
const mend = (): void => prober.ip('neigh del fd60::2 dev veth0')

beforeAll(async () => {
  prober = createNamespace()
  router = createNamespace()
  connectHosts()
  const listener = watchChild(router.spawn(process.execPath, ['-e', mta]))
  await until(() => listener.stdout().includes('listening'), { what: 'MTAs', withinMs: 60_000 })
  // As many failures as take longer than the loss of the canary: from there on they do not count.
  const zone = zoneWith({ interval: '2s', fast_interval: '2s', fall: 8 })
  await launchServer(zone, `canaries: ['${routerOfIpv4}', '[${canary}]:${smtpPort}']\n`)
}, 600_000)

async function launchServer(zone: string, settings: string): Promise<void> {
  const flags = ['--listen', `127.0.0.1:${dnsPort}`]
  server = launchIn(prober, { zone, flags, settings: `workers: 1\nlameduck: 0s\n${settings}` })
  await server.waitForLog(({ event }) => event === 'server.ready')
  await allUp()
}

afterAll(async () => {
  await server?.stop()
  for (const side of [prober, router]) side?.remove()
})

interface TargetRow {
  readonly target: string
  readonly state: string
  readonly reason: string
}

interface Status {
  readonly problems: readonly { readonly kind: string; readonly subject: string }[]
}

const states = async (): Promise<readonly TargetRow[]> =>
  (JSON.parse((await server.http('/targets')).body) as { targets: TargetRow[] }).targets

const allUp = (): Promise<true> =>
  until(
    async () => (await states()).every(({ state, reason }) => state === 'up' && reason === 'ok'),
    {
      what: 'all targets up',
      withinMs: 90_000,
      everyMs: 200,
    },
  )

const kinds = async (): Promise<readonly string[]> => {
  const { problems } = JSON.parse((await server.http('/status')).body) as Status
  return problems.map(({ kind, subject }) => `${kind} ${subject}`)
}

const downs = (): readonly string[] =>
  server
    .logs()
    .filter(({ event }) => event === 'target.down')
    .map(({ target }) => String(target))
    .toSorted()

const isolated = 'mxsteer_prober_family_isolated{family="6"}'

test('takes no target out, and is named until it is over', { timeout: 240_000 }, async () => {
  expect(await server.metric(isolated)).toBe(0)
  lose()
  const line = await server.waitForLog(({ event }) => event === 'prober.isolated', 90_000)
  expect(line).toMatchObject({ level: 'error', family: 6, canaries: 1 })
  expect(await server.metric(isolated)).toBe(1)
  expect(await server.metric('mxsteer_prober_isolated')).toBe(0)
  expect(await kinds()).toContain('prober-isolated IPv6')
  const command = watchChild(
    prober.spawn(process.execPath, [mainFile, 'status', '--admin', '127.0.0.1:8053']),
  )
  await command.exited
  expect(command.stdout().split('\n')[1]).toMatch(/^WARNING {3}prober-isolated/)
  // As many failures as would have taken all of them out.
  const discarded = 'mxsteer_probes_discarded_total{reason="isolated"}'
  await until(async () => ((await server.metric(discarded)) ?? 0) >= 8 * ipv6.length, {
    what: 'failures that are not believed',
    withinMs: 120_000,
    everyMs: 500,
  })
  const seen = await states()
  expect(seen.filter(({ state }) => state === 'down')).toEqual([])
  expect(seen.filter(({ reason }) => reason !== 'ok').map(({ target }) => target)).toEqual(ipv6)
  mend()
  const over = await server.waitForLog(({ event }) => event === 'prober.isolated.over', 90_000)
  expect(over).toMatchObject({ family: 6 })
  await allUp()
  expect(await server.metric(isolated)).toBe(0)
  expect(await kinds()).not.toContain('prober-isolated IPv6')
  expect(downs()).toEqual([])
})

test('a network of IPv6 that dies alone is taken out', { timeout: 180_000 }, async () => {
  for (const name of ['mx3', 'mx4']) {
    router.ip(`addr del ${addresses[name]}/128 dev lo`)
    router.ip(`route add blackhole ${addresses[name]}/128`)
  }
  await until(() => downs().length === 2, { what: 'two targets down', withinMs: 120_000 })
  expect(downs()).toEqual(['mx3', 'mx4'])
  const isolations = server.logs().filter(({ event }) => event === 'prober.isolated')
  expect(isolations).toHaveLength(1)
})

test('without a canary of IPv6 its targets leave', { timeout: 240_000 }, async () => {
  await server.stop()
  for (const name of ['mx3', 'mx4']) {
    router.ip(`route del blackhole ${addresses[name]}/128`)
    router.ip(`addr add ${addresses[name]}/128 dev lo`)
  }
  await launchServer(zoneWith({ fall: 2 }), `canaries: ['${routerOfIpv4}']\n`)
  lose()
  await until(() => downs().length === ipv6.length, { what: 'IPv6 out', withinMs: 120_000 })
  expect(downs()).toEqual(ipv6)
  const up = (await states()).filter(({ state }) => state === 'up')
  expect(up.map(({ target }) => target)).toEqual(['mx1', 'mx2'])
  expect(await server.metric(isolated)).toBe(0)
  expect(server.logs().filter(({ event }) => event === 'prober.isolated')).toEqual([])
})
