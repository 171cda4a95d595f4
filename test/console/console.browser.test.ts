// The console as a browser has it: what it says when an MTA dies, what it does without news, by keyboard alone, below a
// prefix, without script, and with texts that others wrote.

import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ask } from '../support/server.ts'
import { until } from '../support/wait.ts'
import { answersBecome } from '../support/answered-targets.ts'
import { type PageOptions, servedBrowser } from '../support/browser.ts'
import { serveConsole, type ServedConsole } from './served-console.ts'
import { startHaproxyBefore, startNginx } from './proxies.ts'

const hostile = '<img src=x onerror=alert(1)> </script>\u202etxt'

const browser = servedBrowser()
let served: ServedConsole
beforeAll(async () => {
  served = await serveConsole(
    { mx1: 'mx1.example.test ready', mx2: 'mx2.example.test ready', mx3: `mx3 ${hostile}` },
    { settings: 'admin_prefix: /whole\n' },
  )
})
afterAll(() => served?.stop())

const open = (
  fragment: string,
  options: PageOptions = {},
  address: string = served.address,
): Promise<Page> => browser.open(`${address}${fragment}`, options)

/** Waits until clients of the DNS are led to these targets. */
const answered = (targets: string): Promise<void> =>
  answersBecome(served.server.port, 'smtp.example.test', targets)

const isLive = (page: Page): Promise<void> =>
  page.locator('.live', { hasText: 'Live' }).first().waitFor()

const row = (page: Page, target: string) =>
  page.locator(`tr[data-target="${target}"][data-pool="inbound"]`)

describe('an MTA that dies', () => {
  test('is in the sentence, in its row, among the events and said aloud; and back again', async () => {
    const page = await open('')
    await row(page, 'mx2').getByText(/^Up /).waitFor()
    await page.getByText('All quiet.').waitFor()
    await served.mtas.end('mx2')
    await page.getByText(/^mx2 has been down for .*: connection refused/).waitFor()
    await row(page, 'mx2')
      .getByText(/^Down /)
      .waitFor()
    await page
      .locator('.card', { hasText: 'All events' })
      .getByText('is down')
      .filter({ visible: true })
      .first()
      .waitFor()
    await page
      .locator('[data-testid=said]', { hasText: 'mx2 is down' })
      .waitFor({ state: 'attached' })
    await page.getByRole('link', { name: 'Last dialogue' }).click()
    await page.getByText('ECONNREFUSED').filter({ visible: true }).first().waitFor()
    expect(await page.title()).toMatch(/^mx2 · /)
    await served.mtas.again('mx2')
    await page.getByText(/^Up for /).waitFor()
    await page.getByRole('link', { name: 'Overview', exact: true }).first().click()
    await page.getByText('All quiet.').waitFor()
  })
})

describe('without news', () => {
  test('the page says since when, fades, takes no orders, and recovers by itself', async ({
    onTestFinished,
  }) => {
    onTestFinished(() => served.server.signal('SIGCONT'))
    const page = await open('#/target/smtp.example.test/mx1', {
      // Requests of that time fail, as they should.
      isExpected: (fault) => fault.includes('Failed to load resource'),
    })
    await isLive(page)
    const probe = page.getByRole('button', { name: 'Probe now' })
    await probe.waitFor()
    expect(await probe.isEnabled()).toBe(true)
    served.server.signal('SIGSTOP')
    await page.getByText(/^Last news 0:\d\d ago$/).waitFor()
    await page
      .getByRole('alert')
      .getByText(/^Last news \d:\d\d ago, trying again/)
      .waitFor()
    expect(await probe.isDisabled()).toBe(true)
    expect(
      await page.locator('main > .view').evaluate((one) => getComputedStyle(one).opacity),
    ).toBe('0.6')
    served.server.signal('SIGCONT')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await isLive(page)
    expect(await probe.isEnabled()).toBe(true)
  })

  test('seven tabs of a browser hold one stream', async () => {
    const first = await open('')
    const second = await first.context().newPage()
    const more = await Promise.all(Array.from({ length: 5 }, () => first.context().newPage()))
    const others = [second, ...more]
    await Promise.all(others.map((page) => page.goto(served.address)))
    await Promise.all([first, ...others].map(isLive))
    const streams = async (): Promise<number> =>
      (JSON.parse((await ask(served.server.adminPort, '/overview')).body) as Figured).figures
        .streams
    await until(async () => (await streams()) === 1, { what: 'one stream', withinMs: 10_000 })
    expect(await passedOn(second)).toBe('figures')
    // Another one takes over when the tab that reads it closes.
    await first.close()
    await until(async () => (await streams()) === 1, { what: 'one stream', withinMs: 10_000 })
    expect(first.isClosed()).toBe(true)
    expect(await passedOn(second)).toBe('figures')
  })
})

/** What a tab passes on to others next, of what comes every two seconds. */
const passedOn = (page: Page): Promise<string> =>
  page.evaluate(`new Promise((resolve) => {
    const channel = new BroadcastChannel('mxsteer-news')
    channel.onmessage = ({ data: { kind } }) => {
      if (kind !== 'figures') return
      channel.close()
      resolve(kind)
    }
  })`)

interface Figured {
  readonly figures: { readonly streams: number }
}

describe('by keyboard alone', () => {
  test('finds, goes, walks the rows, and shows its keys', async () => {
    const page = await open('')
    await row(page, 'mx1').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('mx3')
    await page.getByRole('option', { name: /mx3/ }).first().waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'mx3' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await row(page, 'mx1').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'mx2' }).waitFor()
    await page.keyboard.press('?')
    const help = page.getByRole('dialog', { name: 'Keys and help' })
    await help.waitFor()
    await help.getByRole('checkbox').uncheck()
    await page.keyboard.press('Escape')
    await help.waitFor({ state: 'detached' })
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Find' }).waitFor()
    expect(new URL(page.url()).hash).toBe('#/target/smtp.example.test/mx2')
  })

  test('finds for who types as soon as there is a row, and as fast as the next turn of the page', async () => {
    const page = await open('')
    await page.addInitScript(slashAtFirstRow)
    await page.reload()
    await row(page, 'mx1').waitFor()
    expect(await page.evaluate('fieldOfNextKey')).toBe('Find target, zone, address or view')
  })
})

/** Presses `/` in the very turn that draws the first row, and learns where a key of the turn after it would go. */
const slashAtFirstRow = `
  globalThis.fieldOfNextKey = new Promise((resolve) => {
    const watch = new MutationObserver(() => {
      if (document.querySelector('tr.member') === null) return
      watch.disconnect()
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }))
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => resolve(document.activeElement?.getAttribute('aria-label') ?? null)
      port2.postMessage(null)
    })
    watch.observe(document, { childList: true, subtree: true })
  })`

describe('what others wrote', () => {
  test('is text, with what turns its direction as escapes', async () => {
    const page = await open('#/target/smtp.example.test/mx3', {
      // What is asked for below is not there.
      isExpected: (fault) => fault.includes('404'),
    })
    const line = page.locator('.script .line', { hasText: 'onerror' }).first()
    await line.waitFor()
    const said = await line.textContent()
    expect(said).toContain('<img src=x onerror=alert(1)> </script>')
    expect(said).not.toContain('\u202e')
    expect(await page.locator('img').count()).toBe(0)
    await page.goto(`${served.address}#/target/${encodeURIComponent('<b>x</b>')}/mx1`)
    await page.getByText('unknown zone').waitFor()
    expect(await page.locator('main b', { hasText: 'x' }).count()).toBe(0)
  })
})

describe('without script', () => {
  test('the page leads to the plain one, which has targets and pools', async () => {
    const page = await open('', { hasScript: false })
    await page.getByRole('link', { name: 'The plain page' }).click()
    await page.getByRole('cell', { name: 'up', exact: true }).first().waitFor()
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toContain('Pools')
  })

  test('a form drains and undoes, as the DNS sees it', async () => {
    const page = await open('plain', { hasScript: false })
    await page.getByRole('link', { name: 'Drain mx3' }).click()
    await page.getByRole('heading', { level: 1, name: 'Drain mx3?' }).waitFor()
    await page.getByLabel('Why').fill('new <b>disk</b>')
    await page.locator('select[name=seconds]').selectOption('an hour')
    await page.getByRole('button', { name: 'Show what it comes to' }).click()
    await page.getByRole('row', { name: /mx3 4 → 0 44\.4 % → 0\.0 %/ }).waitFor()
    await page.getByLabel('Your name').fill('jo')
    await page.getByRole('button', { name: 'Drain mx3' }).click()
    await page.getByText(/It is drained until [\d-]+ \d\d:\d\d UTC/).waitFor()
    await answered('mx1,mx2')
    await page.getByRole('link', { name: 'All of it' }).click()
    await page.getByRole('cell', { name: 'new <b>disk</b>' }).waitFor()
    await page.getByRole('link', { name: 'Undo what is ordered for mx3' }).click()
    await page.getByRole('button', { name: 'Undo it' }).click()
    await page.getByText('mx3 no longer has drain').waitFor()
    await answered('mx1,mx2,mx3')
    expect(await page.title()).toBe('Undone · mxsteer')
  })

  test.each(['plain', 'plain/drain?zone=smtp.example.test&target=mx1&why=new+disk'])(
    'w3m shows %s in 80 columns',
    (path) => {
      const text = execFileSync('w3m', ['-dump', '-cols', '80', `${served.address}${path}`], {
        encoding: 'utf8',
      })
      expect(text).toMatch(/^ *mx1(?:\.smtp\.example\.test +127\.0\.0\.2 +up| +2 → 0 )/m)
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    },
  )
})

describe('behind a proxy', () => {
  /** Orders from the page, as its dialog does. */
  const orderFrom = async (page: Page, kind: string): Promise<void> => {
    await page.getByRole('button', { name: 'Drain…' }).click()
    await page.getByLabel('Why').fill(kind)
    await page.getByRole('button', { name: /^Drain for/ }).click()
  }

  test.each([
    ['nginx that takes the prefix away', startNginx, '/mxsteer/'],
    ['nginx that leaves the prefix', startNginx, '/whole/'],
    ['HAProxy', startHaproxyBefore, '/mxsteer/'],
  ])('%s: reads the stream, and orders', async (_, start, prefix) => {
    const proxy = await start(served.server.adminPort)
    let page: Page | null = null
    try {
      page = await open('', {}, `${proxy.origin}${prefix}`)
      await isLive(page)
      await row(page, 'mx1').waitFor()
      expect(new URL(page.url()).pathname).toBe(`${prefix}console/`)
      await page.evaluate(`location.hash = '#/target/smtp.example.test/mx3'`)
      await orderFrom(page, 'by a proxy')
      await page.locator('.toast', { hasText: 'mx3 is drained' }).waitFor()
      await answered('mx1,mx2')
      await page.locator('.toast').getByRole('button', { name: 'Undo' }).click()
      await answered('mx1,mx2,mx3')
    } finally {
      await page?.close()
      await proxy.stop()
    }
  })

  test('that puts another Host in its place: all is shown, and an order is refused in words', async () => {
    const proxy = await startNginx(served.server.adminPort)
    let page: Page | null = null
    try {
      const options = { isExpected: (fault: string) => fault.includes('status of 403') }
      const address = `${proxy.origin}/rewritten/console/#/target/smtp.example.test/mx3`
      page = await browser.open(address, options)
      await isLive(page)
      await page.getByRole('button', { name: 'Drain…' }).click()
      await page.locator('.preview', { hasText: 'has to pass the Host header on' }).waitFor()
      const { overrides } = JSON.parse((await served.server.http('/overrides')).body) as {
        overrides: unknown[]
      }
      expect(overrides).toEqual([])
    } finally {
      await page?.close()
      await proxy.stop()
    }
  })
})

test('every answer of the console has the headers of pages, and other names are refused', async () => {
  const origin = `http://127.0.0.1:${served.server.adminPort}`
  for (const path of ['/console/', '/console/plain', '/console/none', '/whole/console/']) {
    const reply = await fetch(`${origin}${path}`)
    expect([path, reply.headers.get('content-security-policy')?.slice(0, 18)]).toEqual([
      path,
      "default-src 'none'",
    ])
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff')
    expect(reply.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  }
  const rebound = execFileSync(
    'curl',
    [
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '-H',
      'Host: evil.example',
      `${origin}/console/`,
    ],
    { encoding: 'utf8' },
  )
  expect(rebound).toBe('421')
  const script = /src="\.\/(assets\/[^"]+)"/.exec(
    await (await fetch(`${origin}/console/`)).text(),
  )?.[1]
  const packed = await fetch(`${origin}/console/${script}`, {
    headers: { 'accept-encoding': 'br' },
  })
  expect(packed.headers.get('content-encoding')).toBe('br')
  expect(packed.headers.get('cache-control')).toContain('immutable')
})

test('a page of someone else that opens the console has no hold of it', async () => {
  const stranger = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>win</title>'),
  )
  await new Promise<void>((resolve) => void stranger.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = stranger.address() as AddressInfo
    const page = await browser.open(`http://127.0.0.1:${port}/`, {
      isExpected: (fault) => fault.startsWith(`request to ${new URL(served.address).origin}/`),
    })
    const popup = page.context().waitForEvent('page')
    await page.evaluate(`window.held = open('${served.address}')`)
    const opened = await popup
    await row(opened, 'mx1').waitFor()
    expect(await opened.evaluate('opener')).toBeNull()
    expect(await page.evaluate('held.closed')).toBe(true)
  } finally {
    stranger.close()
  }
})
