// What a query costs the threads that answer while ten consoles are open, beside what it costs without them.
//
// CPU time of those threads alone, by their names, so that what looking for consoles costs the control thread is not in it. Ten
// streams are read to their ends, and in both cases orders come twice a second, so that there is something to tell.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { temporaryFolder } from '../test/support/server.ts'
import { type ConsoleWorld, zoneName } from './console-world.ts'
import { median, run } from './measure.ts'

// An import would read every export of node:http, and one of them loads all of undici.
const { get } = process.getBuiltinModule('node:http')

const consoles = 10
const orderEveryMs = 500
const questions = { static: `ns1.${zoneName(0)} A`, mx: `mx0.${zoneName(0)} MX` } as const

/** Cost with ten consoles open through that without any. */
export interface AnswerRatios {
  readonly static: number
  readonly mx: number
}

/** By turns; medians of the rounds. */
export async function answerRatios(
  world: ConsoleWorld,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<AnswerRatios> {
  const ratios = { static: [] as number[], mx: [] as number[] }
  for (let round = 0; round < rounds; round++)
    for (const row of ['static', 'mx'] as const) {
      const without = await costOf(world, questions[row], seconds)
      const close = await openStreams(world)
      const withTen = await costOf(world, questions[row], seconds)
      close()
      ratios[row].push(withTen / without)
    }
  return { static: median(ratios.static), mx: median(ratios.mx) }
}

/** CPU time a query. */
async function costOf(world: ConsoleWorld, question: string, seconds: number): Promise<number> {
  const { port, pid } = world.server
  const file = join(temporaryFolder(), 'questions')
  writeFileSync(file, `${question}\n`)
  let orders = 0
  const timer = setInterval(() => void world.setWeight(orders++ % 2 ? 0.5 : 0.25), orderEveryMs)
  const before = answeringTicks(pid)
  const load = ['-l', String(seconds), '-t', '2', '-c', '10', '-q', '100', '-d', file]
  const printed = await run(
    'dnsperf',
    ['-s', '127.0.0.1', '-p', String(port), ...load],
    seconds + 20,
  )
  clearInterval(timer)
  const completed = Number(/Queries completed: +(\d+)/.exec(printed)?.[1])
  return (answeringTicks(pid) - before) / completed
}

/** Of the threads that take datagrams and streams of DNS: hundredths of a second so far. */
function answeringTicks(pid: number): number {
  const tasks = `/proc/${pid}/task`
  const ticks = readdirSync(tasks).map((id) => {
    const name = readFileSync(join(tasks, id, 'comm'), 'latin1')
    if (!/^(?:mmsg|dgram|stream)-\d/.test(name)) return 0
    const text = readFileSync(join(tasks, id, 'stat'), 'latin1').replace(/^.*\) /, '')
    const fields = text.split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, one) => sum + one, 0)
}

/** Resolves once all say hello; gives what closes them. */
async function openStreams({ server }: ConsoleWorld): Promise<() => void> {
  const url = `http://127.0.0.1:${server.adminPort}/stream`
  const closes = await Promise.all(
    Array.from(
      { length: consoles },
      () =>
        new Promise<() => void>((resolve, reject) => {
          const request = get(url, { agent: false }, (response) => {
            if (response.statusCode !== 200) reject(new Error(`/stream: ${response.statusCode}`))
            response.once('data', () => resolve(() => void request.destroy()))
            response.resume()
            response.on('error', () => {})
          })
          request.on('error', reject)
        }),
    ),
  )
  return () => {
    for (const close of closes) close()
  }
}
