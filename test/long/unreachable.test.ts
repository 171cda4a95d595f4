// Routers on the way say "unreachable" and "prohibited" by ICMP, and so does the routing table of the host that probes:
// what the way says takes a target out, what this host says does not, and is told of. Two hosts and the link between
// them are network namespaces; the second one is the router.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { mailZone } from '../support/mail-zone.ts'
import { createNamespace, type Namespace } from '../support/namespace.ts'
import { dnsPort, launchIn, type NamespacedServer } from '../support/namespaced-server.ts'
import { watchChild } from '../support/server.ts'
import { until } from '../support/wait.ts'

const smtpPort = 2525

interface Row {
  readonly address: string
  /** What the router has for it; null: no route at all, nor a default one. */
  readonly atRouter?: string | null
  /** What the probing host has for it. */
  readonly here?: string | null
  /** Reason with which it leaves. */
  readonly reason: string
}

/** Reasons as Linux gives the errors: a v4 router's "prohibited" is the errno of an unreachable host. */
const onTheWay: Readonly<Record<string, Row>> = {
  mx1: { address: '198.51.100.1', atRouter: null, reason: 'network-unreachable' },
  mx2: { address: '198.51.100.2', atRouter: 'unreachable', reason: 'host-unreachable' },
  mx3: { address: '198.51.100.3', atRouter: 'prohibit', reason: 'host-unreachable' },
  mx4: { address: '198.51.100.4', atRouter: 'blackhole', reason: 'connect-timeout' },
  mx5: { address: '2001:db8:20::1', atRouter: null, reason: 'network-unreachable' },
  mx6: { address: '2001:db8:20::3', atRouter: 'prohibit', reason: 'admin-prohibited' },
  mx7: { address: '2001:db8:20::4', atRouter: 'blackhole', reason: 'connect-timeout' },
}
const here: Readonly<Record<string, Row>> = {
  own1: { address: '203.0.113.1', here: null, reason: 'local-no-route' },
  own2: { address: '203.0.113.2', here: 'unreachable', reason: 'local-no-route' },
  own3: { address: '203.0.113.3', here: 'prohibit', reason: 'local-permission' },
  own4: { address: '203.0.113.4', here: 'blackhole', reason: 'local-fault' },
  own5: { address: '2001:db8:30::1', here: null, reason: 'local-no-route' },
  own6: { address: '2001:db8:30::3', here: 'prohibit', reason: 'local-permission' },
}
const living: Readonly<Record<string, Row>> = {
  well1: { address: '192.0.2.1', reason: 'ok' },
  well2: { address: '2001:db8:10::1', reason: 'ok' },
}

const bitsOf = (address: string): number => (address.includes(':') ? 128 : 32)
const viaRouter = (address: string): string => (address.includes(':') ? 'fd60::2' : '10.60.0.2')

function connectHosts(prober: Namespace, router: Namespace): void {
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
  for (const family of ['ipv4', 'ipv6']) router.sysctl(`${family}/conf/all/forwarding`, 1)
  // Or most probes get no ICMP at all, and time out.
  router.sysctl('ipv4/icmp_ratelimit', 0)
  router.sysctl('ipv6/icmp/ratelimit', 0)
  for (const { address } of Object.values({ ...living, ...here }))
    router.ip(`addr add ${address}/${bitsOf(address)} dev lo`)
  for (const net of ['192.0.2.0/24', '198.51.100.0/24', '2001:db8:10::/48', '2001:db8:20::/48'])
    prober.ip(`route add ${net} via ${viaRouter(net)}`)
  for (const { address, atRouter } of Object.values(onTheWay))
    if (atRouter) router.ip(`route add ${atRouter} ${address}/${bitsOf(address)}`)
  for (const { address, here: route } of Object.values(here))
    if (route) prober.ip(`route add ${route} ${address}/${bitsOf(address)}`)
}

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

const zone = mailZone({
  targets: Object.fromEntries(
    Object.entries({ ...onTheWay, ...here, ...living }).map(([name, { address }]) => [
      name,
      { address, weight: 1 },
    ]),
  ),
  port: smtpPort,
  // Linux sends a host one such error a second, five at once: more probes than that would time out for want of a word.
  probe: { interval: '4s', fast_interval: '4s', connect_timeout: '5s' },
})

let prober: Namespace
let router: Namespace
let server: NamespacedServer

beforeAll(async () => {
  prober = createNamespace()
  router = createNamespace()
  connectHosts(prober, router)
  const listener = watchChild(router.spawn(process.execPath, ['-e', mta]))
  await until(() => listener.stdout().includes('listening'), { what: 'MTAs', withinMs: 60_000 })
  server = launchIn(prober, { zone, flags: ['--listen', `127.0.0.1:${dnsPort}`] })
  await server.waitForLog(({ event }) => event === 'server.ready')
})
afterAll(async () => {
  await server?.stop()
  for (const side of [prober, router]) side?.remove()
})

/** Target and reason of each event so far. */
const told = (event: string): Record<string, unknown> =>
  Object.fromEntries(
    server
      .logs()
      .filter((line) => line.event === event)
      .map(({ target, reason }) => [target, reason]),
  )
const reasons = (rows: Readonly<Record<string, Row>>): Record<string, string> =>
  Object.fromEntries(Object.entries(rows).map(([name, { reason }]) => [name, reason]))
const blindMetric = (name: string): string => {
  const address = here[name]?.address
  const labels = `zone="smtp.example.test",target="${name}",address="${address}",probe="inbound"`
  return `mxsteer_prober_blind{${labels}}`
}

test('what routers say takes the target out', async () => {
  await until(() => Object.keys(told('target.down')).length >= Object.keys(onTheWay).length, {
    what: `all of the dead are down: ${server.stdout().slice(-4000)}`,
    withinMs: 120_000,
  })
  expect(told('target.down')).toEqual(reasons(onTheWay))
})

test('what this host says does not, and is told of once', async () => {
  await until(() => Object.keys(told('prober.blind')).length >= Object.keys(here).length, {
    what: `all that this host cannot reach: ${server.stdout().slice(-4000)}`,
    withinMs: 120_000,
  })
  expect(told('prober.blind')).toEqual(reasons(here))
  expect(Object.keys(told('target.down')).filter((name) => name in here)).toEqual([])
  expect(await server.metric(blindMetric('own1'))).toBe(1)
  const lines = server.logs().filter(({ event }) => event === 'prober.blind')
  expect(lines.length).toBe(Object.keys(here).length)
  expect(lines[0]).toMatchObject({ level: 'warn' })
})

test('a way that is mended is told of, and the target judged', async () => {
  for (const { address, here: route } of Object.values(here)) {
    const prefix = `${address}/${bitsOf(address)}`
    if (route) prober.ip(`route del ${route} ${prefix}`)
    prober.ip(`route add ${prefix} via ${viaRouter(address)}`)
  }
  await until(() => Object.keys(told('prober.blind.over')).length >= Object.keys(here).length, {
    what: `the end of it: ${server.stdout().slice(-4000)}`,
    withinMs: 120_000,
  })
  expect(await server.metric(blindMetric('own1'))).toBe(0)
  const alive = [...Object.keys(here), ...Object.keys(living)]
  await until(() => alive.every((name) => name in told('target.up')), {
    what: `all of the living are up: ${server.stdout().slice(-4000)}`,
    withinMs: 60_000,
  })
  expect(Object.keys(told('target.down')).toSorted()).toEqual(Object.keys(onTheWay).toSorted())
})
