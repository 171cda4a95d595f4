// Orders from the console as the DNS sees them: from a target and from a row of the overview, by mouse and by keyboard alone, until
// they are undone; and what operators wrote, as text.

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { answersBecome } from '../support/answered-targets.ts'
import { openConsole, servedBrowser } from '../support/browser.ts'
import { serveConsole, type ServedConsole } from './served-console.ts'

const zone = 'smtp.example.test'
const browser = servedBrowser()
let served: ServedConsole
beforeAll(async () => {
  served = await serveConsole({ mx1: 'mx1 ready', mx2: 'mx2 ready', mx3: 'mx3 ready' })
})
afterAll(() => served?.stop())

const open = (path: string): Promise<Page> =>
  openConsole(browser, served.server.adminPort, { path })

/** Clients of the DNS are led to these targets. */
const answered = (targets: string): Promise<void> =>
  answersBecome(served.server.port, zone, targets)

const row = (page: Page, target: string) =>
  page.locator(`tr[data-target="${target}"][data-pool="inbound"]`)

/** Fills in the open dialog for a drain of mx2, once it has said what that comes to, and confirms it. */
async function confirmDrain(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Drain mx2?' })
  const says = dialog.locator('.preview', { hasText: 'inbound then goes to' })
  await says.waitFor()
  expect(await says.innerText()).toMatch(/mx3 67.%, mx1 33.%/)
  await dialog.getByLabel('Why').fill('new disk')
  await dialog.getByLabel('Your name').fill('anna')
  await dialog.getByRole('button', { name: 'Drain for 2 h' }).click()
  await dialog.waitFor({ state: 'detached' })
  await answered('mx1,mx3')
}

describe('a drain: what it comes to, confirmed, undone', () => {
  test('from a target, undone in the toast', async () => {
    const page = await open(`/target/${zone}/mx2`)
    await page.getByRole('button', { name: 'Drain…' }).click()
    await confirmDrain(page)
    const toast = page.getByRole('status').filter({ hasText: 'mx2 is drained until' })
    await toast.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('mx2 is no longer drained').filter({ visible: true }).first().waitFor()
    await answered('mx1,mx2,mx3')
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  test('from a row of the overview, undone below', async () => {
    const page = await open('/')
    await row(page, 'mx2').getByRole('button', { name: 'Orders for mx2' }).click()
    await page.getByRole('button', { name: 'Drain…' }).click()
    await confirmDrain(page)
    // Back where it was before both dialogs.
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(
      'Orders for mx2',
    )
    await row(page, 'mx2').getByText('Drained').waitFor()
    await page
      .getByText('mx2 is drained until', { exact: false })
      .filter({ visible: true })
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Undo drain of mx2' }).click()
    await answered('mx1,mx2,mx3')
    await row(page, 'mx2').getByText('Drained').waitFor({ state: 'detached' })
    expect(await page.getByRole('button', { name: 'Undo drain of mx2' }).count()).toBe(0)
  })
})

/** Goes on by Tab until what has the focus is named so. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let steps = 0; steps < 120; steps++) {
    const focused = String(
      await page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText ?? ''",
      ),
    )
    if (focused.startsWith(name)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`no Tab leads to ${name}`)
}

describe('by keyboard alone', () => {
  test('drains from a row of the overview, and undoes it in Drains', async () => {
    const page = await open('/')
    await row(page, 'mx2').waitFor()
    for (const key of ['j', 'j', 'j', 'k', 'd']) await page.keyboard.press(key)
    const dialog = page.getByRole('dialog', { name: 'Drain mx2?' })
    await dialog.getByText(/inbound then goes to/).waitFor()
    // The focus is on the reason.
    await page.keyboard.type('new disk')
    await page.keyboard.press('Tab')
    await page.keyboard.type('anna')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await answered('mx1,mx3')
    // Back on the row that it came from.
    expect(await page.evaluate("document.activeElement.closest('tr').dataset.target")).toBe('mx2')

    for (const key of ['g', 'd']) await page.keyboard.press(key)
    await page.getByRole('heading', { level: 1, name: 'Drains and overrides' }).waitFor()
    await page.getByRole('row', { name: /mx2/ }).first().waitFor()
    await tabTo(page, 'Undo')
    await page.keyboard.press('Enter')
    await answered('mx1,mx2,mx3')
  })

  test('finds a target and sets its weight, asks, and filters events', async () => {
    const page = await open('/')
    await row(page, 'mx3').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('mx3')
    await page.getByRole('option', { name: /mx3/ }).first().waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'mx3' }).waitFor()
    await tabTo(page, 'Set weight…')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Set weight of mx3?' })
    await dialog.getByText(/inbound then goes to/).waitFor()
    await page.keyboard.type('warm-up')
    await tabTo(page, 'Percent')
    await page.keyboard.press('Control+a')
    await page.keyboard.type('0')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await answered('mx1,mx2')
    await tabTo(page, 'Undo')
    await page.keyboard.press('Enter')
    await answered('mx1,mx2,mx3')

    for (const key of ['g', 'a']) await page.keyboard.press(key)
    await page.getByRole('heading', { level: 1, name: 'Ask' }).waitFor()
    await tabTo(page, 'Name')
    await page.keyboard.type(zone)
    await tabTo(page, 'Client')
    await page.keyboard.type('192.0.2.7')
    await page.keyboard.press('Enter')
    await page.getByText('matches: spare').waitFor()

    await tabTo(page, 'Ask')
    for (const key of ['g', 'e']) await page.keyboard.press(key)
    await page.getByRole('heading', { level: 1, name: 'Events' }).waitFor()
    await tabTo(page, 'Drains and overrides')
    await page.keyboard.press('Space')
    await page.getByText('warm-up').filter({ visible: true }).first().waitFor()
    expect(new URL(page.url()).hash).toBe('#/events?kind=overrides')
  })
})

test('what operators wrote is text, in every view that shows it', async () => {
  const wrote = '<img src=x onerror=alert(1)> </script>'
  const reply = await fetch(`http://127.0.0.1:${served.server.adminPort}/overrides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ target: 'mx2', kind: 'drain', seconds: 600, why: wrote, by: wrote }),
  })
  expect(reply.status).toBe(201)
  const page = await open('/')
  const views = [
    '/',
    `/target/${zone}/mx2`,
    '/drains',
    '/events',
    `/ask?name=${zone}&client=198.51.100.7`,
  ]
  for (const path of views) {
    await page.evaluate(`location.hash = ${JSON.stringify(`#${path}`)}`)
    const written = page.getByText('onerror=alert(1)').filter({ visible: true }).first()
    // Orders of one minute are one line of Events, which opens.
    const folded = page.locator('.burst summary').first()
    await written.or(folded).first().waitFor()
    if (path === '/events' && (await folded.count()) > 0) await folded.click()
    await written.waitFor()
    expect([path, await page.locator('img').count()]).toEqual([path, 0])
  }
  await page.goto(`${served.address}plain`)
  await page.getByText('onerror=alert(1)').filter({ visible: true }).first().waitFor()
  expect(await page.locator('img').count()).toBe(0)
})
