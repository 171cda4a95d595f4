// Nine states of the console in pictures, on a screen and on a phone, light and dark, left in test/console/screenshots for
// people to look at: two zones, eleven MTAs, two of them drained or weighted, and later one that is dead.

import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { openConsole, servedBrowser } from '../support/browser.ts'
import { projectFolder } from '../support/server.ts'
import { type Fleet, startFleet } from './fleet.ts'

const browser = servedBrowser()
let fleet: Fleet
beforeAll(async () => {
  fleet = await startFleet()
}, 120_000)
afterAll(() => fleet.stop())

const folder = join(projectFolder, 'test/console/screenshots')
/** Of all pictures: what a CI keeps. */
const mostOctets = 16 * 1024 * 1024
const widths = [1440, 390]
const schemes = ['light', 'dark'] as const

/** The whole page: bars that are fixed to the window would land in its midst, were the window not as high as it. */
async function picture(page: Page, state: string, isWindow = false): Promise<void> {
  for (const width of widths)
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      const height = Number(await page.evaluate('document.documentElement.scrollHeight'))
      if (!isWindow) await page.setViewportSize({ width, height: Math.max(height, 900) })
      const path = join(folder, `${state}-${colorScheme}-${width}.png`)
      expect((await page.screenshot({ path })).length).toBeGreaterThan(10_000)
    }
  await page.setViewportSize({ width: 1440, height: 900 })
}

async function show(page: Page, path: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#${path}`)}`)
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
  await page.waitForLoadState('networkidle')
}

const asked = 'name=smtp.example.com&type=MX'

test('nine states, each in four pictures', async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const page = await openConsole(browser, fleet.server.adminPort)
  await page.locator('tr[data-target=tyo1]').first().waitFor()
  await page.getByText('All quiet.').waitFor()
  await picture(page, 'overview-calm')

  await fleet.order({
    target: 'fra2',
    kind: 'drain',
    seconds: 7200,
    why: 'kernel update',
    by: 'anna',
  })
  await fleet.order({
    target: 'sjc1',
    kind: 'weight',
    factor: 0.5,
    seconds: 86_400,
    why: 'old disks',
    by: 'jo',
  })
  await show(page, '/target/smtp.example.com/fra1')
  await page.locator('.script .line').first().waitFor()
  await picture(page, 'target-up')

  await show(page, `/ask?${asked}&client=198.51.100.7`)
  await page.locator('.wires .ribbon').first().waitFor({ state: 'attached' })
  await picture(page, 'ask')

  await show(page, `/whatif?${asked}&down=region%3Aus&drain=ams1`)
  await page.locator('.pairs').nth(1).waitFor()
  await picture(page, 'what-if')

  await show(page, `/map?${asked}`)
  await page.locator('.world path').first().waitFor()
  await picture(page, 'who')

  await fleet.mtas.end('iad2')
  await fleet.server.waitForState('iad2', 'down', 30_000)
  await show(page, '/')
  await page.getByText(/^iad2 has been down/).waitFor()
  await picture(page, 'overview-dead')

  await show(page, '/target/smtp.example.com/iad2')
  await page.getByText('ECONNREFUSED').filter({ visible: true }).first().waitFor()
  await picture(page, 'target-down')

  await page.getByRole('button', { name: 'Drain' }).first().click()
  await page.locator('.preview[data-state=known]').waitFor()
  await picture(page, 'drain', true)
  await page.keyboard.press('Escape')

  await show(page, '/events')
  await page
    .getByText(/^iad2 is down/)
    .first()
    .waitFor()
  await picture(page, 'events')
  const pictures = readdirSync(folder)
  expect(pictures.length).toBe(9 * widths.length * schemes.length)
  const octets = pictures.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  expect(octets).toBeLessThanOrEqual(mostOctets)
})
