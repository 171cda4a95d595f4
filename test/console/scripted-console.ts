// The built console before a server whose rows the test writes: ten thousand targets without probing one, and a message
// of the stream when the test sends it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { readConsoleFiles } from '../../src/admin/console/console-files.ts'
import { createConsolePages } from '../../src/admin/console/console-pages.ts'
import type { HistoryReply } from '../../src/admin/live/live-routes.ts'
import type { MemberRow, Overview, TargetRow } from '../../src/admin/live/overview-rows.ts'
import { targetRow as targetRowOf, weightOf } from './sample-rows.ts'

export interface ScriptedConsole {
  /** Of the console, with its final slash. */
  readonly address: string
  readonly overview: Overview
  /** Names in the questions of /history, one list a question. */
  readonly historyNames: readonly (readonly string[])[]
  /** All paths that were asked for, in that order. */
  readonly paths: readonly string[]
  /** How often a path was asked for. */
  asked(path: string): number
  /** Sends a delta, when a stream is open. */
  send(rows: Partial<Pick<Overview, 'targets' | 'members' | 'pools'>>): void
  /** Sends figures of which the page shows what this gives, once it has taken all that was sent before. */
  sendFigures(): string
  close(): Promise<void>
}

const zone = 'smtp.example.test'
const at = (): string => new Date().toISOString()

export const targetRow = (target: string, more: Partial<TargetRow> = {}): TargetRow =>
  targetRowOf(zone, target, more)

export const memberRow = (pool: string, target: string, share: number): MemberRow => ({
  zone,
  pool,
  target,
  out: null,
  weight: weightOf(1),
  due: share,
  window: { seconds: 900, had: 0, due: 0 },
  addresses: { had: 0, due: 0 },
  exposedUntil: null,
  fleetExposedUntil: null,
  notKnownOf: [],
})

/** `pools`: members of each, called `t0`, `t1` … through all of them. */
function overviewOf(pools: readonly number[]): Overview {
  const sizes = pools.map((size, i) => ({ pool: `p${i}`, size }))
  let last = 0
  const members = sizes.flatMap(({ pool, size }) =>
    Array.from({ length: size }, () => memberRow(pool, `t${last++}`, 1 / size)),
  )
  return {
    generation: 'aaaaaaaa:0',
    at: at(),
    figures: {
      at: at(),
      overSeconds: 10,
      queriesPerSecond: 1,
      noErrorShare: 1,
      failedOpen: 0,
      failedOpenTotal: 0,
      truncatedPerSecond: 0,
      addresses: { up: last, of: last },
      probesPerSecond: 1,
      lateProbesShare: 0,
      workers: { alive: 1, of: 1 },
      streams: 1,
    },
    self: {
      instance: 'one',
      site: 'lab',
      version: '0',
      started: at(),
      ready: true,
      reasons: [],
      consoleUrl: null,
      isolated: false,
      braked: [],
    },
    state: { kind: 'memory', degraded: false, fenced: false, reasons: [] },
    config: null,
    peers: [],
    problems: [],
    zones: [{ zone, serial: 1, hash: null }],
    overrides: [],
    departed: [],
    targets: members.map(({ target }) => targetRow(target)),
    members,
    pools: sizes.map(({ pool, size }) => ({
      zone,
      pool,
      healthyShare: 1,
      healthy: size,
      members: size,
      availabilityTarget: null,
      availability24h: null,
      errorBudgetLeft: null,
      since: null,
    })),
  }
}

/** A path → what GET of it gives: JSON of a value, or a text as it is. */
type Replies = Readonly<Record<string, (url: URL) => unknown>>

/** `others`: of paths that have no reply here, or another one. */
export async function scriptConsole(
  pools: readonly number[],
  others: Replies = {},
): Promise<ScriptedConsole> {
  let overview = overviewOf(pools)
  let sequence = 0
  let figuresSent = 0
  const open = new Set<ServerResponse>()
  const historyNames: (readonly string[])[] = []
  const paths: string[] = []
  const pages = createConsolePages('', readConsoleFiles)

  const replies: Replies = {
    '/overview': () => ({ ...overview, generation: `aaaaaaaa:${sequence}`, at: at() }),
    '/events': () => ({ at: at(), boot: 'aaaaaaaa', events: [], before: null, oldest: null }),
    '/session': () => ({
      name: null,
      reads: 'open',
      writes: 'open',
      mayRead: true,
      mayWrite: true,
    }),
    '/zones': () => ({ zones: [], more: 0 }),
    '/history': ({ searchParams }) => {
      historyNames.push(searchParams.getAll('target'))
      return historyOf(searchParams.getAll('target'))
    },
    ...others,
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    paths.push(url.pathname)
    const { method, headers } = request
    const page = await pages.reply({ method, path: url.pathname, headers })
    if (page !== null) {
      response.writeHead(page.status, { 'content-type': page.contentType, ...page.headers })
      const chunks = typeof page.body === 'string' ? [page.body] : page.body
      for (const chunk of chunks) response.write(chunk)
      response.end()
    } else if (url.pathname === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(message('hello', { boot: 'aaaaaaaa', at: at() }))
      open.add(response)
      response.once('close', () => open.delete(response))
    } else {
      const reply = replies[url.pathname]
      const value = reply?.(url) ?? { error: { code: 'none', message: 'none' } }
      const isText = typeof value === 'string'
      response.writeHead(reply === undefined ? 404 : 200, {
        'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
        'cache-control': 'no-store',
      })
      response.end(isText ? value : JSON.stringify(value))
    }
  }
  const message = (event: string, data: object): string =>
    `id: aaaaaaaa:${sequence}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}/console/`,
    get overview() {
      return overview
    },
    historyNames,
    paths,
    asked: (path) => paths.filter((one) => one === path).length,
    send(rows) {
      sequence++
      overview = {
        ...overview,
        targets: replaced(overview.targets, rows.targets),
        members: replaced(overview.members, rows.members),
      }
      const text = message('delta', { generation: `aaaaaaaa:${sequence}`, at: at(), ...rows })
      for (const one of open) one.write(text)
    },
    sendFigures() {
      const queriesPerSecond = ++figuresSent + 1000
      const text = message('figures', { ...overview.figures, at: at(), queriesPerSecond })
      for (const one of open) one.write(text)
      return queriesPerSecond.toLocaleString('en').replace(',', '\u2009')
    },
    async close() {
      for (const one of open) one.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}

interface Named {
  readonly target: string
  readonly pool?: string
}

const replaced = <Row extends Named>(rows: readonly Row[], fresh: readonly Row[] = []): Row[] =>
  rows.map((row) => fresh.find((one) => one.target === row.target && one.pool === row.pool) ?? row)

/** One probe in the last minute. */
const historyOf = (names: readonly string[]): HistoryReply => ({
  at: at(),
  available: true,
  window: '1h',
  stepSeconds: 60,
  start: at(),
  series: names.map((name) => {
    const gaps = Array.from({ length: 59 }, () => null)
    return {
      zone,
      target: name.slice(0, -zone.length - 1),
      address: '192.0.2.1',
      port: 25,
      good: [...gaps, 1],
      bad: [...gaps, 0],
      p50Ms: [...gaps, 20],
      maxMs: [...gaps, 20],
      worst: [...gaps, 'up' as const],
    }
  }),
})
