// Latency and state of an address over an hour or a day.

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

import { type ChartBand, LineChart } from '../../charts/line-chart.tsx'
import { Card } from '../../parts/card.tsx'
import { milliseconds } from '../../parts/figures.ts'
import type { AddressDetail, HistoryReply, HistorySeries } from '../../store/rows.ts'
import { serverNowMs } from '../../store/live.ts'
import { useReply } from '../../store/use-reply.ts'
import { latencyText } from './facts.tsx'

const windows = ['1h', '24h'] as const
const windowNames = { '1h': 'last hour', '24h': 'last 24 hours' } as const

interface LatencyProps {
  readonly address: AddressDetail
  /** To be marked, in seconds since 1970; null: none. */
  readonly moment: number | null
}

export function Latency({ address, moment }: LatencyProps): VNode {
  const [window, choose] = useState<(typeof windows)[number]>(() =>
    moment !== null && serverNowMs.peek() / 1000 - moment > 3600 ? '24h' : '1h',
  )
  const { zone, target, address: ip, port } = address
  const query = new URLSearchParams({ window, zone, target, address: ip })
  const { value } = useReply<HistoryReply>(`history?${query}`, { everyMs: 30_000 })
  const series = value?.series.find((one) => one.address === ip && one.port === port)
  return (
    <Card
      title={
        <span class="tabs">
          {windows.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === window}
              onClick={() => choose(one)}
            >
              Latency, {windowNames[one]}
            </button>
          ))}
        </span>
      }
      aside={latencyText(address)}
    >
      {value === null || series === undefined ? (
        <p class="dim">
          {value?.available === false ? 'History is off at this server.' : 'Nothing yet.'}
        </p>
      ) : (
        <LineChart
          title={`Latency of ${ip}, ${windowNames[window]}`}
          unit="ms"
          times={timesOf(value, series)}
          series={[
            { label: 'median', hue: 'var(--h1)', values: series.p50Ms },
            { label: 'slowest', hue: 'var(--h4)', dash: [3, 3], values: series.maxMs },
          ]}
          bands={bandsOf(value, series)}
          moment={moment}
          format={milliseconds}
        />
      )}
    </Card>
  )
}

const timesOf = (
  { start, stepSeconds }: HistoryReply,
  { worst }: HistorySeries,
): readonly number[] => worst.map((_, i) => Date.parse(start ?? '') / 1000 + i * stepSeconds)

/** Stretches in which it was down or suspect. */
export function bandsOf(reply: HistoryReply, series: HistorySeries): readonly ChartBand[] {
  const times = timesOf(reply, series)
  const bands: ChartBand[] = []
  for (const [i, state] of series.worst.entries()) {
    const tone = state === 'down' ? 'bad' : state === 'suspect' ? 'warn' : null
    const from = times[i]
    if (tone === null || from === undefined) continue
    const last = bands.at(-1)
    const to = from + reply.stepSeconds
    if (last !== undefined && last.tone === tone && last.to === from)
      bands[bands.length - 1] = { ...last, to }
    else bands.push({ from, to, tone })
  }
  return bands
}
