// Ask in a browser, beside a real server: the decision as drawn, two clients compared, every state an address, by the
// keyboard, on a phone, in both themes.

import { afterAll, expect, test } from 'vitest'

import { openConsole, servedBrowser } from '../support/browser.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { servedZone } from '../support/served-zone.ts'

const [alive, spare, dead] = ['127.0.0.171', '127.0.0.172', '127.0.0.173']
let mtas: OddMta[] = []

const server = servedZone(async () => {
  const port = await freePort()
  mtas = await startGreeters([alive, spare], port)
  const zone = `
zone: smtp.example.test
ttl: 60
min_ttl: 5
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [${alive}] }
  mx2: { addresses: [${dead}] }
  mx3: { addresses: [${spare}] }
probes:
  inbound: { port: ${port}, level: connect, interval: 1s, fall: 1, rise: 1, connect_timeout: 1s }
pools:
  eu: { probe: inbound, targets: { mx1: 3, mx2: 1 } }
  us: { probe: inbound, targets: [mx3] }
steering:
  inbound:
    - { when: { network: 198.51.100.0/24 }, pools: [us, eu] }
    - { pools: [eu, us] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`
  return { zones: { 'smtp.example.test.yaml': zone } }
})
const browser = servedBrowser()
afterAll(() => Promise.all(mtas.map((one) => one.close())))

const asked = '/ask?name=smtp.example.test&type=MX&client=203.0.113.7'

test('draws what decides, compares two clients, and keeps all of it in the address', async () => {
  await server.waitForState('mx2', 'down', 20_000)
  const page = await openConsole(browser, server.adminPort, { path: '/ask' })
  await page.getByRole('heading', { name: 'Ask', level: 1 }).waitFor()

  // By the keyboard alone.
  await page.getByRole('combobox', { name: 'Name' }).focus()
  await page.keyboard.type('smtp.example.test')
  await page.getByLabel('Client', { exact: true }).first().focus()
  await page.keyboard.type('203.0.113.7')
  await page.keyboard.press('Enter')
  const flow = page.getByRole('region', { name: 'How the answer is decided' })
  await flow.getByText('matches: eu, then us').waitFor()
  expect(await flow.getByText('no: 203.0.113.7 is not in it').count()).toBe(1)
  expect(await flow.getByText(/out: down/).count()).toBe(1)
  expect(new URL(page.url()).hash).toBe(`#${asked}`)

  // A ribbon from the rule to each pool that leads, and on to the first choice and the answer.
  await page.locator('.wires .ribbon').nth(2).waitFor({ state: 'attached' })
  expect(await page.locator('.wires .ribbon').count()).toBe(3)
  expect(await page.getByRole('row', { name: /mx1/ }).first().innerText()).toMatch(/100\.0/)

  // The tick of what is due lies over the bar of what was had.
  const track = page.locator('td.track .bullet').first()
  const bar = await track.locator('i').boundingBox()
  const tick = await track.locator('u').boundingBox()
  if (bar === null || tick === null) throw new Error('a share has no bar, or no tick')
  expect(bar.width).toBeGreaterThan(50)
  expect(bar.y + bar.height / 2).toBeCloseTo(tick.y + tick.height / 2, 0)

  const compare = page.getByRole('form', { name: 'Compare with another client' })
  await compare.getByLabel('Client', { exact: true }).fill('198.51.100.9')
  await compare.getByRole('button', { name: 'Compare' }).click()
  const table = page.getByRole('region', { name: 'Two clients compared' })
  await table.getByText('1: network 198.51.100.0/24').waitFor()
  expect(await page.getByLabel('Command').innerText()).toBe(
    'mxsteer explain smtp.example.test MX --client 203.0.113.7\n' +
      'mxsteer explain smtp.example.test MX --client 198.51.100.9',
  )

  // Back is the question without the other client, and a copied address is the same view.
  await page.goBack()
  await table.waitFor({ state: 'detached' })
  await page.goForward()
  await page.reload()
  await table.getByText('1: network 198.51.100.0/24').waitFor()
})

test('refuses in words, and what was typed is text', async () => {
  const page = await openConsole(browser, server.adminPort, {
    path: '/ask?name=smtp.example.test&client=%3Cimg%20src%3Dx%3E',
    isExpected: (fault) => fault.includes('status of 400'),
  })
  const alert = page.getByRole('alert').filter({ hasText: 'is no address' })
  await alert.waitFor()
  expect(await alert.innerText()).toContain('<img src=x>')
  expect(await alert.locator('img').count()).toBe(0)
})
