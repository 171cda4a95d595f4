// Differences between two sets of zones as text. `-` marks records of the old set, `+` of the new
// one.

import type { Difference, ClientsDifference } from '../../explain/compare.ts'
import type { PlannedDeparture } from '../../departed/planned-departures.ts'
import { percentText, tableLines, wrapText } from './columns.ts'
import { durationText } from './status-text.ts'

export function diffText(
  differences: readonly Difference[],
  departures: readonly PlannedDeparture[],
): string {
  if (differences.length === 0) return 'no name answers differently\n'
  return [...differences.flatMap(differenceLines), ...departures.flatMap(departureLines)]
    .map((line) => `${line}\n`)
    .join('')
}

const departureLines = ({ name, types, keptSeconds, why }: PlannedDeparture): readonly string[] => {
  const what = `${name} ${types.join(' ')}`
  return why === null
    ? wrapText(`${what} stays for ${durationText(keptSeconds)}, since caches may lead to it`, 0)
    : wrapText(`warning: ${what} leaves at once, and caches may lead to it: ${why}`, 0)
}

function differenceLines(difference: Difference): readonly string[] {
  switch (difference.kind) {
    case 'zone':
      return [`zone ${difference.zone} ${difference.change}`]
    case 'records': {
      const { name, type, before, after } = difference
      const change = before === null ? ' added' : after === null ? ' removed' : ''
      const removed = (before ?? []).filter((one) => !after?.includes(one))
      const added = (after ?? []).filter((one) => !before?.includes(one))
      return [
        `${name} ${type}${change}`,
        ...removed.map((one) => `  - ${one}`),
        ...added.map((one) => `  + ${one}`),
      ]
    }
    case 'steered':
      return [`${difference.name} ${difference.type}`, ...difference.clients.flatMap(clientsLines)]
    default:
      return difference satisfies never
  }
}

/** Of classes of clients; all of them are in the JSON. */
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
    percentText(before),
    '→',
    percentText(after),
  ])
  return [
    ...wrapText(`  ${clients.slice(0, shownLabels).join('; ')}${more} (${rule})`, 0),
    ...changes.flatMap((change) => wrapText(`    ${change}`, 0)),
    ...(rows.length > 0 ? tableLines(rows, [1, 3]) : ['    first choices stay as they are']),
  ]
}
