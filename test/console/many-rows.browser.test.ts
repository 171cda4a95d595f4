// Ten thousand targets in a browser, counted and not timed: how many rows are in the page, what a change touches, and that
// keys and find reach rows that are not there yet.

import { readFileSync } from 'node:fs'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { ConsoleManifest } from '../../console/build.ts'
import { axeFindings, isTooWide, type PageOptions, servedBrowser } from '../support/browser.ts'
import { until } from '../support/wait.ts'
import { memberRow, type ScriptedConsole, scriptConsole, targetRow } from './scripted-console.ts'

/** Rows that may be in the page: two screens and a half of the densest, and the heads. */
const mostRows = 160

const browser = servedBrowser()
let many: ScriptedConsole
let few: ScriptedConsole
beforeAll(async () => {
  many = await scriptConsole([5000, 4900, ...Array.from({ length: 50 }, () => 2)])
  few = await scriptConsole([30, 30])
})
afterAll(() => Promise.all([many.close(), few.close()]))

let page: Page
async function open(of: ScriptedConsole, options: PageOptions = {}): Promise<void> {
  page = await browser.open(of.address, options)
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
}

const rows = (): Promise<number> => page.locator('table.members tr:not(.gap)').count()
const focused = (): Promise<string> =>
  page.evaluate("document.activeElement.closest('tr')?.dataset.target ?? ''")
const row = (target: string) => page.locator(`tr.member[data-target="${target}"]`)
const soon = (what: string) => ({ what, withinMs: 20_000 })
const openPool = (pool: string) =>
  page.locator('tr.pool', { hasText: pool }).first().getByRole('button').click()

describe('of ten thousand targets', () => {
  beforeEach(() => open(many))

  test('only rows in view are in the page, wherever it is, and they are numbered', async () => {
    expect(await rows()).toBeLessThan(mostRows)
    await openPool('p1')
    await row('t5000').waitFor()
    await openPool('p0')
    await row('t0').waitFor()
    const table = page.locator('table.members')
    expect(await table.getAttribute('aria-rowcount')).toBe('9953')
    for (const [part, isThere] of [
      [0.32, 't3'],
      [0.72, 't7'],
      [1, 't99'],
    ] as const) {
      await page.evaluate(
        `scrollTo(0, document.querySelector('table.members').offsetHeight * ${part})`,
      )
      if (part < 1) await page.locator(`tr.member[data-target^="${isThere}"]`).first().waitFor()
      else await page.locator('tr.pool', { hasText: 'p51' }).waitFor()
      expect(await rows()).toBeLessThan(mostRows)
    }
    await page.evaluate('scrollTo(0, 0)')
    await row('t0').waitFor()
    expect(await row('t0').getAttribute('aria-rowindex')).toBe('3')
  })

  test('keys go through rows that were not there, and back; a row with the focus stays', async () => {
    await openPool('p0')
    await row('t0').waitFor()
    for (let i = 0; i < 150; i++) await page.keyboard.press('j')
    await until(async () => (await focused()) === 't149', soon('the 150th row'))
    await page.evaluate('scrollBy(0, 60000)')
    await page.locator('tr.member[data-target^="t18"]').first().waitFor()
    expect(await focused()).toBe('t149')
    expect(await rows()).toBeLessThan(mostRows)
    await page.keyboard.press('j')
    await until(async () => (await focused()) === 't150', soon('the row after it'))
    for (let i = 0; i < 20; i++) await page.keyboard.press('k')
    await until(async () => (await focused()) === 't130', soon('twenty rows back'))
    // What Enter opens; of this server there is nothing to see there.
    expect(await page.evaluate("document.activeElement.getAttribute('href')")).toBe(
      '#/target/smtp.example.test/t130',
    )
  })

  test('find opens a target, or goes to its row in a pool that was folded', async () => {
    await page.keyboard.press('/')
    await page.getByRole('combobox').fill('t8765')
    await page.getByRole('option', { name: /t8765/ }).waitFor()
    await page.keyboard.press('Shift+Enter')
    await until(async () => (await focused()) === 't8765', soon('the row that was looked for'))
    expect(await rows()).toBeLessThan(mostRows)
    const { top, bottom } = (await page.evaluate(
      '(({ top, bottom }) => ({ top, bottom }))(document.activeElement.getBoundingClientRect())',
    )) as { top: number; bottom: number }
    expect([top > 0, bottom < 900]).toEqual([true, true])
  })

  test('the last hour is asked for of rows in view alone, fifty names a question', async () => {
    const before = many.historyNames.length
    await openPool('p0')
    await row('t0').locator('svg.history-strip').waitFor()
    await row('t20').locator('svg.history-strip').waitFor()
    const questions = many.historyNames.slice(before)
    const names = questions.flat()
    expect(names.length).toBeLessThan(mostRows)
    expect(new Set(names).size).toBe(names.length)
    expect(Math.max(...questions.map(({ length }) => length))).toBeLessThanOrEqual(50)
  })

  test('a change out of view touches no row', async () => {
    await openPool('p0')
    await row('t0').waitFor()
    await row('t20').locator('svg.history-strip').waitFor()
    const touched = await changesOf(many, () =>
      many.send({ targets: [targetRow('t4000', { state: 'suspect', p50Ms: 99 })] }),
    )
    expect(touched).toEqual([])
  })
})

const builtManifest = (): ConsoleManifest =>
  JSON.parse(
    readFileSync(new URL('../../dist/console/manifest.json', import.meta.url), 'utf8'),
  ) as ConsoleManifest

/** What of the tables changes until the page has taken what `change` sends: `TARGET: CLASS OF CELL`. */
async function changesOf(of: ScriptedConsole, change: () => void): Promise<readonly string[]> {
  await page.evaluate(`
    window.touched = []
    window.watching = new MutationObserver((changes) => {
      for (const { target } of changes) {
        const element = target.nodeType === 1 ? target : target.parentElement
        const row = element.closest('table.members tr')
        const cell = element.closest('td, th')
        if (row !== null) window.touched.push((row.dataset.target ?? 'head') + ': ' + (cell?.className ?? ''))
      }
    })
    watching.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
  `)
  change()
  // Figures come in the same stream, behind it: what they say is on the page when all before is.
  const marker = of.sendFigures()
  await page.getByText(marker).filter({ visible: true }).first().waitFor()
  const found = (await page.evaluate('[...new Set(window.touched)].sort()')) as string[]
  await page.evaluate('window.watching.disconnect()')
  return found
}

describe('of sixty targets', () => {
  // Before others here change some.
  test('rows of what is well hold nothing that makes a browser put all of them together anew', async () => {
    await open(few)
    await row('t59').locator('svg.history-strip').waitFor()
    const found = await page.evaluate(`
      [...document.querySelectorAll('tr.member, tr.member *, tr.pool, tr.pool *')]
        .filter((element) => element.closest('.history-strip') === null)
        .flatMap((element) => {
          const { position, opacity, transform } = getComputedStyle(element)
          const what = [
            element.localName === 'svg' && 'is drawn',
            position !== 'static' && 'is positioned',
            opacity !== '1' && 'is faded',
            transform !== 'none' && 'is moved',
          ]
          return what.filter(Boolean).map((one) => element.className + ' ' + one)
        })
    `)
    expect(found).toEqual([])
    expect(await page.locator('tr.member .held').count()).toBe(60)
  })

  test('a change of one touches the cells of its rows alone', async () => {
    await open(few)
    expect(await rows()).toBe(63)
    await row('t7').locator('svg.history-strip').waitFor()
    await row('t59').locator('svg.history-strip').waitFor()
    const latency = await changesOf(few, () =>
      few.send({ targets: [targetRow('t7', { p50Ms: 33 })] }),
    )
    expect(latency).toEqual(['t7: cell-latency num'])
    const down = targetRow('t8', { state: 'down', reason: 'timeout' })
    const state = await changesOf(few, () => few.send({ targets: [down] }))
    expect(state).toEqual(['t8: cell-latency num', 't8: cell-state', 't8: cell-who'])
    const member = { ...memberRow('p0', 't9', 1 / 30), due: 0.5 }
    const share = await changesOf(few, () => few.send({ members: [member] }))
    expect(share).toEqual(['t9: cell-share'])
  })

  test('the overview is asked for once: with the page, and taken by its scripts', async () => {
    const before = few.asked('/overview')
    await open(few)
    await row('t59').waitFor()
    expect(few.asked('/overview') - before).toBe(1)
  })

  test('what else the page needs is asked for once it has something to show', async () => {
    const before = few.paths.length
    await open(few)
    await row('t59').locator('svg.history-strip').waitFor()
    const paths = few.paths.slice(before)
    const data = paths.indexOf('/overview')
    for (const path of ['/session', '/events', '/zones', '/history', '/stream'])
      expect([path, paths.indexOf(path) > data]).toEqual([path, true])
    const files = paths.filter((path) => /^\/console\/assets\/.*\.(?:js|css)$/.test(path))
    const firstView = builtManifest().firstView.map((path) => `/console/${path}`)
    expect(files.toSorted()).toEqual(firstView.toSorted())
  })

  test('a second tab shows what changed between its overview and its first script', async () => {
    let [sent, asked] = [0, 0]
    const two: ScriptedConsole = await scriptConsole([2], {
      '/overview': () => {
        const reply = {
          ...two.overview,
          generation: `aaaaaaaa:${sent}`,
          at: new Date().toISOString(),
        }
        if (++asked === 2) {
          two.send({ targets: [targetRow('t0', { p50Ms: 77 })] })
          sent++
        }
        return reply
      },
    })
    await open(two)
    // As long as something is heard no tab asks for all again by itself.
    const figures = setInterval(() => two.sendFigures(), 1000)
    try {
      const second = await page.context().newPage()
      await second.goto(two.address)
      const latency = second.locator('tr.member[data-target=t0] .cell-latency', { hasText: '77' })
      await latency.waitFor({ timeout: 20_000 })
      expect(await latency.count()).toBe(1)
    } finally {
      clearInterval(figures)
      await two.close()
    }
  })

  test('a local time is made for the row that is pointed at', async () => {
    await open(few)
    const standing = row('t7').locator('.standing')
    await standing.waitFor()
    expect(await page.locator('.standing[title]').count()).toBe(0)
    await standing.hover()
    expect(await standing.getAttribute('title')).toMatch(/^since \S/)
    expect(await page.locator('.standing[title]').count()).toBe(1)
  })
})

test('axe finds nothing in a table of which most rows are left out', async () => {
  for (const width of [1440, 390]) {
    await open(many, { isForAxe: true, width })
    await openPool('p0')
    await row('t0').waitFor()
    expect(await rows()).toBeLessThan(mostRows)
    expect([width, await axeFindings(page), await isTooWide(page)]).toEqual([width, [], false])
  }
})
