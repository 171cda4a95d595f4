// Every view and the dialog by axe, in both themes at three widths, beside a fleet with a dead target, a drain and a weight; and
// with text of twice the size.

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { axeFindings, isTooWide, openConsole, servedBrowser } from '../support/browser.ts'
import { type Fleet, startFleet } from './fleet.ts'

const browser = servedBrowser()
let fleet: Fleet
beforeAll(async () => {
  fleet = await startFleet()
  await fleet.order({ target: 'fra2', kind: 'drain', seconds: 7200, why: 'disk', by: 'anna' })
  await fleet.order({ target: 'sjc1', kind: 'weight', factor: 0.5, seconds: 7200, why: '', by: '' })
  await fleet.mtas.end('iad2')
  await fleet.server.waitForState('iad2', 'down', 30_000)
}, 120_000)
afterAll(() => fleet.stop())

const widths = [1440, 768, 390]
const schemes = ['light', 'dark'] as const
const name = 'name=smtp.example.com&type=MX'

/** Path, the heading, and what stands there once all of it is drawn. */
const views = [
  ['', 'Overview', 'tr[data-target=tyo1]'],
  ['target/smtp.example.com/iad2', 'iad2', '.script .line'],
  [`ask?${name}&client=203.0.113.7&with=198.51.100.9`, 'Ask', '.flow'],
  [`whatif?${name}&down=region%3Aus&drain=pool%3Aeu&without=iad-a`, 'What if', '.by-group .pairs'],
  [`map?${name}`, 'Who gets whom', '.world path'],
  ['drains', 'Drains and overrides', 'tr:has-text("fra2")'],
  ['events', 'Events', 'li:has-text("iad2 is down")'],
  ['traffic', 'Traffic', 'canvas'],
  ['budgets', 'Error budgets', 'tr:has-text("smarthost")'],
  ['instances', 'Instances', 'tr:has-text("iad-a")'],
  ['zones', 'Zone files', 'code'],
] as const

test.each(views)('%s', async (path, heading, drawn) => {
  const page = await openConsole(browser, fleet.server.adminPort, {
    path: `/${path}`,
    isForAxe: true,
  })
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
  await page.locator(drawn).first().waitFor()
  expect(await findings(page)).toEqual([])
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.evaluate("document.documentElement.style.fontSize = '200%'")
  expect(await isTooWide(page)).toBe(false)
})

test('the dialog', async () => {
  const path = '/target/smtp.example.com/fra1'
  const page = await openConsole(browser, fleet.server.adminPort, { path, isForAxe: true })
  await page.getByRole('button', { name: 'Drain…' }).click()
  await page.locator('.preview[data-state=known]').waitFor()
  expect(await findings(page)).toEqual([])
  await page.evaluate("document.documentElement.style.fontSize = '200%'")
  expect(await isTooWide(page)).toBe(false)
})

/** With the width and theme in which it is. */
async function findings(page: Page): Promise<readonly string[]> {
  const found: string[] = []
  for (const width of widths)
    for (const colorScheme of schemes) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme })
      const all = [...(await axeFindings(page)), ...((await isTooWide(page)) ? ['too wide'] : [])]
      found.push(...all.map((one) => `${width} ${colorScheme}: ${one}`))
    }
  return [...found, ...(await otherWeights(page))]
}

/** Of text: more than the two weights that there are would each be another font to lay out for a browser. */
const otherWeights = (page: Page): Promise<readonly string[]> =>
  page.evaluate(`
    [...document.querySelectorAll('body *')]
      .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3))
      .map((element) => [getComputedStyle(element).fontWeight, element])
      .filter(([weight]) => weight !== '400' && weight !== '560')
      .map(([weight, element]) => 'weight ' + weight + ': ' + element.outerHTML.slice(0, 200))
  `)
