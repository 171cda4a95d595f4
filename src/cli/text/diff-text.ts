// Differences between two sets of zones, as text: `-` was, `+` will be.

import type { Difference, ClientsDifference } from '../../explain/compare.ts'
import { percent, table, wrapped } from './columns.ts'

export function diffText(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'no name answers differently\n'
  return differences
    .flatMap(linesOf)
    .map((line) => `${line}\n`)
    .join('')
}

function linesOf(difference: Difference): readonly string[] {
  switch (difference.kind) {
    case 'zone':
      return [`zone ${difference.zone} ${difference.change}`]
    case 'records': {
      const { name, type, before, after } = difference
      const change = before === null ? ' added' : after === null ? ' removed' : ''
      const gone = (before ?? []).filter((one) => !after?.includes(one))
      const fresh = (after ?? []).filter((one) => !before?.includes(one))
      return [
        `${name} ${type}${change}`,
        ...gone.map((one) => `  - ${one}`),
        ...fresh.map((one) => `  + ${one}`),
      ]
    }
    case 'steered':
      return [`${difference.name} ${difference.type}`, ...difference.clients.flatMap(clientsLines)]
    default:
      return difference satisfies never
  }
}

/** More classes of clients than anyone reads; all of them are in the JSON. */
const shownLabels = 8

function clientsLines(one: ClientsDifference): readonly string[] {
  const { clients, rules, changes, shares, isExact } = one
  const more = clients.length > shownLabels ? `; and ${clients.length - shownLabels} more` : ''
  const rule = rules.before === rules.after ? rules.before : `${rules.before}, then ${rules.after}`
  const moved = shares.filter(
    ({ before, after }) => Math.abs(after - before) > (isExact ? 0.0005 : 0.015),
  )
  const rows = moved.map(({ target, before, after }) => [
    `    ${target}`,
    percent(before),
    '→',
    percent(after),
  ])
  return [
    ...wrapped(`  ${clients.slice(0, shownLabels).join('; ')}${more} (${rule})`, 0),
    ...changes.flatMap((change) => wrapped(`    ${change}`, 0)),
    ...(rows.length > 0 ? table(rows, [1, 3]) : ['    first choices stay as they are']),
  ]
}
