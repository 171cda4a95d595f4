// How long answers take at half of what a server can do: dnsperf tells of each (-v), and what is compared is the slow end.
//
// All are asked at one rate, half of the lower peak of gdnsd and of ours, in turns.

import { type Contender } from './contenders.ts'
import { figureIn, median, play, run } from './measure.ts'

export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly lost: number
}

/** Peaks of the others do not count: a server slower than that shows in what is lost. */
const compared = ['gdnsd', 'mxsteer mmsg']
const peakSeconds = 1

export async function halfOfPeak(
  contenders: readonly Contender[],
  options: readonly string[],
): Promise<number> {
  const peaks: number[] = []
  for (const { name, port, child } of contenders) {
    if (!compared.includes(name)) continue
    const runs: number[] = []
    for (let i = 0; i < 3; i++)
      runs.push((await play({ port, pid: child.pid, seconds: peakSeconds, options })).perSecond)
    peaks.push(median(runs))
  }
  return Math.floor(Math.min(...peaks) / 2)
}

/** `rate`: queries a second. */
export async function latenciesOf(
  { port }: Contender,
  {
    rate,
    seconds,
    options,
  }: { readonly rate: number; readonly seconds: number; readonly options: readonly string[] },
): Promise<Latencies> {
  const fixed = ['-v', '-s', '127.0.0.1', '-p', String(port), '-l', String(seconds), '-t', '2']
  const printed = await run('dnsperf', [...fixed, ...options, '-Q', String(rate)], seconds + 30)
  const ms: number[] = []
  // "> NOERROR plain.bench.test A 0.000123"
  for (const [, took] of printed.matchAll(/^> \S+ .*? (\d+\.\d+)$/gm)) ms.push(Number(took) * 1000)
  ms.sort((a, b) => a - b)
  const at = (share: number): number =>
    ms[Math.min(ms.length - 1, Math.floor(ms.length * share))] ?? Number.NaN
  const lost = figureIn(printed, 'Queries lost')
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), lost }
}
