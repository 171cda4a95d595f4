// Debian's Chromium for tests of the console: one browser a file, and pages that keep what no page may do.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'

/** Chromium of Debian, also as root and without a GPU; it talks to nobody by itself. */
const launchOptions = {
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

/** From before the first test of the file until after the last one. */
export function servedBrowser(): () => Browser {
  let browser: Browser | null = null
  beforeAll(async () => {
    browser = await chromium.launch(launchOptions)
  })
  afterAll(() => browser?.close())
  return () => {
    if (browser === null) throw new Error('the browser is asked for before it was started')
    return browser
  }
}

export interface ConsolePage {
  readonly page: Page
  /** Console messages, exceptions, and requests to anybody but the server: there are to be none. */
  readonly faults: readonly string[]
}

interface PageOptions {
  /** Of the fragment: `/ask?name=…`. */
  readonly path?: string
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
  /** Lets axe in, which the Content-Security-Policy keeps out. */
  readonly isForAxe?: boolean
}

/** Opens the console of the server whose admin address is at this port of loopback. */
export async function openConsole(
  browser: Browser,
  adminPort: number,
  { path = '/', width = 1440, scheme = 'light', isForAxe = false }: PageOptions = {},
): Promise<ConsolePage> {
  const options: BrowserContextOptions = {
    viewport: { width, height: 900 },
    colorScheme: scheme,
    bypassCSP: isForAxe,
  }
  const page = await (await browser.newContext(options)).newPage()
  const origin = `http://127.0.0.1:${adminPort}`
  const faults = watchFaults(page, origin)
  await page.goto(`${origin}/console/#${path}`)
  return { page, faults }
}

/** What a page says, throws, and asks of others than `origin`, from now on; `isExpected`: what is left out. */
export function watchFaults(
  page: Page,
  origin: string,
  isExpected: (fault: string) => boolean = () => false,
): readonly string[] {
  const faults: string[] = []
  const add = (fault: string): void => {
    if (!isExpected(fault)) faults.push(fault)
  }
  page.on('console', (message) =>
    add(`${message.type()}: ${message.text()} (${message.location().url})`),
  )
  page.on('pageerror', (error) => add(`exception: ${error.message}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) add(`request to ${url}`)
  })
  return faults
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
