// Debian's Chromium for tests of the console: one browser a file, and every page judged by what no page may do.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
  type Page,
} from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'

/** Chromium of Debian, also as root and without a GPU; it talks to nobody by itself. */
export const launchOptions: LaunchOptions = {
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

export interface PageOptions {
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
  /** Lets axe in, which the Content-Security-Policy keeps out. */
  readonly isForAxe?: boolean
  readonly hasScript?: boolean
  /** What of the faults is to be: a message of the console about a request that fails, as it should. */
  readonly isExpected?: (fault: string) => boolean
}

export interface JudgedBrowser {
  /**
   * A page at `address`, in a context of its own until the test ends. What the page, or another one of its context, then has said in
   * its console, thrown, or asked of another origin fails the test.
   */
  open(address: string, options?: PageOptions): Promise<Page>
}

interface Judged {
  readonly context: BrowserContext
  readonly faults: readonly string[]
}

/** Patience of playwright's own waits, beside other work. */
const patienceMs = 60_000

/** From before the first test of the file until after the last one. There is no other way to a page: each is judged. */
export function servedBrowser(): JudgedBrowser {
  let browser: Browser | null = null
  let judged: readonly Judged[] = []
  beforeAll(async () => {
    browser = await chromium.launch(launchOptions)
  })
  afterEach(async () => {
    const faults = judged.flatMap((one) => one.faults)
    await Promise.all(judged.map(({ context }) => context.close()))
    judged = []
    if (faults.length > 0) throw new Error(`the page had faults: ${faults.join('; ')}`)
  })
  afterAll(() => browser?.close())
  return {
    async open(address, { isExpected = () => false, ...options } = {}) {
      if (browser === null) throw new Error('a page is opened before the browser was started')
      const context = await browser.newContext(contextOptions(options))
      const faults: string[] = []
      const add = (fault: string): void => void (isExpected(fault) || faults.push(fault))
      context.on('page', (page) => watchFaults(page, new URL(address).origin, add))
      judged = [...judged, { context, faults }]
      context.setDefaultTimeout(patienceMs)
      const page = await context.newPage()
      await page.goto(address)
      return page
    },
  }
}

const contextOptions = ({
  width = 1440,
  scheme = 'light',
  isForAxe = false,
  hasScript = true,
}: PageOptions): BrowserContextOptions => ({
  viewport: { width, height: 900 },
  colorScheme: scheme,
  bypassCSP: isForAxe,
  javaScriptEnabled: hasScript,
})

/** The console of the server whose admin address is at this port of loopback. `path`: of the fragment, `/ask?name=…`. */
export const openConsole = (
  browser: JudgedBrowser,
  adminPort: number,
  { path = '/', ...options }: PageOptions & { readonly path?: string } = {},
): Promise<Page> => browser.open(`http://127.0.0.1:${adminPort}/console/#${path}`, options)

/** What a page says, throws, and asks of others than `origin`, from now on. */
function watchFaults(page: Page, origin: string, add: (fault: string) => void): void {
  page.on('console', (message) =>
    add(`${message.type()}: ${message.text()} (${message.location().url})`),
  )
  page.on('pageerror', (error) => add(`exception: ${error.message}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) add(`request to ${url}`)
  })
}

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

const axeTags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What axe finds wrong on a page that was opened for it: the rule, and where. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(readFileSync(axeFile, 'utf8'))
  const run = `axe.run(document, { runOnly: ${JSON.stringify(axeTags)} })`
  const { violations } = (await page.evaluate(run)) as {
    violations: { id: string; nodes: { html: string }[] }[]
  }
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** Whether something is wider than the page, so that all of it scrolls sideways. */
export const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > innerWidth')
