// What the console costs, and how soon it shows something: node bench/console.ts [--rounds 5] [--targets 12,1000,10000]
//
// A server with so many targets, probed each 30 s, and Debian's Chromium, all on this machine's cores. Medians of the rounds:
//
//   first data     from the last octet of the HTML to the first table of targets in a frame, in a browser that has nothing
//                  cached
//   main thread    CPU time of the page's main thread until then, the start of the page included
//   delta, task    of the page's main thread: what its tasks take more in 15 s in which 30 deltas of one target come, pools opened,
//                  than in 15 s before; from a server that sends these, and figures every two seconds in both, and nothing else
//                  beside it
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

import { type Browser, chromium } from 'playwright-core'

import type { Overview } from '../src/admin/live/overview-rows.ts'
import { memberRow, scriptConsole, targetRow } from '../test/console/scripted-console.ts'
import { launchOptions } from '../test/support/browser.ts'
import { pause, until } from '../test/support/wait.ts'
import { type BarePage, openBarePage } from './bare-page.ts'
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

/** What the page notes of itself, from before its first script. */
const notes = `
  window.bench = { dataMs: null, handlerMs: [] }
  const data = new MutationObserver(() => {
    if (document.querySelector('table.members') === null) return
    data.disconnect()
    requestAnimationFrame(() => setTimeout(() => {
      bench.dataMs = performance.now()
      tellBench('')
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

/** A page that has drawn its first data, and is asked nothing before: that would take as long as a part of what is measured. */
async function openConsole(
  browser: Browser,
  { address }: Pick<ConsoleWorld, 'address'>,
): Promise<BarePage> {
  const page = await openBarePage(browser, { address, script: notes })
  await page.told
  return page
}

interface FirstData {
  readonly ms: number
  readonly taskMs: number
}

/** A browser that has just closed a page is taking down what ran it, and starting the next one. */
const restMs = 2000

async function firstData(browser: Browser, world: ConsoleWorld): Promise<FirstData> {
  await pause(restMs)
  const page = await openConsole(browser, world)
  const taskMs = (await page.metric('TaskDuration')) * 1000
  const ms = (await page.evaluate(
    "bench.dataMs - performance.getEntriesByType('navigation')[0].responseEnd",
  )) as number
  await page.close()
  return { ms, taskMs }
}

/**
 * After how much time nothing of a page's start is left to do: V8 collects what the start left behind, for 18 to 30 ms, some
 * 30 s after it, whether or not news have come.
 */
const settledAfterMs = 35_000

/**
 * Opens up to three pools, goes to the top, where the first one is in view, and waits until the page is at rest. The pointer is
 * put where no link is: Chromium looks every 50 ms at one that it rests on.
 */
async function openRows(page: BarePage): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await page.evaluate("document.querySelector('tr.pool button[aria-expanded=false]')?.click()")
    await page.until("document.querySelector('tr.member') !== null")
  }
  await page.until(isLive)
  await page.evaluate('scrollTo(0, 0)')
  await page.movePointer(1, 1)
  await pause(settledAfterMs)
}

const isLive =
  "[...document.querySelectorAll('.live')].some((one) => one.textContent.includes('Live'))"

const acts = 30
const actEveryMs = 500
/** Acts to one message of figures: a server sends them every two seconds. */
const figuresEvery = 4

interface Acts {
  readonly act: (i: number) => void | Promise<void>
  /** Done with each act, and where one is left out. */
  readonly always?: (i: number) => void
}

/** Of what the page's tasks take while `act` is done 30 times, without what they take else: one act's part. */
async function costOfActs(page: BarePage, { act, always = () => {} }: Acts): Promise<number> {
  const spentMs = async (doIt: Acts['act']): Promise<number> => {
    const before = await page.metric('TaskDuration')
    for (let i = 0; i < acts; i++) {
      always(i)
      await doIt(i)
      await pause(actEveryMs)
    }
    return ((await page.metric('TaskDuration')) - before) * 1000
  }
  const idleMs = await spentMs(() => {})
  return ((await spentMs(act)) - idleMs) / acts
}

interface DeltaCost {
  readonly taskMs: number
  readonly handlerMs: number
}

/**
 * Of one address and its member in one pool, told by a server that tells no more than figures, as one does that is well: a page that
 * hears nothing takes the overview anew every few seconds, which would count as what it takes without deltas.
 */
async function deltaCost(browser: Browser, count: number): Promise<DeltaCost> {
  const sizes = Array.from({ length: Math.ceil(count / 20) }, (_, i) =>
    Math.min(20, count - i * 20),
  )
  const scripted = await scriptConsole(sizes)
  const page = await openConsole(browser, scripted)
  await openRows(page)
  const taskMs = await costOfActs(page, {
    act: (i) =>
      scripted.send({
        targets: [targetRow('t3', { p50Ms: 20 + i })],
        members: [{ ...memberRow('p0', 't3', 1 / 20), due: 0.2 + i / 100 }],
      }),
    always: (i) => void (i % figuresEvery === 0 && scripted.sendFigures()),
  })
  const handlersMs = (await page.evaluate('bench.handlerMs')) as readonly number[]
  await page.close()
  await scripted.close()
  return { taskMs, handlerMs: median(handlersMs) }
}

/** One of each round. */
async function deltaCosts(count: number): Promise<readonly DeltaCost[]> {
  const browser = await chromium.launch(launchOptions)
  try {
    const costs: DeltaCost[] = []
    for (let round = 0; round < rounds; round++) costs.push(await deltaCost(browser, count))
    return costs
  } finally {
    await browser.close()
  }
}

interface OrderCost {
  readonly taskMs: number
  readonly heapMib: number
}

async function orderCost(browser: Browser, world: ConsoleWorld): Promise<OrderCost> {
  const page = await openConsole(browser, world)
  await openRows(page)
  const taskMs = await costOfActs(page, {
    act: (i) => world.setWeight(i % 2 === 0 ? 0.5 : 0.25),
  })
  await page.collectGarbage()
  const heapMib = (await page.metric('JSHeapUsedSize')) / 2 ** 20
  await page.close()
  return { taskMs, heapMib }
}

/** `target` dies, and stays dead: each round has one of its own. */
async function onScreenMs(browser: Browser, world: ConsoleWorld, target: number): Promise<number> {
  const page = await openConsole(browser, world)
  await page.until(isLive)
  const seen = page
    .evaluate(inFrameWith('.look', `t${target} has been down`))
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
  await page.close()
  return ms
}

/** A promise of the frame in which such an element has the text. */
const inFrameWith = (selector: string, text: string): string => `new Promise((resolve) => {
  const look = () => {
    const all = [...document.querySelectorAll('${selector}')]
    if (all.some((one) => one.textContent.includes('${text}'))) resolve(null)
    else requestAnimationFrame(look)
  }
  look()
})`

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
  const pages: BarePage[] = []
  for (let i = 0; i < consoles; i++) pages.push(await openConsole(browser, world))
  await pause(5000)
  const ten = await controlShare(world)
  await Promise.all(pages.map((page) => page.close()))
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
  // Before there is a server that probes so many targets on the same cores.
  const deltas = await deltaCosts(count)
  const world = await startWorld(count)
  const browser = await chromium.launch(launchOptions)
  try {
    const first: FirstData[] = []
    const screen: number[] = []
    const orders: OrderCost[] = []
    for (let round = 0; round < rounds; round++) {
      first.push(await firstData(browser, world))
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
