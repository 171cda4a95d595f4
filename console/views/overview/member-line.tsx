// One member of a pool as a row; on phones the same as a card.

import type { ReadonlySignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'

import { Changed } from '../../parts/changed.tsx'
import { figure, hoverTitle, milliseconds } from '../../parts/figures.ts'
import { InCaches } from '../../parts/in-caches.tsx'
import { memo } from '../../parts/memo.ts'
import { type Share, ShareBar, shareOf, type ShareSums } from '../../parts/share-bar.tsx'
import { shown } from '../../parts/shown.ts'
import { type Standing, standingOf, worstOf } from '../../parts/standing.ts'
import { StateMark, toneOf } from '../../parts/state-mark.tsx'
import { Strip } from '../../parts/strip.tsx'
import { VoteMarks } from '../../parts/vote-marks.tsx'
import { href } from '../../shell/route.ts'
import { overview, serverNowMs } from '../../store/live.ts'
import { factsOf, memberOf, nameKey, type TargetFacts } from '../../store/places.ts'
import type { MemberRow, TargetRow } from '../../store/rows.ts'
import { steadily } from '../../store/use-steady.ts'
import { useHistory } from './histories.ts'
import { RowOrders } from './row-orders.tsx'

interface MemberLineProps {
  /** As `memberKey` gives it. */
  readonly member: string
  /** Of its pool. */
  readonly sums: ReadonlySignal<ShareSums>
  readonly hue: string
  /** For `aria-rowindex`. */
  readonly index: number
}

/** Drawn anew where something that it shows has changed: of ten thousand rows a message concerns a few. */
export const MemberLine = memo(({ member: key, sums, hue, index }: MemberLineProps): VNode => {
  const line = useMemo(() => lineSignal(key, sums), [key, sums]).value
  const { member } = line
  if (member === null) return <tr aria-rowindex={index} />
  const { zone, pool, target, weight } = member
  return (
    <tr
      class={member.out === null ? 'member' : 'member is-out'}
      aria-rowindex={index}
      data-target={target}
      data-zone={zone}
      data-pool={pool}
    >
      <td class="cell-who">
        <Who
          zone={zone}
          target={target}
          addresses={line.addresses.map(({ address }) => address).join('\n')}
          mark={line.mark}
        />
      </td>
      <td class="cell-state">
        <StateText
          mark={line.mark}
          word={line.word}
          note={line.note}
          since={line.worst?.since ?? null}
        />
      </td>
      <td class="cell-hour">
        <LastHour zone={zone} target={target} />
      </td>
      <td class="cell-latency num">
        <span class="held">
          <Latency row={line.worst} />
        </span>
      </td>
      <td class="cell-votes">{line.worst && <VoteMarks {...line.worst.votes} />}</td>
      <td class="cell-weight num">
        <Weight configured={weight.configured} effective={weight.effective} />
      </td>
      <td class="cell-share">
        <ShareBar had={line.had} due={line.due} hue={hue} />
      </td>
      <td class="cell-caches">
        <span class="row-end">
          <InCaches member={member} />
          <RowOrders zone={zone} target={target} />
        </span>
      </td>
    </tr>
  )
})

/** What a row shows. */
interface Line extends Standing, Share {
  /** null: it has gone, and its row goes with the next drawing of the table. */
  readonly member: MemberRow | null
  readonly addresses: readonly TargetRow[]
  readonly worst: TargetRow | null
}

const noLine: Line = {
  member: null,
  addresses: [],
  worst: null,
  mark: 'unknown',
  word: '',
  note: '',
  had: null,
  due: 0,
}

/** Each message has its row found; what it shows is made anew where that is another one, and each second. */
function lineSignal(key: string, sums: ReadonlySignal<ShareSums>): ReadonlySignal<Line> {
  const row = steadily(() => rowOf(key))
  return steadily(() => lineOf(row.value, sums.value, serverNowMs.value))
}

interface Row extends TargetFacts {
  /** null: it has gone. */
  readonly member: MemberRow | null
}

const noRow: Row = { member: null, addresses: [], overrides: [] }

function rowOf(key: string): Row {
  const known = overview.value
  const member = known === null ? undefined : memberOf(known, key)
  if (known === null || member === undefined) return noRow
  const { addresses, overrides } = factsOf(known, nameKey(member))
  return { member, addresses, overrides }
}

function lineOf(row: Row, sums: ShareSums, nowMs: number): Line {
  const { member, addresses } = row
  if (member === null) return noLine
  const { had, due } = shareOf(member, sums)
  return {
    member,
    addresses,
    worst: worstOf(addresses),
    ...standingOf(member, row, nowMs),
    // To what is shown of it: what one member is handed out moves the shares of all a little.
    had: had === null ? null : rounded(had),
    due: rounded(due),
  }
}

const rounded = (share: number): number => Math.round(share * 1000) / 1000

function LastHour({ zone, target }: { zone: string; target: string }): VNode | null {
  const history = useHistory(`${target}.${zone}`)
  return history && <Strip series={history} label="last hour" />
}

interface WhoProps {
  readonly zone: string
  readonly target: string
  /** A line each. */
  readonly addresses: string
  readonly mark: Standing['mark']
}

const Who = memo(({ zone, target, addresses, mark }: WhoProps): VNode => {
  const [first = '', ...others] = addresses.split('\n')
  return (
    <span class="who">
      <StateMark mark={mark} />
      <a href={href(['target', zone, target])}>{shown(target)}</a>
      {first !== '' && (
        <span class="mono" title={addresses}>
          {first}
          {others.length > 0 && ` +${others.length}`}
        </span>
      )}
    </span>
  )
})

interface StateTextProps extends Standing {
  readonly since: string | null
}

const StateText = memo(({ mark, word, note, since }: StateTextProps): VNode => (
  <span
    class={`standing ${mark === 'up' ? '' : `tone-${toneOf(mark)}`}`}
    {...(since === null ? {} : hoverTitle(since, 'since '))}
  >
    <Changed value={mark}>
      <b>{word}</b>
    </Changed>
    {note !== '' && <span title={note}>{note}</span>}
  </span>
))

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

type WeightProps = Pick<MemberRow['weight'], 'configured' | 'effective'>

/** What it was and is, where those differ. */
const Weight = memo(({ configured, effective }: WeightProps): VNode => {
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
