// The response of `/status` as text, as wide as it may be, with problems first. Control characters are
// escaped (printable).

import { printable } from '../../lib/printable.ts'
import { type Cell, foldedTableLines, type Paint, percentText, wrapText } from './columns.ts'

export interface StatusReport {
  readonly instance: string
  readonly site: string
  readonly version: string
  readonly at: string
  readonly uptimeSeconds: number
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly problems: readonly ProblemReport[]
  readonly state: {
    readonly kind: string
    readonly degraded: boolean
    readonly fenced: boolean
    readonly unansweredSeconds: number
    /** null: reads wait for news of the others. Absent: an earlier version, which does not poll. */
    readonly polling?: string | null
  }
  readonly peers: readonly {
    readonly instance: string
    readonly site: string
    readonly state: string
    readonly ageSeconds: number
    /** null: it does not report it; absent: the server is older than this command. So for the next three. */
    readonly version?: string | null
    readonly consoleUrl?: string | null
    /** Of zones that it serves otherwise than this server the digests, null: it does not serve it. Not all of many. */
    readonly zones?: Readonly<Record<string, string | null>> | null
    readonly zonesDiffering?: number | null
    readonly zonesUnknown?: number | null
  }[]
  /** null: this instance shares with no others. */
  readonly config: {
    readonly differs: boolean
    readonly groups: readonly { readonly instances: readonly string[] }[]
  } | null
  readonly pools: readonly PoolReport[]
  readonly targets: readonly TargetReport[]
  readonly overrides: readonly OverrideReport[]
  /** Absent: the server is older than this command. */
  readonly departed?: readonly DepartedReport[]
}

/** A name that has left its zone and is still answered. */
export interface DepartedReport {
  readonly zone: string
  readonly name: string
  readonly types: readonly string[]
  readonly until: string | null
}

interface ProblemReport {
  readonly kind: string
  readonly severity: string
  readonly since: string | null
  readonly text: string
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
  readonly probe: string
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
  /** Of kind `weight`, one of these: a share of the configured weight, a weight, a share of the pool. */
  readonly factor?: number
  readonly weight?: number
  readonly share?: number
  readonly why: string
  readonly by: string
  readonly until: string | null
  /** null: of a kind that takes nothing out; absent: the server is older than this command. */
  readonly exposure?: ExposureReport | null
}

/** For how long caches may lead to a target, by the answers of all instances. */
export interface ExposureReport {
  /** null: none of those that are known names it. */
  readonly until: string | null
  /** Of how many other instances it is not known, and the first of them. */
  readonly unknown: number
  readonly notKnownOf: readonly string[]
}

/** Rows of a table; only the number of the others is shown. */
const rowLimit = 40
const problemLimit = 20

/** What the page is shown on. */
export interface Page {
  readonly columns: number
  readonly paint: Paint
}

export const plainPage: Page = { columns: 80, paint: (_, text) => text }

export function statusText(report: StatusReport, page: Page = plainPage): string {
  return [
    headLines(report, page),
    peerLines(report, page),
    poolLines(report, page),
    targetLines(report, page),
    overrideLines(report, page),
    departedLines(report, page),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n')
}

function headLines(report: StatusReport, page: Page): readonly string[] {
  const { instance, site, version, at, uptimeSeconds, ready, reasons } = report
  const uptime = durationText(uptimeSeconds)
  const folded = (line: string): readonly string[] => wrapText(printable(line), 0, page.columns)
  const readiness = folded(ready ? 'ready' : `NOT READY: ${reasons.join('; ')}`)
  return [
    ...folded(`${instance} at ${site}, mxsteer ${version}, up ${uptime}, ${at}`),
    ...problemLines(report, page),
    ...readiness.map((line) => page.paint(ready ? 'green' : 'red', line)),
    ...[`state: ${stateText(report)}`, ...configLines(report)].flatMap(folded),
  ]
}

const problemMargin = 10

/** Why it is not ready stands in a line of its own. */
function problemLines({ problems, at }: StatusReport, page: Page): readonly string[] {
  const shown = problems.filter(({ kind }) => kind !== 'not-ready')
  const lines = shown.slice(0, problemLimit).flatMap(({ kind, severity, since, text }) => {
    const duration = since === null ? '' : `, ${sinceText(since, at)}`
    const row = printable(`${kind}${duration}: ${text}`)
    const style = severity === 'critical' ? 'red' : 'yellow'
    return wrapText(row, problemMargin - 4, page.columns - 4).map((line, i) =>
      i === 0
        ? page.paint(style, severity.toUpperCase().padEnd(problemMargin)) + line
        : ' '.repeat(problemMargin) + line.trimStart(),
    )
  })
  const hidden = shown.length - problemLimit
  return hidden > 0 ? [...lines, `and ${hidden} more: --json has them all`] : lines
}

const sinceText = (since: string, at: string): string =>
  durationText((Date.parse(at) - Date.parse(since)) / 1000)

function stateText({ state, peers }: StatusReport): string {
  if (state.kind === 'memory') return 'memory, no other instances'
  if (state.fenced) return `${state.kind}, FENCED: a later process has the name of this instance`
  const silence = durationText(state.unansweredSeconds)
  if (state.degraded) return `${state.kind}, DEGRADED: the store has not answered for ${silence}`
  const polled = state.polling ? `, polled for news (${state.polling})` : ''
  return `${state.kind}, ${peers.length + 1} instances${polled}`
}

/** Empty if all instances have the same configuration. */
function configLines({ config }: StatusReport): readonly string[] {
  if (config === null || config.groups.length < 2) return []
  const groups = config.groups.map(({ instances }) => instances.join(' ')).join(' | ')
  return [`config: ${config.differs ? 'DIFFERS' : 'differs, not for long yet'}: ${groups}`]
}

/** What no instance reports has no column. */
function peerLines({ peers }: StatusReport, page: Page): readonly string[] {
  const hasReports = peers.some(({ version }) => typeof version === 'string')
  const hasConsoles = peers.some(({ consoleUrl }) => typeof consoleUrl === 'string')
  return tableOf(
    [
      'INSTANCE',
      'SITE',
      'STATE',
      'HEARTBEAT',
      ...(hasReports ? ['VERSION', 'ZONES'] : []),
      ...(hasConsoles ? ['CONSOLE'] : []),
    ],
    peers.map((peer) => [
      peer.instance,
      peer.site,
      peer.state === 'ok' ? peer.state : { text: peer.state.toUpperCase(), style: 'yellow' },
      `${durationText(peer.ageSeconds)} ago`,
      ...(hasReports ? [peer.version ?? '-', zonesCell(peer)] : []),
      ...(hasConsoles ? [peer.consoleUrl ?? '-'] : []),
    ]),
    page,
  )
}

const mostZones = 3

/** `the same`, `other: example.com, example.net and 7 more`. */
function zonesCell({ zones, zonesDiffering, zonesUnknown }: StatusReport['peers'][number]): Cell {
  if (zones === undefined || zones === null) return '-'
  const names = Object.entries(zones).map(([zone, digest]) =>
    digest === null ? `${zone} (not served)` : zone,
  )
  const unknown = (zonesUnknown ?? 0) > 0 ? `, ${zonesUnknown} not known` : ''
  if (names.length === 0) return `the same${unknown}`
  const more = (zonesDiffering ?? names.length) - mostZones
  const rest = more > 0 ? ` and ${more} more` : ''
  return {
    text: `other: ${names.slice(0, mostZones).join(', ')}${rest}${unknown}`,
    style: 'yellow',
  }
}

const poolLines = ({ pools }: StatusReport, page: Page): readonly string[] =>
  tableOf(
    ['POOL', 'HEALTHY', 'OF', 'BY WEIGHT'],
    pools
      .toSorted((a, b) => a.healthyShare - b.healthyShare)
      .map(({ zone, pool, members, healthy, healthyShare }) => [
        `${pool} of ${zone}`,
        healthy === 0 ? { text: 'NONE', style: 'red' } : String(healthy),
        String(members),
        percentText(healthyShare),
      ]),
    page,
  )

/** Health states in the order of output, worst first. */
const stateOrder = ['down', 'suspect', 'unknown', 'up']

/** A state as a word, which says by itself what the colour does. */
export function stateCell(state: string): Cell {
  switch (state) {
    case 'down':
      return { text: 'DOWN', style: 'red' }
    case 'suspect':
      return { text: 'SUSPECT', style: 'yellow' }
    case 'up':
      return { text: 'up', style: 'green' }
    default:
      return state
  }
}

/** Whether any target is probed in several ways. */
export function hasSeveralProbes(
  targets: readonly Pick<TargetReport, 'zone' | 'target' | 'probe'>[],
): boolean {
  const byTarget = Map.groupBy(targets, ({ zone, target }) => `${target}.${zone}`)
  return [...byTarget.values()].some((of) => new Set(of.map(({ probe }) => probe)).size > 1)
}

/** With the names of probes where a target has several. */
function targetLines({ targets, at }: StatusReport, page: Page): readonly string[] {
  const hasProbes = hasSeveralProbes(targets)
  return tableOf(
    ['TARGET', 'ADDRESS', ...(hasProbes ? ['PROBE'] : []), 'STATE', 'FOR', 'REASON', 'VOTES'],
    targets
      .toSorted((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state))
      .map(({ zone, target, address, probe, state, since, reason, votes }) => [
        `${target}.${zone}`,
        address,
        ...(hasProbes ? [probe] : []),
        stateCell(state),
        since === null ? '-' : sinceText(since, at),
        reason,
        votesText(votes),
      ]),
    page,
  )
}

/** `down a b, up c`; instances without a vote are left out. */
function votesText(votes: TargetReport['votes']): string {
  const groups = ['down', 'up'].flatMap((state) => {
    const names = votes.filter(({ vote }) => vote === state).map(({ instance }) => instance)
    return names.length > 0 ? [`${state} ${names.join(' ')}`] : []
  })
  return groups.join(', ') || '-'
}

/** Whether caches may lead there is asked of what is taken out. */
function overrideLines({ overrides, at }: StatusReport, page: Page): readonly string[] {
  const hasExposures = overrides.some(({ exposure }) => exposure)
  return tableOf(
    ['OVERRIDE', 'POOL', 'KIND', 'UNTIL', ...(hasExposures ? ['IN CACHES'] : []), 'BY', 'WHY'],
    overrides.map((one) => [
      `${one.target}.${one.zone}`,
      one.pool ?? '-',
      { text: kindText(one), style: 'yellow' },
      one.until?.replace(/\.\d+Z$/, 'Z') ?? 'undone',
      ...(hasExposures ? [one.exposure ? cachesText(one.exposure, Date.parse(at)) : '-'] : []),
      one.by || '-',
      one.why || '-',
    ]),
    page,
  )
}

/** `for 1 m 20 s`, `for 5 s, not known of iad`, `not known of fra, iad and 2 more`, `safe to stop`. */
export function cachesText({ until, unknown, notKnownOf }: ExposureReport, nowMs: number): string {
  const leftMs = until === null ? 0 : Date.parse(until) - nowMs
  const held = leftMs > 0 ? [`for ${durationText(leftMs / 1000)}`] : []
  if (unknown === 0) return held[0] ?? 'safe to stop'
  const names = notKnownOf.slice(0, mostInstances)
  const more = unknown - names.length
  const rest = more > 0 ? ` and ${more} more` : ''
  return [...held, `not known of ${names.join(', ')}${rest}`].join(', ')
}

const mostInstances = 3

const departedLines = ({ departed = [] }: StatusReport, page: Page): readonly string[] =>
  tableOf(departedHead, departed.map(departedCells), page)

export const departedHead: readonly string[] = ['LEFT THE ZONE', 'TYPES', 'ANSWERED UNTIL']

export const departedCells = ({ name, types, until }: DepartedReport): readonly string[] => [
  name,
  types.join(' '),
  until?.replace(/\.\d+Z$/, 'Z') ?? '-',
]

/** `drain`; `weight 50%`, `weight 3`, `weight 10% of pool`. */
export function kindText({
  kind,
  factor,
  weight,
  share,
}: Pick<OverrideReport, 'kind' | 'factor' | 'weight' | 'share'>): string {
  if (factor !== undefined) return `${kind} ${percentOf(factor)}`
  if (weight !== undefined) return `${kind} ${weight}`
  return share === undefined ? kind : `${kind} ${percentOf(share)} of pool`
}

const percentOf = (share: number): string => `${Number((share * 100).toPrecision(4))}%`

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

/** Cells are painted, so that what is in them is escaped before. */
export const printableCell = (cell: Cell): Cell =>
  typeof cell === 'string' ? printable(cell) : { ...cell, text: printable(cell.text) }

/** Empty if there are no rows. */
function tableOf(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  { columns, paint }: Page,
): readonly string[] {
  if (rows.length === 0) return []
  const shown = rows.slice(0, rowLimit).map((row) => row.map(printableCell))
  const bold = head.map((text): Cell => ({ text, style: 'bold' }))
  const lines = foldedTableLines([bold, ...shown], columns, paint)
  const hidden = rows.length - rowLimit
  return hidden > 0 ? [...lines, `and ${hidden} more: --json has them all`] : lines
}
