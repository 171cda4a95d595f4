// Requests that nobody sends in good faith, as data: what each is answered, and that the handlers see one request at a
// time of each connection.

import { connect, type Socket } from 'node:net'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type AdminListener, listenAdmin } from '../../src/admin/http.ts'
import { json, text } from '../../src/admin/reply.ts'
import type { AdminRequest, Route } from '../../src/admin/route.ts'
import { unwatched } from '../support/admin-listener.ts'
import { freePort } from '../support/free-ports.ts'
import { ask } from '../support/server.ts'
import { codeOf, exchangeRaw, statusesOf } from '../support/raw-http.ts'
import { until } from '../support/wait.ts'

const seen: AdminRequest[] = []
/** Replies that a handler of /held owes. */
let held: (() => void)[] = []

const record = (_: null, request: AdminRequest): ReturnType<typeof text> => {
  seen.push(request)
  return json({ name: request.name })
}

const routes: readonly Route<null>[] = [
  { method: 'GET', path: '/livez', access: 'read', isVital: true, handler: () => text('ok\n') },
  { method: 'GET', path: '/view', access: 'read', handler: record },
  {
    method: 'GET',
    path: '/held',
    access: 'read',
    isAlike: true,
    handler: () => new Promise((resolve) => held.push(() => resolve(text('held\n')))),
  },
  { method: 'POST', path: '/things', access: 'admin', handler: record },
  { method: 'DELETE', path: '/things/NAME', access: 'admin', handler: record },
]

const { counters, ...rest } = unwatched()
let admin: AdminListener
let port = 0
beforeAll(async () => {
  port = await freePort()
  const access = { writes: { kind: 'open' }, loadToken: null } as const
  const hostNames = ['ns1.example.com']
  const server = { ...rest, hostNames, counters, routes, sources: null, access }
  admin = await listenAdmin({ address: '127.0.0.1', port }, server)
})
afterAll(() => admin.close())

const request = (line: string, headers: readonly string[], body = ''): string =>
  [`${line} HTTP/1.1`, ...headers, 'connection: close', '', body].join('\r\n')

const here = 'host: localhost'
const posted = (body: string): string =>
  request(
    'POST /things',
    [here, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`],
    body,
  )

interface Scenario {
  readonly sent: string
  readonly status: number
  readonly code?: string
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'a page whose name resolves to this server': {
    sent: request('GET /view', ['host: evil.example:8053']),
    status: 421,
    code: 'wrong-host',
  },
  'the same on the path of probes': {
    sent: request('GET /livez', ['host: evil.example']),
    status: 421,
    code: 'wrong-host',
  },
  'the same in a request for a proxy': {
    sent: request('GET http://evil.example/view', [here]),
    status: 421,
    code: 'wrong-host',
  },
  'a request for a proxy that names this server': {
    sent: request('GET http://localhost:8053/view', [here]),
    status: 200,
  },
  'a name of admin_hosts': { sent: request('GET /view', ['host: ns1.example.com']), status: 200 },
  'an address': { sent: request('GET /view', ['host: 127.0.0.1:8053']), status: 200 },
  'no Host in HTTP/1.1': { sent: request('GET /view', []), status: 400 },
  'no Host in HTTP/1.0': { sent: 'GET /view HTTP/1.0\r\n\r\n', status: 200 },
  'two Hosts': { sent: request('GET /view', [here, 'host: evil.example']), status: 400 },
  'an empty Host': { sent: request('GET /view', ['host:']), status: 421, code: 'wrong-host' },
  'a write of a page elsewhere': {
    sent: request('DELETE /things/a', [here, 'sec-fetch-site: cross-site']),
    status: 403,
    code: 'foreign-origin',
  },
  'a write of a page of the same site': {
    sent: request('DELETE /things/a', [here, 'sec-fetch-site: same-site']),
    status: 403,
    code: 'foreign-origin',
  },
  'a write of a page that pretends to be ours': {
    sent: request('DELETE /things/a', [here, 'sec-fetch-site: same-origin']),
    status: 403,
    code: 'foreign-origin',
  },
  'a write of nobody but the user': {
    sent: request('DELETE /things/a', [here, 'sec-fetch-site: none']),
    status: 200,
  },
  'an escape in a query': {
    sent: request('GET /view?name=%1b%5b31m', [here]),
    status: 400,
    code: 'bad-field',
  },
  'a C1 control in a query': {
    sent: request('GET /view?name=%c2%9b31m', [here]),
    status: 400,
    code: 'bad-field',
  },
  'a newline in the name of a parameter': {
    sent: request('GET /view?na%0ame=1', [here]),
    status: 400,
    code: 'bad-field',
  },
  'text that is turned round': {
    sent: request('GET /view?name=%e2%80%ae', [here]),
    status: 400,
    code: 'bad-field',
  },
  'a control in a path': {
    sent: request('DELETE /things/a%0d%0ab', [here]),
    status: 400,
    code: 'bad-field',
  },
  'a C1 control in the `by` of a write': {
    sent: request('DELETE /things/a?by=%c2%85', [here]),
    status: 400,
    code: 'bad-field',
  },
  'a control in a body': { sent: posted('{"a": "\\u001b["}'), status: 400, code: 'bad-field' },
  'a C1 control in a key of a body': {
    sent: posted('{"a\\u009b": 1}'),
    status: 400,
    code: 'bad-field',
  },
  'a control deep in a body': {
    sent: posted('{"a": [{"b": ["\\u0000"]}]}'),
    status: 400,
    code: 'bad-field',
  },
  'a body of brackets': { sent: posted('['.repeat(4000)), status: 400, code: 'bad-json' },
  'a body that is deep': {
    sent: posted('['.repeat(4000) + ']'.repeat(4000)),
    status: 400,
    code: 'bad-json',
  },
  'a target that is no path': { sent: request('GET view', [here]), status: 400 },
  'a target for all': { sent: request('OPTIONS *', [here]), status: 405 },
}

describe('scenarios', () => {
  test.each(Object.entries(scenarios))('%s', async (_, { sent, status, code }) => {
    seen.length = 0
    const reply = await exchangeRaw(port, sent)
    expect([statusesOf(reply), codeOf(reply)]).toEqual([[status], code ?? null])
    expect(seen).toHaveLength(status === 200 ? 1 : 0)
  })
})

interface OpenConnection {
  readonly socket: Socket
  /** All that came back so far. */
  readonly received: () => string
}

/** Sends and keeps the connection open. */
async function open(octets: string): Promise<OpenConnection> {
  const socket = connect({ host: '127.0.0.1', port })
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => (received += String(chunk)))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  socket.write(octets)
  return { socket, received: () => received }
}

/** Over a connection of its own, as probes of the server do it. */
const livez = async (): Promise<number> => (await ask(port, '/livez')).status

describe('pipelined requests', () => {
  test('wait: the second reaches its handler when the reply to the first is written', async () => {
    held = []
    const { socket, received } = await open(
      `GET /held HTTP/1.1\r\n${here}\r\n\r\n`.repeat(3) +
        `DELETE /things/last HTTP/1.1\r\n${here}\r\n\r\n`,
    )
    seen.length = 0
    for (let i = 1; i <= 3; i++) {
      await until(() => held.length === i, { what: `request ${i}`, withinMs: 60_000 })
      // That nothing else comes: requests of others are handled meanwhile.
      for (let others = 0; others < 5; others++) expect(await livez()).toBe(200)
      expect([held.length, seen.length, statusesOf(received()).length]).toEqual([i, 0, i - 1])
      held.at(-1)?.()
    }
    await until(() => statusesOf(received()).length === 4, { what: 'four', withinMs: 60_000 })
    expect(seen.map(({ name }) => name)).toEqual(['last'])
    socket.destroy()
  })

  test('of 40 connections with 64 KiB each: some are answered, others told to come back, /livez is served', async () => {
    const line = `GET /view?name=${'x'.repeat(40)} HTTP/1.1\r\n${here}\r\n\r\n`
    const flood = line.repeat(Math.floor(65_536 / line.length))
    const connections = await Promise.all(Array.from({ length: 40 }, () => open(flood)))
    await until(() => connections.some(({ received }) => received().includes('HTTP/1.1 200 ')), {
      what: 'an answer',
      withinMs: 60_000,
    })
    for (let i = 0; i < 20; i++) expect(await livez()).toBe(200)
    for (const { socket } of connections) socket.destroy()
  })
})

describe('connections', () => {
  test.each([64, 500])('%i half-open ones do not shut anybody out', async (count) => {
    const halves: Socket[] = []
    for (let i = 0; i < count; i++) {
      halves.push((await open('GET /view HTTP/1.1\r\nx-half: ')).socket)
      if (i % 50 === 0) expect(await livez()).toBe(200)
    }
    for (let i = 0; i < 10; i++) expect(await livez()).toBe(200)
    expect(counters.read('open')).toBeLessThanOrEqual(512)
    for (const one of halves) one.destroy()
  })

  test('idle ones are closed, and a request that does not end', async () => {
    const before = counters.read('late') + counters.read('malformed')
    const [idle, half] = await Promise.all([open(''), open('GET /view HTTP/1.1\r\nx-half: ')])
    await until(() => idle.socket.closed && half.socket.closed, {
      what: 'both closed',
      withinMs: 120_000,
      everyMs: 200,
    })
    expect(counters.read('late') + counters.read('malformed')).toBeGreaterThanOrEqual(before + 2)
  }, 600_000)
})

describe('calls', () => {
  test('equal reads that wait are one call, whatever their parameters where those have no meaning', async () => {
    held = []
    const replies = Array.from({ length: 20 }, (_, i) => ask(port, `/held?${i}`))
    await until(() => held.length === 1, { what: 'the first', withinMs: 60_000 })
    for (let i = 0; i < 10; i++) expect(await livez()).toBe(200)
    let answered = 0
    const all = Promise.all(replies.map((reply) => reply.then(() => answered++)))
    // The first is alone, or with those that came with it; all others share the next.
    for (let calls = 1; answered < replies.length; calls++) {
      held[calls - 1]?.()
      await until(() => answered === replies.length || held.length > calls, {
        what: 'the next call',
        withinMs: 60_000,
      })
    }
    await all
    for (const reply of await Promise.all(replies)) expect(reply.status).toBe(200)
    expect(held.length).toBeLessThanOrEqual(4)
  })
})
