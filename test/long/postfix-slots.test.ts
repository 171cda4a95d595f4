// Mail that real Postfix sends by an MX that lists three exchange slots, through a resolver, while MTAs die one after the
// other: those that no probe has found dead, and those that are found.

import { afterAll, beforeAll, expect, it } from 'vitest'

import { type DaneSender, entering, startDaneSender } from '../support/dane-sender.ts'
import { type Namespace, createNamespace } from '../support/namespace.ts'
import { type NamespacedServer, dnsPort, launchIn } from '../support/namespaced-server.ts'
import { type Postfix, createPostfix } from '../support/postfix.ts'
import { generateKeys } from '../support/signed-zone.ts'

const apex = 'smtp.example.test'
const addresses = ['127.0.0.11', '127.0.0.12', '127.0.0.13', '127.0.0.14']
const targets = addresses.map((address, i) => `  mx${i + 1}: { addresses: [${address}] }`)
const all = 'targets: [mx1, mx2, mx3, mx4]'

/** Of an epoch that no test outlasts. */
const zone = `
zone: ${apex}
dnssec: {}
soa: { mname: ns1, rname: hostmaster }
targets:
${targets.join('\n')}
probes:
  quick: { level: ehlo, interval: 1s, fast_interval: 500ms, fall: 3, rise: 2 }
pools:
  unwatched: { ${all} }
  watched: { probe: quick, ${all} }
steering:
  blind: [{ pools: [unwatched] }]
  seeing: [{ pools: [watched] }]
slots:
  - { steer: blind, names: [b1, b2, b3], epoch: 1d }
  - { steer: seeing, names: [in1, in2, in3], epoch: 1d }
records:
  '@': { NS: ns1 }
  ns1: { A: 127.0.0.1 }
  unseen: { MX: [10 b1, 20 b2, 30 b3] }
  seen: { MX: [10 in1, 20 in2, 30 in3] }
`

let namespace: Namespace
let server: NamespacedServer
let sender: DaneSender
let mtas: ReadonlyMap<string, Postfix>

beforeAll(async () => {
  namespace = createNamespace()
  namespace.ip('link set lo up')
  const started = addresses.map(async (address) => {
    const name = `receiver.example.test`
    const mta = await createPostfix({ name, address, port: 25, through: entering(namespace) })
    await mta.start()
    return [address, mta] as const
  })
  mtas = new Map(await Promise.all(started))
  const keys = generateKeys(`${apex}.`, 'ECDSAP256SHA256', false)
  server = launchIn(namespace, {
    zone,
    flags: ['--listen', `127.0.0.1:${dnsPort}`],
    settings: `dnssec: { keys: ${keys.folder} }\n`,
  })
  await server.waitForLog(({ event }) => event === 'server.ready')
  const anchor = { apex: `${apex}.`, port: dnsPort, keys: keys.text }
  sender = await startDaneSender(namespace, anchor)
}, 180_000)

afterAll(async () => {
  await sender?.stop()
  await Promise.all([...(mtas ?? [])].map(([, mta]) => mta.kill()))
  await server?.stop()
  namespace?.remove()
})

/** The one address of each name, as the resolver has it. */
const addressesOf = (...names: string[]): string[] =>
  names.map((name) => namespace.run('dig', '@127.0.0.1', '+short', `${name}.${apex}`, 'A').trim())

/** Kills the MTA at an address. */
const kill = async (address: string): Promise<void> => mtas.get(address)?.kill()

it('reaches another MTA by each of the names, when the ones before are dead and nobody knows', async () => {
  const ladder = addressesOf('b1', 'b2', 'b3')
  expect(new Set(ladder).size).toBe(3)
  for (const [rung, address] of ladder.entries()) {
    const delivery = await sender.send(`unseen.${apex}`)
    expect(delivery).toMatchObject({ status: 'sent', host: `b${rung + 1}.${apex}`, address })
    if (rung < 2) await kill(address)
  }
})

it('goes on by the names of targets that are found dead, until none is left: deferred, not bounced', async () => {
  const dead = addressesOf('b1', 'b2')
  for (const address of dead)
    await server.waitForLog((line) => line.event === 'target.down' && line['address'] === address)
  const left = addresses.filter((address) => !dead.includes(address))
  const ladder = addressesOf('in1', 'in2', 'in3')
  expect([...new Set(ladder)].sort()).toEqual(left)
  expect(ladder[2]).toBe(ladder[0])
  const [first = '', second = ''] = ladder
  expect(await sender.send(`seen.${apex}`)).toMatchObject({ status: 'sent', address: first })
  await kill(first)
  const other = { status: 'sent', host: `in2.${apex}`, address: second }
  expect(await sender.send(`seen.${apex}`)).toMatchObject(other)
  await kill(second)
  expect(await sender.send(`seen.${apex}`)).toMatchObject({ status: 'deferred' })
}, 120_000)
