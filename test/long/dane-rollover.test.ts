// Mail that real Postfix sends by DANE while the key of the zone is rolled over. Unbound keeps what it has in its cache all the
// time, its clock and the server's are hours ahead in steps, and the server starts anew at each step.

import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  type DaneSender,
  type Delivery,
  startDaneSender,
  startReceivers,
} from '../support/dane-sender.ts'
import { createDaneWorld, daneApex } from '../support/dane-zone.ts'
import { type FakeTime, createFakeTime } from '../support/fake-time.ts'
import { foreignPath } from '../support/foreign-server.ts'
import { type Namespace, createNamespace } from '../support/namespace.ts'
import { type NamespacedServer, dnsPort, launchIn } from '../support/namespaced-server.ts'
import type { Postfix } from '../support/postfix.ts'
import { type ForeignKeys, generateKeys } from '../support/signed-zone.ts'

const apex = `${daneApex}.`
const world = createDaneWorld()
let old: ForeignKeys
let next: ForeignKeys
let time: FakeTime
let namespace: Namespace
let server: NamespacedServer
let receivers: Postfix
let sender: DaneSender

beforeAll(async () => {
  namespace = createNamespace()
  namespace.ip('link set lo up')
  time = createFakeTime()
  old = generateKeys(apex, 'ECDSAP256SHA256', false)
  next = generateKeys(apex, 'ECDSAP256SHA256', false, old.folder)
  // In DNSKEY from minute 10 on, and an hour, its TTL, before it signs; the old one leaves an hour later.
  setTimes(next, '-P', '+10mi', '-A', '+90mi')
  setTimes(old, '-I', '+90mi', '-D', '+3h')
  await serve(0)
  receivers = await startReceivers(namespace, world.receivers)
  const anchor = { apex, port: dnsPort, keys: old.text + next.text }
  sender = await startDaneSender(namespace, anchor, environment())
}, 120_000)

afterAll(async () => {
  await sender?.stop()
  await receivers?.kill()
  await server?.stop()
  namespace?.remove()
})

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, ...time.surroundings.env })

function setTimes({ folder, names: [name = ''] }: ForeignKeys, ...times: string[]): void {
  execFileSync('dnssec-settime', ['-K', folder, ...times, name], {
    env: { ...process.env, PATH: foreignPath },
    stdio: 'pipe',
  })
}

async function serve(minutes: number): Promise<void> {
  await server?.stop()
  time.shift(60 * minutes)
  server = launchIn(namespace, {
    zone: world.zone,
    flags: ['--listen', `127.0.0.1:${dnsPort}`],
    settings: `dnssec: { keys: ${old.folder} }\n`,
    env: environment(),
  })
  await server.waitForLog(({ event }) => event === 'server.ready')
}

const tagOf = ({ names: [name = ''] }: ForeignKeys): string => String(Number(name.slice(-5)))

/** Tags of the keys that sign the set. */
const signersOf = (type: string): string[] =>
  namespace
    .run('dig', '@127.0.0.1', '-p', String(dnsPort), '+dnssec', '+short', apex, type)
    .split('\n')
    .filter((line) => line.startsWith(`${type} `))
    .map((line) => line.split(' ')[6] ?? '')
    .sort()

async function deliveries(): Promise<Record<string, string | null>> {
  const names = ['by-key', 'by-authority', 'second', 'wrong', 'bare']
  const word = ({ status, trust }: Delivery): string | null => (status === 'sent' ? trust : status)
  const all: [string, string | null][] = []
  for (const name of names) all.push([name, word(await sender.send(`${name}.${daneApex}`))])
  return Object.fromEntries(all)
}

const asEver = {
  'by-key': 'Verified',
  'by-authority': 'Verified',
  second: 'Verified',
  wrong: 'deferred',
  bare: 'Untrusted',
}

it.each([
  ['with one key', 0, ['old'], 'old'],
  ['with the next one published, which caches do not have', 15, ['next', 'old'], 'old'],
  ['when the next one signs', 95, ['next', 'old'], 'next'],
  ['when the old one is gone', 185, ['next'], 'next'],
])('is delivered and deferred as ever %s', async (_, minutes, published, signer) => {
  if (minutes > 0) await serve(minutes)
  const tag = (which: string): string => tagOf(which === 'old' ? old : next)
  expect(signersOf('DNSKEY')).toEqual(published.map(tag).sort())
  expect(signersOf('MX')).toEqual([tag(signer)])
  expect(await deliveries()).toEqual(asEver)
})
