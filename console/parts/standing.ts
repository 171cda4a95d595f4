// What is said of a target in a pool: one mark, one word, and why, out of its row and the rows of its addresses.

import type { TargetFacts } from '../store/places.ts'
import type { MemberRow, OverrideRow, TargetRow } from '../store/rows.ts'
import { percent, shortTime, span } from './figures.ts'
import { reasonWords, shown } from './shown.ts'
import type { Mark } from './state-mark.tsx'

export interface Standing {
  readonly mark: Mark
  readonly word: string
  readonly note: string
}

const severity = { down: 3, suspect: 2, unknown: 1, up: 0 } as const

/** The address that is worst; null: none is probed. */
export const worstOf = (addresses: readonly TargetRow[]): TargetRow | null =>
  addresses.reduce<TargetRow | null>(
    (worst, one) => (worst === null || severity[one.state] > severity[worst.state] ? one : worst),
    null,
  )

/** Of the overrides that concern the pool, the one that takes it out or sets its weight. */
export const overrideOf = (
  { pool }: Pick<MemberRow, 'pool'>,
  overrides: readonly OverrideRow[],
): OverrideRow | null => {
  const own = overrides.filter((one) => one.pool === null || one.pool === pool)
  return own.find(({ kind }) => kind !== 'weight') ?? own[0] ?? null
}

export function standingOf(
  member: MemberRow,
  { addresses, overrides }: TargetFacts,
  nowMs: number,
): Standing {
  const override = overrideOf(member, overrides)
  if (member.out === 'drained' || member.out === 'disabled')
    return outByOrder(member.out, override, nowMs)
  const worst = worstOf(addresses)
  if (worst === null) return { mark: 'unknown', word: 'Not probed', note: '' }
  const age = worst.since === null ? '' : ` ${span((nowMs - Date.parse(worst.since)) / 1000)}`
  switch (worst.state) {
    case 'down': {
      const isPartly = member.out !== 'down' && addresses.length > 1
      const word = isPartly ? 'One address down' : `Down${age}`
      return { mark: isPartly ? 'suspect' : 'down', word, note: reasonWords(worst.reason) }
    }
    case 'suspect':
      return { mark: 'suspect', word: 'Suspect', note: reasonWords(worst.reason) }
    case 'unknown':
      return { mark: 'unknown', word: 'Not known yet', note: reasonWords(worst.reason) }
    case 'up':
      return ofOneUp(member, override, age)
    default:
      return worst.state satisfies never
  }
}

function outByOrder(
  out: 'drained' | 'disabled',
  override: OverrideRow | null,
  nowMs: number,
): Standing {
  const word = out === 'drained' ? 'Drained' : 'Disabled'
  // Without an override of ours the target itself asked for it.
  if (override === null) return { mark: out, word, note: 'asked for by itself' }
  const end = override.until === null ? 'until undone' : `until ${shortTime(override.until, nowMs)}`
  const by = override.by === '' ? '' : ` · ${shown(override.by)}`
  return { mark: out, word, note: `${end}${by}` }
}

function ofOneUp({ weight, out }: MemberRow, override: OverrideRow | null, age: string): Standing {
  if (weight.shedding < 0.995)
    return { mark: 'shedding', word: 'Busy', note: `sheds ${percent(1 - weight.shedding, 0)}` }
  if (weight.slowStart < 0.995)
    return { mark: 'coming-back', word: 'Coming back', note: `at ${percent(weight.slowStart, 0)}` }
  if (override?.kind === 'up')
    return { mark: 'weight', word: 'Taken as up', note: shown(override.by) }
  if (out === 'no-weight') return { mark: 'disabled', word: 'No weight', note: '' }
  if (weight.warmUp < 1)
    return { mark: 'up', word: 'Warming up', note: `at ${percent(weight.warmUp, 0)}` }
  return { mark: 'up', word: `Up${age}`, note: '' }
}

/** Whether no cache can lead to it any more, by the answers of all instances; null: not asked, since it is in use. */
export function isSafeToStop(member: MemberRow, nowMs: number): boolean | null {
  if (member.out !== 'drained' && member.out !== 'disabled') return null
  const until = exposedUntilMs(member)
  return (until === null || until <= nowMs) && member.notKnownOf.length === 0
}

/** Of whom it is not known what they answered: `iad, zrh`. More than a handful are not all named. */
export function namesOf(notKnownOf: readonly string[], unknown = notKnownOf.length): string {
  const named = notKnownOf.slice(0, mostNamed).map(shown)
  const more = Math.max(unknown, notKnownOf.length) - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const mostNamed = 4

/** The later of what this instance and the others have answered; null: nobody has it. */
export function exposedUntilMs({ exposedUntil, fleetExposedUntil }: MemberRow): number | null {
  const known = [exposedUntil, fleetExposedUntil].filter((one) => one !== null).map(Date.parse)
  return known.length === 0 ? null : Math.max(...known)
}
