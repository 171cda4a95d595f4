// What is wrong, the six figures, then each zone with its pools and targets, and what happened last.

import './overview.css'

import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'

import { InTerminal } from '../../parts/card.tsx'
import { counted } from '../../parts/figures.ts'
import { factsByTarget } from '../../parts/standing.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { ViewHead } from '../../shell/view-head.tsx'
import { figures, needsSignIn, overview, serverNowMs, trouble } from '../../store/live.ts'
import type { Overview as KnownOverview, ZonesView } from '../../store/rows.ts'
import { useReply } from '../../store/use-reply.ts'
import { FigureStrip } from './figure-strip.tsx'
import { LastEvents, Orders } from './last-things.tsx'
import { useHistories } from './use-histories.ts'
import { useRowKeys } from './row-keys.ts'
import { findWorries, type SentencePart } from './worries.ts'
import { zoneNotes } from './zone-notes.ts'
import { shouldFold, ZoneTable } from './zone-table.tsx'

export function Overview(): VNode {
  const known = overview.value
  const now = figures.value
  useRowKeys()
  return (
    <>
      <ViewHead title="Overview" />
      {known === null || now === null ? (
        <Waiting />
      ) : (
        <>
          <NeedsALook known={known} />
          <FigureStrip known={known} now={now} />
          <Zones known={known} />
          <div class="two">
            <LastEvents />
            <Orders known={known} />
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

function NeedsALook({ known }: { known: KnownOverview }): VNode {
  const worries = findWorries(known, serverNowMs.value)
  if (worries.length === 0)
    return (
      <p class="card look all-quiet">
        <StateMark mark="up" /> All quiet.
      </p>
    )
  const more = worries.length - mostWorries
  return (
    <ul class="card look" aria-label="What needs a look">
      {worries.slice(0, mostWorries).map(({ key, mark, says, action }) => (
        <li key={key}>
          <StateMark mark={mark} />
          <span class="say">{says.map(sentencePart)}</span>
          <a class="act" href={action.to}>
            {action.label}
          </a>
        </li>
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

const sentencePart = (part: SentencePart, index: number): VNode =>
  typeof part === 'string' ? <span key={index}>{part}</span> : <b key={index}>{part[0]}</b>

function Zones({ known }: { known: KnownOverview }): VNode {
  const { zones, pools, members, targets, overrides } = known
  const facts = useMemo(() => factsByTarget({ targets, overrides }), [targets, overrides])
  const names = useMemo(
    () => [...new Set(members.map(({ zone, target }) => `${target}.${zone}`))],
    [members],
  )
  const isFolded = shouldFold(members.length)
  const histories = useHistories(names)
  const files = useReply<ZonesView>('zones', { everyMs: 60_000 }).value
  const notes = useMemo(
    () => new Map((files?.zones ?? []).map((view) => [view.zone, zoneNotes(view)])),
    [files],
  )
  return (
    <>
      {zones.map((zone) => (
        <ZoneTable
          key={zone.zone}
          zone={zone}
          pools={pools.filter((pool) => pool.zone === zone.zone)}
          members={members.filter((member) => member.zone === zone.zone)}
          facts={facts}
          histories={histories}
          notes={notes.get(zone.zone) ?? null}
          isFolded={isFolded}
        />
      ))}
    </>
  )
}
