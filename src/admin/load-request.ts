// PUT and DELETE of /targets/NAME/load: what an MTA says of its own load, for a while.
//
//   {"load": 0.8, "for": "2m"}   on the writer's scale; low and high: where shedding begins and is at its most
//   {"share": 0.5, "for": "2m"}  of its weight; 0: no new mail
//   zone                         where the name alone is not enough
//
// Who writes is known by the token: the load token, which can do nothing else, or the admin token. Each withdraws its
// own word alone.

import type { IncomingMessage } from 'node:http'

import type { FeedbackReport, FeedbackWriter } from '../health/feedback.ts'
import type { FeedbackBook, NamedTarget } from '../weights/feedback-registry.ts'
import { findTarget } from './override-routes.ts'
import {
  type Reply,
  json,
  type WriteAccess,
  decoded,
  isToken,
  readJson,
  refuse,
  refuseAccess,
} from './request.ts'

export interface LoadWrites {
  readonly access: WriteAccess
  /** null: there is none. */
  readonly loadToken: string | null
  readonly book: FeedbackBook
  readonly targets: () => readonly NamedTarget[]
}

/** null: the request is about no load. */
export async function loadReply(
  loads: LoadWrites,
  request: IncomingMessage,
): Promise<Reply | null> {
  const { method } = request
  const url = URL.parse(request.url ?? '/', 'http://admin.invalid')
  const path = /^\/targets\/([^/]+)\/load$/.exec(url?.pathname ?? '')?.[1]
  if (!url || path === undefined || (method !== 'PUT' && method !== 'DELETE')) return null
  const writer = writerOf(loads, request)
  if (typeof writer !== 'string') return writer
  const name = decoded(path)
  if (name === null) return refuse(400, 'bad-field', 'the name in the path is not well encoded')
  if (method === 'DELETE') return withdraw(loads, writer, name, url.searchParams.get('zone'))
  const body = await readJson(request)
  if (body.kind === 'refused') return body.reply
  const read = readLoad(body.value)
  if (read.kind === 'refused') return read.reply
  return tell(loads, writer, name, read.load)
}

function writerOf(
  { access, loadToken }: LoadWrites,
  request: IncomingMessage,
): FeedbackWriter | Reply {
  const isLoadToken = loadToken !== null && isToken(request, loadToken)
  if (isLoadToken && request.headers.origin === undefined) return 'load-token'
  return refuseAccess(access, request) ?? 'admin'
}

function withdraw(
  { book, targets }: LoadWrites,
  writer: FeedbackWriter,
  name: string,
  zone: string | null,
): Reply {
  const sought = findTarget(targets(), name, zone)
  if (sought.kind === 'refused') return sought.reply
  if (book.withdraw(sought.found, writer)) return json({ withdrawn: true })
  return refuse(404, 'no-such-load', `${sought.found.target} has no load that this token has told`)
}

function tell(
  { book, targets }: LoadWrites,
  writer: FeedbackWriter,
  name: string,
  { word, zone, forMs }: LoadTold,
): Reply {
  const sought = findTarget(targets(), name, zone)
  if (sought.kind === 'refused') return sought.reply
  const { target, zone: inZone } = sought.found
  const told = book.tell(sought.found, writer, word, forMs)
  const until = new Date(told.untilMs).toISOString()
  return json({ zone: inZone, target, writer, factor: told.factor, until })
}

interface LoadTold {
  readonly word: FeedbackReport
  readonly zone: string | null
  readonly forMs: number
}

type LoadRead =
  | { readonly kind: 'load'; readonly load: LoadTold }
  | { readonly kind: 'refused'; readonly reply: Reply }

const fields: readonly string[] = ['load', 'share', 'low', 'high', 'for', 'zone']
const defaults = { low: 0.7, high: 1 }
const longestMs = 86_400_000

function readLoad(body: unknown): LoadRead {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return refused('bad-field', 'the body must be a JSON object')
  const given = body as Readonly<Record<string, unknown>>
  const unknown = Object.keys(given).find((key) => !fields.includes(key))
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40))
    return refused('unknown-field', `unknown field ${shown}, expected ${fields.join(', ')}`)
  }
  const { zone = null } = given
  if (zone !== null && typeof zone !== 'string')
    return refused('bad-field', 'zone: expected a name')
  const forMs = readForMs(given['for'])
  if (forMs === null)
    return refused('no-end', 'for: expected a time of 1s to 1d, such as "2m" or 120')
  const word = readWord(given)
  if (word === null) {
    const wanted = 'give load (0 and up, low below high), or share (0 to 1) without low and high'
    return refused('bad-field', wanted)
  }
  return { kind: 'load', load: { word, zone, forMs } }
}

function readWord(given: Readonly<Record<string, unknown>>): FeedbackReport | null {
  const { load, share, low, high } = given
  if (load === undefined) {
    const isShare = isWithin(share, 0, 1) && low === undefined && high === undefined
    return isShare ? { kind: 'share', share } : null
  }
  const marks = { low: low ?? defaults.low, high: high ?? defaults.high }
  if (share !== undefined || !isWithin(load, 0, 1e12)) return null
  if (!isWithin(marks.low, 0, 1e12) || !isWithin(marks.high, 0, 1e12)) return null
  return marks.low < marks.high ? { kind: 'load', load, low: marks.low, high: marks.high } : null
}

const isWithin = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most

const unitsMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `2m`, `90s`, or a number of seconds. */
function readForMs(value: unknown): number | null {
  const found = /^(\d{1,6})(s|m|h|d)?$/.exec(String(value))
  const ms = Number(found?.[1] ?? NaN) * (unitsMs[found?.[2] ?? 's'] ?? NaN)
  return ms >= 1000 && ms <= longestMs ? ms : null
}

const refused = (code: string, message: string): LoadRead => ({
  kind: 'refused',
  reply: refuse(400, code, message),
})
