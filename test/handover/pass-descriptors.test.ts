// Sockets on their way from one process to another, through the kernel, and what the receiver finds them to be.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, openSync, statSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import { beforeAll, describe, expect, test } from 'vitest'

import { inspectSocket, ownSockets } from '../../src/handover/inspect-socket.ts'
import { openInbox, sendDescriptors } from '../../src/handover/pass-descriptors.ts'
import { type Libc, loadLibc } from '../../src/transport/udp/udp-libc.ts'
import { temporaryFolder } from '../support/server.ts'

let libc: Libc
beforeAll(async () => {
  libc = await loadLibc()
})

const fdAt = (protocol: string, port: number): number =>
  ownSockets(libc).find((one) => one.protocol === protocol && one.endpoint.port === port)?.fd ?? -1

/** One descriptor, sent and received. */
function passed(fd: number): number {
  const path = join(temporaryFolder(), 'inbox')
  const inbox = openInbox(libc, path)
  sendDescriptors(libc, path, [fd])
  const [received, ...others] = inbox.receive()
  inbox.close()
  expect(others).toEqual([])
  expect(existsSync(path)).toBe(false)
  return received as number
}

test('what is queued in a UDP socket is read by who has it now, after the one before has closed it', async () => {
  const before = createSocket('udp4')
  before.bind(0, '127.0.0.1')
  await once(before, 'listening')
  const { port, address } = before.address()
  const fd = passed(fdAt('udp', port))
  expect(inspectSocket(libc, fd)).toEqual({
    kind: 'socket',
    socket: { fd, protocol: 'udp', endpoint: { address, port } },
  })
  const closed = once(before, 'close')
  before.close()
  await closed
  const client = createSocket('udp4')
  await new Promise((resolve) => client.send('waiting', port, address, resolve))
  client.close()
  const after = createSocket('udp4')
  after.bind({ fd })
  const [message] = (await once(after, 'message')) as [Buffer]
  expect(message.toString()).toBe('waiting')
  after.close()
})

test('a connection that nobody has accepted yet waits in a TCP socket', async () => {
  const before = createServer()
  before.listen(0, '::1')
  await once(before, 'listening')
  const { port } = before.address() as AddressInfo
  const fd = passed(fdAt('tcp', port))
  before.close()
  const client = connect(port, '::1')
  await once(client, 'connect')
  const after = createServer()
  after.listen({ fd })
  const [socket] = (await once(after, 'connection')) as [ReturnType<typeof connect>]
  expect(socket.remotePort).toBe(client.localPort)
  for (const one of [socket, client]) one.destroy()
  after.close()
})

describe('many', () => {
  test.each([0, 1, 250, 251, 600])('%i descriptors', (count) => {
    const path = join(temporaryFolder(), 'inbox')
    const inbox = openInbox(libc, path)
    const socket = libc.socket(2, 2, 0)
    sendDescriptors(libc, path, Array<number>(count).fill(socket))
    const received = inbox.receive()
    expect(new Set(received).size).toBe(count)
    for (const fd of [...received, socket]) libc.close(fd)
    inbox.close()
  })
})

test('only processes of the same user reach the inbox', () => {
  const path = join(temporaryFolder(), 'inbox')
  const inbox = openInbox(libc, path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  inbox.close()
})

describe('what cannot be used is named', () => {
  test.each([
    ['a file', () => openSync('/dev/null', 'r'), 'it is no socket'],
    ['an unbound socket', () => libc.socket(2, 2, 0), 'it is not bound'],
    ['a socket of the Unix domain', () => libc.socket(1, 2, 0), 'not of IPv4 or IPv6'],
    ['no descriptor', () => 999_999, 'it is no socket'],
  ])('%s', (_, open, why) => {
    const inspected = inspectSocket(libc, open())
    expect(inspected).toMatchObject({ kind: 'unusable' })
    expect(inspected.kind === 'unusable' && inspected.why).toContain(why)
  })

  test('a wildcard of IPv6 that takes IPv4 too', async () => {
    const socket = createSocket({ type: 'udp6', ipv6Only: false })
    socket.bind(0, '::')
    await once(socket, 'listening')
    const { port } = socket.address()
    // It is none of those that are handed over either.
    expect(fdAt('udp', port)).toBe(-1)
    socket.close()
  })

  test('a TCP socket that does not listen', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connect(port, '127.0.0.1')
    await once(client, 'connect')
    expect(fdAt('tcp', client.localPort ?? 0)).toBe(-1)
    expect(fdAt('tcp', port)).toBeGreaterThan(2)
    client.destroy()
    server.close()
  })
})
