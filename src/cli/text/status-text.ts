// The response of `/status` as text, 100 columns wide, with problems first. Control characters are
// escaped (printable).

import { printable } from '../../zonefile/diagnostic.ts'
import { percentText, tableLines, terminalColumns } from './columns.ts'

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
  /** null: this instance shares with no others. */
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

/** Rows of a table; only the number of the others is shown. */
const rowLimit = 40
const minColumnWidth = 8

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
  const uptime = durationText(uptimeSeconds)
  const heading = `${instance} at ${site}, mxsteer ${version}, up ${uptime}, ${at}`
  return [
    heading,
    ready ? 'ready' : `NOT READY: ${reasons.join('; ')}`,
    `state: ${stateText(report)}`,
    ...configLines(report),
  ].map((line) => truncate(printable(line), terminalColumns))
}

function stateText({ state, peers }: StatusReport): string {
  if (state.kind === 'memory') return 'memory, no other instances'
  if (state.fenced) return `${state.kind}, FENCED: a later process has the name of this instance`
  const silence = durationText(state.unansweredSeconds)
  if (state.degraded) return `${state.kind}, DEGRADED: the store has not answered for ${silence}`
  return `${state.kind}, ${peers.length + 1} instances`
}

/** Empty if all instances have the same configuration. */
function configLines({ config }: StatusReport): readonly string[] {
  if (config === null || config.groups.length < 2) return []
  const groups = config.groups.map(({ instances }) => instances.join(' ')).join(' | ')
  return [`config: ${config.differs ? 'DIFFERS' : 'differs, not for long yet'}: ${groups}`]
}

const peerLines = ({ peers }: StatusReport): readonly string[] =>
  fittedTable(
    ['INSTANCE', 'SITE', 'STATE', 'HEARTBEAT'],
    peers.map(({ instance, site, state, ageSeconds }) => [
      instance,
      site,
      state === 'ok' ? state : state.toUpperCase(),
      `${durationText(ageSeconds)} ago`,
    ]),
  )

const poolLines = ({ pools }: StatusReport): readonly string[] =>
  fittedTable(
    ['POOL', 'HEALTHY', 'OF', 'BY WEIGHT'],
    pools
      .toSorted((a, b) => a.healthyShare - b.healthyShare)
      .map(({ zone, pool, members, healthy, healthyShare }) => [
        `${pool} of ${zone}`,
        healthy === 0 ? 'NONE' : String(healthy),
        String(members),
        percentText(healthyShare),
      ]),
  )

/** Health states in the order of output, worst first. */
const stateOrder = ['down', 'suspect', 'unknown', 'up']

const targetLines = ({ targets, at }: StatusReport): readonly string[] =>
  fittedTable(
    ['TARGET', 'ADDRESS', 'STATE', 'FOR', 'REASON', 'VOTES'],
    targets
      .toSorted((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state))
      .map(({ zone, target, address, state, since, reason, votes }) => [
        `${target}.${zone}`,
        address,
        state === 'up' || state === 'unknown' ? state : state.toUpperCase(),
        since === null ? '-' : durationText((Date.parse(at) - Date.parse(since)) / 1000),
        reason,
        votesText(votes),
      ]),
  )

/** `down a b, up c`; instances without a vote are left out. */
function votesText(votes: TargetReport['votes']): string {
  const groups = ['down', 'up'].flatMap((state) => {
    const names = votes.filter(({ vote }) => vote === state).map(({ instance }) => instance)
    return names.length > 0 ? [`${state} ${names.join(' ')}`] : []
  })
  return groups.join(', ') || '-'
}

const overrideLines = ({ overrides }: StatusReport): readonly string[] =>
  fittedTable(
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
export function durationText(seconds: number): string {
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

/**
 * Empty if there are no rows. The widest columns are narrowed until the table fits the terminal.
 */
function fittedTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  if (rows.length === 0) return []
  const shown = [head, ...rows.slice(0, rowLimit).map((row) => row.map(printable))]
  const widths = head.map((_, i) => Math.max(...shown.map((row) => row[i]?.length ?? 0)))
  const gaps = 2 * (head.length - 1)
  const lineWidth = (): number => widths.reduce((total, width) => total + width, gaps)
  for (
    let widest = Math.max(...widths);
    lineWidth() > terminalColumns && widest > minColumnWidth;
  ) {
    widths[widths.indexOf(widest)] = widest - 1
    widest = Math.max(...widths)
  }
  const lines = tableLines(shown.map((row) => row.map((cell, i) => truncate(cell, widths[i] ?? 0))))
  const hidden = rows.length - rowLimit
  return hidden > 0 ? [...lines, `and ${hidden} more: --json has them all`] : lines
}

const truncate = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
