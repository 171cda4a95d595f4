// What the console costs, and how soon it shows something: node bench/console.ts [--rounds 5] [--targets 12,1000,10000]
//
// A server with so many targets, probed each 30 s, and Debian's Chromium, all on this machine's cores. Medians of the rounds:
//
//   first data     from the last octet of the HTML to the first table of targets in a frame, in a browser that has nothing
//                  cached
//   main thread    CPU time of the page's main thread until then, the start of the page included
//   delta, task    of the page's main thread: what its tasks take more in 15 s in which 30 deltas of one target come, pools opened,
//                  than in 15 s before; from a server that sends these and nothing else
//   delta, handler of that the handler of the message alone, in which rows are merged
//   order, task    the same for a weight that is set at the server: two events, what is ordered, and the delta, or part of one
//   on screen      from when /status has a target that has died to its sentence in the page; /status is asked each 50 ms, and
//                  what was sooner on screen is below 0
//   control        CPU of the control thread, in percent of a core, without a console and with ten of them open
//   static A, MX   CPU time a query of the answering threads with ten streams read, through that without, in turns
//   octets         of /overview, a member and an address
//   heap           of the page after a collection
//
// Prints a table for RESULTS.md.

import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import { type Browser, chromium, type Page } from 'playwright-core'

import type { Overview } from '../src/admin/live/overview-rows.ts'
import { memberRow, scriptConsole, targetRow } from '../test/console/scripted-console.ts'
import { launchOptions } from '../test/support/browser.ts'
import { pause, until } from '../test/support/wait.ts'
import { type AnswerRatios, answerRatios } from './console-answers.ts'
import { type ConsoleWorld, startWorld, zoneName } from './console-world.ts'
import { median } from './measure.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    targets: { type: 'string', default: '12,1000,10000' },
    /** Of each measurement of CPU. */
    seconds: { type: 'string', default: '20' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const consoles = 10

interface Measured {
  readonly firstData: FirstData
  readonly deltaTaskMs: number
  readonly deltaHandlerMs: number
  readonly orderTaskMs: number
  readonly onScreenMs: number
  /** Percent of a core. */
  readonly control: readonly [none: number, ten: number]
  readonly octets: { readonly member: number; readonly address: number; readonly all: number }
  readonly answers: AnswerRatios
  readonly heapMib: number
}

/** Said by the page when its first data has been drawn: to ask it before that would take as long as a part of what is measured. */
const drawn = 'bench: drawn'

/** What the page notes of itself, from before its first script. */
const notes = `
  window.bench = { dataMs: null, handlerMs: [] }
  const data = new MutationObserver(() => {
    if (document.querySelector('table.members') === null) return
    data.disconnect()
    requestAnimationFrame(() => setTimeout(() => {
      bench.dataMs = performance.now()
      console.debug('${drawn}')
    }))
  })
  data.observe(document, { subtree: true, childList: true })
  const listen = EventSource.prototype.addEventListener
  EventSource.prototype.addEventListener = function (kind, listener) {
    listen.call(this, kind, (event) => {
      const beganMs = performance.now()
      listener(event)
      if (kind === 'delta') bench.handlerMs.push(performance.now() - beganMs)
    })
  }
`

async function openConsole(
  browser: Browser,
  { address }: Pick<ConsoleWorld, 'address'>,
  before: (page: Page) => Promise<void> = async () => {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  await page.addInitScript(notes)
  await before(page)
  const isDrawn = page.waitForEvent('console', (message) => message.text() === drawn)
  await page.goto(address, { waitUntil: 'commit' })
  await isDrawn
  return page
}

interface FirstData {
  readonly ms: number
  readonly taskMs: number
}

async function firstData(browser: Browser, world: ConsoleWorld): Promise<FirstData> {
  // What tasks take is counted from when it is asked for first.
  let metric: Metric = () => Promise.resolve(NaN)
  const page = await openConsole(browser, world, async (blank) => {
    metric = (await metricsOf(blank)).metric
  })
  const ms = (await page.evaluate(
    "bench.dataMs - performance.getEntriesByType('navigation')[0].responseEnd",
  )) as number
  const taskMs = (await metric('TaskDuration')) * 1000
  await page.context().close()
  return { ms, taskMs }
}

/**
 * Opens up to three pools, goes to the top, where the first one is in view, and waits until the page is at rest. The pointer is
 * put where no link is: Chromium looks every 50 ms at one that it rests on.
 */
async function openRows(page: Page): Promise<void> {
  const folded = page.locator('tr.pool button[aria-expanded=false]')
  for (let i = 0; i < 3 && (await folded.count()) > 0; i++) await folded.first().click()
  await page.locator('tr.member').first().waitFor()
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
  await page.evaluate('scrollTo(0, 0)')
  await page.mouse.move(1, 1)
  await pause(3000)
}

const acts = 30
const actEveryMs = 500

/** Of what the page's tasks take while `act` is done 30 times, without what they take else: one act's part. */
async function costOfActs(
  metric: Metric,
  act: (i: number) => void | Promise<void>,
): Promise<number> {
  const spentMs = async (doIt: (i: number) => void | Promise<void>): Promise<number> => {
    const before = await metric('TaskDuration')
    for (let i = 0; i < acts; i++) {
      await doIt(i)
      await pause(actEveryMs)
    }
    return ((await metric('TaskDuration')) - before) * 1000
  }
  const idleMs = await spentMs(() => {})
  return ((await spentMs(act)) - idleMs) / acts
}

type Metric = (name: string) => Promise<number>

async function metricsOf(page: Page): Promise<{ readonly metric: Metric; readonly clean: Metric }> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const metric: Metric = async (name) => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return metrics.find((one) => one.name === name)?.value ?? NaN
  }
  const clean: Metric = async (name) => {
    await devtools.send('HeapProfiler.collectGarbage')
    return metric(name)
  }
  return { metric, clean }
}

interface DeltaCost {
  readonly taskMs: number
  readonly handlerMs: number
}

/** Of one address and its member in one pool, and nothing else: rows as many, told by a server that tells no more. */
async function deltaCost(browser: Browser, count: number): Promise<DeltaCost> {
  const sizes = Array.from({ length: Math.ceil(count / 20) }, (_, i) =>
    Math.min(20, count - i * 20),
  )
  const scripted = await scriptConsole(sizes)
  const page = await openConsole(browser, scripted)
  await openRows(page)
  const { metric } = await metricsOf(page)
  const taskMs = await costOfActs(metric, (i) =>
    scripted.send({
      targets: [targetRow('t3', { p50Ms: 20 + i })],
      members: [{ ...memberRow('p0', 't3', 1 / 20), due: 0.2 + i / 100 }],
    }),
  )
  const handlersMs: readonly number[] = await page.evaluate('bench.handlerMs')
  await page.context().close()
  await scripted.close()
  return { taskMs, handlerMs: median(handlersMs) }
}

interface OrderCost {
  readonly taskMs: number
  readonly heapMib: number
}

async function orderCost(browser: Browser, world: ConsoleWorld): Promise<OrderCost> {
  const page = await openConsole(browser, world)
  await openRows(page)
  const { metric, clean } = await metricsOf(page)
  const taskMs = await costOfActs(metric, (i) => world.setWeight(i % 2 === 0 ? 0.5 : 0.25))
  const heapMib = (await clean('JSHeapUsedSize')) / 2 ** 20
  await page.context().close()
  return { taskMs, heapMib }
}

/** `target` dies, and stays dead: each round has one of its own. */
async function onScreenMs(browser: Browser, world: ConsoleWorld, target: number): Promise<number> {
  const page = await openConsole(browser, world)
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
  const seen = page
    .locator('.look', { hasText: `t${target} has been down` })
    .waitFor()
    .then(() => performance.now())
  const healthy = await healthyOfFirst(world)
  world.kill(target)
  await until(async () => (await healthyOfFirst(world)) < healthy, {
    what: 'a target down in /status',
    withinMs: 30_000,
    everyMs: 50,
  })
  const knownMs = performance.now()
  const ms = (await seen) - knownMs
  await page.context().close()
  return ms
}

async function healthyOfFirst({ server }: ConsoleWorld): Promise<number> {
  const { pools } = JSON.parse((await server.http('/status')).body) as {
    pools: readonly { zone: string; pool: string; healthy: number }[]
  }
  return pools.find(({ zone, pool }) => zone === zoneName(0) && pool === 'p0')?.healthy ?? NaN
}

/** In percent of a core. The control thread is the first one of the process. */
async function controlShare({ server: { pid } }: ConsoleWorld): Promise<number> {
  const ticks = (): number => {
    const text = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1').replace(/^.*\) /, '')
    const fields = text.split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  const beganMs = performance.now()
  await pause(seconds * 1000)
  return ((ticks() - before) * 1000) / (performance.now() - beganMs)
}

async function controlShares(
  browser: Browser,
  world: ConsoleWorld,
): Promise<readonly [none: number, ten: number]> {
  const none = await controlShare(world)
  const pages: Page[] = []
  for (let i = 0; i < consoles; i++) pages.push(await openConsole(browser, world))
  await pause(5000)
  const ten = await controlShare(world)
  await Promise.all(pages.map((page) => page.context().close()))
  return [none, ten]
}

async function octetsOf({ server }: ConsoleWorld): Promise<Measured['octets']> {
  const { body } = await server.http('/overview')
  const { members, targets } = JSON.parse(body) as Overview
  return {
    all: body.length,
    member: JSON.stringify(members).length / members.length,
    address: JSON.stringify(targets).length / targets.length,
  }
}

async function measure(count: number): Promise<Measured> {
  const world = await startWorld(count)
  const browser = await chromium.launch(launchOptions)
  try {
    const first: FirstData[] = []
    const screen: number[] = []
    const deltas: DeltaCost[] = []
    const orders: OrderCost[] = []
    for (let round = 0; round < rounds; round++) {
      first.push(await firstData(browser, world))
      deltas.push(await deltaCost(browser, count))
      orders.push(await orderCost(browser, world))
      screen.push(await onScreenMs(browser, world, round))
    }
    return {
      firstData: {
        ms: median(first.map(({ ms }) => ms)),
        taskMs: median(first.map(({ taskMs }) => taskMs)),
      },
      deltaTaskMs: median(deltas.map(({ taskMs }) => taskMs)),
      deltaHandlerMs: median(deltas.map(({ handlerMs }) => handlerMs)),
      orderTaskMs: median(orders.map(({ taskMs }) => taskMs)),
      heapMib: median(orders.map(({ heapMib }) => heapMib)),
      onScreenMs: median(screen),
      control: await controlShares(browser, world),
      answers: await answerRatios(world, { rounds, seconds: Math.min(seconds, 5) }),
      octets: await octetsOf(world),
    }
  } finally {
    await browser.close()
    await world.stop()
  }
}

const columns = [
  'targets',
  'first data ms',
  'main thread ms',
  'delta, task ms',
  'delta, handler ms',
  'order, task ms',
  'on screen ms',
  'control %, none',
  'control %, ten consoles',
  'static A, ratio',
  'MX, ratio',
  'octets a member',
  'octets an address',
  '/overview KiB',
  'heap MiB',
]

const load = (): string =>
  loadavg()
    .map((one) => one.toFixed(1))
    .join(', ')

console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}; load before: ${load()}\n`)
console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`)
for (const count of values.targets.split(',').map(Number)) {
  const one = await measure(count)
  const cells = [
    count.toLocaleString('en'),
    one.firstData.ms.toFixed(0),
    one.firstData.taskMs.toFixed(0),
    one.deltaTaskMs.toFixed(1),
    one.deltaHandlerMs.toFixed(2),
    one.orderTaskMs.toFixed(1),
    one.onScreenMs.toFixed(0),
    ...one.control.map((share) => share.toFixed(2)),
    one.answers.static.toFixed(2),
    one.answers.mx.toFixed(2),
    one.octets.member.toFixed(0),
    one.octets.address.toFixed(0),
    (one.octets.all / 1024).toFixed(0),
    one.heapMib.toFixed(1),
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
console.log(`\nload after: ${load()}`)
