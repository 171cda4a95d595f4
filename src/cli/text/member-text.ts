// A pool and its members as lines of an explanation.

import type { AddressView, MemberView, OverrideNote, PoolView } from '../../explain/pool-view.ts'
import { number, percent, table } from './columns.ts'

export function memberLines(pool: PoolView): readonly string[] {
  return [headText(pool), ...membersTable(pool.members).map((line) => `  ${line}`)]
}

function headText({ pool, lead, healthy, minHealthy, spill, panic, panicked }: PoolView): string {
  const leads =
    lead === 0 ? 'does not lead' : lead === 1 ? 'leads' : `leads ${percent(lead)} of answers`
  const threshold = minHealthy > 0 ? ` (hands over below ${percent(minHealthy)}, ${spill})` : ''
  const doubt = panicked
    ? `; in panic (below ${percent(panic)}): health is not believed`
    : `, ${percent(healthy)} of its weight usable${threshold}`
  return `${pool}: ${leads}${doubt}`
}

/** Members in a table, what is to be said of one below it. */
function membersTable(members: readonly MemberView[]): readonly string[] {
  const head = ['', '', 'weight', '=', 'configured', 'warm-up', 'override', 'slow start']
  const lines = table([head, ...members.map(memberRow)], [2, 4, 5, 6, 7])
  return lines.flatMap((line, i) => [line, ...(i === 0 ? [] : noteLines(members[i - 1]))])
}

const memberRow = (member: MemberView): readonly string[] => [
  member.target,
  member.standing,
  number(member.weight),
  '=',
  number(member.configured),
  `× ${number(member.warmUp)}`,
  `× ${number(member.override)}`,
  member.why === null ? `× ${number(member.factor)}` : '',
]

const whyTexts: Readonly<Record<NonNullable<MemberView['why']>, string>> = {
  'zero-weight': 'its configured weight is 0',
  'no-family': 'it has no address of this type',
  drained: 'an operator drains it',
  disabled: 'an operator disabled it',
  'zero-share': 'warm-up, an operator or what the MTA says leaves it no weight',
  down: 'all its addresses are down',
  'zero-factor': 'slow start or shedding leaves it no weight at the moment',
}

/** Without an override it was the MTA: its word has the same effect (health/feedback.ts). */
function whyText(why: keyof typeof whyTexts, overrides: readonly OverrideNote[]): string {
  const isTold = why === 'drained' || why === 'disabled'
  const isOwn = isTold && !overrides.some(({ kind }) => kind === 'drain' || kind === 'disable')
  return isOwn ? 'it says itself that it wants no mail (`told` in /targets)' : whyTexts[why]
}

function noteLines(member: MemberView | undefined): readonly string[] {
  if (member === undefined) return []
  const { why, overruled, addresses, overrides, feedback, reputation } = member
  const isQuiet = why === null && addresses.every((one) => one.state === 'up' && one.factor === 1)
  return [
    ...(why === null ? [] : [`  out: ${whyText(why, overrides)}`]),
    ...(overruled === 'forced' ? ['  forced up: whatever its probes say'] : []),
    ...(feedback === 1 ? [] : [`  × ${number(feedback)}: what the MTA says of its load`]),
    ...(reputation === 1 ? [] : [`  × ${number(reputation)}: DNS lists name it`]),
    ...overrides.map((one) => `  ${overrideText(one)}`),
    ...(isQuiet ? [] : addresses.map((one) => `  ${addressText(one)}`)),
  ]
}

const overrideText = ({ id, kind, until, why, by }: OverrideNote): string =>
  `${kind} until ${until ?? 'undone'} (${id})${why === '' ? '' : `, ${JSON.stringify(why)}`}${by === '' ? '' : `, by ${by}`}`

export function addressText({ address, state, factor, reason, since }: AddressView): string {
  const share = factor === 1 ? '' : ` at ${percent(factor)}`
  const told = reason === null ? ', nobody probes it' : ` since ${since ?? '?'}, ${reason}`
  return `${address} ${state}${share}${told}`
}
