// Mail that real Postfix sends by DANE, with MX, addresses and TLSA of a signed zone as a validating resolver gives them.

import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  type DaneSender,
  type Delivery,
  startDaneSender,
  startReceivers,
} from '../support/dane-sender.ts'
import { createDaneWorld, daneApex } from '../support/dane-zone.ts'
import { type Namespace, createNamespace } from '../support/namespace.ts'
import {
  type NamespacedServer,
  adminAddress,
  dnsPort,
  launchIn,
} from '../support/namespaced-server.ts'
import type { Postfix } from '../support/postfix.ts'
import { mainFile } from '../support/server.ts'
import { generateKeys } from '../support/signed-zone.ts'

let namespace: Namespace
let server: NamespacedServer
let receivers: Postfix
let sender: DaneSender

beforeAll(async () => {
  const world = createDaneWorld()
  namespace = createNamespace()
  namespace.ip('link set lo up')
  const apex = `${daneApex}.`
  const keys = generateKeys(apex, 'ECDSAP256SHA256', false)
  server = launchIn(namespace, {
    zone: world.zone,
    flags: ['--listen', `127.0.0.1:${dnsPort}`],
    settings: `dnssec: { keys: ${keys.folder} }\n`,
  })
  await server.waitForLog(({ event }) => event === 'server.ready')
  receivers = await startReceivers(namespace, world.receivers)
  sender = await startDaneSender(namespace, { apex, port: dnsPort, keys: keys.text })
}, 120_000)

afterAll(async () => {
  await sender?.stop()
  await receivers?.kill()
  await server?.stop()
  namespace?.remove()
})

/** At a name of the zone; `@` is the apex. */
const delivery = (name: string): Promise<Delivery> =>
  sender.send(name === '@' ? daneApex : `${name}.${daneApex}`)

const verified = { status: 'sent', trust: 'Verified' }
const refused = { status: 'deferred', why: 'Server certificate not verified' }

it('is delivered where the TLSA of the exchange matches: by key, and by authority', async () => {
  expect(await delivery('by-key')).toMatchObject({ ...verified, host: `mx1.${daneApex}` })
  expect(await delivery('by-authority')).toMatchObject({ ...verified, host: `mx2.${daneApex}` })
  expect(await delivery('@')).toMatchObject(verified)
})

it('is deferred where it does not, or goes to the next exchange', async () => {
  expect(await delivery('wrong')).toMatchObject(refused)
  expect(await delivery('mixed')).toMatchObject({ ...verified, host: `mx1.${daneApex}` })
})

it('is delivered by TLS that proves nothing where there is no TLSA, securely', async () => {
  const bare = { status: 'sent', trust: 'Untrusted', host: `mx4.${daneApex}` }
  expect(await delivery('bare')).toMatchObject(bare)
})

it('is delivered at any target of a steered address name, by the TLSA of all', async () => {
  expect(await delivery('first')).toMatchObject({ ...verified, address: '127.0.0.11' })
  expect(await delivery('second')).toMatchObject({ ...verified, address: '127.0.0.12' })
  const drain = ['drain', 'mx1', '--for', '1h', '--force', '--admin', adminAddress]
  namespace.run(process.execPath, mainFile, ...drain)
  // Nobody has asked for it before: the resolver has no address of it.
  expect(await delivery('cold')).toMatchObject({ ...verified, address: '127.0.0.12' })
  // The address of before, and the TLSA of both.
  expect(await delivery('first')).toMatchObject({ ...verified, address: '127.0.0.11' })
})

it('is deferred at a target that the TLSA of others stand for', async () => {
  expect(await delivery('half')).toMatchObject({ ...refused, address: '127.0.0.14' })
})
