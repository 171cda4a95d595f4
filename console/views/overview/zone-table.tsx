// One zone as one table: its pools as groups, their members as rows, in the order of the file, which never changes by
// itself. Above 200 rows groups are folded, and an open one shows its rows by the hundred.

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

import { counted, percent, shortTime, span } from '../../parts/figures.ts'
import { poolHue } from '../../parts/pool-hue.ts'
import { type Share, sharesOf } from '../../parts/share-bar.tsx'
import { shown } from '../../parts/shown.ts'
import { nameKey, type TargetFacts } from '../../parts/standing.ts'
import { href } from '../../shell/route.ts'
import type { MemberRow, PoolRow, ZoneRow } from '../../store/rows.ts'
import { serverNowMs } from '../../store/live.ts'
import { MemberLine } from './member-line.tsx'
import type { Histories } from './use-histories.ts'
import { type PoolUse, type ZoneNotes } from './zone-notes.ts'

const foldsAbove = 200
const rowsAtOnce = 100

interface ZoneTableProps {
  readonly zone: ZoneRow
  readonly pools: readonly PoolRow[]
  readonly members: readonly MemberRow[]
  readonly facts: ReadonlyMap<string, TargetFacts>
  readonly histories: Histories
  /** What the zone file says of it; null: not known yet. */
  readonly notes: ZoneNotes | null
  readonly isFolded: boolean
}

export const shouldFold = (rows: number): boolean => rows > foldsAbove

export function ZoneTable({ zone, pools, members, notes, ...rest }: ZoneTableProps): VNode {
  const byPool = Map.groupBy(members, ({ pool }) => pool)
  const name = shown(zone.zone)
  return (
    <section class="zone" aria-label={name}>
      <div class="zone-head">
        <h2>{name}</h2>
        <span class="dim">{notes?.steered}</span>
        <a class="push" href={href(['zones'], { zone: zone.zone })}>
          {notes === null ? 'Zone file' : `Zone file, ${notes.warnings}`}
        </a>
      </div>
      <div class="card scroll" role="region" aria-label={`${name}, its targets`} tabIndex={0}>
        <table class="members">
          <caption class="visually-hidden">Pools and targets of {name}</caption>
          <colgroup>
            {columns.map(({ key }) => (
              <col key={key} class={`col-${key}`} />
            ))}
          </colgroup>
          <thead>
            <tr>
              {columns.map(({ key, title, isNumber }) => (
                <th key={key} scope="col" class={isNumber ? 'num' : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          {pools.map((pool) => (
            <PoolGroup
              key={pool.pool}
              pool={pool}
              members={byPool.get(pool.pool) ?? []}
              use={notes?.uses.get(pool.pool) ?? null}
              {...rest}
            />
          ))}
        </table>
      </div>
    </section>
  )
}

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

interface PoolGroupProps extends Pick<ZoneTableProps, 'facts' | 'histories' | 'isFolded'> {
  readonly pool: PoolRow
  readonly members: readonly MemberRow[]
  readonly use: PoolUse | null
}

function PoolGroup({ pool, members, use, facts, histories, isFolded }: PoolGroupProps): VNode {
  const [isOpen, setOpen] = useState(!isFolded)
  const [most, setMost] = useState(rowsAtOnce)
  const shares = sharesOf(members)
  const hue = poolHue(pool.pool)
  const rows = isOpen ? members.slice(0, isFolded ? most : members.length) : []
  return (
    <tbody>
      <tr class="pool">
        <th scope="rowgroup" colSpan={columns.length}>
          <PoolLine pool={pool} members={members} use={use} hue={hue}>
            {isFolded && (
              <button
                type="button"
                class="link"
                aria-expanded={isOpen}
                onClick={() => setOpen(!isOpen)}
              >
                {isOpen ? 'Fold' : `Show ${counted(members.length, 'target')}`}
              </button>
            )}
          </PoolLine>
        </th>
      </tr>
      {rows.map((member) => (
        <MemberLine
          key={member.target}
          member={member}
          facts={facts.get(nameKey(member))}
          share={shares.get(member) as Share}
          history={histories.get(nameKey(member))}
          hue={hue}
        />
      ))}
      {isOpen && rows.length < members.length && (
        <tr>
          <td colSpan={columns.length}>
            <button type="button" class="link" onClick={() => setMost(most + rowsAtOnce)}>
              {rowsAtOnce} more of {members.length - rows.length}
            </button>
          </td>
        </tr>
      )}
    </tbody>
  )
}

interface PoolLineProps extends Pick<PoolGroupProps, 'pool' | 'members' | 'use'> {
  readonly hue: string
  readonly children: VNode | false
}

function PoolLine({ pool, members, use, hue, children }: PoolLineProps): VNode {
  const { healthy, healthyShare, availability24h, since } = pool
  const isWeak = healthyShare < 0.999 && pool.members > 0
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
        <WeightStack members={members} />
        <span>
          <b>{healthy}</b> of {pool.members}
        </span>
        <span
          title={
            since === null ? undefined : `counted since ${shortTime(since, serverNowMs.value)} UTC`
          }
        >
          {windowName(since)} <b>{availability24h === null ? '–' : percent(availability24h, 2)}</b>
        </span>
        <BudgetLeft pool={pool} />
      </span>
    </div>
  )
}

/** A window of a day that has not run for a day yet says for how long it has. */
function windowName(since: string | null): string {
  const seconds = since === null ? 0 : (serverNowMs.value - Date.parse(since)) / 1000
  return seconds <= 0 || seconds > 82_800 ? '24 h' : span(Math.max(60, seconds))
}

function BudgetLeft({ pool: { errorBudgetLeft: left } }: { pool: PoolRow }): VNode {
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

/** The weights of its members beside each other; what does not take part is hatched. */
function WeightStack({ members }: { members: readonly MemberRow[] }): VNode {
  const total = members.reduce((sum, { weight }) => sum + weight.configured, 0)
  const shownMembers = members.slice(0, 40)
  return (
    <span class="stack" aria-hidden="true">
      {total > 0 &&
        shownMembers.map(({ target, weight, out }) => (
          <i
            key={target}
            class={out === null ? undefined : 'gone'}
            style={{ width: `${((weight.configured / total) * 100).toFixed(2)}%` }}
          />
        ))}
    </span>
  )
}
