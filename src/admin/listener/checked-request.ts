// The checks that a request has to pass before the control thread gets it. The first that fails is
// the reply:
//
//   Host                400 twice, or none in HTTP/1.1; 421 wrong-host
//   console             answered here, out of memory (console/console-pages.ts)
//   method and path     404, 405; a body where none belongs 413
//   access              401, 403, 429 (access.ts, session/wrong-tokens.ts)
//   name, query, body   400 bad-field, bad-json; 413 body-too-large; 415 not-json, not-form
//
// What is refused of a page for people without script is a page too.

import type { IncomingMessage } from 'node:http'

import { type AccessControl, authorize, closedAdvice, isSameToken, wrongToken } from '../access.ts'
import type { Clock } from '../../lib/clock.ts'
import { type Reply, refuse, text } from '../reply.ts'
import { findRoute, type RouteHead, type RouteMatch } from '../route.ts'
import type { WrongTokens } from '../session/wrong-tokens.ts'
import { type HostRule, isAcceptedHost } from './host-rule.ts'
import type { Call } from './messages.ts'
import type { ConsolePages } from '../console/console-pages.ts'
import { plainRefusal } from '../console/plain-frame.ts'

export const requestLimits = { headerOctets: 8192, bodyOctets: 8192, nesting: 8 } as const

export interface RequestRules {
  readonly routes: readonly RouteHead[]
  readonly access: AccessControl
  readonly hosts: HostRule
  /** Of the listener. */
  readonly port: number
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>
  readonly wrongTokens: WrongTokens
  readonly onWrongToken: (client: string) => void
  /** Before every path, where a proxy does not take it away, such as `/mxsteer`; '': none. */
  readonly prefix: string
  /** null: the console is off. */
  readonly pages: ConsolePages | null
}

type Checked =
  | { readonly kind: 'page'; readonly reply: Reply }
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'refused'; readonly reply: Reply }

/** `client`: whom tokens are counted for. */
export async function checkRequest(
  rules: RequestRules,
  request: IncomingMessage,
  client: string,
): Promise<Checked> {
  const target = withoutPrefix(readTarget(request.url ?? ''), rules.prefix)
  const wrongHost = hostRefusal(rules.hosts, request, target)
  if (wrongHost !== null) return refused(wrongHost)
  const { method, headers } = request
  const page =
    target && ((await rules.pages?.reply({ method, path: target.path, headers })) ?? null)
  if (page !== null) return { kind: 'page', reply: page }
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const match = target && findRoute(rules.routes, isRead ? 'GET' : request.method, target.path)
  const route = match && rules.routes[match.index]
  if (!isRead && !route) return refused(text('only GET and HEAD\n', 405))
  if (isRead && hasBody(request)) return refused(text('a request here has no body\n', 413))
  if (!match || !route || !target)
    return refused(text(`no such path; there are: ${readPaths(rules.routes).join(' ')}\n`, 404))
  const made = await checkMatched(rules, { request, match, route, query: target.query }, client)
  return route.isPage === true && made.kind === 'refused'
    ? refused(plainRefusal(made.reply, target.path !== '/console/plain'))
    : made
}

interface MatchedRequest {
  readonly request: IncomingMessage
  readonly match: RouteMatch
  readonly route: RouteHead
  readonly query: string
}

/** From who may on. */
async function checkMatched(
  rules: RequestRules,
  { request, match, route, query: given }: MatchedRequest,
  client: string,
): Promise<Checked> {
  const { access, port, clock } = rules
  const isRead = route.method === 'GET'
  const sender = { headers: request.headers, isRead, port, wallMs: clock.wallMs() }
  const authorization = authorize(access, route.access, sender)
  if (authorization.kind === 'refused')
    return authorization.isWrongToken ? countWrongToken(rules, client) : authorization
  const name = percentDecoded(match.encodedName)
  if (name === null) return badField('the name in the path is not well encoded')
  const query = route.isStream === true ? streamQuery(given, request) : given
  const words = [name, ...new URLSearchParams(query)].flat()
  if (!words.every(isPrintable)) return badField(notPrintable)
  const { caller, session } = authorization
  const isSecurePage = request.headers.origin?.startsWith('https:') === true
  const shown = { caller, session, isSecurePage }
  const call = { route: match.index, name, query, body: undefined, ...shown }
  if (route.method === 'GET' || route.method === 'DELETE') return { kind: 'call', call }
  const checked = await withBody(call, request, route.isPage === true ? readForm : readJson)
  if (checked.kind !== 'call') return checked
  if (route.access === 'form' && caller === 'admin') {
    const { call: ordered } = takeToken(checked.call)
    return { kind: 'call', call: ordered }
  }
  return route.access === 'session' || route.access === 'form'
    ? signIn(rules, checked.call, client)
    : checked
}

/** Takes the token out of the body. */
function takeToken(call: Call): { readonly token: unknown; readonly call: Call } {
  const { token, ...body } = Object(call.body) as { readonly token?: unknown }
  return { token, call: { ...call, body } }
}

/** Passes on who signs in, or orders something by a form, and no token. */
function signIn(rules: RequestRules, call: Call, client: string): Checked {
  const { access, clock, wrongTokens } = rules
  switch (access.writes.kind) {
    case 'open':
      return refused(refuse(403, 'token-required', 'there is no admin token: nobody need sign in'))
    case 'closed':
      return refused(refuse(403, 'token-required', closedAdvice))
    case 'token': {
      const waitMs = wrongTokens.waitMs(client, clock.monotonicMs())
      if (waitMs > 0) return refused(tooManyAttempts(waitMs))
      const { token, call: signedIn } = takeToken(call)
      if (typeof token !== 'string' || token === '') return badField('token is missing')
      if (!isSameToken(token, access.writes.token)) return countWrongToken(rules, client)
      return { kind: 'call', call: { ...signedIn, caller: 'admin' } }
    }
    default:
      return access.writes satisfies never
  }
}

function countWrongToken(
  { wrongTokens, onWrongToken, clock }: RequestRules,
  client: string,
): Checked {
  const nowMs = clock.monotonicMs()
  const waitMs = wrongTokens.waitMs(client, nowMs)
  if (waitMs > 0) return refused(tooManyAttempts(waitMs))
  if (wrongTokens.add(client, nowMs)) onWrongToken(client)
  return wrongToken()
}

function tooManyAttempts(waitMs: number): Reply {
  const retryAfterSeconds = Math.ceil(waitMs / 1000)
  const message = `too many wrong tokens from this address: try again in ${retryAfterSeconds} s`
  return { ...refuse(429, 'too-many-attempts', message), retryAfterSeconds }
}

/** What the browser says of itself where it comes back wins over what the page said first. */
function streamQuery(query: string, { headers }: IncomingMessage): string {
  const lastId = headers['last-event-id']
  if (typeof lastId !== 'string' || lastId === '') return query
  const parameters = new URLSearchParams(query)
  parameters.set('since', lastId)
  return parameters.toString()
}

async function withBody(
  call: Call,
  request: IncomingMessage,
  readIt: typeof readJson,
): Promise<Checked> {
  const read = await readIt(request)
  if (read.kind === 'refused') return read
  if (!isShallow(read.body, requestLimits.nesting))
    return refused(refuse(400, 'bad-json', `more than ${requestLimits.nesting} levels deep`))
  if (!textsOf(read.body).every(isPrintable)) return badField(notPrintable)
  return { kind: 'call', call: { ...call, body: read.body } }
}

const refused = (reply: Reply): Extract<Checked, { kind: 'refused' }> => ({
  kind: 'refused',
  reply,
})

const badField = (message: string): Checked => refused(refuse(400, 'bad-field', message))

const readPaths = (routes: readonly RouteHead[]): readonly string[] =>
  routes.filter(({ method }) => method === 'GET').map(({ path }) => path)

/** Whether the request has a body, read or not. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

interface RequestTarget {
  /** Of the absolute form (RFC 9112 §3.2.2), which proxies are sent; null: the usual form. */
  readonly authority: string | null
  readonly path: string
  readonly query: string
}

/** null: neither of the two forms that a request for a path can have. */
function readTarget(target: string): RequestTarget | null {
  const [, authority = null, path, query = ''] =
    /^(?:http:\/\/([^/?#]*))?(\/[^?#]*)(?:\?([^#]*))?$/i.exec(target) ?? []
  return path === undefined ? null : { authority, path, query }
}

/** Paths without the prefix are taken too: health checks of the same host ask by them. */
function withoutPrefix(target: RequestTarget | null, prefix: string): RequestTarget | null {
  if (target === null || prefix === '') return target
  const { path } = target
  const isBelow = path === prefix || path.startsWith(`${prefix}/`)
  return isBelow ? { ...target, path: path.slice(prefix.length) } : target
}

function hostRefusal(
  hosts: HostRule,
  { rawHeaders, httpVersion }: IncomingMessage,
  target: RequestTarget | null,
): Reply | null {
  const given = rawHeaders.filter(
    (_, i) => rawHeaders[i - 1]?.toLowerCase() === 'host' && i % 2 === 1,
  )
  if (given.length > 1 || (given.length === 0 && httpVersion !== '1.0'))
    return text('one Host header is needed\n', 400)
  const named = [...given, target?.authority ?? []].flat()
  if (named.every((authority) => isAcceptedHost(hosts, authority))) return null
  return refuse(
    421,
    'wrong-host',
    'not a name of this server: add it to admin_hosts, or use the address',
  )
}

// Controls, formats such as those that turn the direction of text, line and paragraph separators and
// unpaired surrogates: texts of requests reach logs, terminals and replies.
const isPrintable = (text: string): boolean => /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u.test(text)

const notPrintable = 'expected printable text: no field may have control or format characters'

/** null: the percent-encoding or the UTF-8 in it is malformed. */
function percentDecoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return null
  }
}

const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1)))

/** The texts of a shallow value, keys included. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)])
}

type BodyRead =
  | { readonly kind: 'body'; readonly body: unknown }
  | Extract<Checked, { kind: 'refused' }>

/** Only `application/json` is taken: a plain HTML form cannot send it. */
const readJson = (request: IncomingMessage): Promise<BodyRead> =>
  readText(request, 'application/json', (text) => JSON.parse(text) as unknown)

/** The fields of an HTML form by their names; of several of a name the last counts. */
const readForm = (request: IncomingMessage): Promise<BodyRead> =>
  readText(request, 'application/x-www-form-urlencoded', (text) =>
    Object.fromEntries(new URLSearchParams(text)),
  )

async function readText(
  request: IncomingMessage,
  type: 'application/json' | 'application/x-www-form-urlencoded',
  parse: (text: string) => unknown,
): Promise<BodyRead> {
  if (request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== type) {
    const [code, what] = type === 'application/json' ? ['not-json', 'JSON'] : ['not-form', 'a form']
    return refused(refuse(415, code, `the body must be ${what}, with content-type: ${type}`))
  }
  const octets = await readBody(request)
  if (octets === null) {
    const message = `a body here has at most ${requestLimits.bodyOctets} octets`
    return refused(refuse(413, 'body-too-large', message))
  }
  try {
    return { kind: 'body', body: parse(new TextDecoder('utf-8', { fatal: true }).decode(octets)) }
  } catch {
    return refused(refuse(400, 'bad-json', 'the body is not well-formed JSON in UTF-8'))
  }
}

/** null: longer than the limit, or the connection closed before its end. */
function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let octets = 0
    const most = requestLimits.bodyOctets
    if (Number(request.headers['content-length'] ?? 0) > most) return resolve(null)
    request.on('data', (chunk: Buffer) => {
      octets += chunk.length
      if (octets > most) {
        request.pause()
        resolve(null)
      } else chunks.push(chunk)
    })
    request.once('end', () => resolve(new Uint8Array(Buffer.concat(chunks))))
    request.once('close', () => resolve(null))
  })
}
