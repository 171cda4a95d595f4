// A simulation as tables.

import type { GroupView, ShareOfTarget, Simulation } from '../../explain/simulate.ts'
import { number, percent, table } from './columns.ts'

export interface SimulationTold extends Simulation {
  readonly name: string
  readonly type: string
  readonly zones: string
  readonly at: string
  readonly seed: number
  readonly by: string
  readonly down: readonly string[]
  /** Overrides, as they were given: `drain mx3`. */
  readonly overrides: readonly string[]
}

export function simulationText(told: SimulationTold): string {
  const { name, type, zones, at, seed, down, overrides, all, policy, expectedBy } = told
  const expected =
    expectedBy === 'exact'
      ? 'expected: by formula'
      : expectedBy === null
        ? 'expected: no formula for sticky sets of several'
        : `expected: of ${expectedBy} draws a rule`
  const lines = [
    `${name} ${type} by ${policy}, zones of ${zones}, on ${at.slice(0, 16).replace('T', ' ')} UTC`,
    `${all.clients} clients, ${all.answers} answers, seed ${seed}; ${expected}`,
    [down.length > 0 ? `down: ${down.join(', ')}` : 'nobody is down', ...overrides].join('; '),
    `reason: ${reasonsText(all)}`,
    '',
    ...shareTable(['target', 'region'], all.targets, (one) => [one.target, one.region ?? '–']),
    ...regionLines(all.targets),
    '',
    ...groupLines(told),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

const reasonsText = ({ reasons, answers }: GroupView): string =>
  Object.entries(reasons)
    .map(([reason, times]) => `${reason} ${percent(times / answers)}`)
    .join(', ')

const shareOf = (share: number | null): string => (share === null ? '–' : percent(share))

function shareTable<Row extends Omit<ShareOfTarget, 'target' | 'region'>>(
  head: readonly string[],
  rows: readonly Row[],
  named: (row: Row) => readonly string[],
): readonly string[] {
  const right = [0, 1, 2].map((column) => head.length + column)
  const cells = rows.map((row) => [
    ...named(row),
    shareOf(row.expected),
    percent(row.drawn),
    percent(row.included),
  ])
  return table([[...head, 'expected', 'drawn', 'in the answer'], ...cells], right)
}

const sum = (of: readonly ShareOfTarget[], part: (one: ShareOfTarget) => number): number =>
  of.reduce((total, one) => total + part(one), 0)

/** Only where any target has a region. */
function regionLines(targets: readonly ShareOfTarget[]): readonly string[] {
  if (targets.every(({ region }) => region === null)) return []
  const regions = [...Map.groupBy(targets, ({ region }) => region ?? '–')].map(([region, of]) => [
    region,
    of.some(({ expected }) => expected === null)
      ? '–'
      : percent(sum(of, ({ expected }) => expected ?? 0)),
    percent(sum(of, ({ drawn }) => drawn)),
  ])
  return ['', ...table([['region', 'expected', 'drawn'], ...regions], [1, 2])]
}

/** As many as anyone reads; all of them are in the JSON. */
const shownGroups = 40

function groupLines({ by, groups, all }: SimulationTold): readonly string[] {
  const rows = groups.slice(0, shownGroups).flatMap(({ group, clients, targets }) =>
    targets.map((one, i) => ({
      ...one,
      group: i === 0 ? group : '',
      clients: i === 0 ? percent(clients / all.clients) : '',
    })),
  )
  const more = groups.length - shownGroups
  return [
    ...shareTable([by, 'clients', 'target'], rows, (row) => [row.group, row.clients, row.target]),
    ...(more > 0 ? [`and ${number(more)} more: see --json`] : []),
  ]
}
