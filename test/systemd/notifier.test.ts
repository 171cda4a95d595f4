import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'

import { afterEach, expect, test } from 'vitest'

import { unresponsiveEndpoints } from '../../src/announce/readiness.ts'
import {
  createServiceNotifier,
  notifyTarget,
  openNotifySocket,
  type ServiceEvent,
  unixSocketAddress,
} from '../../src/systemd/notifier.ts'
import { freePort } from '../support/free-ports.ts'
import { startNotifyReader } from '../support/notify-reader.ts'
import { until } from '../support/wait.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

test.each([false, true])('a datagram arrives whole, abstract name: %s', async (isAbstract) => {
  const reader = await startNotifyReader(isAbstract)
  ends.push(() => reader.stop())
  const send = await openNotifySocket(reader.place)
  expect(send(['READY=1', 'STATUS=Überall gut'])).toBeNull()
  expect(send(['WATCHDOG=1'])).toBeNull()
  await until(() => reader.datagrams().length === 2, { what: 'both', withinMs: 30_000 })
  expect(reader.datagrams()).toEqual(['READY=1;STATUS=Überall gut', 'WATCHDOG=1'])
})

test('without a receiver: an errno, no exception, and no descriptor lost', async () => {
  const send = await openNotifySocket('/nonexistent/notify')
  for (let i = 0; i < 5000; i++) expect(send(['WATCHDOG=1'])).toBe('ENOENT')
})

test.each(['', 'relative', '/', '@', `/${'x'.repeat(108)}`, '/a\0b'])(
  '%j is no address of a notify socket',
  async (path) => {
    expect(unixSocketAddress(path)).toBeNull()
    await expect(openNotifySocket(path)).rejects.toThrow('NOTIFY_SOCKET')
  },
)

test.each([
  [{}, null],
  [{ NOTIFY_SOCKET: '' }, null],
  [{ NOTIFY_SOCKET: '/s' }, { path: '/s', watchdogMs: null }],
  [
    { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '30000000' },
    { path: '/s', watchdogMs: 30_000 },
  ],
  [
    { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' },
    { path: '/s', watchdogMs: 30_000 },
  ],
  [
    { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' },
    { path: '/s', watchdogMs: null },
  ],
  [
    { NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '-1' },
    { path: '/s', watchdogMs: null },
  ],
])('an environment of %j', (env, target) => expect(notifyTarget(env, 7)).toEqual(target))

/** A name server that gives every query an authoritative answer. */
async function answering(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    const reply = Buffer.from(query)
    reply.writeUInt16BE(0x8400, 2)
    reply.writeUInt16BE(1, 6)
    socket.send(reply, peer.port, peer.address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

test('the watchdog is fed while every socket answers, and not while one does not', async () => {
  const ports = [await freePort(), await freePort()]
  const sockets = await Promise.all(ports.map(answering))
  const sent: string[] = []
  const events: ServiceEvent[] = []
  const apex = Uint8Array.from([1, 97, 0])
  let answers = 0
  let checks = 0
  let isProbing = true
  const endpoints = ports.map((port) => ({ address: '127.0.0.1', port }))
  const notifier = createServiceNotifier({
    send(assignments) {
      sent.push(assignments.join(';'))
      return null
    },
    watchdogMs: 300,
    async isResponsive() {
      const unresponsive = await unresponsiveEndpoints({ endpoints, anyApex: () => apex })
      checks++
      return unresponsive.length === 0
    },
    isProbing: () => isProbing,
    answerCount: () => answers,
    monotonicMs: () => 1234.5,
    onEvent: (event) => events.push(event),
  })
  ends.push(() => notifier.end())
  await until(() => sent.length >= 3, { what: 'it is fed', withinMs: 30_000 })
  isProbing = false
  const [unfed, looks] = [sent.length, checks]
  answers += 10_000
  await until(() => checks >= looks + 3, {
    what: 'it checks while no probe starts',
    withinMs: 30_000,
  })
  expect(sent.length).toBeLessThanOrEqual(unfed + 1)
  isProbing = true
  sockets[1]?.close()
  await until(() => events.length === 1, { what: 'it is unresponsive', withinMs: 30_000 })
  const fed = sent.length
  const checksBefore = checks
  await until(() => checks >= checksBefore + 3, { what: 'it checks again', withinMs: 30_000 })
  expect(sent.length).toBe(fed)
  // A flood: others are answered, our own query is lost.
  answers += 1000
  await until(() => sent.length > fed, { what: 'it is fed in a flood', withinMs: 30_000 })
  await until(() => events.length === 3, { what: 'it is unresponsive again', withinMs: 30_000 })
  const again = sent.length
  sockets[1] = await answering(ports[1] as number)
  await until(() => sent.length > again, { what: 'it is fed again', withinMs: 30_000 })
  const kinds = events.map(({ kind }) => kind)
  expect(kinds).toEqual(['unresponsive', 'responsive', 'unresponsive', 'responsive'])
  notifier.reloading()
  notifier.stopping(5000)
  notifier.end()
  const last = sent.length
  // A watchdog that was not ended is fed meanwhile.
  let fedBeside = 0
  const beside = createServiceNotifier({
    send: () => (fedBeside++, null),
    watchdogMs: 300,
    isResponsive: async () => true,
    isProbing: () => true,
    answerCount: () => 0,
    monotonicMs: () => 0,
    onEvent: () => {},
  })
  ends.push(() => beside.end())
  await until(() => fedBeside >= 3, { what: 'the one beside is fed', withinMs: 30_000 })
  expect(sent.slice(last - 2)).toEqual([
    'RELOADING=1;MONOTONIC_USEC=1234500;STATUS=Reading zone files',
    'STOPPING=1;EXTEND_TIMEOUT_USEC=15000000;STATUS=Stopping',
  ])
  expect(sent.length).toBe(last)
  expect(new Set(sent.slice(0, last - 2))).toEqual(new Set(['WATCHDOG=1']))
  for (const socket of sockets) socket.close()
})

test('a failure to send is reported once, until it is another one', () => {
  const whys = ['ENOENT', 'ENOENT', null, 'ENOENT', 'ECONNREFUSED']
  const events: ServiceEvent[] = []
  const notifier = createServiceNotifier({
    send: () => whys.shift() ?? null,
    watchdogMs: null,
    isResponsive: async () => true,
    isProbing: () => true,
    answerCount: () => 0,
    monotonicMs: () => 0,
    onEvent: (event) => events.push(event),
  })
  for (let i = 0; i < 5; i++) notifier.ready('')
  expect(events.map((event) => event.kind === 'send-failed' && event.why)).toEqual([
    'ENOENT',
    'ENOENT',
    'ECONNREFUSED',
  ])
})
