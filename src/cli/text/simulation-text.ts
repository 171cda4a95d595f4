// The result of a simulation as tables.

import type { GroupView, ShareOfTarget, Simulation } from '../../explain/simulate.ts'
import { numberText, percentText, tableLines } from './columns.ts'

export interface SimulationReport extends Simulation {
  readonly name: string
  readonly type: string
  readonly zones: string
  readonly at: string
  readonly seed: number
  readonly by: string
  readonly down: readonly string[]
  /** Overrides as text, such as `drain mx3`. */
  readonly overrides: readonly string[]
}

export function simulationText(report: SimulationReport): string {
  const { name, type, zones, at, seed, down, overrides, all, policy, expectedBy } = report
  const expected =
    expectedBy === 'exact'
      ? 'expected: exact'
      : expectedBy === null
        ? 'expected: not known for sticky sets of several'
        : `expected: of ${expectedBy} draws a rule`
  const lines = [
    `${name} ${type} by ${policy}, zones of ${zones}, on ${at.slice(0, 16).replace('T', ' ')} UTC`,
    `${all.clients} clients, ${all.answers} answers, seed ${seed}; ${expected}`,
    [down.length > 0 ? `down: ${down.join(', ')}` : 'no target is down', ...overrides].join('; '),
    `reason: ${reasonsText(all)}`,
    '',
    ...shareTable(['target', 'region'], all.targets, (one) => [one.target, one.region ?? '–']),
    ...regionLines(all.targets),
    '',
    ...groupLines(report),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

const reasonsText = ({ reasons, answers }: GroupView): string =>
  Object.entries(reasons)
    .map(([reason, times]) => `${reason} ${percentText(times / answers)}`)
    .join(', ')

const shareOf = (share: number | null): string => (share === null ? '–' : percentText(share))

function shareTable<Row extends Omit<ShareOfTarget, 'target' | 'region'>>(
  head: readonly string[],
  rows: readonly Row[],
  named: (row: Row) => readonly string[],
): readonly string[] {
  const right = [0, 1, 2].map((column) => head.length + column)
  const cells = rows.map((row) => [
    ...named(row),
    shareOf(row.expected),
    percentText(row.drawn),
    percentText(row.included),
  ])
  return tableLines([[...head, 'expected', 'drawn', 'in the answer'], ...cells], right)
}

const sumOf = (of: readonly ShareOfTarget[], part: (one: ShareOfTarget) => number): number =>
  of.reduce((total, one) => total + part(one), 0)

/** Empty if no target has a region. */
function regionLines(targets: readonly ShareOfTarget[]): readonly string[] {
  if (targets.every(({ region }) => region === null)) return []
  const regions = [...Map.groupBy(targets, ({ region }) => region ?? '–')].map(([region, of]) => [
    region,
    of.some(({ expected }) => expected === null)
      ? '–'
      : percentText(sumOf(of, ({ expected }) => expected ?? 0)),
    percentText(sumOf(of, ({ drawn }) => drawn)),
  ])
  return ['', ...tableLines([['region', 'expected', 'drawn'], ...regions], [1, 2])]
}

/** Rows of the table; all of them are in the JSON. */
const shownGroups = 40

function groupLines({ by, groups, all }: SimulationReport): readonly string[] {
  const rows = groups.slice(0, shownGroups).flatMap(({ group, clients, targets }) =>
    targets.map((one, i) => ({
      ...one,
      group: i === 0 ? group : '',
      clients: i === 0 ? percentText(clients / all.clients) : '',
    })),
  )
  const more = groups.length - shownGroups
  return [
    ...shareTable([by, 'clients', 'target'], rows, (row) => [row.group, row.clients, row.target]),
    ...(more > 0 ? [`and ${numberText(more)} more: see --json`] : []),
  ]
}
