// Two processes that hand over, as two sides in one: what each does when the other one departs from the order of things.

import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { ownSockets } from '../../src/handover/inspect-socket.ts'
import { protocolVersion, takeOverPath } from '../../src/handover/messages.ts'
import { callPredecessor, type Predecessor } from '../../src/handover/predecessor.ts'
import {
  awaitSuccessor,
  type Incumbent,
  type SuccessorEvent,
} from '../../src/handover/successor.ts'
import { type Libc, loadLibc } from '../../src/transport/udp/udp-libc.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

let libc: Libc
let path: string
let server: Server
const calls: string[] = []
const events: SuccessorEvent[] = []
let unwritten: string | null
let isStopping: boolean
let isAnnounced: boolean

const incumbent: Incumbent = {
  version: '1.0.0',
  isStopping: () => isStopping,
  async keepState() {
    calls.push('keepState')
    return unwritten
  },
  sockets: () => {
    const { port } = server.address() as AddressInfo
    const own = ownSockets(libc).filter(({ endpoint }) => endpoint.port === port)
    return own.map(({ fd }) => ({ fd, isHeld: true }))
  },
  isProbed: () => true,
  hold: (isHeld) => void calls.push(`hold ${isHeld}`),
  async leave(pid) {
    calls.push(`leave ${pid}`)
    return isAnnounced
  },
}

beforeEach(async () => {
  libc = await loadLibc()
  calls.length = 0
  events.length = 0
  unwritten = null
  isStopping = false
  isAnnounced = false
  path = takeOverPath(temporaryFolder(), 'ns1') as string
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  await awaitSuccessor({ libc, path, incumbent, onEvent: (event) => events.push(event) })
})

afterEach(() => {
  server.close()
})

const call = () => callPredecessor({ libc, path, version: '1.1.0' })

async function answered(): Promise<Predecessor> {
  const called = await call()
  if (called.kind !== 'answered') throw new Error(called.why)
  return called.predecessor
}

const saysEvent = (kind: SuccessorEvent['kind']): Promise<unknown> =>
  until(() => events.some((event) => event.kind === kind), { what: kind, withinMs: 60_000 })

test('in order: state, sockets with what they are, and the old one leaves', async () => {
  const predecessor = await answered()
  expect(predecessor).toMatchObject({ pid: process.pid, version: '1.0.0' })
  expect(calls).toEqual(['keepState'])
  const taken = await predecessor.takeSockets()
  expect(calls).toEqual(['keepState', 'hold true', 'keepState'])
  const { port } = server.address() as AddressInfo
  const endpoint = { address: '127.0.0.1', port }
  expect(taken).toMatchObject({
    kind: 'taken',
    sockets: [{ protocol: 'tcp', endpoint, isHeld: true }],
    isProbed: true,
  })
  // What counts is what was announced last.
  isAnnounced = true
  expect(await predecessor.relieve()).toEqual({ kind: 'relieved', isAnnounced: true })
  expect(calls.slice(3)).toEqual([`leave ${process.pid}`])
  expect(events.map(({ kind }) => kind)).toEqual(['asked', 'handed'])
  // The path is free for the new one before it is told that the old one has left.
  expect(existsSync(path)).toBe(false)
})

test('only processes of the same user reach it', () => {
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a successor that ends before it serves is as if it had never been', async () => {
  const predecessor = await answered()
  await predecessor.takeSockets()
  predecessor.close()
  await saysEvent('given-up')
  expect(calls.slice(3)).toEqual(['hold false'])
  const next = await answered()
  await next.takeSockets()
  await next.relieve()
  expect(events.at(-1)?.kind).toBe('handed')
})

test('one at a time', async () => {
  const first = await answered()
  const why = expect.stringContaining(`(busy): process ${process.pid} is taking over`)
  expect(await call()).toMatchObject({ kind: 'refused', why })
  first.close()
})

test('not while the server stops', async () => {
  isStopping = true
  expect(await call()).toMatchObject({
    kind: 'refused',
    why: expect.stringContaining('(stopping)'),
  })
})

test('not when the server stops before the sockets are handed over', async () => {
  const predecessor = await answered()
  isStopping = true
  expect(await predecessor.takeSockets()).toMatchObject({
    kind: 'refused',
    why: expect.stringContaining('(stopping)'),
  })
  expect(calls).toEqual(['keepState'])
  predecessor.close()
  await saysEvent('given-up')
})

test('not where the state is not in the file', async () => {
  unwritten = 'ENOSPC'
  expect(await call()).toMatchObject({ kind: 'refused', why: expect.stringContaining('ENOSPC') })
  unwritten = null
  await saysEvent('given-up')
  const predecessor = await answered()
  unwritten = 'EROFS'
  expect(await predecessor.takeSockets()).toMatchObject({
    kind: 'refused',
    why: expect.stringContaining('EROFS'),
  })
  await until(() => calls.at(-1) === 'hold false', { what: 'no hold any more', withinMs: 60_000 })
})

/** A side that says what it likes. */
async function raw(...lines: readonly string[]): Promise<string> {
  const socket: Socket = connect(path)
  let heard = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk))
  const closed = once(socket, 'close')
  for (const line of lines) socket.write(line)
  await closed
  return heard
}

const hello = (protocol: number): string =>
  `${JSON.stringify({ kind: 'hello', protocol, version: '9', pid: 1 })}\n`

test('another protocol is refused in words, and nothing happens', async () => {
  const reply = await raw(hello(protocolVersion + 1))
  expect(JSON.parse(reply)).toEqual({
    kind: 'refused',
    code: 'protocol',
    why: `it takes over by protocol ${protocolVersion + 1}, this server hands over by ${protocolVersion}: restart it instead`,
  })
  expect(calls).toEqual([])
})

test.each([
  ['no JSON', ['hello\n']],
  ['no message', ['{"kind":"bonjour"}\n']],
  ['a message without its fields', ['{"kind":"hello"}\n']],
  ['a line without an end', ['x'.repeat(70_000)]],
  ['sockets before a greeting', ['{"kind":"send-sockets"}\n']],
  ['an end before the sockets', [hello(protocolVersion), '{"kind":"serving"}\n']],
])('%s ends the dialogue, and nothing else', async (_, lines) => {
  await raw(...lines)
  expect(calls.filter((one) => /leave|hold true/.test(one))).toEqual([])
  const predecessor = await answered()
  predecessor.close()
})

test('nobody there: what to do is said', async () => {
  const none = join(temporaryFolder(), 'ns1.take-over')
  const called = await callPredecessor({ libc, path: none, version: '1' })
  expect(called).toMatchObject({
    kind: 'refused',
    why: expect.stringContaining('ENOENT; start without --take-over'),
  })
})

test('what a process that was killed left at the path is replaced', async () => {
  const left = join(temporaryFolder(), 'ns1.take-over')
  writeFileSync(left, '')
  await awaitSuccessor({ libc, path: left, incumbent, onEvent: () => {} })
  expect(statSync(left).isSocket()).toBe(true)
})

test('a path that is too long for a socket is none', () => {
  expect(takeOverPath('/var/lib/mxsteer/', 'ns1')).toBe('/var/lib/mxsteer/ns1.take-over')
  expect(takeOverPath(`/${'x'.repeat(80)}`, 'ns1')).not.toBe(null)
  expect(takeOverPath(`/${'x'.repeat(90)}`, 'ns1')).toBe(null)
})
