// Many events of one kind within a minute are one line that can be opened: what matters of them is how many.

import { counted } from '../../parts/figures.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import type { EventRecord } from '../../store/rows.ts'

export type EventItem =
  | { readonly kind: 'one'; readonly event: EventRecord }
  | {
      readonly kind: 'burst'
      /** Of all of them, newest first. */
      readonly events: readonly EventRecord[]
    }

/** Fewer are read faster than a sentence about them. */
const leastBurst = 5

/** Newest first, as the events are; a burst stands where its newest event would. */
export function itemsOf(events: readonly EventRecord[]): readonly EventItem[] {
  const groups = Map.groupBy(events, burstKey)
  const isTold = new Set<string>()
  return events.flatMap((event): EventItem[] => {
    const key = burstKey(event)
    const group = groups.get(key) ?? []
    if (group.length < leastBurst) return [{ kind: 'one', event }]
    if (isTold.has(key)) return []
    isTold.add(key)
    return [{ kind: 'burst', events: group }]
  })
}

const burstKey = ({ event, at }: EventRecord): string => `${at.slice(0, 16)} ${event}`

/** `11 targets are down: connection refused (8), no answer (3)`. */
export function burstText(
  events: readonly EventRecord[],
  poolsOf: (event: EventRecord) => readonly string[],
): string {
  const [first] = events
  if (first === undefined) return ''
  const targets = new Set(
    events.flatMap(({ zone, target }) => (target === undefined ? [] : [`${zone} ${target}`])),
  )
  const pools = [...new Set(events.flatMap((event) => [...poolsOf(event)]))].sort()
  const what =
    targets.size === 0
      ? `${events.length} × ${first.event}`
      : `${counted(targets.size, 'target')} ${verbOf(first, targets.size)}`
  const where =
    pools.length === 0 ? '' : ` in ${counted(pools.length, 'pool')} (${shortList(pools)})`
  return `${what}${where}${reasonsText(events)}`
}

function verbOf({ event }: EventRecord, targets: number): string {
  const state = /^target\.(up|down|suspect|unknown)$/.exec(event)?.[1]
  if (state === undefined) return `with ${event}`
  return `${targets === 1 ? 'is' : 'are'} ${state === 'unknown' ? 'not known' : state}`
}

function reasonsText(events: readonly EventRecord[]): string {
  const reasons = Map.groupBy(
    events.flatMap(({ event, reason }) =>
      reason === undefined || event === 'target.up' ? [] : [reasonWords(reason)],
    ),
    (one) => one,
  )
  if (reasons.size === 0) return ''
  if (reasons.size === 1) return `: ${[...reasons.keys()].join('')}`
  const sorted = [...reasons].sort(([, a], [, b]) => b.length - a.length)
  return `: ${shortList(sorted.map(([reason, all]) => `${reason} (${all.length})`))}`
}

const shownNames = 4

const shortList = (names: readonly string[]): string => {
  const more = names.length - shownNames
  return `${names.slice(0, shownNames).map(shown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Events of one day, which a heading names. */
export interface EventDay {
  /** `2026-11-29`, UTC. */
  readonly day: string
  readonly items: readonly EventItem[]
}

export function daysOf(events: readonly EventRecord[]): readonly EventDay[] {
  const days = Map.groupBy(events, ({ at }) => at.slice(0, 10))
  return [...days].map(([day, of]) => ({ day, items: itemsOf(of) }))
}
