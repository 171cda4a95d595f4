// The page of console/plain: what `mxsteer status` prints, as headings and tables without script. It reads well at 80
// columns, on paper and to a screen reader.

import { assembledReply, type Reply } from '../reply.ts'
import type { Turns } from '../turns.ts'
import {
  escaped,
  foot,
  formLink,
  head,
  htmlType,
  mostRows,
  plainHeaders,
  shortTime,
  table,
} from './plain-frame.ts'

/** Of `/status`, what the page shows. */
export interface PlainStatus {
  readonly instance: string
  readonly site: string
  readonly version: string
  readonly at: string
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly problems: readonly {
    readonly kind: string
    readonly severity: string
    readonly since: string | null
    readonly text: string
  }[]
  readonly state: { readonly kind: string; readonly degraded: boolean; readonly fenced: boolean }
  readonly peers: readonly {
    readonly instance: string
    readonly site: string
    readonly state: string
    readonly ageSeconds: number
  }[]
  readonly pools: readonly {
    readonly zone: string
    readonly pool: string
    readonly members: number
    readonly healthy: number
    readonly healthyShare: number
  }[]
  readonly targets: Iterable<PlainTarget>
  readonly overrides: readonly {
    readonly id: string
    readonly zone: string
    readonly target: string
    readonly kind: string
    readonly why: string
    readonly by: string
    readonly until: string | null
  }[]
}

interface PlainTarget {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly state: string
  readonly since: string | null
  readonly reason: string
  readonly votes: readonly { readonly vote: string }[]
}

const stateOrder = ['down', 'suspect', 'unknown', 'up']

export const plainReply = async (status: PlainStatus, turns: Turns): Promise<Reply> => ({
  ...(await assembledReply(htmlType, plainPieces(status), turns)),
  headers: plainHeaders,
})

/** The page, a row a piece. */
export function* plainPieces(status: PlainStatus): Generator<string> {
  const { instance, site, version, at, ready, reasons, problems } = status
  const name = escaped(instance)
  yield `${head(instance, 'plain.css', '<meta http-equiv="refresh" content="10">\n')}<h1>${name}</h1>
<p>${site === '' ? '' : `At ${escaped(site)}, `}mxsteer ${escaped(version)}, ${escaped(shortTime(at))} UTC.
<a href="./">With all views</a> (needs JavaScript)</p>
<p><b>${ready ? 'Ready' : `NOT READY: ${escaped(reasons.join('; '))}`}.</b> ${escaped(storeText(status))}</p>
`
  const known = problems.filter(({ kind }) => kind !== 'not-ready')
  yield '<h2>What needs a look</h2>\n'
  if (known.length === 0) yield '<p>All quiet.</p>\n'
  else yield '<ul>\n'
  for (const { severity, since, text } of known.slice(0, mostRows))
    yield `<li><b>${escaped(severity.toUpperCase())}</b> ${escaped(text)}${since === null ? '' : `, for ${ageOf(since, at)}`}</li>\n`
  if (known.length > 0) yield '</ul>\n'
  yield* targetTable(status)
  yield* otherTables(status)
  yield '<p>The same in a terminal: <code>mxsteer status</code></p>\n'
  yield foot
}

function* targetTable({ targets, at }: PlainStatus): Generator<string> {
  const all = [...targets].sort((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state))
  yield* table(
    'Targets',
    ['Target', 'Address', 'State', 'For', 'Reason', 'Votes', 'Order'],
    all.map(({ zone, target, address, state, since, reason, votes }) => [
      `${target}.${zone}`,
      address,
      state === 'up' ? 'up' : state.toUpperCase(),
      since === null ? '-' : ageOf(since, at),
      reason,
      `${votes.filter(({ vote }) => vote === 'up').length} of ${votes.length} up`,
      formLink('drain', { zone, target }, `Drain ${target}`),
    ]),
  )
}

function* otherTables({ pools, overrides, peers }: PlainStatus): Generator<string> {
  yield* table(
    'Pools',
    ['Pool', 'Zone', 'Taking part', 'By weight'],
    pools.map(({ zone, pool, members, healthy, healthyShare }) => [
      pool,
      zone,
      healthy === 0 ? `NONE of ${members}` : `${healthy} of ${members}`,
      `${(healthyShare * 100).toFixed(1)} %`,
    ]),
  )
  yield* table(
    'Drains and overrides',
    ['Target', 'What', 'Until', 'By', 'Why', 'Order'],
    overrides.map(({ id, zone, target, kind, until, by, why }) => [
      `${target}.${zone}`,
      kind,
      until === null ? 'undone' : shortTime(until),
      by || '-',
      why || '-',
      formLink('undo', { id }, `Undo what is ordered for ${target}`),
    ]),
  )
  yield* table(
    'Other instances',
    ['Instance', 'Site', 'State', 'Heartbeat'],
    peers.map(({ instance, site, state, ageSeconds }) => [
      instance,
      site,
      state,
      `${Math.round(ageSeconds)} s ago`,
    ]),
  )
}

function storeText({ state, peers }: PlainStatus): string {
  if (state.kind === 'memory') return 'Shares with no other instance.'
  if (state.fenced) return 'FENCED: a later process has the name of this instance.'
  if (state.degraded) return 'DEGRADED: the store does not answer.'
  return `${peers.length + 1} instances.`
}

/** In the largest unit that leaves two digits or more, as tables are narrow. */
function ageOf(since: string, at: string): string {
  const seconds = Math.max(0, (Date.parse(at) - Date.parse(since)) / 1000)
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, 's']
  return `${Math.floor(seconds / size)} ${unit}`
}

const units: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
]
