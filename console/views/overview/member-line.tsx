// One member of a pool as a row; on phones the same as a card.

import type { VNode } from 'preact'
import { memo } from 'preact/compat'

import { Changed } from '../../parts/changed.tsx'
import { figure, localTime, milliseconds } from '../../parts/figures.ts'
import { InCaches } from '../../parts/in-caches.tsx'
import { type Share, ShareBar } from '../../parts/share-bar.tsx'
import { shown } from '../../parts/shown.ts'
import { type Standing, standingOf, type TargetFacts, worstOf } from '../../parts/standing.ts'
import { StateMark, toneOf } from '../../parts/state-mark.tsx'
import { Strip } from '../../parts/strip.tsx'
import { VoteMarks } from '../../parts/vote-marks.tsx'
import { href } from '../../shell/route.ts'
import { serverNowMs } from '../../store/live.ts'
import type { HistorySeries, MemberRow, TargetRow } from '../../store/rows.ts'

interface MemberLineProps {
  readonly member: MemberRow
  /** undefined: nothing is probed and nothing ordered. */
  readonly facts: TargetFacts | undefined
  readonly share: Share
  readonly history: HistorySeries | undefined
  readonly hue: string
}

const noFacts: TargetFacts = { addresses: [], overrides: [] }

export function MemberLine({
  member,
  facts = noFacts,
  share,
  history,
  hue,
}: MemberLineProps): VNode {
  const standing = standingOf(member, facts, serverNowMs.value)
  const worst = worstOf(facts.addresses)
  const { zone, target } = member
  return (
    <tr
      class={member.out === null ? 'member' : 'member is-out'}
      data-target={target}
      data-zone={zone}
      data-pool={member.pool}
    >
      <td class="cell-who">
        <Who member={member} addresses={facts.addresses} standing={standing} />
      </td>
      <td class="cell-state">
        <StateText standing={standing} since={worst?.since ?? null} />
      </td>
      <td class="cell-hour">{history && <Strip series={history} label="last hour" />}</td>
      <td class="cell-latency num">
        <Latency row={worst} />
      </td>
      <td class="cell-votes">{worst && <VoteMarks votes={worst.votes} />}</td>
      <td class="cell-weight num">
        <Weight member={member} />
      </td>
      <td class="cell-share">
        <ShareBar share={share} hue={hue} />
      </td>
      <td class="cell-caches">
        <InCaches member={member} />
      </td>
    </tr>
  )
}

interface WhoProps {
  readonly member: MemberRow
  readonly addresses: readonly TargetRow[]
  readonly standing: Standing
}

function Who({ member: { zone, target }, addresses, standing }: WhoProps): VNode {
  const [first] = addresses
  const more = addresses.length - 1
  return (
    <span class="who">
      <StateMark mark={standing.mark} />
      <a href={href(['target', zone, target])}>{shown(target)}</a>
      {first && (
        <span class="mono" title={addresses.map(({ address }) => address).join('\n')}>
          {first.address}
          {more > 0 && ` +${more}`}
        </span>
      )}
    </span>
  )
}

function StateText({ standing, since }: { standing: Standing; since: string | null }): VNode {
  const { mark, word, note } = standing
  return (
    <span
      class={`standing ${mark === 'up' ? '' : `tone-${toneOf(mark)}`}`}
      title={since === null ? undefined : `since ${localTime(since)}`}
    >
      <Changed value={mark}>
        <b>{word}</b>
      </Changed>
      {note !== '' && <span title={note}>{note}</span>}
    </span>
  )
}

const Latency = memo(({ row }: { row: TargetRow | null }): VNode => {
  const { p50Ms = null, p99Ms = null } = row ?? {}
  if (p50Ms === null || row?.state === 'down') return <span class="dim">–</span>
  return (
    <>
      {milliseconds(p50Ms)}{' '}
      <span class="dim">· {p99Ms === null ? '–' : milliseconds(p99Ms)} ms</span>
    </>
  )
})

/** What it was and is, where those differ. */
const Weight = memo(({ member: { weight } }: { member: MemberRow }): VNode => {
  const { configured, effective } = weight
  const text = figure(effective)
  return (
    <Changed value={text}>
      {effective === configured ? (
        text
      ) : (
        <>
          <s aria-label={`configured ${figure(configured)}`}>{figure(configured)}</s> <b>{text}</b>
        </>
      )}
    </Changed>
  )
})
