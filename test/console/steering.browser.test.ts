// Drains, what if, who gets whom and the zone files in a browser, beside a real server with an admin token: signing in, a
// drain from what it will come to until it is undone, as clients of the DNS see it.

import { afterAll, expect, test } from 'vitest'

import { answersBecome, twoTargetsText } from '../support/answered-targets.ts'
import { openConsole, servedBrowser } from '../support/browser.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { servedZone } from '../support/served-zone.ts'

const [one, two] = ['127.0.0.176', '127.0.0.177']
const name = 'smtp.example.test'
const token = 'a-token-of-16-chars'
let mtas: OddMta[] = []
let zone = ''

const server = servedZone(async () => {
  const port = await freePort([one, two])
  mtas = await startGreeters([one, two], port)
  zone = twoTargetsText(name, [one, two], port)
  return {
    zones: { 'mail.yaml': zone },
    settings: `admin_token: ${token}\nlameduck: 0\nworkers: 1\n`,
  }
})
const browser = servedBrowser()
afterAll(() => Promise.all(mtas.map((mta) => mta.close())))

const becomes = (targets: string): Promise<void> => answersBecome(server.port, name, targets)

/** As a person at a terminal would. */
const drain = (): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      target: 'mx1',
      kind: 'drain',
      seconds: 3600,
      why: '<img src=x onerror=alert(1)>',
      by: 'jo',
    }),
  })

test('signs in, tells what a drain will come to, and undoes it', async () => {
  await server.waitForState('mx2', 'up', 20_000)
  await becomes('mx1,mx2')
  expect((await drain()).status).toBe(201)
  await becomes('mx2')
  const page = await openConsole(browser, server.adminPort, {
    path: '/drains',
    // The wrong token below.
    isExpected: (fault) => fault.includes('status of 401'),
  })
  const row = page.getByRole('row', { name: /mx1/ }).first()
  await row.waitFor()
  // What others wrote is text, and writing needs a session.
  expect(await row.innerText()).toContain('<img src=x onerror=alert(1)>')
  const undo = page.getByRole('button', { name: 'Undo mx1' })
  expect(await undo.isDisabled()).toBe(true)

  await page.getByRole('button', { name: 'Sign in' }).first().click()
  const form = page.getByRole('dialog', { name: 'Sign in' })
  await form.getByLabel('Your name').fill('anna')
  await form.getByLabel('Admin token').fill('not-the-admin-token')
  await form.getByRole('button', { name: 'Sign in' }).click()
  await form.getByText('not the admin token').waitFor()
  await form.getByLabel('Admin token').fill(token)
  await page.keyboard.press('Enter')
  await form.waitFor({ state: 'detached' })
  await page.getByText('Signed in as anna').filter({ visible: true }).first().waitFor()
  // No script can read what keeps anna signed in.
  expect(await page.evaluate('document.cookie')).toBe('')

  await undo.click()
  await page.getByText('mx1 is no longer drained').filter({ visible: true }).first().waitFor()
  await becomes('mx1,mx2')
  await page.getByRole('cell', { name: 'undone by anna' }).waitFor()

  await page.evaluate(`location.hash = '#/whatif?name=${name}&type=MX&drain=mx1'`)
  await page
    .getByRole('row', { name: /mx2.*25\.0.*100\.0/ })
    .first()
    .waitFor()
  expect(await page.getByLabel('Command').innerText()).toBe(
    `mxsteer simulate ${name} MX --drain mx1 --by continent`,
  )
})

test('who gets whom, and the zone files after a refused load', async () => {
  const page = await openConsole(browser, server.adminPort, { path: '/map' })
  const everyone = page.getByRole('row', { name: /everyone/ })
  await everyone.waitFor()
  expect(await everyone.innerText()).toMatch(/mx1 75.*mx2 25/)

  server.writeZone('mail.yaml', zone.replace('pools: [main]', 'pools: [mian]'))
  await server.waitForLog((line) => line.event === 'config.rejected')
  await page.evaluate(`location.hash = '#/zones'`)
  const refused = page.getByRole('region', { name: 'The last load was refused' })
  await refused.waitFor()
  expect(await refused.innerText()).toMatch(/Line 13/)
  const served = page.getByRole('region', { name: 'mail.yaml, as served' })
  await served.waitFor()
  expect(await served.innerText()).toContain('pools: [main]')
})
