import { request } from 'node:http'
import { connect } from 'node:net'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type AdminListener, type Route, listenAdmin } from '../../src/admin/http.ts'
import { json, text } from '../../src/admin/request.ts'
import { freePort } from '../support/free-ports.ts'

const routes = new Map<string, Route>([
  ['/livez', () => text('ok\n')],
  ['/echo', (parameters) => json(Object.fromEntries(parameters))],
  [
    '/broken',
    () => {
      throw new Error('as a bug would')
    },
  ],
])

let admin: AdminListener
let port = 0
beforeAll(async () => {
  port = await freePort()
  admin = await listenAdmin({ address: '127.0.0.1', port }, routes)
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
    const begun = performance.now()
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n'),
      )
      socket.on('close', () => resolve())
      socket.on('error', () => {})
      socket.resume()
    })
    expect(performance.now() - begun).toBeLessThan(8000)
  })
})

test('a port in use rejects with its errno', async () => {
  await expect(listenAdmin({ address: '127.0.0.1', port }, routes)).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})
