// Forms without script, as browsers and browsers of terminals send them, by node:http: what a drain will come to, the drain
// as clients of the DNS see it, and who may: forged origins, foreign sessions, no token, no seal.

import { request } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { sealSession, sessionKey } from '../../../src/admin/session/session-cookie.ts'
import { answersBecome, twoTargetsText } from '../../support/answered-targets.ts'
import { freePort } from '../../support/free-ports.ts'
import { type OddMta, startGreeters } from '../../support/odd-mtas.ts'
import { type RunningServer, startServer } from '../../support/server.ts'

const [one, two] = ['127.0.0.181', '127.0.0.182']
const name = 'smtp.example.test'
const token = 'a-token-of-16-chars'
let mtas: OddMta[] = []
let open: RunningServer
let closed: RunningServer

beforeAll(async () => {
  const port = await freePort([one, two])
  mtas = await startGreeters([one, two], port)
  const zone = twoTargetsText(name, [one, two], port)
  const zones = { 'mail.yaml': zone }
  const settings = `admin_token: ${token}\nadmin_read: token\n`
  ;[open, closed] = await Promise.all([startServer({ zones }), startServer({ zones, settings })])
  await open.waitForState('mx1', 'up', 20_000)
  await open.waitForState('mx2', 'up', 20_000)
})
afterAll(async () => {
  await Promise.all([open.stop(), closed.stop(), ...mtas.map((mta) => mta.close())])
})

interface Page {
  readonly status: number
  readonly type: string
  readonly html: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

type Fields = Readonly<Record<string, string>>

/** With `fields` a form is sent, else a page is asked for. */
const ask = (
  { adminPort }: RunningServer,
  path: string,
  { fields, headers = {} }: { fields?: Fields; headers?: Fields } = {},
): Promise<Page> =>
  new Promise((resolve, reject) => {
    const body = fields && String(new URLSearchParams(fields))
    const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    const method = body === undefined ? 'GET' : 'POST'
    const to = { host: '127.0.0.1', port: adminPort, path: `/console/${path}`, method }
    const sent = request({ ...to, headers: { ...type, ...headers } }, (reply) => {
      let html = ''
      reply.setEncoding('utf8').on('data', (text: string) => (html += text))
      reply.on('end', () =>
        resolve({
          status: reply.statusCode ?? 0,
          type: reply.headers['content-type'] ?? '',
          html,
          headers: reply.headers,
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })

const unescaped = (html: string): string => html.replaceAll('&#39;', "'").replaceAll('&amp;', '&')

/** The hidden fields of the form of a page that is sent. */
function hiddenFields({ html }: Page): Fields {
  const [form = ''] = /<form method="post"[^]*?<\/form>/.exec(html) ?? []
  const inputs = form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)
  return Object.fromEntries([...inputs].map(([, key = '', value = '']) => [key, unescaped(value)]))
}

const own = ({ adminPort }: RunningServer): Fields => ({
  origin: `http://127.0.0.1:${adminPort}`,
  'sec-fetch-site': 'same-origin',
})

const question = `plain/drain?zone=${name}&target=mx1&why=new+disk&seconds=3600`

const drainedTo = (server: RunningServer, targets: string): Promise<void> =>
  answersBecome(server.port, name, targets)

const overridesOf = async (server: RunningServer): Promise<readonly { readonly id: string }[]> => {
  const headers = { authorization: `Bearer ${token}` }
  const reply = await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, { headers })
  return ((await reply.json()) as { overrides: { id: string }[] }).overrides
}

describe('a loopback server without a token', () => {
  test('says what a drain comes to, drains as the DNS sees it, and undoes it', async () => {
    const status = await ask(open, 'plain')
    expect(status.headers['referrer-policy']).toBe('same-origin')
    const link = /href="(plain\/drain\?[^"]*target=mx1[^"]*)"/.exec(status.html)?.[1] ?? ''
    const first = await ask(open, unescaped(link))
    expect(first.html).toMatch(/mx1<\/th><td>3 → 0<\/td><td>75\.0 % → 0\.0 %/)
    expect(first.html).toMatch(/mx2<\/th><td>1 → 1<\/td><td>25\.0 % → 100\.0 %/)
    // Without a reason there is nothing to confirm.
    expect(hiddenFields(first)).toEqual({})

    const preview = await ask(open, question)
    const fields = { ...hiddenFields(preview), name: 'jo <b>' }
    expect(await overridesOf(open)).toEqual([])
    const done = await ask(open, 'plain/drain', { fields, headers: own(open) })
    expect([done.status, /It is drained until [\d-]+ \d\d:\d\d UTC/.test(done.html)]).toEqual([
      201,
      true,
    ])
    await drainedTo(open, 'mx2')
    const [row] = await overridesOf(open)
    expect(row).toMatchObject({ target: 'mx1', why: 'new disk', by: 'jo <b>' })
    expect(row).toMatchObject({ until: fields['until' as keyof typeof fields] })

    const listed = await ask(open, 'plain')
    expect(listed.html).toContain('jo &lt;b&gt;')
    const undoLink = /href="(plain\/undo\?[^"]*)"/.exec(listed.html)?.[1] ?? ''
    const asked = await ask(open, unescaped(undoLink))
    expect(asked.html).toContain('new disk')
    // As a browser of a terminal sends it: without an Origin.
    const undone = await ask(open, 'plain/undo', { fields: hiddenFields(asked) })
    expect([undone.status, undone.html.includes('mx1 no longer has drain')]).toEqual([200, true])
    await drainedTo(open, 'mx1,mx2')
    expect((await ask(open, unescaped(undoLink))).status).toBe(404)
  })

  test('what leaves a pool empty is refused without a tick', async () => {
    const drain = async (target: string, force: Fields): Promise<Page> => {
      const path = `plain/drain?zone=${name}&target=${target}&why=x&seconds=900`
      const fields = { ...hiddenFields(await ask(open, path)), ...force }
      return ask(open, 'plain/drain', { fields, headers: own(open) })
    }
    expect((await drain('mx1', {})).status).toBe(201)
    const refused = await drain('mx2', {})
    expect(refused.status).toBe(409)
    expect(refused.html).toContain('Not done: nobody eligible would be left in pool main')
    expect(refused.html).toContain('Do it nevertheless')
    expect((await drain('mx2', { force: 'yes' })).status).toBe(201)
    for (const { id } of await overridesOf(open)) {
      const fields = hiddenFields(await ask(open, `plain/undo?id=${id}`))
      expect((await ask(open, 'plain/undo', { fields })).status).toBe(200)
    }
  })

  test.each([
    ['an unknown target', `plain/drain?zone=${name}&target=mx9`, 404, 'unknown target'],
    ['an end in the past', `${question}&until=2001-01-01T00:00`, 400, 'until: a time such as'],
    ['an end that is none', `${question}&until=soon`, 400, 'until: a time such as'],
    ['controls', `plain/drain?zone=${name}&target=mx1&why=%1b`, 400, 'printable'],
  ])('%s is told in words', async (_, path, status, words) => {
    const page = await ask(open, path)
    expect([page.status, page.type]).toEqual([status, 'text/html; charset=utf-8'])
    expect(page.html).toContain(words)
  })

  const refusals: readonly (readonly [string, Fields, Fields | null, number, string])[] = [
    ['another site', { origin: 'http://evil.example' }, null, 403, 'other sites'],
    ['no origin that it would say', { origin: 'null' }, null, 403, 'other sites'],
    ['another port', { origin: 'http://127.0.0.1:1' }, null, 403, 'other sites'],
    ['the same site', { 'sec-fetch-site': 'same-site' }, null, 403, 'other sites'],
    ['no page, and no seal', {}, { seal: '' }, 403, 'begin again'],
    ['no page, and a seal for another target', {}, { target: 'mx2' }, 403, 'begin again'],
    ['our page, and a seal of nobody', { origin: 'OWN' }, { seal: 'FORGED' }, 403, 'begin again'],
    ['our page, and a seal that is over', { origin: 'OWN' }, { seal: 'OVER' }, 403, 'begin again'],
  ]
  test.each(refusals)('a form of %s sets nothing', async (_, headers, changed, status, words) => {
    const fields = hiddenFields(await ask(open, question))
    const mac = fields['seal']?.split('.')[1] ?? ''
    const seals: Fields = {
      FORGED: `${Math.ceil(Date.now() / 1000) + 60}.${'A'.repeat(43)}`,
      OVER: `1000000000.${mac}`,
    }
    const seal = changed?.['seal']
    const page = await ask(open, 'plain/drain', {
      fields: {
        ...fields,
        ...changed,
        ...(seal !== undefined && { seal: seals[seal] ?? seal }),
      },
      headers: headers['origin'] === 'OWN' ? own(open) : headers,
    })
    expect([page.status, page.html.includes(words)]).toEqual([status, true])
    expect(await overridesOf(open)).toEqual([])
  })

  test('takes no JSON for a form', async () => {
    const headers = { ...own(open), 'content-type': 'application/json' }
    const page = await ask(open, 'plain/drain', { fields: {}, headers })
    expect([page.status, page.html.includes('must be a form')]).toEqual([415, true])
  })
})

describe('a server with a token that reads need too', () => {
  test('asks to sign in, and drains with a session of its own', async () => {
    const asked = await ask(closed, 'plain')
    expect([asked.status, asked.html.includes('action="plain/session"')]).toEqual([401, true])
    const wrong = await ask(closed, 'plain/session', {
      fields: { token: 'another-token-of-16', name: 'anna' },
      headers: own(closed),
    })
    expect([wrong.status, wrong.html.includes('not the admin token')]).toEqual([401, true])
    const entered = await ask(closed, 'plain/session', {
      fields: { token, name: 'anna' },
      headers: own(closed),
    })
    expect([entered.status, entered.headers['location']]).toEqual([303, '../plain'])
    const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
    const preview = await ask(closed, question, { headers: { cookie } })
    const fields = { ...hiddenFields(preview), name: 'mallory' }
    const done = await ask(closed, 'plain/drain', { fields, headers: { ...own(closed), cookie } })
    expect(done.status).toBe(201)
    const [row] = await overridesOf(closed)
    expect(row).toMatchObject({ by: 'anna' })
    await drainedTo(closed, 'mx2')
    const undo = hiddenFields(
      await ask(closed, `plain/undo?id=${row?.id}`, { headers: { cookie } }),
    )
    // A browser of a terminal says no Origin, so its cookie counts for nothing: it gives the token.
    const without = await ask(closed, 'plain/undo', { fields: undo, headers: { cookie } })
    expect([without.status, without.html.includes('token is missing')]).toEqual([400, true])
    const given = { ...undo, token, name: 'anna' }
    expect((await ask(closed, 'plain/undo', { fields: given })).status).toBe(200)
    await drainedTo(closed, 'mx1,mx2')
  })

  test.each([
    ['no session and no token', '', {}, 400, 'token is missing'],
    ['a wrong token', '', { token: 'another-token-of-16' }, 401, 'not the admin token'],
    ['a session of another token', 'another-token-of-16', {}, 400, 'token is missing'],
  ])('a form with %s sets nothing', async (_, cookieToken, more, status, words) => {
    const authorization = { authorization: `Bearer ${token}` }
    const fields = hiddenFields(await ask(closed, question, { headers: authorization }))
    const claim = { name: 'anna', untilMs: Date.now() + 60_000 }
    const value =
      cookieToken === '' ? '' : sealSession(sessionKey(cookieToken), claim, new Uint8Array(9))
    const page = await ask(closed, 'plain/drain', {
      fields: { ...fields, ...more },
      headers: { ...own(closed), cookie: `mxsteer-${closed.adminPort}=${value}` },
    })
    expect([page.status, page.html.includes(words)]).toEqual([status, true])
    expect(await overridesOf(closed)).toEqual([])
  })

  test('no token is on any page, and none in the log', async () => {
    expect((await ask(closed, 'plain')).html).not.toContain(token)
    expect(closed.stdout()).not.toContain(token)
  })
})
