// Reverse names and what they lead back to, of addresses in zones that BIND serves.

import { afterAll, beforeAll, expect, it } from 'vitest'

import { checkReverse } from '../../src/reputation/findings.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { parseAddress, reverseName } from '../../src/lib/ip.ts'
import { type StubResolver, createStubResolver } from '../../src/resolver/stub-resolver.ts'
import { startBind } from '../support/bind.ts'
import { dig } from '../support/dig.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { listZones } from './lists-zone.ts'

let bind: ForeignServer
let resolver: StubResolver
beforeAll(async () => {
  bind = await startBind(listZones())
  const server = { address: '127.0.0.1', port: bind.port }
  resolver = createStubResolver({ server, clock: systemClock, timeoutMs: 2000 })
})
afterAll(() => bind.stop())

it.each([
  ['192.0.2.25', { kind: 'confirmed', names: ['mx1.host.test'] }],
  ['2001:db8::25', { kind: 'confirmed', names: ['mx1.host.test'] }],
  // By way of an alias, as for networks smaller than /24 (RFC 2317).
  ['192.0.2.28', { kind: 'confirmed', names: ['mx4.host.test'] }],
  ['192.0.2.26', { kind: 'unconfirmed', names: ['liar.host.test'] }],
  ['192.0.2.99', { kind: 'missing' }],
  // The name's own servers say nothing to us: that is no lie of the address.
  ['192.0.2.27', { kind: 'unknown', why: 'refused' }],
  ['198.51.100.1', { kind: 'unknown', why: 'refused' }],
])('%s', async (address, expected) => {
  expect(await checkReverse(resolver, address)).toEqual(expected)
})

it('makes the same reverse name as dig', async () => {
  for (const address of ['192.0.2.25', '2001:db8::25']) {
    const parsed = parseAddress(address)
    const name = parsed && reverseName(parsed)
    const asked = await dig(bind.port, `${name}.`, 'PTR')
    expect(asked.status).toBe('NOERROR')
  }
})
