import { request } from 'node:http'
import { connect } from 'node:net'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  type AdminEvent,
  type AdminListener,
  BeatWatch,
  listenAdmin,
} from '../../src/admin/http.ts'
import { json, text } from '../../src/admin/reply.ts'
import type { Route } from '../../src/admin/route.ts'
import { unwatched } from '../support/admin-listener.ts'
import { freePort } from '../support/free-ports.ts'
import { until } from '../support/wait.ts'

const routes: readonly Route<null>[] = [
  { method: 'GET', path: '/livez', access: 'read', handler: () => text('ok\n') },
  {
    method: 'GET',
    path: '/echo',
    access: 'read',
    handler: (_, { parameters }) => json(Object.fromEntries(parameters)),
  },
  {
    method: 'GET',
    path: '/broken',
    access: 'read',
    handler: () => {
      throw new Error('as a bug would')
    },
  },
  {
    method: 'DELETE',
    path: '/things/NAME/part',
    access: 'admin',
    handler: (_, { name }) => json({ part: name }),
  },
  {
    method: 'DELETE',
    path: '/things/NAME',
    access: 'admin',
    handler: (_, { name }) => json({ name }),
  },
]

const served = {
  routes,
  sources: null,
  access: { writes: { kind: 'open' }, loadToken: null },
  ...unwatched(),
} as const

let admin: AdminListener
let port = 0
beforeAll(async () => {
  port = await freePort()
  admin = await listenAdmin({ address: '127.0.0.1', port }, served)
})
afterAll(() => admin.close())

const get = (path: string, options: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, options)

describe('replies', () => {
  test('a known path', async () => {
    const reply = await get('/livez')
    expect([reply.status, await reply.text(), reply.headers.get('cache-control')]).toEqual([
      200,
      'ok\n',
      'no-store',
    ])
  })

  test('parameters come decoded', async () => {
    expect(await (await get('/echo?name=a%20b')).json()).toEqual({ name: 'a b' })
  })

  test.each([
    ['/things/a%20b/part', 200, { part: 'a b' }],
    ['/things/a', 200, { name: 'a' }],
    ['/things/a/b', 200, { name: 'a/b' }],
    ['/things//part', 200, { name: '/part' }],
    ['/things/', 200, { name: '' }],
  ])('the name in %s comes decoded', async (path, status, value) => {
    const reply = await get(path, { method: 'DELETE' })
    expect([reply.status, await reply.json()]).toEqual([status, value])
  })

  test('a name that is not well encoded', async () => {
    const reply = await get('/things/%ff', { method: 'DELETE' })
    expect([reply.status, await reply.json()]).toMatchObject([
      400,
      { error: { code: 'bad-field' } },
    ])
  })

  test('a path that is not there names those that can be read', async () => {
    expect(await (await get('/things/a')).text()).toBe(
      'no such path; there are: /livez /echo /broken\n',
    )
  })

  test('a method that no route of the path has: 405 and Allow', async () => {
    const reply = await get('/things/a', { method: 'PUT' })
    expect([reply.status, reply.headers.get('allow'), await reply.text()]).toEqual([
      405,
      'GET, HEAD',
      'only GET and HEAD\n',
    ])
  })

  test('HEAD has the headers and no body', async () => {
    const reply = await get('/livez', { method: 'HEAD' })
    expect([reply.status, reply.headers.get('content-length'), await reply.text()]).toEqual([
      200,
      '3',
      '',
    ])
  })

  test.each([
    ['/nothing', {}, 404],
    ['/livez', { method: 'POST', body: 'x' }, 405],
    ['/livez', { method: 'DELETE' }, 405],
    ['/broken', {}, 500],
    ['/__proto__', {}, 404],
  ])('%s with %o is %i, and the next request is served', async (path, options, status) => {
    expect((await get(path, options)).status).toBe(status)
    expect((await get('/livez')).status).toBe(200)
  })
})

describe('bounds', () => {
  test('a GET with a body is refused', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(
        { port, path: '/livez', method: 'GET', headers: { 'content-length': 5 } },
        (reply) => {
          reply.resume()
          resolve(reply.statusCode ?? 0)
        },
      )
      sent.on('error', reject)
      sent.end('12345')
    })
    expect(status).toBe(413)
  })

  test('headers over 8 KiB are refused', async () => {
    const reply = await get('/livez', { headers: { 'x-long': 'a'.repeat(9000) } })
    expect(reply.status).toBe(431)
  })

  test('headers that do not end are cut off', async () => {
    // Node alone would take a minute and more.
    const begun = performance.now()
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n'),
      )
      socket.on('close', () => resolve())
      socket.on('error', () => {})
      socket.resume()
    })
    expect(performance.now() - begun).toBeLessThan(40_000)
  })
})

test('a port in use rejects with its errno', async () => {
  await expect(listenAdmin({ address: '127.0.0.1', port }, served)).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

test('the feed is told that a browser takes the console, not of each in a flood, and one that throws ends nothing', async () => {
  let foreseen = 0
  const feed = {
    follow() {},
    setStreams() {},
    foresee() {
      foreseen++
      throw new Error('as a bug would')
    },
  }
  const itsPort = await freePort()
  const endpoint = { address: '127.0.0.1', port: itsPort }
  const listener = await listenAdmin(endpoint, { ...served, ...unwatched(), feed })
  try {
    const take = async (path: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${itsPort}${path}`, { redirect: 'manual' })).text()
    await take('/console/')
    await until(() => foreseen === 1, { what: 'the feed is told', withinMs: 60_000 })
    const others = 40
    for (let i = 0; i < others; i++) await take('/console/')
    expect(await take('/livez')).toBe('ok\n')
    expect(foreseen).toBeLessThan(others)
  } finally {
    await listener.close()
  }
})

test('a listener that hangs is ended and started again, and /livez is served again', async () => {
  const events: AdminEvent[] = []
  const itsPort = await freePort()
  const entry = new URL('../fixtures/workers/hanging-listener.ts', import.meta.url)
  const listener = await listenAdmin(
    { address: '127.0.0.1', port: itsPort },
    {
      ...served,
      ...unwatched(),
      onEvent: (event) => void events.push(event),
      entry,
      lookEveryMs: 500,
    },
  )
  try {
    await until(() => events.some(({ kind }) => kind === 'restarted'), {
      what: 'the restart',
      withinMs: 90_000,
    })
    expect(await (await fetch(`http://127.0.0.1:${itsPort}/livez`)).text()).toBe('ok\n')
    const why = 'it did not move for 2 s'
    expect(events.slice(0, 2)).toEqual([
      { kind: 'hung', thread: 'listener', why },
      { kind: 'exited', thread: 'listener', why, backoffMs: 200 },
    ])
  } finally {
    await listener.close()
  }
})

describe('beats', () => {
  test('looks without one count, until the next one', () => {
    const watch = new BeatWatch(1000, 0)
    const missed = [1, 1, 1, 2, 2].map((beats, i) => watch.look(beats, 1000 * (i + 1)))
    expect(missed).toEqual([0, 1, 2, 0, 1])
  })

  test('looks that come late do not count: the whole machine was held up', () => {
    const watch = new BeatWatch(1000, 0)
    const times = [1000, 2000, 60_000, 61_000, 64_000]
    expect(times.map((nowMs) => watch.look(7, nowMs))).toEqual([0, 1, 1, 2, 2])
  })
})
