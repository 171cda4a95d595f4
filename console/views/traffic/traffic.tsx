// Traffic: what is asked and answered, as this instance counted it.

import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'

import { LineChart } from '../../charts/line-chart.tsx'
import { Card, InTerminal } from '../../parts/card.tsx'
import { curlCommand } from '../../parts/command.ts'
import { counted, figure, grouped, percent } from '../../parts/figures.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { Windows } from '../../parts/windows.tsx'
import { ViewHead } from '../../shell/view-head.tsx'
import type { ViewProps } from '../../shell/view-row.ts'
import { useReply } from '../../store/use-reply.ts'
import {
  countedSince,
  countOf,
  ratesOf,
  shareOf,
  timesOf,
  totalOf,
  type TrafficReply,
} from './rates.ts'
import './traffic.css'

const windows = ['1h', '24h'] as const

/** A new bucket is complete that often, and nothing else changes. */
const askEveryMs = { '1h': 10_000, '24h': 60_000 } as const

export function Traffic({ query }: ViewProps): VNode {
  const window = windows.find((one) => one === query.get('window')) ?? '1h'
  const { reply, value } = useReply<TrafficReply>(`traffic?window=${window}`, {
    everyMs: askEveryMs[window],
  })
  return (
    <>
      <ViewHead title="Traffic">
        <Windows path="traffic" windows={windows} current={window} />
      </ViewHead>
      <Refusal reply={reply} />
      {value !== null && (
        <>
          <Totals reply={value} />
          <Charts reply={value} />
        </>
      )}
      <InTerminal command={commandOf(window)} />
    </>
  )
}

function Totals({ reply }: { readonly reply: TrafficReply }): VNode {
  const { types, rcodes, transports, reasons, fates, workers, window } = reply
  const since = countedSince(reply)
  const known = since === null ? `in ${window.replace('h', '\u2009h')}` : `since ${clockOf(since)}`
  const over = totalOf(types) === 0 ? 'counted yet' : known
  const figures: readonly (readonly [label: string, value: string, note: string])[] = [
    ['Queries', grouped(totalOf(types)), over],
    ['NOERROR', shareText(shareOf(rcodes, 'NOERROR'), 2), 'of answers'],
    ['By TCP', shareText(shareOf(transports, 'tcp'), 1), 'of queries'],
    ['Failed open', grouped(countOf(reasons, 'failed-open')), 'answers'],
    ['Truncated', grouped(countOf(fates, 'truncated')), 'answers'],
    ['Workers', `${workers.alive} of ${workers.of}`, counted(workers.restarts, 'restart')],
  ]
  return (
    <dl class="card totals">
      {figures.map(([label, value, note]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value} <small>{note}</small>
          </dd>
        </div>
      ))}
    </dl>
  )
}

const shareText = (share: number | null, decimals: number): string =>
  share === null ? '–' : percent(share, decimals)

const clockOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 16)

interface ChartText {
  readonly group: 'types' | 'rcodes' | 'reasons' | 'transports' | 'fates'
  readonly title: string
  readonly unit: string
  /** For a longer past than is kept here. */
  readonly promql: string
  readonly empty: string
}

const charts: readonly ChartText[] = [
  {
    group: 'types',
    title: 'Queries by type',
    unit: 'queries a second',
    promql: 'sum by (type) (rate(mxsteer_queries_total[5m]))',
    empty: 'No query has come yet.',
  },
  {
    group: 'rcodes',
    title: 'Answers by RCODE',
    unit: 'answers a second',
    promql: 'sum by (rcode) (rate(mxsteer_responses_total[5m]))',
    empty: 'Nothing has been answered yet.',
  },
  {
    group: 'reasons',
    title: 'Steered answers by reason',
    unit: 'answers a second',
    promql: 'sum by (reason) (rate(mxsteer_answers_total[5m]))',
    empty: 'No steered name has been answered yet.',
  },
  {
    group: 'transports',
    title: 'Queries by transport',
    unit: 'queries a second',
    promql: 'rate(mxsteer_tcp_queries_total[5m])',
    empty: 'No query has come yet.',
  },
  {
    group: 'fates',
    title: 'Truncated, limited and refused',
    unit: 'a second',
    promql: 'sum by (fate) (rate(mxsteer_packets_total[5m]))',
    empty: 'Nothing was truncated, limited or refused.',
  },
]

/** What is wrong where there is much of it has the colour that says so. */
const hues: Readonly<Record<string, string>> = {
  NOERROR: 'var(--h1)',
  SERVFAIL: 'var(--bad-mark)',
  REFUSED: 'var(--warn-mark)',
  eligible: 'var(--h1)',
  'failed-open': 'var(--bad-mark)',
  panic: 'var(--warn-mark)',
  failures: 'var(--bad-mark)',
  udp: 'var(--h1)',
  tcp: 'var(--h2)',
}

const Charts = ({ reply }: { readonly reply: TrafficReply }): VNode => (
  <div class="traffic-charts">
    {charts.map((chart) => (
      <TrafficChart key={chart.group} reply={reply} text={chart} />
    ))}
  </div>
)

interface TrafficChartProps {
  readonly reply: TrafficReply
  readonly text: ChartText
}

function TrafficChart({
  reply,
  text: { group, title, unit, promql, empty },
}: TrafficChartProps): VNode {
  const times = useMemo(() => timesOf(reply), [reply])
  const series = useMemo(() => ratesOf(reply[group], reply.stepSeconds, hues), [reply, group])
  return (
    <Card title={title}>
      {series.length === 0 ? (
        <p class="mid">{empty}</p>
      ) : (
        <LineChart title={title} unit={unit} times={times} series={series} format={figure} />
      )}
      <details class="promql">
        <summary>longer, in Prometheus</summary>
        <code>{promql}</code>
      </details>
    </Card>
  )
}

const commandOf = (window: string): string =>
  `${curlCommand(`traffic?window=${window}`)} | jq .types`
