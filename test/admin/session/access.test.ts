// Who may read and write through the admin server: the matrix of listener, Origin, Sec-Fetch-Site, cookie and token, over
// real HTTP. Cookies are made by the server itself, and forged ones by node:crypto alone.

import { createHmac } from 'node:crypto'
import { request } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type AccessControl, writeAccess } from '../../../src/admin/access.ts'
import { type AdminEvent, type AdminListener, listenAdmin } from '../../../src/admin/http.ts'
import { json } from '../../../src/admin/reply.ts'
import type { Route } from '../../../src/admin/route.ts'
import { type AdminSources, adminRoutes } from '../../../src/admin/routes.ts'
import { openSession, sealSession, sessionKey } from '../../../src/admin/session/session-cookie.ts'
import { createWrongTokens } from '../../../src/admin/session/wrong-tokens.ts'
import { unwatched } from '../../support/admin-listener.ts'
import { freePort } from '../../support/free-ports.ts'

const token = 'a-token-of-16-chars'
const loopback = { address: '127.0.0.1', port: 0 }
const elsewhere = { address: '192.0.2.1', port: 0 }

const accesses = {
  open: { writes: writeAccess(loopback, null), loadToken: null },
  token: { writes: writeAccess(loopback, token), loadToken: null },
  private: { writes: writeAccess(loopback, token), reads: 'token', loadToken: null },
  closed: { writes: writeAccess(elsewhere, null), loadToken: null },
} as const satisfies Record<string, AccessControl>
type Kind = keyof typeof accesses

const more: readonly Route<AdminSources>[] = [
  ...adminRoutes.filter(({ path }) => path === '/livez' || path === '/session'),
  { method: 'GET', path: '/read', access: 'read', handler: () => json('read') },
  { method: 'POST', path: '/ask', access: 'ask', handler: () => json('asked') },
  {
    method: 'POST',
    path: '/write',
    access: 'admin',
    handler: (_, { session, body }) => json({ by: session?.name ?? null, body }),
  },
]

const ports: Record<Kind, number> = { open: 0, token: 0, private: 0, closed: 0 }
const events: AdminEvent[] = []
const signedIn: string[] = []
let listeners: readonly AdminListener[] = []

async function listen(kind: Kind): Promise<AdminListener> {
  const port = await freePort()
  ports[kind] = port
  const session = {
    access: accesses[kind],
    port,
    wallMs: () => Date.now(),
    onSignedIn: (name: string) => signedIn.push(name),
  }
  return listenAdmin(
    { address: '127.0.0.1', port },
    {
      ...unwatched(),
      routes: more,
      sources: { session } as Partial<AdminSources> as AdminSources,
      access: accesses[kind],
      onEvent: (event) => events.push(event),
    },
  )
}

beforeAll(async () => {
  listeners = await Promise.all([
    listen('open'),
    listen('token'),
    listen('private'),
    listen('closed'),
  ])
})
afterAll(() => Promise.all(listeners.map((one) => one.close())))

interface Answer {
  readonly status: number
  readonly cookie: string
  readonly value: unknown
}

/** Over node:http, since fetch keeps Origin, Cookie and Host for itself. `from`: an address of loopback. */
const ask = (
  kind: Kind,
  method: string,
  path: string,
  { headers = {}, body, from = '127.0.0.1' }: Asked = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', localAddress: from, port: ports[kind], method, path, headers },
      (reply) => {
        let text = ''
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        reply.on('end', () => {
          const [cookie = ''] = reply.headers['set-cookie'] ?? []
          const isJson = reply.headers['content-type']?.startsWith('application/json') === true
          const value: unknown = isJson ? JSON.parse(text) : text
          resolve({ status: reply.statusCode ?? 0, cookie, value })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })

interface Asked {
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly from?: string
}

const jsonType = { 'content-type': 'application/json' }
const own = (kind: Kind): string => `http://127.0.0.1:${ports[kind]}`

const signIn = (kind: Kind, fields: object, headers: object = {}, from?: string): Promise<Answer> =>
  ask(kind, 'POST', '/session', {
    headers: { ...jsonType, ...headers },
    body: JSON.stringify(fields),
    ...(from !== undefined && { from }),
  })

/** `mxsteer-PORT=VALUE` of a session of this name. */
const cookieOf = async (kind: Kind, name = 'anna'): Promise<string> =>
  (await signIn(kind, { token, name })).cookie.split(';')[0] ?? ''

const codeOf = ({ value }: Answer): string | undefined =>
  (value as { readonly error?: { readonly code: string } }).error?.code

/** `code`: of the refusal. */
type WriteCase = readonly [
  kind: Kind,
  what: string,
  headers: Record<string, string>,
  status: number,
  code?: string,
]

describe('writes', () => {
  const none = {}
  const page = { origin: 'OWN', 'sec-fetch-site': 'same-origin' }
  const cases: readonly WriteCase[] = [
    ['open', 'no page', none, 200],
    ['open', 'an own page', page, 200],
    ['open', 'an own page of a browser that does not say its site', { origin: 'OWN' }, 200],
    ['open', 'another port of this host', { origin: 'http://127.0.0.1:1' }, 403, 'foreign-origin'],
    ['open', 'a page of another site', { origin: 'http://evil.example' }, 403, 'foreign-origin'],
    ['open', 'a page without an origin', { origin: 'null' }, 403, 'foreign-origin'],
    ['open', 'a file', { origin: 'file://' }, 403, 'foreign-origin'],
    ['open', 'a name of the page', { origin: 'OWN', host: 'localhost:1' }, 403, 'foreign-origin'],
    [
      'open',
      'an own origin from another site',
      { ...page, 'sec-fetch-site': 'cross-site' },
      403,
      'foreign-origin',
    ],
    [
      'open',
      'an own origin from the same site',
      { ...page, 'sec-fetch-site': 'same-site' },
      403,
      'foreign-origin',
    ],
    [
      'open',
      'a site without an origin',
      { 'sec-fetch-site': 'same-origin' },
      403,
      'foreign-origin',
    ],
    ['open', 'typed by a person', { 'sec-fetch-site': 'none' }, 200],
    ['token', 'nothing', none, 401, 'token-required'],
    ['token', 'the token', { authorization: `Bearer ${token}` }, 200],
    ['token', 'another token', { authorization: 'Bearer of-something-else-1' }, 401, 'bad-token'],
    [
      'token',
      'the token, from another site',
      { authorization: `Bearer ${token}`, origin: 'http://evil.example' },
      403,
      'foreign-origin',
    ],
    ['token', 'an own page', page, 401, 'token-required'],
    ['token', 'a session of an own page', { ...page, cookie: 'SESSION' }, 200],
    ['token', 'a session among other cookies', { ...page, cookie: 'a=b; SESSION; c=d' }, 200],
    ['token', 'a session without a page', { cookie: 'SESSION' }, 401, 'token-required'],
    [
      'token',
      'a session of a typed address',
      { cookie: 'SESSION', 'sec-fetch-site': 'none' },
      401,
      'token-required',
    ],
    [
      'token',
      'a session from another site',
      { cookie: 'SESSION', origin: 'http://evil.example' },
      403,
      'foreign-origin',
    ],
    ['token', 'a session of another token', { ...page, cookie: 'FOREIGN' }, 401, 'token-required'],
    ['token', 'a session that is over', { ...page, cookie: 'EXPIRED' }, 401, 'token-required'],
    ['token', 'a forged session', { ...page, cookie: 'FORGED' }, 401, 'token-required'],
    ['token', 'a cut session', { ...page, cookie: 'CUT' }, 401, 'token-required'],
    ['closed', 'nothing', none, 403, 'token-required'],
    ['closed', 'an own page', page, 403, 'token-required'],
    ['private', 'a session of an own page', { ...page, cookie: 'SESSION' }, 200],
  ]

  for (const [kind, what, headers, status, code] of cases)
    test(`${kind}: ${what}`, async () => {
      const answer = await ask(kind, 'POST', '/write', {
        headers: { ...jsonType, ...(await filled(kind, headers)) },
        body: '{}',
      })
      expect([answer.status, codeOf(answer)]).toEqual([status, code])
    })

  test('a form is not taken', async () => {
    const headers = { origin: own('open'), 'content-type': 'application/x-www-form-urlencoded' }
    expect(codeOf(await ask('open', 'POST', '/write', { headers, body: 'a=b' }))).toBe('not-json')
  })

  test('the name of a session reaches the handler, and no token does', async () => {
    const headers = { ...jsonType, origin: own('token'), cookie: await cookieOf('token', 'Zoë K.') }
    const answer = await ask('token', 'POST', '/write', { headers, body: '{}' })
    expect(answer.value).toEqual({ by: 'Zoë K.', body: {} })
  })
})

/** The headers of a case, with what only a running listener knows. */
async function filled(
  kind: Kind,
  headers: Record<string, string>,
): Promise<Record<string, string>> {
  const name = `mxsteer-${ports[kind]}`
  const untilMs = Date.now() + 60_000
  const value = { name: 'anna', untilMs }
  const nonce = new Uint8Array(9)
  const key = sessionKey(token)
  const claim = `${Math.floor(untilMs / 1000)}.${Buffer.from('anna').toString('base64url')}.AAAA`
  const mac = createHmac('sha256', token).update(claim).digest('base64url')
  const words: Record<string, string> = {
    OWN: own(kind),
    SESSION: headers['cookie']?.includes('SESSION') ? await cookieOf(kind) : '',
    FOREIGN: `${name}=${sealSession(sessionKey('another-token-of-16'), value, nonce)}`,
    EXPIRED: `${name}=${sealSession(key, { ...value, untilMs: Date.now() - 1000 }, nonce)}`,
    FORGED: `${name}=${claim}.${mac}`,
    CUT: `${name}=${sealSession(key, value, nonce).slice(0, -1)}`,
  }
  const fill = (text: string): string =>
    text.replace(/\b[A-Z]{3,}\b/g, (word) => words[word] ?? word)
  return Object.fromEntries(Object.entries(headers).map(([key, text]) => [key, fill(text)]))
}

describe('reads', () => {
  const cases: readonly (readonly [Kind, string, string, Record<string, string>, number])[] = [
    ['open', 'GET', '/read', {}, 200],
    ['token', 'GET', '/read', {}, 200],
    ['token', 'GET', '/read', { authorization: 'Bearer of-something-else-1' }, 200],
    ['token', 'POST', '/ask', {}, 200],
    ['token', 'POST', '/ask', { origin: 'http://evil.example' }, 403],
    ['closed', 'POST', '/ask', { origin: 'OWN', 'sec-fetch-site': 'same-origin' }, 200],
    ['private', 'GET', '/read', {}, 401],
    ['private', 'GET', '/livez', {}, 200],
    ['private', 'GET', '/session', {}, 200],
    ['private', 'POST', '/ask', {}, 401],
    ['private', 'GET', '/read', { authorization: `Bearer ${token}` }, 200],
    ['private', 'GET', '/read', { cookie: 'SESSION' }, 200],
    ['private', 'GET', '/read', { cookie: 'SESSION', 'sec-fetch-site': 'same-origin' }, 200],
    ['private', 'GET', '/read', { cookie: 'SESSION', 'sec-fetch-site': 'cross-site' }, 401],
    ['private', 'GET', '/read', { cookie: 'SESSION', origin: 'http://evil.example' }, 401],
    ['private', 'GET', '/read', { cookie: 'EXPIRED' }, 401],
    ['private', 'POST', '/ask', { cookie: 'SESSION', origin: 'OWN' }, 200],
  ]
  test.each(cases)('%s: %s %s with %o is %i', async (kind, method, path, headers, status) => {
    const isPost = method === 'POST'
    const answer = await ask(kind, method, path, {
      headers: { ...(isPost ? jsonType : {}), ...(await filled(kind, headers)) },
      ...(isPost && { body: '{}' }),
    })
    expect(answer.status).toBe(status)
  })
})

describe('/session', () => {
  test('says what this browser may do', async () => {
    const views = await Promise.all(
      (['open', 'token', 'private', 'closed'] as const).map(
        async (kind) => (await ask(kind, 'GET', '/session')).value,
      ),
    )
    const nobody = { name: null, until: null }
    expect(views).toEqual([
      { ...nobody, reads: 'open', mayRead: true, writes: 'open', mayWrite: true, advice: null },
      { ...nobody, reads: 'open', mayRead: true, writes: 'session', mayWrite: false, advice: null },
      {
        ...nobody,
        reads: 'session',
        mayRead: false,
        writes: 'session',
        mayWrite: false,
        advice: null,
      },
      {
        ...nobody,
        reads: 'open',
        mayRead: true,
        writes: 'closed',
        mayWrite: false,
        advice: expect.stringContaining('admin_token') as string,
      },
    ])
  })

  test('the cookie: no script reads it, no other site sends it, twelve hours, Secure by HTTPS', async () => {
    const plain = await signIn('token', { token, name: ' anna ' })
    expect([plain.status, plain.value]).toMatchObject([201, { name: 'anna', mayWrite: true }])
    expect(plain.cookie.split('; ').slice(1)).toEqual([
      'Max-Age=43200',
      'HttpOnly',
      'SameSite=Strict',
    ])
    const origin = `https://127.0.0.1:${ports.token}`
    const secure = await signIn('token', { token, name: 'anna' }, { origin })
    expect(secure.cookie.split('; ')).toContain('Secure')
    expect(signedIn.slice(-2)).toEqual(['anna', 'anna'])
  })

  test('tells two who ask at once apart, and ends', async () => {
    const cookies = [await cookieOf('token', 'anna'), await cookieOf('token', 'jo'), '']
    const views = await Promise.all(
      cookies.map((cookie) => ask('token', 'GET', '/session', { headers: { cookie } })),
    )
    expect(views.map(({ value }) => (value as { name: unknown }).name)).toEqual([
      'anna',
      'jo',
      null,
    ])
    const headers = { origin: own('token'), cookie: cookies[0] as string }
    const out = await ask('token', 'DELETE', '/session', { headers })
    expect([out.status, out.value]).toMatchObject([200, { name: null, mayWrite: false }])
    expect(out.cookie).toContain(`mxsteer-${ports.token}=; Max-Age=0`)
  })

  test.each([
    ['open', { token, name: 'anna' }, 403, 'token-required'],
    ['closed', { token, name: 'anna' }, 403, 'token-required'],
    ['token', { name: 'anna' }, 400, 'bad-field'],
    ['token', { token: 7, name: 'anna' }, 400, 'bad-field'],
    ['token', { token, name: '' }, 400, 'bad-field'],
    ['token', { token, name: 'x'.repeat(61) }, 400, 'bad-field'],
    ['token', { token, name: 'a\u202eb' }, 400, 'bad-field'],
    ['token', { token }, 400, 'bad-field'],
    ['token', { token, name: 'anna', more: 1 }, 400, 'unknown-field'],
  ] as const)('%s: %o is %i %s', async (kind, fields, status, code) => {
    const answer = await signIn(kind, fields)
    expect([answer.status, codeOf(answer), answer.cookie]).toEqual([status, code, ''])
  })

  test('a page of another site can sign nobody in or out', async () => {
    const foreign = { origin: 'http://evil.example' }
    const signing = await signIn('token', { token, name: 'anna' }, foreign)
    const out = await ask('token', 'DELETE', '/session', { headers: foreign })
    expect([codeOf(signing), codeOf(out)]).toEqual(['foreign-origin', 'foreign-origin'])
  })

  test('five wrong tokens, then nobody signs in from that address, while commands go on', async () => {
    const from = '127.0.0.77'
    const wrong = { token: 'not-the-admin-token', name: 'anna' }
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) statuses.push((await signIn('token', wrong, {}, from)).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
    expect(codeOf(await signIn('token', { token, name: 'anna' }, {}, from))).toBe(
      'too-many-attempts',
    )
    const headers = { ...jsonType, authorization: `Bearer ${token}` }
    expect((await ask('token', 'POST', '/write', { headers, body: '{}', from })).status).toBe(200)
    expect((await signIn('token', { token, name: 'anna' }, {}, '127.0.0.78')).status).toBe(201)
    expect(
      events.filter((one) => one.kind === 'wrong-token' && one.client.startsWith(from)),
    ).toHaveLength(5)
  })
})

describe('wrong tokens', () => {
  test('an address may try again a minute after the first of five', () => {
    const tokens = createWrongTokens()
    for (const second of [0, 10, 20, 30, 40]) {
      expect(tokens.waitMs('a', second * 1000)).toBe(0)
      tokens.add('a', second * 1000)
    }
    expect(tokens.waitMs('a', 45_000)).toBe(15_000)
    expect(tokens.waitMs('b', 45_000)).toBe(0)
    expect(tokens.waitMs('a', 60_000)).toBe(0)
  })

  test('sixty a minute are told of, and a thousand addresses remembered', () => {
    const tokens = createWrongTokens()
    const told = Array.from({ length: 2000 }, (_, i) => tokens.add(`client ${i}`, i))
    expect(told.filter(Boolean)).toHaveLength(60)
    expect(tokens.add('later', 61_000)).toBe(true)
  })
})

test('a session holds for the key that sealed it, until its second', () => {
  const key = sessionKey(token)
  const session = { name: 'Zoë\u{1f600}', untilMs: 2_000_000_000_000 }
  const value = sealSession(key, session, new Uint8Array(9).fill(255))
  expect(openSession(key, value, session.untilMs - 1)).toEqual(session)
  expect(openSession(key, value, session.untilMs)).toBeNull()
  for (let i = 0; i < value.length; i++) {
    const changed = `${value.slice(0, i)}${value[i] === 'A' ? 'B' : 'A'}${value.slice(i + 1)}`
    // The last letter of base64url has two bits that stand for nothing.
    if (i < value.length - 1) expect(openSession(key, changed, 0)).toBeNull()
  }
})
