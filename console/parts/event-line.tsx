// An event of the log as a line: when, a mark, and what happened in a sentence, with a link to whom.

import type { VNode } from 'preact'

import { href } from '../shell/route.ts'
import type { EventRecord } from '../store/rows.ts'
import './event-line.css'
import { clockTime, hoverTitle, shortTime, span } from './figures.ts'
import { memo } from './memo.ts'
import { reasonWords, shown } from './shown.ts'
import { type Mark, StateMark } from './state-mark.tsx'

interface EventLineProps {
  readonly event: EventRecord
  /** Of the server, for the ends of overrides: to the minute, since each value draws the line anew. */
  readonly nowMs: number
}

export const EventLine = memo(({ event, nowMs }: EventLineProps): VNode => {
  const { mark, subject, says } = eventParts(event, nowMs)
  return (
    <li class="event-line">
      <time dateTime={event.at} {...hoverTitle(event.at)}>
        {clockTime(event.at)}
      </time>
      <StateMark mark={mark} />
      <span>
        {subject !== null && (
          <>
            <Subject event={event} text={subject} />{' '}
          </>
        )}
        {says}
      </span>
    </li>
  )
})

/** A target leads to its view at that moment, whatever else is a name. */
function Subject({
  event: { zone, target, at },
  text,
}: {
  event: EventRecord
  text: string
}): VNode {
  if (zone === undefined || target === undefined || text !== shown(target)) return <b>{text}</b>
  return (
    <a class="subject" href={href(['target', zone, target], { at })}>
      {text}
    </a>
  )
}

export interface EventParts {
  readonly mark: Mark
  /** Whom it is about, before `says`; null: `says` is the whole sentence. */
  readonly subject: string | null
  readonly says: string
}

/** What happened in words; of events that have none here, the line of the log. */
export function eventParts(event: EventRecord, nowMs: number): EventParts {
  const subject = event.target === undefined ? null : shown(event.target)
  switch (event.event) {
    case 'target.up':
      return { mark: 'up', subject, says: `is up${downTime(event)}` }
    case 'target.down':
      return { mark: 'down', subject, says: `is down${because(event)}` }
    case 'target.suspect':
      return { mark: 'suspect', subject, says: `is suspect${because(event)}` }
    case 'target.unknown':
      return { mark: 'unknown', subject, says: `is not known${because(event)}` }
    case 'override.set':
      return { mark: overrideMark(event), subject, says: overrideSays(event, nowMs) }
    case 'override.ended':
      return { mark: 'info', subject, says: `is no longer ${pastOf(event.kind)}${ended(event)}` }
    case 'peer.joined':
      return { mark: 'info', subject: shown(event.atInstance ?? 'An instance'), says: 'joined' }
    case 'peer.gone':
      return {
        mark: 'suspect',
        subject: shown(event.atInstance ?? 'An instance'),
        says: `is gone${because(event)}`,
      }
    default:
      return {
        mark: event.level === 'info' ? 'info' : 'suspect',
        subject: null,
        says: shown(event.text),
      }
  }
}

const downTime = ({ from, afterMs }: EventRecord): string =>
  from === 'down' && afterMs !== undefined && afterMs >= 1000
    ? `, after ${span(afterMs / 1000)} down`
    : ''

const because = ({ reason, why, address }: EventRecord): string => {
  const cause = reason ?? why
  const where = address === undefined ? '' : ` at ${shown(address)}`
  return `${where}${cause === undefined ? '' : `: ${reasonWords(cause)}`}`
}

function overrideSays({ kind, by, why, until, atInstance }: EventRecord, nowMs: number): string {
  const who = by === undefined ? '' : ` by ${shown(by)}`
  const where = atInstance === undefined ? '' : ` at ${shown(atInstance)}`
  const end = until === undefined || until === null ? '' : ` until ${shortTime(until, nowMs)}`
  return `${kind === 'weight' ? 'has its weight set' : `is ${pastOf(kind)}`}${who}${where}${end}${why === undefined ? '' : `: “${shown(why)}”`}`
}

const overrideMark = ({ kind }: EventRecord): Mark => {
  if (kind === 'drain') return 'drained'
  return kind === 'disable' ? 'disabled' : 'weight'
}

const pasts: Readonly<Record<string, string>> = {
  drain: 'drained',
  disable: 'disabled',
  up: 'taken as up',
  weight: 'held at a weight',
}

const pastOf = (kind: string | undefined): string =>
  pasts[kind ?? ''] ?? shown(kind ?? 'overridden')

const ended = ({ end, endedBy }: EventRecord): string => {
  if (end === 'time') return ': its time is over'
  const who = endedBy === undefined || endedBy === '' ? '' : ` by ${shown(endedBy)}`
  return end === undefined ? who : `: ${shown(end)}${who}`
}
