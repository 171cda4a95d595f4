// What is wrong, the six figures, then each zone with its pools and targets, and what happened last.

import './overview.css'

import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'

import { InTerminal } from '../../parts/card.tsx'
import { counted } from '../../parts/figures.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { needsSignIn, overview, serverNowMs, trouble } from '../../store/live.ts'
import type { ZonesView } from '../../store/rows.ts'
import { useReply } from '../../store/use-reply.ts'
import { useSteady } from '../../store/use-steady.ts'
import { FigureStrip } from './figure-strip.tsx'
import { LastEvents, Orders } from './last-things.tsx'
import { useRowKeys } from './row-keys.ts'
import { findWorries, type SentencePart, type Worry } from './worries.ts'
import { zoneNotes } from './zone-notes.ts'
import { rowOfTarget, type Shapes, shapes } from './zone-shapes.ts'
import { ZoneTable } from './zone-table.tsx'

/** Each part reads what it shows by itself, so that a change draws that part. */
export function Overview({ query }: ViewProps): VNode {
  const of = shapes.value
  useRowKeys()
  return (
    <>
      <ViewHead title="Overview" />
      {of === null ? (
        <Waiting />
      ) : (
        <>
          <NeedsALook />
          <FigureStrip />
          <Zones of={of} query={query} />
          <div class="two">
            <LastEvents />
            <Orders />
          </div>
        </>
      )}
      <InTerminal command="mxsteer status" />
    </>
  )
}

function Waiting(): VNode {
  if (needsSignIn.value)
    return (
      <p class="card nothing">Sign in to see the state of this server: its admin server says so.</p>
    )
  return (
    <p class="card nothing">
      {trouble.value === null ? 'Asking the server…' : `Nothing is known yet: ${trouble.value}.`}
    </p>
  )
}

const mostWorries = 12

function NeedsALook(): VNode {
  const { worries } = useSteady(worriesOfNow)
  if (worries.length === 0)
    return (
      <p class="card look all-quiet">
        <StateMark mark="up" /> All quiet.
      </p>
    )
  const more = worries.length - mostWorries
  return (
    <ul class="card look" aria-label="What needs a look">
      {worries.slice(0, mostWorries).map((worry) => (
        <WorryLine key={worry.key} worry={worry} />
      ))}
      {more > 0 && (
        <li>
          <StateMark mark="info" />
          <span class="say">
            And {counted(more, 'more', 'more')}: they stand in the tables below.
          </span>
        </li>
      )}
    </ul>
  )
}

/** Ages in it go by the clock. */
function WorryLine({ worry }: { worry: Worry }): VNode {
  const { mark, parts, action } = worry.says(serverNowMs.value)
  return (
    <li>
      <StateMark mark={mark} />
      <span class="say">{parts.map(sentencePart)}</span>
      <a class="act" href={action.to}>
        {action.label}
      </a>
    </li>
  )
}

const worriesOfNow = (): { readonly worries: readonly Worry[] } => ({
  worries: overview.value === null ? [] : findWorries(overview.value),
})

const sentencePart = (part: SentencePart, index: number): VNode =>
  typeof part === 'string' ? <span key={index}>{part}</span> : <b key={index}>{part[0]}</b>

/** Of so many members in all the pools are folded. */
const foldsAbove = 200

function Zones({ of, query }: { of: Shapes; query: URLSearchParams }): VNode {
  const files = useReply<ZonesView>('zones', { everyMs: 60_000 }).value
  const notes = useMemo(
    () => new Map((files?.zones ?? []).map((view) => [view.zone, zoneNotes(view)])),
    [files],
  )
  const [zone, target] = [query.get('zone') ?? '', query.get('target') ?? '']
  const wanted = useMemo(() => rowOfTarget(of, zone, target), [of, zone, target])
  return (
    <>
      {of.zones.map((shape) => (
        <ZoneTable
          key={shape.zone}
          shape={shape}
          notes={notes.get(shape.zone) ?? null}
          isFolded={of.members > foldsAbove}
          wanted={shape.zone === zone ? wanted : null}
        />
      ))}
    </>
  )
}
