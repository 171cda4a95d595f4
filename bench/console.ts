// What the console costs, and how soon it shows something: node bench/console.ts [--rounds 5] [--targets 12,1000,10000]
//
// A server with so many targets, probed each 30 s, and Debian's Chromium, all on this machine's cores. Medians of the rounds:
//
//   first data     from the last octet of the HTML to the first table of targets in a frame, in a browser that has nothing
//                  cached
//   delta, task    of the page's main thread: what its tasks take more in 15 s in which a weight is set 30 times, pools opened,
//                  than in 15 s before, through the number of deltas that came; movement of bars and history are in it
//   delta, handler of that the handler of the message alone, in which rows are merged
//   on screen      from when /status has a target that has died to its sentence in the page; /status is asked each 50 ms, and
//                  what was sooner on screen is below 0
//   control        CPU of the control thread, in percent of a core, without a console and with ten of them open
//   octets         of /overview, a member and an address
//   heap           of the page after a collection
//
// Prints a table for RESULTS.md.

import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import { type Browser, chromium, type Page } from 'playwright-core'

import type { Overview } from '../src/admin/live/overview-rows.ts'
import { launchOptions } from '../test/support/browser.ts'
import { pause, until } from '../test/support/wait.ts'
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
  readonly firstDataMs: number
  readonly deltaTaskMs: number
  readonly deltaHandlerMs: number
  readonly onScreenMs: number
  /** Percent of a core. */
  readonly control: readonly [none: number, ten: number]
  readonly octets: { readonly member: number; readonly address: number; readonly all: number }
  readonly heapMib: number
}

/** What the page notes of itself, from before its first script. */
const notes = `
  window.bench = { dataMs: null, handlerMs: [] }
  const data = new MutationObserver(() => {
    if (document.querySelector('table.members') === null) return
    data.disconnect()
    requestAnimationFrame(() => setTimeout(() => { bench.dataMs = performance.now() }))
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

async function openConsole(browser: Browser, { address }: ConsoleWorld): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  await page.addInitScript(notes)
  await page.goto(address)
  await page.locator('table.members').first().waitFor()
  return page
}

async function firstDataMs(browser: Browser, world: ConsoleWorld): Promise<number> {
  const page = await openConsole(browser, world)
  const isDrawn = { what: 'a table in a frame', withinMs: 30_000 }
  await until(() => page.evaluate('bench.dataMs !== null'), isDrawn)
  const ms = (await page.evaluate(
    "bench.dataMs - performance.getEntriesByType('navigation')[0].responseEnd",
  )) as number
  await page.context().close()
  return ms
}

interface DeltaCost {
  readonly taskMs: number
  readonly handlerMs: number
  readonly heapMib: number
}

async function deltaCost(browser: Browser, world: ConsoleWorld): Promise<DeltaCost> {
  const page = await openConsole(browser, world)
  const folded = page.locator('tr.pool button[aria-expanded=false]')
  for (let i = 0; i < 3 && (await folded.count()) > 0; i++) await folded.first().click()
  await page.locator('tr.member').first().waitFor()
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const metric = async (name: string): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return metrics.find((one) => one.name === name)?.value ?? NaN
  }
  const spentMs = async (act: (i: number) => Promise<void>): Promise<number> => {
    const before = await metric('TaskDuration')
    for (let i = 0; i < 30; i++) {
      await act(i)
      await pause(500)
    }
    return ((await metric('TaskDuration')) - before) * 1000
  }
  await pause(3000)
  const idleMs = await spentMs(async () => {})
  await page.evaluate('bench.handlerMs = []')
  const busyMs = await spentMs((i) => setWeight(world, i % 2 === 0 ? 0.5 : 0.25))
  const handlerMs = (await page.evaluate('bench.handlerMs')) as number[]
  await devtools.send('HeapProfiler.collectGarbage')
  const heapMib = (await metric('JSHeapUsedSize')) / 2 ** 20
  await page.context().close()
  return { taskMs: (busyMs - idleMs) / handlerMs.length, handlerMs: median(handlerMs), heapMib }
}

async function setWeight({ server }: ConsoleWorld, factor: number): Promise<void> {
  const body = {
    zone: zoneName(0),
    target: 't9',
    kind: 'weight',
    factor,
    seconds: 600,
    why: 'bench',
  }
  await fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
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
    const first: number[] = []
    const screen: number[] = []
    const deltas: DeltaCost[] = []
    for (let round = 0; round < rounds; round++) {
      first.push(await firstDataMs(browser, world))
      deltas.push(await deltaCost(browser, world))
      screen.push(await onScreenMs(browser, world, round))
    }
    return {
      firstDataMs: median(first),
      deltaTaskMs: median(deltas.map(({ taskMs }) => taskMs)),
      deltaHandlerMs: median(deltas.map(({ handlerMs }) => handlerMs)),
      heapMib: median(deltas.map(({ heapMib }) => heapMib)),
      onScreenMs: median(screen),
      control: await controlShares(browser, world),
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
  'delta, task ms',
  'delta, handler ms',
  'on screen ms',
  'control %, none',
  'control %, ten consoles',
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
    one.firstDataMs.toFixed(0),
    one.deltaTaskMs.toFixed(1),
    one.deltaHandlerMs.toFixed(2),
    one.onScreenMs.toFixed(0),
    ...one.control.map((share) => share.toFixed(2)),
    one.octets.member.toFixed(0),
    one.octets.address.toFixed(0),
    (one.octets.all / 1024).toFixed(0),
    one.heapMib.toFixed(1),
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
console.log(`\nload after: ${load()}`)
