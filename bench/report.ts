// What was measured, as tables in Markdown.

import type { Contender } from './contenders.ts'
import type { Flooded } from './flood.ts'
import type { Latencies } from './latency.ts'
import { type Run, median } from './measure.ts'
import type { Work } from './work.ts'

/** One server in one round; `calm`: the same work undisturbed, where there is a disturbance. */
export interface Played {
  readonly run: Run
  readonly calm: Run | null
}

export function reportWork(
  { name, title, disturbance }: Work,
  contenders: readonly Contender[],
  played: readonly (readonly Played[])[],
): void {
  const columns = [
    '',
    'µs a query',
    'of it user',
    'ratio (least, most)',
    'a second',
    'lost',
    'latency ms',
    'worst ms',
    'codes',
    ...(disturbance ? ['µs undisturbed', 'cost of it'] : []),
  ]
  console.log(`\n### ${name}: ${title}\n`)
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`)
  for (const at of contenders.keys())
    console.log(`| ${rowOf(contenders, played, at).join(' | ')} |`)
}

function rowOf(
  contenders: readonly Contender[],
  played: readonly (readonly Played[])[],
  at: number,
): unknown[] {
  const own = played.map((runs) => runs[at] as Played)
  const of = (what: (run: Run) => number): number => median(own.map(({ run }) => what(run)))
  const ratios = played.map(
    (runs) => (runs[at] as Played).run.microseconds / (runs[0] as Played).run.microseconds,
  )
  const hasBase = ['gdnsd', 'mxsteer mmsg'].includes(contenders[0]?.name ?? '')
  return [
    contenders[at]?.name,
    of((run) => run.microseconds).toFixed(2),
    of((run) => run.userMicroseconds).toFixed(2),
    hasBase ? spreadOf(ratios) : '–',
    Math.round(of((run) => run.perSecond)).toLocaleString('en'),
    own.reduce((sum, { run }) => sum + run.lost, 0),
    of((run) => run.averageMs).toFixed(2),
    of((run) => run.maxMs).toFixed(1),
    own.at(-1)?.run.codes,
    ...calmCells(own),
  ]
}

function calmCells(own: readonly Played[]): string[] {
  const pairs = own.flatMap(({ run, calm }) => (calm === null ? [] : [{ run, calm }]))
  if (pairs.length === 0) return []
  return [
    median(pairs.map(({ calm }) => calm.microseconds)).toFixed(2),
    spreadOf(pairs.map(({ run, calm }) => run.microseconds / calm.microseconds)),
  ]
}

const spreadOf = (ratios: readonly number[]): string =>
  `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}, ${Math.max(...ratios).toFixed(2)})`

export function reportLatencies(
  rate: number,
  contenders: readonly Contender[],
  rounds: readonly (readonly Latencies[])[],
): void {
  console.log(
    `\n### latency: static A at ${rate.toLocaleString('en')} a second, half of the peak\n`,
  )
  console.log(
    '| | p50 ms | p99 ms | p99.9 ms | p99 to gdnsd (least, most) | lost |\n|---|---|---|---|---|---|',
  )
  for (const [at, { name }] of contenders.entries()) {
    const own = rounds.map((latencies) => latencies[at] as Latencies)
    const of = (what: (one: Latencies) => number): string => median(own.map(what)).toFixed(3)
    const ratios = rounds.map((all) => (all[at] as Latencies).p99Ms / (all[0] as Latencies).p99Ms)
    const cells = [
      name,
      of((one) => one.p50Ms),
      of((one) => one.p99Ms),
      of((one) => one.p999Ms),
      contenders[0]?.name === 'gdnsd' ? spreadOf(ratios) : '–',
      own.reduce((sum, { lost }) => sum + lost, 0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

export function reportFlood(
  title: string,
  contenders: readonly Contender[],
  rounds: readonly (readonly Flooded[])[],
): void {
  console.log(`\n### ${title}\n`)
  console.log(
    '| | of others answered, % (least, most) | sent a second | answered a second |\n|---|---|---|---|',
  )
  for (const [at, { name }] of contenders.entries()) {
    const own = rounds.map((flooded) => flooded[at] as Flooded)
    const of = (what: (one: Flooded) => number): string =>
      Math.round(median(own.map(what))).toLocaleString('en')
    const shares = spreadOf(own.map(({ answeredShare }) => 100 * answeredShare))
    const cells = [name, shares, of((one) => one.sentPerSecond), of((one) => one.answeredPerSecond)]
    console.log(`| ${cells.join(' | ')} |`)
  }
}
