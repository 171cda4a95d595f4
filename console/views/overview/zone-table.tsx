// One zone as one table: its pools as groups, their members as rows, in an order by names, which never changes by
// itself. Above 200 rows groups are folded, and rows are in the page while they are in view.

import { computed, type ReadonlySignal } from '@preact/signals'
import type { ComponentChildren, VNode } from 'preact'
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'

import { counted, percent, shortTime, span } from '../../parts/figures.ts'
import { memo } from '../../parts/memo.ts'
import { poolHue } from '../../parts/pool-hue.ts'
import { type ShareSums, shareSumsOf } from '../../parts/share-bar.tsx'
import { shown } from '../../parts/shown.ts'
import { isWindowed, rowCount, type RowGroup, WindowedRows } from '../../parts/windowed-rows.tsx'
import { href } from '../../shell/route.ts'
import { overview, serverNowMs } from '../../store/live.ts'
import { poolMembersOf, poolOf } from '../../store/places.ts'
import type { MemberRow, PoolRow } from '../../store/rows.ts'
import { steadily, useSteady } from '../../store/use-steady.ts'
import { MemberLine } from './member-line.tsx'
import { type PoolUse, type ZoneNotes } from './zone-notes.ts'
import type { PoolShape, ZoneShape } from './zone-shapes.ts'

interface ZoneTableProps {
  readonly shape: ZoneShape
  /** What the zone file says of it; null: not known yet. */
  readonly notes: ZoneNotes | null
  readonly isFolded: boolean
  /** Row that the address asks for, and its pool; null: none here. */
  readonly wanted: { readonly pool: string; readonly member: string } | null
}

export const ZoneTable = memo(({ shape, notes, isFolded, wanted }: ZoneTableProps): VNode => {
  const name = shown(shape.zone)
  const { groups, isOpen } = useGroups({ shape, notes, isFolded, wanted })
  const mostWhole = isFolded ? mostWholeFolded : mostWholeOpen
  const hasWindow = isWindowed(groups, mostWhole)
  return (
    <section class={hasWindow ? 'zone' : 'zone is-whole'} aria-label={name}>
      <div class="zone-head">
        <h2>{name}</h2>
        <span class="dim">{notes?.steered}</span>
        {hasWindow && (
          <span class="dim">
            the browser’s own search sees the rows in view; <kbd>/</kbd> finds all
          </span>
        )}
        <a class="push" href={href(['zones'], { zone: shape.zone })}>
          {notes === null ? 'Zone file' : `Zone file, ${notes.warnings}`}
        </a>
      </div>
      <div class="card scroll" role="region" aria-label={`${name}, its targets`} tabIndex={0}>
        <table class="members" aria-rowcount={rowCount(groups)}>
          <caption class="visually-hidden">Pools and targets of {name}</caption>
          <colgroup>
            {columns.map(({ key }) => (
              <col key={key} class={`col-${key}`} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map(({ key, title, isNumber }) => (
                <th key={key} scope="col" class={isNumber ? 'num' : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <WindowedRows
            groups={groups}
            columns={columns.length}
            mostWhole={mostWhole}
            wanted={wanted !== null && isOpen(wanted.pool) ? wanted.member : null}
          />
        </table>
      </div>
    </section>
  )
})

/** The browser's own search finds all rows of a table that is not folded; of one that is it does not in any case. */
const mostWholeOpen = 200
const mostWholeFolded = 40

const columns: readonly { key: string; title: string; isNumber?: true }[] = [
  { key: 'who', title: 'Target' },
  { key: 'state', title: 'State' },
  { key: 'hour', title: 'Last hour' },
  { key: 'latency', title: 'p50 · p99', isNumber: true },
  { key: 'votes', title: 'Votes' },
  { key: 'weight', title: 'Weight', isNumber: true },
  { key: 'share', title: 'Share, had and due' },
  { key: 'caches', title: 'In caches' },
]

interface Groups {
  readonly groups: readonly RowGroup<string>[]
  readonly isOpen: (pool: string) => boolean
}

/** The pools of a zone as groups of rows, of which the reader opens and folds some where there are many. */
function useGroups({ shape, notes, isFolded, wanted }: ZoneTableProps): Groups {
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set())
  const isOpen = useCallback((pool: string) => isFolded === turned.has(pool), [isFolded, turned])
  const wantedPool = wanted?.pool ?? null
  useEffect(() => {
    if (wantedPool !== null && isFolded) setTurned((before) => new Set([...before, wantedPool]))
  }, [wantedPool, isFolded])
  const contents = useMemo(
    () => new Map(shape.pools.map((pool) => [pool.key, contentsOf(pool)])),
    [shape],
  )
  const groups = useMemo(
    () =>
      shape.pools.map((pool): RowGroup<string> => {
        const hue = poolHue(pool.pool)
        const fold = isFolded
          ? { isOpen: isOpen(pool.key), turn: () => setTurned(turnedOver(pool.key)) }
          : null
        const use = notes?.uses.get(pool.pool) ?? null
        const { members, sums } = contents.get(pool.key) as PoolContents
        return {
          key: pool.key,
          head: (index) => (
            <PoolHead
              key={pool.key}
              pool={pool}
              members={members}
              use={use}
              hue={hue}
              index={index}
              fold={fold}
            />
          ),
          rows: isOpen(pool.key) ? pool.members : [],
          row: (member, index) => (
            <MemberLine key={member} member={member} sums={sums} hue={hue} index={index} />
          ),
        }
      }),
    [shape, notes, isFolded, isOpen, contents],
  )
  return { groups, isOpen }
}

const turnedOver =
  (pool: string) =>
  (before: ReadonlySet<string>): ReadonlySet<string> =>
    new Set(before.has(pool) ? [...before].filter((one) => one !== pool) : [...before, pool])

/** What is in a pool: another value where something of it has become another. */
interface PoolContents {
  readonly members: ReadonlySignal<readonly MemberRow[]>
  readonly sums: ReadonlySignal<ShareSums>
}

const noMembers: readonly MemberRow[] = []

function contentsOf({ key }: PoolShape): PoolContents {
  const members = computed(() =>
    overview.value === null ? noMembers : poolMembersOf(overview.value, key),
  )
  return { members, sums: steadily(() => shareSumsOf(members.value)) }
}

interface PoolHeadProps {
  readonly pool: PoolShape
  readonly members: PoolContents['members']
  readonly use: PoolUse | null
  readonly hue: string
  /** For `aria-rowindex`. */
  readonly index: number
  /** null: its members are always there. */
  readonly fold: { readonly isOpen: boolean; readonly turn: () => void } | null
}

function PoolHead({ fold, index, ...line }: PoolHeadProps): VNode {
  return (
    <tr class="pool" aria-rowindex={index}>
      <th scope="rowgroup" colSpan={columns.length}>
        <PoolLine {...line}>
          {fold !== null && (
            <button type="button" class="link" aria-expanded={fold.isOpen} onClick={fold.turn}>
              {fold.isOpen ? 'Fold' : `Show ${counted(line.pool.members.length, 'target')}`}
            </button>
          )}
        </PoolLine>
      </th>
    </tr>
  )
}

interface PoolLineProps extends Omit<PoolHeadProps, 'index' | 'fold'> {
  readonly children: ComponentChildren
}

function PoolLine({ pool, members: rows, use, hue, children }: PoolLineProps): VNode {
  const { row } = useSteady(useCallback(() => ({ row: rowOf(pool) }), [pool]))
  const { healthy = 0, healthyShare = 1, members = 0, availability24h = null } = row ?? {}
  const isWeak = healthyShare < 0.999 && members > 0
  return (
    <div class="pool-line" style={{ '--hue': hue }}>
      <span class="pool-name">
        <i aria-hidden="true" />
        {shown(pool.pool)}
      </span>
      <span class="dim">{use?.leads}</span>
      {children}
      <span class="push">
        <span class="weak">{isWeak && `${percent(healthyShare, 0)} of its weight`}</span>
        <WeightStack members={rows} />
        <span>
          <b>{healthy}</b> of {members}
        </span>
        <Availability since={row?.since ?? null} share={availability24h} />
        <BudgetLeft left={row?.errorBudgetLeft ?? null} />
      </span>
    </div>
  )
}

const rowOf = ({ key }: PoolShape): PoolRow | undefined =>
  overview.value === null ? undefined : poolOf(overview.value, key)

/** A window of a day that has not run for a day yet says for how long it has. */
function Availability({
  since,
  share,
}: {
  readonly since: string | null
  readonly share: number | null
}): VNode {
  const { name, title } = useSteady(useCallback(() => windowOf(since), [since]))
  return (
    <span title={title}>
      {name} <b>{share === null ? '–' : percent(share, 2)}</b>
    </span>
  )
}

interface CountedWindow {
  readonly name: string
  readonly title: string | undefined
}

function windowOf(since: string | null): CountedWindow {
  const nowMs = serverNowMs.value
  const seconds = since === null ? 0 : (nowMs - Date.parse(since)) / 1000
  return {
    name: seconds <= 0 || seconds > 82_800 ? '24 h' : span(Math.max(60, seconds)),
    title: since === null ? undefined : `counted since ${shortTime(since, nowMs)} UTC`,
  }
}

function BudgetLeft({ left }: { readonly left: number | null }): VNode {
  if (left === null) return <span />
  return left <= 0 ? (
    <span>
      budget <b class="tone-bad">spent</b>
    </span>
  ) : (
    <span>
      budget <b>{percent(left, 0)}</b>
    </span>
  )
}

const mostInStack = 40

/** The weights of its members beside each other; what does not take part is hatched. */
function WeightStack({ members }: Pick<PoolContents, 'members'>): VNode {
  const parts = useSteady(useCallback(() => partsOf(members.value), [members]))
  const weights = useMemo(() => stackOf(parts), [parts])
  return <span class="stack" aria-hidden="true" style={{ '--weights': weights }} />
}

/** What its stack shows of members: most messages change something else. */
interface StackParts {
  readonly weights: readonly number[]
  readonly isOut: readonly boolean[]
}

const partsOf = (members: readonly MemberRow[]): StackParts => ({
  weights: members.map(({ weight }) => weight.configured),
  isOut: members.map(({ out }) => out !== null),
})

/** Stops of a gradient, in tints by turns; what does not take part lets the hatching through. */
function stackOf({ weights, isOut }: StackParts): string {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const stops: string[] = []
  let end = 0
  for (const [i, weight] of (total > 0 ? weights.slice(0, mostInStack) : []).entries()) {
    const start = `calc(${end.toFixed(2)}% + ${i === 0 ? 0 : 1.5}px)`
    end += (weight / total) * 100
    const colour = isOut[i] === true ? 'transparent' : `var(--tint-${i % 3})`
    stops.push(`var(--line) 0 ${start}`, `${colour} 0 ${end.toFixed(2)}%`)
  }
  return [...stops, 'var(--line) 0 100%'].join()
}
