// Lists and texts that are very long: what is in the page is bounded, the page says of how many, and the rest can be reached.

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { BudgetView } from '../../src/admin/views/budgets-view.ts'
import type { EndedOverrideRow, OverrideRow } from '../../src/admin/override-view.ts'
import type { Mistake, ZoneView } from '../../src/admin/views/zones-view.ts'
import { servedBrowser } from '../support/browser.ts'
import { type ScriptedConsole, scriptConsole } from './scripted-console.ts'

const at = '2026-01-01T00:00:00.000Z'
const some = <Row>(count: number, row: (i: number) => Row): Row[] =>
  Array.from({ length: count }, (_, i) => row(i))

const override = (i: number): OverrideRow => ({
  id: `o${i}`,
  zone: 'smtp.example.test',
  target: `t${i}`,
  pool: null,
  kind: 'drain',
  why: 'works',
  by: 'anna',
  set: at,
  until: '2030-01-01T00:00:00.000Z',
  exposure: null,
})

const ended = (i: number): EndedOverrideRow => ({
  ...override(i),
  end: 'time',
  ended: at,
  endedBy: '',
})

const measured = { good: 1, total: 1, availability: 1, since: at }
const budget = (i: number): BudgetView =>
  ({
    zone: `z${Math.floor(i / 10)}.example.test`,
    pool: `p${i}`,
    target: 0.999,
    errorBudgetLeft: 1,
    since: at,
    windows: { '1h': measured, '24h': measured, '30d': measured },
    burnRates: { '1h': 0, '24h': 0, '30d': 0 },
    goneAfterSeconds: null,
    good: [1],
    total: [1],
  }) as Partial<BudgetView> as BudgetView

const zoneNames = some(250, (i) => `z${String(i).padStart(3, '0')}.example.test`)
const zoneView = (zone: string): ZoneView => ({
  zone,
  serial: 1,
  loadedAt: at,
  file: `${zone}.yaml`,
  hash: 'a',
  names: 1,
  signed: false,
  steered: [],
  policies: [],
  pools: [],
  targets: [],
  warnings: [],
})

/** As the server does: a hundred names after one. */
const zonesReply = ({ searchParams }: URL): object => {
  const after = zoneNames.filter((name) => name > (searchParams.get('after') ?? ''))
  return {
    zones: after.slice(0, 100).map(zoneView),
    more: Math.max(0, after.length - 100),
    mistakes: 0,
  }
}

const longText = some(3500, (i) => `# line ${i + 1}`).join('\n')
const mistake: Mistake = {
  severity: 'error',
  code: 'name',
  line: 2345,
  column: 1,
  path: 'pools.eu',
  message: 'no such target',
}

const browser = servedBrowser()
let served: ScriptedConsole
beforeAll(async () => {
  served = await scriptConsole([2], {
    '/overrides': () => ({ overrides: some(900, override), ended: some(300, ended) }),
    '/budgets': () => ({
      at,
      window: '24h',
      stepSeconds: 900,
      start: at,
      pools: some(1200, budget),
    }),
    '/zones': zonesReply,
    '/zones/problems': () => ({
      at,
      files: [{ file: 'long.yaml', zone: null, text: longText, mistakes: [mistake] }],
    }),
    [`/zones/${zoneNames[0]}/file`]: () => longText,
    [`/zones/${zoneNames[100]}/file`]: () => '# of z100',
    [`/zones/${zoneNames[222]}/file`]: () => '# of z222',
  })
})
afterAll(() => served.close())

const open = async (path: string): Promise<Page> => {
  const page = await browser.open(`${served.address}#${path}`)
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
  return page
}

test('Drains has the first 200, and all at a press', async () => {
  const page = await open('/drains')
  await page.getByText('The first 200 of 900 overrides.').waitFor()
  await page.getByText('The first 200 of 300 overrides that ended.').waitFor()
  const rows = page.locator('table.overrides tbody tr')
  expect(await rows.count()).toBe(400)
  await page.getByRole('button', { name: 'Show all' }).first().click()
  await page.locator('[data-override=o899]').waitFor()
  expect(await rows.count()).toBe(1100)
})

test('Error budgets has the first 200 pools', async () => {
  const page = await open('/budgets')
  await page.getByText('The first 200 of 1\u2009200 pools.').waitFor()
  expect(await page.locator('table.budgets tbody tr').count()).toBe(200)
})

test('a text of a zone has a thousand lines at once, and opens where its first mistake is', async () => {
  const page = await open('/zones')
  const refused = page.getByRole('region', { name: 'long.yaml on disk' })
  await refused.getByText('no such target').waitFor()
  expect(await refused.locator('li').count()).toBe(1000)
  await page.getByText('Lines 2\u2009001 to 3\u2009000 of 3\u2009500').waitFor()
  const text = page.getByRole('region', { name: /as served/ })
  await text.getByText('# line 1', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Later lines' }).last().click()
  await text.getByText('# line 1001', { exact: true }).waitFor()
  expect(await text.locator('li').count()).toBe(1000)
})

test('a zone that is not among the first hundred is found by its address, and by going on', async () => {
  const page = await open(`/zones?zone=${zoneNames[222]}`)
  await page.getByRole('heading', { name: `Rules of ${zoneNames[222]}` }).waitFor()
  await page.getByText('# of z222').waitFor()
  await page.getByRole('link', { name: 'The next of 150 more' }).click()
  await page.getByRole('link', { name: zoneNames[100] ?? '' }).waitFor()
  await page.evaluate(`location.hash = '#/zones?zone=none.example.test'`)
  await page.getByText('No zone none.example.test is served here.').waitFor()
  expect(await page.getByRole('heading', { name: /^Rules of/ }).count()).toBe(0)
})
