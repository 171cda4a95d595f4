// `/status` as text: what is wrong first, a screen of 100 columns, nothing that a terminal would act on.

import { printable } from '../../zonefile/diagnostic.ts'
import { percent, table, terminalColumns } from './columns.ts'

export interface StatusReport {
  readonly instance: string
  readonly site: string
  readonly version: string
  readonly at: string
  readonly uptimeSeconds: number
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly state: {
    readonly kind: string
    readonly degraded: boolean
    readonly fenced: boolean
    readonly unansweredSeconds: number
  }
  readonly peers: readonly {
    readonly instance: string
    readonly site: string
    readonly state: string
    readonly ageSeconds: number
  }[]
  /** null: it has no others. */
  readonly config: {
    readonly differs: boolean
    readonly groups: readonly { readonly instances: readonly string[] }[]
  } | null
  readonly pools: readonly PoolReport[]
  readonly targets: readonly TargetReport[]
  readonly overrides: readonly OverrideReport[]
}

interface PoolReport {
  readonly zone: string
  readonly pool: string
  readonly members: number
  readonly healthy: number
  readonly healthyShare: number
}

interface TargetReport {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly state: string
  readonly since: string | null
  readonly reason: string
  readonly votes: readonly { readonly instance: string; readonly vote: string }[]
}

interface OverrideReport {
  readonly zone: string
  readonly target: string
  readonly pool: string | null
  readonly kind: string
  readonly why: string
  readonly by: string
  readonly until: string | null
}

/** Rows of a table; the rest is counted. */
const rowLimit = 40
const narrowest = 8

export function statusText(report: StatusReport): string {
  return [
    headLines(report),
    peerLines(report),
    poolLines(report),
    targetLines(report),
    overrideLines(report),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n')
}

function headLines(report: StatusReport): readonly string[] {
  const { instance, site, version, at, uptimeSeconds, ready, reasons } = report
  const who = `${instance} at ${site}, mxsteer ${version}, up ${spanText(uptimeSeconds)}, ${at}`
  return [
    who,
    ready ? 'ready' : `NOT READY: ${reasons.join('; ')}`,
    `state: ${stateText(report)}`,
    ...configLines(report),
  ].map((line) => cut(printable(line), terminalColumns))
}

function stateText({ state, peers }: StatusReport): string {
  if (state.kind === 'memory') return 'memory, no other instances'
  if (state.fenced) return `${state.kind}, FENCED: a later process has the name of this instance`
  if (state.degraded)
    return `${state.kind}, DEGRADED: the store has not answered for ${spanText(state.unansweredSeconds)}`
  return `${state.kind}, ${peers.length + 1} instances`
}

/** Nothing where all have the same. */
function configLines({ config }: StatusReport): readonly string[] {
  if (config === null || config.groups.length < 2) return []
  const groups = config.groups.map(({ instances }) => instances.join(' ')).join(' | ')
  return [`config: ${config.differs ? 'DIFFERS' : 'differs, not for long yet'}: ${groups}`]
}

const peerLines = ({ peers }: StatusReport): readonly string[] =>
  fitted(
    ['INSTANCE', 'SITE', 'STATE', 'HEARTBEAT'],
    peers.map(({ instance, site, state, ageSeconds }) => [
      instance,
      site,
      state === 'ok' ? state : state.toUpperCase(),
      `${spanText(ageSeconds)} ago`,
    ]),
  )

const poolLines = ({ pools }: StatusReport): readonly string[] =>
  fitted(
    ['POOL', 'HEALTHY', 'OF', 'BY WEIGHT'],
    pools
      .toSorted((a, b) => a.healthyShare - b.healthyShare)
      .map(({ zone, pool, members, healthy, healthyShare }) => [
        `${pool} of ${zone}`,
        healthy === 0 ? 'NONE' : String(healthy),
        String(members),
        percent(healthyShare),
      ]),
  )

/** Those in trouble first. */
const order = ['down', 'suspect', 'unknown', 'up']

const targetLines = ({ targets, at }: StatusReport): readonly string[] =>
  fitted(
    ['TARGET', 'ADDRESS', 'STATE', 'FOR', 'REASON', 'VOTES'],
    targets
      .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
      .map(({ zone, target, address, state, since, reason, votes }) => [
        `${target}.${zone}`,
        address,
        state === 'up' || state === 'unknown' ? state : state.toUpperCase(),
        since === null ? '-' : spanText((Date.parse(at) - Date.parse(since)) / 1000),
        reason,
        votesText(votes),
      ]),
  )

/** `down a b, up c`; who says nothing is left out. */
function votesText(votes: TargetReport['votes']): string {
  const said = ['down', 'up'].flatMap((word) => {
    const names = votes.filter(({ vote }) => vote === word).map(({ instance }) => instance)
    return names.length > 0 ? [`${word} ${names.join(' ')}`] : []
  })
  return said.join(', ') || '-'
}

const overrideLines = ({ overrides }: StatusReport): readonly string[] =>
  fitted(
    ['OVERRIDE', 'POOL', 'KIND', 'UNTIL', 'BY', 'WHY'],
    overrides.map(({ zone, target, pool, kind, until, by, why }) => [
      `${target}.${zone}`,
      pool ?? '-',
      kind,
      until?.replace(/\.\d+Z$/, 'Z') ?? 'undone',
      by || '-',
      why || '-',
    ]),
  )

/** The two largest units: `3 d 4 h`, `12 s`. */
export function spanText(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** Nothing where there are no rows. The widest columns give way until all fit the terminal. */
function fitted(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return []
  const shown = [head, ...rows.slice(0, rowLimit).map((row) => row.map(printable))]
  const widths = head.map((_, i) => Math.max(...shown.map((row) => row[i]?.length ?? 0)))
  const gaps = 2 * (head.length - 1)
  const sum = (): number => widths.reduce((total, width) => total + width, gaps)
  for (let widest = Math.max(...widths); sum() > terminalColumns && widest > narrowest;) {
    widths[widths.indexOf(widest)] = widest - 1
    widest = Math.max(...widths)
  }
  const lines = table(shown.map((row) => row.map((cell, i) => cut(cell, widths[i] ?? 0))))
  const left = rows.length - rowLimit
  return left > 0 ? [...lines, `and ${left} more: --json has them all`] : lines
}

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
