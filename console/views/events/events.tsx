// Events: what the log said, newest first, as far as this server keeps it; new ones come as they happen.

import type { VNode } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'

import { InTerminal } from '../../parts/card.tsx'
import { curlCommand } from '../../parts/command.ts'
import { EventLine, eventParts } from '../../parts/event-line.tsx'
import { clockTime, counted, grouped, localTime } from '../../parts/figures.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { StateMark } from '../../parts/state-mark.tsx'
import { go, href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { ask } from '../../store/api.ts'
import { events as liveEvents, overview, serverMinuteMs } from '../../store/live.ts'
import type { EventRecord, EventsReply } from '../../store/rows.ts'
import { useReply } from '../../store/use-reply.ts'
import { burstText, daysOf, type EventItem } from './bursts.ts'
import './events.css'
import { EventFilters, type EventFilter, kindNames } from './filters.tsx'

const pageSize = 100

export function Events({ query }: ViewProps): VNode {
  const filter = filterOf(query)
  const path = `events?${parametersOf(filter)}&limit=${pageSize}`
  const { reply, value, again } = useReply<EventsReply>(path)
  const older = useOlder(path, value?.before ?? null)
  useNews(again)
  const shownEvents = useMemo(
    () => uniqueEvents([...(value?.events ?? []), ...older.events]),
    [value, older.events],
  )
  return (
    <>
      <ViewHead title="Events" />
      <EventFilters filter={filter} onFilter={(next) => go(href(['events'], { ...next }))} />
      <Refusal reply={reply} />
      {value !== null && (
        <section class="card events" aria-label="Events, newest first">
          {shownEvents.length === 0 && <p class="nothing">{nothingText(filter)}</p>}
          {daysOf(shownEvents).map(({ day, items }) => (
            <Day key={day} day={day} items={items} />
          ))}
          <Older older={older} count={shownEvents.length} oldest={shownEvents.at(-1)} />
        </section>
      )}
      <InTerminal command={commandOf(filter)} />
    </>
  )
}

const filterOf = (query: URLSearchParams): EventFilter => ({
  kind: query.getAll('kind').filter((kind) => Object.hasOwn(kindNames, kind)),
  target: query.get('target') ?? '',
  instance: query.get('instance') ?? '',
  by: query.get('by') ?? '',
})

export function parametersOf({ kind, ...texts }: EventFilter): URLSearchParams {
  const parameters = new URLSearchParams(
    kind.flatMap((one) => (kindNames[one]?.events ?? []).map((event) => ['kind', event])),
  )
  for (const [name, text] of Object.entries(texts)) if (text !== '') parameters.set(name, text)
  return parameters
}

const nothingText = ({ kind, target, instance, by }: EventFilter): string =>
  kind.length + target.length + instance.length + by.length === 0
    ? 'Nothing has happened yet.'
    : 'Nothing of the kind is among the events that are kept.'

const uniqueEvents = (events: readonly EventRecord[]): readonly EventRecord[] => [
  ...new Map(events.map((event) => [event.id, event])).values(),
]

/** Asks again when the stream brings an event, at most each second. */
function useNews(again: () => void): void {
  const newest = liveEvents.value[0]?.id
  useEffect(() => {
    if (newest === undefined) return undefined
    const timer = setTimeout(again, 1000)
    return () => clearTimeout(timer)
  }, [newest, again])
}

interface OlderEvents {
  readonly events: readonly EventRecord[]
  /** null: there are none. */
  readonly more: (() => Promise<void>) | null
}

/** Pages behind the first one; another filter begins anew. */
function useOlder(path: string, before: number | null): OlderEvents {
  const [pages, setPages] = useState<{
    path: string
    events: readonly EventRecord[]
    before: number | null
  } | null>(null)
  const own = pages?.path === path ? pages : null
  const next = own === null ? before : own.before
  const more = async (): Promise<void> => {
    const reply = await ask<EventsReply>(`${path}&before=${next}`)
    if (reply.kind !== 'answered') return
    setPages({
      path,
      events: [...(own?.events ?? []), ...reply.value.events],
      before: reply.value.before,
    })
  }
  return { events: own?.events ?? [], more: next === null ? null : more }
}

function Older({
  older,
  count,
  oldest,
}: {
  readonly older: OlderEvents
  readonly count: number
  readonly oldest: EventRecord | undefined
}): VNode | null {
  if (oldest === undefined) return null
  if (older.more === null)
    return (
      <p class="dim end">{`The oldest that is kept here is of ${oldest.at.slice(0, 10)} ${clockTime(oldest.at)} UTC.`}</p>
    )
  return (
    <p class="dim end">
      <button type="button" class="button" onClick={() => void older.more?.()}>
        Older
      </button>{' '}
      {`The newest ${grouped(count)} of those that are kept.`}
    </p>
  )
}

const Day = ({
  day,
  items,
}: {
  readonly day: string
  readonly items: readonly EventItem[]
}): VNode => (
  <>
    <h2>
      {day} <span class="dim">UTC</span>
    </h2>
    <ul>
      {items.map((item) =>
        item.kind === 'one' ? (
          <EventLine key={item.event.id} event={item.event} nowMs={serverMinuteMs.peek()} />
        ) : (
          <Burst key={item.events.at(-1)?.id} events={item.events} />
        ),
      )}
    </ul>
  </>
)

function Burst({ events }: { readonly events: readonly EventRecord[] }): VNode {
  const [first] = events
  const at = first?.at ?? ''
  const mark = first === undefined ? 'info' : eventParts(first, serverMinuteMs.peek()).mark
  return (
    <li class="burst">
      <details>
        <summary>
          <time dateTime={at} title={localTime(at)}>
            {at.slice(11, 16)}
          </time>
          <StateMark mark={mark} />
          <span>
            <b>{burstText(events, poolsOf)}</b>{' '}
            <span class="dim">{counted(events.length, 'event')} in this minute</span>
          </span>
        </summary>
        <ul>
          {events.map((event) => (
            <EventLine key={event.id} event={event} nowMs={serverMinuteMs.peek()} />
          ))}
        </ul>
      </details>
    </li>
  )
}

/** Of the target, as the overview has it now. */
const poolsOf = ({ zone, pool, target }: EventRecord): readonly string[] =>
  pool !== undefined
    ? [pool]
    : (overview.peek()?.members ?? [])
        .filter((member) => member.zone === zone && member.target === target)
        .map((member) => member.pool)

const commandOf = (filter: EventFilter): string => {
  const query = parametersOf(filter).toString()
  return `${curlCommand(`events${query === '' ? '' : `?${query}`}`)} | jq -r '.events[] | "\\(.at) \\(.text)"'`
}
