// Error budgets: how much of what a pool may fail in 30 days is left, how fast it goes, and when it is gone.

import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'

import { LineChart } from '../../charts/line-chart.tsx'
import { Card, InTerminal } from '../../parts/card.tsx'
import { curlCommand } from '../../parts/command.ts'
import { useFirstRows } from '../../parts/first-rows.tsx'
import { poolHue } from '../../parts/pool-hue.ts'
import '../../parts/plain-table.css'
import { Refusal } from '../../parts/refusal.tsx'
import { shown } from '../../parts/shown.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { stripPaths } from '../../parts/strip.tsx'
import { Windows } from '../../parts/windows.tsx'
import { href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { useReply } from '../../store/use-reply.ts'
import type { BudgetsView, BudgetView } from '../../../src/admin/views/budgets-view.ts'
import './budgets.css'
import {
  availabilities,
  burnText,
  courseOf,
  goneText,
  leftText,
  toneOf,
  worries,
} from './budgets.ts'

type BudgetsReply = Omit<BudgetsView, 'pools'> & { readonly pools: readonly BudgetView[] }

const windows = ['1h', '24h', '30d'] as const

/** A bucket is a minute at least. */
const askEveryMs = 30_000

export function Budgets({ query }: ViewProps): VNode {
  const window = windows.find((one) => one === query.get('window')) ?? '24h'
  const { reply, value } = useReply<BudgetsReply>(`budgets?window=${window}`, {
    everyMs: askEveryMs,
  })
  const chosen = value?.pools.find((pool) => poolPath(pool) === query.get('pool'))
  return (
    <>
      <ViewHead title="Error budgets">
        <Windows
          path="budgets"
          windows={windows}
          current={window}
          also={{ pool: query.get('pool') ?? '' }}
        />
      </ViewHead>
      <Refusal reply={reply} />
      {value !== null && (
        <>
          <Worries pools={value.pools} />
          <Zones pools={value.pools} window={window} />
          {chosen !== undefined && <Course reply={value} pool={chosen} />}
        </>
      )}
      <InTerminal command={commandOf(window)} />
    </>
  )
}

function Zones({ pools, window }: Pick<ZoneBudgetsProps, 'pools' | 'window'>): VNode {
  const { rows, rest } = useFirstRows(pools, 'pools')
  return (
    <>
      {[...Map.groupBy(rows, ({ zone }) => zone)].map(([zone, its]) => (
        <ZoneBudgets key={zone} zone={zone} pools={its} window={window} />
      ))}
      {rest}
    </>
  )
}

const poolPath = ({ zone, pool }: BudgetView): string => `${zone}/${pool}`

function Worries({ pools }: { readonly pools: readonly BudgetView[] }): VNode {
  const found = worries(pools)
  const { rows, rest } = useFirstRows(found, 'budgets that need a look')
  if (pools.length === 0)
    return <p class="card nothing">No pool is probed, so nothing is counted.</p>
  if (found.length === 0) {
    const isAny = pools.some(({ target }) => target !== null)
    return (
      <p class="card quiet">
        {isAny
          ? 'Every pool fails less than its target allows.'
          : 'No pool has a target: with availability_target in its zone file a pool has an error budget.'}
      </p>
    )
  }
  return (
    <ul class="card budget-worries" aria-label="Budgets that need a look">
      {rows.map(({ pool, says }) => (
        <li key={poolPath(pool)}>
          <StateMark mark={toneOf(pool) === 'bad' ? 'down' : 'suspect'} />
          <span>
            <b>{shown(pool.pool)}</b> {says}
          </span>
        </li>
      ))}
      {rest !== null && <li>{rest}</li>}
    </ul>
  )
}

interface ZoneBudgetsProps {
  readonly zone: string
  readonly pools: readonly BudgetView[]
  readonly window: string
}

const ZoneBudgets = ({ zone, pools, window }: ZoneBudgetsProps): VNode => (
  <section class="budget-zone">
    <h2>{shown(zone)}</h2>
    <div class="card scroll" tabIndex={0} role="region" aria-label={`Budgets of ${shown(zone)}`}>
      <table class="budgets">
        <caption class="visually-hidden">
          Availability and error budgets of the pools of {shown(zone)}
        </caption>
        <thead>
          <tr>
            <th scope="col">Pool</th>
            <th scope="col" class="num">
              1 h
            </th>
            <th scope="col" class="num">
              24 h
            </th>
            <th scope="col" class="num">
              30 d
            </th>
            <th scope="col" class="num">
              Target
            </th>
            <th scope="col">Budget of 30 d</th>
            <th scope="col" class="num">
              Spent at, 1 h
            </th>
            <th scope="col">At this rate gone</th>
            <th scope="col">Last {window.replace(/(?=[a-z])/, '\u2009')}</th>
          </tr>
        </thead>
        <tbody>
          {pools.map((pool) => (
            <BudgetRow key={pool.pool} pool={pool} window={window} />
          ))}
        </tbody>
      </table>
    </div>
  </section>
)

function BudgetRow({
  pool,
  window,
}: {
  readonly pool: BudgetView
  readonly window: string
}): VNode {
  return (
    <tr>
      <th scope="row" style={{ '--hue': poolHue(pool.pool) }}>
        <i class="hue" />
        <a href={href(['budgets'], { window, pool: poolPath(pool) })}>{shown(pool.pool)}</a>
      </th>
      {(['1h', '24h', '30d'] as const).map((name) => (
        <td key={name} class="num" data-label={name}>
          {shareText(pool.windows[name].availability)}
        </td>
      ))}
      <td class="num" data-label="target">
        {pool.target === null ? <span class="dim">none</span> : shareText(pool.target)}
      </td>
      <td data-label="budget">
        <BudgetLeft pool={pool} />
      </td>
      <td class="num" data-label="spent at, 1 h">
        {burnText(pool.burnRates['1h'])}
      </td>
      <td data-label="at this rate gone">{goneText(pool)}</td>
      <td class="course">
        <CourseStrip pool={pool} />
      </td>
    </tr>
  )
}

function BudgetLeft({ pool }: { readonly pool: BudgetView }): VNode {
  const tone = toneOf(pool)
  const left = Math.max(0, Math.min(1, pool.errorBudgetLeft ?? 0))
  return (
    <span class="budget-left">
      <span class={`bar tone-${tone}`} aria-hidden="true">
        <i style={{ width: `${(left * 100).toFixed(1)}%` }} />
      </span>
      <span class={tone === 'bad' ? 'tone-bad' : ''}>{leftText(pool)}</span>
    </span>
  )
}

/** Five nines are told from four, and whole figures have no zeros behind. */
const shareText = (share: number | null): string => {
  if (share === null) return '–'
  const decimals = share < 0.9 ? 1 : share < 0.999 ? 2 : 3
  return `${Number((share * 100).toFixed(decimals))}\u2009%`
}

function CourseStrip({ pool }: { readonly pool: BudgetView }): VNode {
  const course = courseOf(pool)
  const bars = stripPaths(course, { width: 180, height: 22 })
  const above = course.worst.filter((one) => one === 'suspect' || one === 'down').length
  const watched = course.worst.filter((one) => one !== null).length
  const sentence = `${shown(pool.pool)}: more failures than allowed in ${above} of ${watched} parts`
  return (
    <svg
      class="history-strip"
      viewBox="0 0 180 22"
      preserveAspectRatio="none"
      role="img"
      aria-label={sentence}
    >
      <title>{sentence}</title>
      {(['gap', 'up', 'warn', 'bad'] as const).map(
        (tone) => bars[tone] !== '' && <path key={tone} class={tone} d={bars[tone]} />,
      )}
    </svg>
  )
}

/** Of the pool that was chosen: what it reached, beside what it is to reach. */
function Course({
  reply,
  pool,
}: {
  readonly reply: BudgetsReply
  readonly pool: BudgetView
}): VNode {
  const { start, stepSeconds } = reply
  const times = useMemo(
    () => pool.total.map((_, i) => Date.parse(start) / 1000 + i * stepSeconds),
    [pool, start, stepSeconds],
  )
  const series = useMemo(
    () => [
      { label: shown(pool.pool), hue: poolHue(pool.pool), values: availabilities(pool) },
      ...(pool.target === null
        ? []
        : [
            {
              label: 'target',
              hue: 'var(--ink-3)',
              isReference: true,
              values: pool.total.map(() => pool.target),
            },
          ]),
    ],
    [pool],
  )
  const title = `Availability of ${shown(pool.pool)} in ${shown(pool.zone)}`
  return (
    <Card title={title} className="budget-course">
      <LineChart
        title={title}
        unit="of probes"
        times={times}
        series={series}
        format={(share) => shareText(share)}
        range={rangeOf(pool)}
      />
    </Card>
  )
}

/** A tenth of a percent would not be seen on an axis from 0. */
const rangeOf = (pool: BudgetView): readonly [number, number] => {
  const known = availabilities(pool).filter((one) => one !== null)
  const least = Math.min(pool.target ?? 1, ...known)
  return [Math.max(0, least - Math.max(0.0005, (1 - least) * 0.2)), 1]
}

const commandOf = (window: string): string =>
  `${curlCommand(`budgets?window=${window}`)} | jq '.pools[] | {zone, pool, errorBudgetLeft, burnRates, goneAfterSeconds}'`
