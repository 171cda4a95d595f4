// A world in which whatever zone files, MTAs, operators and instances may be called is markup, a command, or turns the
// direction of text: every view, dialog and toast shows it as text, breaks no layout, and gives commands that can be pasted.

import { execFileSync } from 'node:child_process'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { printable } from '../../src/lib/printable.ts'
import { openConsole, servedBrowser } from '../support/browser.ts'
import { startRedis } from '../support/redis.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'
import { type DemoMtas, startMtas } from './served-console.ts'

/** Runs where it is taken for markup, and is found where it made an element. */
const markup = `<img src=x onerror="hostile=1"><script>hostile=1</script>`
const turned = `\u202egnp.\u2066'"; $(id) \`id\` \u001b[2J\u0007 😀`
const link = 'javascript:hostile=1'

const pool = `${markup} ${turned}`
const longPool = `${link}//${'p'.repeat(180)}`
/** What operators may write of an order: neither control characters nor what turns the direction. */
const why = `${markup} '"; $(id) 😀`
const by = `${link} '"`
const policy = `--policy ${markup}`
const probe = `<b>probe</b>${turned}`
const label63 = `t${'x'.repeat(61)}t`
/** Of what names of zones may hold, as they are printed: no spaces, and octets beyond ASCII as escapes. */
const zone = `<img/src=x/onerror=hostile=1>.\\$\\(id\\$\\{ifs\\}\\)'\\"&\\;|*.\\226\\128\\174r\\027e.example`
/** Of 253 octets with the name of its target. */
const longZone = `${'y'.repeat(63)}.${'y'.repeat(63)}.${'y'.repeat(63)}.${'y'.repeat(55)}`
const file = `<img src=x onerror=hostile=1>\u202e $(id);'.yaml`
const instance = `-i${'i'.repeat(61)}`

const quoted = JSON.stringify

const head = (name: string): string => `zone: ${quoted(name)}
ttl: 60
min_ttl: 5
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
`

const hostileZone = (port: number): string => `${head(zone)}targets:
  mx1: { addresses: [127.0.0.2], region: -rf }
  ${label63}: { addresses: [127.0.0.3], region: ${'r'.repeat(40)} }
probes:
  ${quoted(probe)}: { port: ${port}, level: ehlo, interval: 1s, fast_interval: 500ms, fall: 2, rise: 2, connect_timeout: 1s }
pools:
  ${quoted(pool)}: { probe: ${quoted(probe)}, availability_target: 0.999, targets: { mx1: 3, ${label63}: 2 } }
  ${quoted(longPool)}: { probe: ${quoted(probe)}, targets: { mx1: 1 } }
steering:
  ${quoted(policy)}:
    - { when: { network: 192.0.2.0/24 }, pools: [${quoted(longPool)}] }
    - { when: { continent: [EU] }, pools: [${quoted(longPool)}, ${quoted(pool)}] }
    - { pools: [${quoted(pool)}, ${quoted(longPool)}] }
records:
  '@': { NS: ns1, MX: { steer: ${quoted(policy)} } }
  ns1: { A: 127.0.0.1 }
  ${quoted('-x;$(id)')}: { TXT: ${quoted('<img src=x onerror=hostile=1>')}, MX: { steer: ${quoted(policy)} } }
`

const wideZone = (port: number): string => `${head(longZone)}targets:
  m: { addresses: [127.0.0.4] }
probes: { p: { port: ${port}, level: ehlo, interval: 1s } }
pools: { p: { probe: p, targets: [m] } }
steering: { s: [{ pools: [p] }] }
records:
  '@': { NS: n, MX: { steer: s } }
  n: { A: 127.0.0.1 }
`

const browser = servedBrowser()
let redis: Awaited<ReturnType<typeof startRedis>>
let mtas: DemoMtas
let server: RunningServer
let peer: RunningServer
let text = ''

beforeAll(async () => {
  mtas = await startMtas({ mx1: `${markup} ${turned}`, [label63]: 'g'.repeat(480), m: link })
  redis = await startRedis()
  text = hostileZone(mtas.port)
  const zones = { [file]: text, 'wide.yaml': wideZone(mtas.port) }
  const start = (name: string): Promise<RunningServer> =>
    startServer({
      zones,
      flags: ['--state', redis.url, `--instance=${name}`, `--site=${'s'.repeat(63)}`],
    })
  ;[server, peer] = await Promise.all([start(instance), start('other')])
  await until(async () => (await server.targets()).every(({ state }) => state === 'up'), {
    what: 'all targets up',
    withinMs: 30_000,
  })
  // What was ordered, and a target that is down for a reason of its own.
  const orders = [
    { kind: 'weight', target: 'mx1', factor: 0.5 },
    { kind: 'drain', target: label63 },
  ]
  for (const one of orders) {
    const reply = await order({ zone, ...one })
    if (!reply.ok) throw new Error(`not ordered: ${await reply.text()}`)
  }
}, 120_000)
afterAll(async () => {
  await Promise.all([server.stop(), peer.stop()])
  await Promise.all([redis.kill(), mtas.close()])
})

const order = (body: object): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.adminPort}/overrides`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seconds: 3600, why, by, ...body }),
  })

const query = (values: Readonly<Record<string, string>>): string =>
  String(new URLSearchParams(values))

const named = { name: zone, type: 'MX' }
const targetPath = (one: string, target: string): string =>
  `/target/${encodeURIComponent(one)}/${target}`

/** View → what of the names is to be seen in it. */
const views: readonly (readonly [path: string, shows: readonly string[]])[] = [
  ['/', [pool, longPool, label63, zone, why, by]],
  [targetPath(zone, 'mx1'), [markup, pool, turned, probe]],
  [targetPath(zone, label63), [label63, 'g'.repeat(480)]],
  [targetPath(longZone, 'm'), [link, longZone]],
  [`/ask?${query({ ...named, client: '198.51.100.7', with: '192.0.2.1' })}`, [pool, policy]],
  [`/ask?${query({ name: `-x;$(id).${zone}`, type: 'MX' })}`, [pool, policy]],
  [`/ask?${query({ name: turned, client: markup })}`, [markup.slice(0, 20)]],
  [
    `/whatif?${query({ ...named, down: `pool:${pool}`, drain: 'region:-rf', weight: 'mx1=0.5' })}`,
    [pool, longPool, label63],
  ],
  [`/map?${query(named)}`, [pool, longPool, policy]],
  [`/map?${query({ name: `${markup}${turned}`, type: '$(id)' })}`, []],
  ['/drains', [label63, why, by]],
  ['/events', [why, by]],
  [`/events?${query({ target: pool, by: turned, instance: `'$(id)'` })}`, []],
  ['/traffic', []],
  [`/budgets?${query({ pool: `${zone}/${pool}`, window: '1h' })}`, [pool, longPool, zone]],
  ['/instances', [instance, 's'.repeat(63)]],
  [`/zones?${query({ zone })}`, [zone, file, pool, policy]],
  [`/zones?${query({ zone: longZone })}`, [longZone]],
]

/** What a page that took a name for more than text would have, and what is wider than the window. */
const judgement = `(() => {
  const texts = [document.title]
  for (const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walker.nextNode(); )
    texts.push(walker.currentNode.data)
  for (const one of document.querySelectorAll('[title], [aria-label], [placeholder]'))
    for (const name of ['title', 'aria-label', 'placeholder']) texts.push(one.getAttribute(name) ?? '')
  const isCut = (one) => {
    for (let at = one.parentElement; at !== null && at !== document.body; at = at.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(at).overflowX) && at.getBoundingClientRect().right <= innerWidth + 1) return true
    return false
  }
  const root = document.documentElement
  return {
    ran: typeof hostile !== 'undefined',
    elements: [...document.querySelectorAll('img, iframe, object, embed, base, script:not([src]), main b > b')].map((one) => one.outerHTML),
    links: [...document.querySelectorAll('a[href]')].map((one) => one.href).filter((href) => !href.startsWith(location.origin)),
    hidden: texts.filter((one) => /(?![\\n\\t])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]/u.test(one)),
    tooWide: root.scrollWidth > root.clientWidth ? root.scrollWidth : 0,
    beyond: [...document.querySelectorAll('body *')]
      .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.checkVisibility() && !one.closest('svg, .skip') && !isCut(one))
      .slice(0, 6)
      .map((one) => one.outerHTML.slice(0, 120)),
  }
})()`

const nothing = { ran: false, elements: [], links: [], hidden: [], tooWide: 0, beyond: [] }

/** To be compared with nothing; `where` tells which of several it was. */
const judged = async (page: Page, where: string): Promise<unknown> => ({
  where,
  found: await page.evaluate(judgement),
})

const well = (where: string): object => ({ where, found: nothing })

/** With the text of options, which are not laid out. */
const textOf = async (page: Page): Promise<string> =>
  String(await page.evaluate('document.body.textContent'))

async function shows(page: Page, where: string, words: readonly string[]): Promise<void> {
  for (const one of words)
    await until(async () => (await textOf(page)).includes(printable(one)), {
      what: `${printable(one)} in ${where}`,
      withinMs: 20_000,
    })
}

/** Commands of the page, as a shell reads them: the arguments of `mxsteer` and of `curl`. */
async function commandsOf(page: Page): Promise<readonly (readonly string[])[]> {
  const command = await page.locator('pre.command').innerText()
  expect(command).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  execFileSync('sh', ['-n', '-c', command])
  const told = `mxsteer() { for one in "$@"; do printf '%s\\0' "$one"; done; printf '\\0'; }
curl() { mxsteer "$@"; }
jq() { cat; }
${command}`
  return execFileSync('sh', ['-c', told], { encoding: 'utf8' })
    .split('\0\0')
    .map((one) => one.split('\0'))
    .slice(0, -1)
}

const openAt = async (path: string, width: number): Promise<Page> => {
  const page = await openConsole(browser, server.adminPort, {
    path,
    width,
    // What is asked for by names that are none is refused.
    isExpected: (fault) => /status of 4\d\d/.test(fault),
  })
  await page.locator('.live', { hasText: 'Live' }).first().waitFor()
  await page.waitForLoadState('networkidle')
  return page
}

describe.each([1440, 390])('at %d', (width) => {
  test.each(views.map((one, i) => [`${i} ${one[0].slice(0, 60)}`, ...one] as const))(
    '%s is text',
    async (_, path, words) => {
      const page = await openAt(path, width)
      await page.locator('main h1').first().waitFor()
      // Orders of one minute may be one line, which opens.
      for (const folded of await page.locator('.burst summary').all()) await folded.click()
      await shows(page, path, words)
      expect(await judged(page, path)).toEqual(well(path))
    },
  )

  test('dialogs and toasts are text', async () => {
    const page = await openAt('/', width)
    await page.keyboard.press('/')
    await page.keyboard.type('mx1')
    await page.getByRole('option').first().waitFor()
    expect(await judged(page, 'find')).toEqual(well('find'))
    await page.keyboard.press('Escape')
    await until(() => page.evaluate(`!document.activeElement.matches('input')`), {
      what: 'find has let go of the keys',
      withinMs: 20_000,
    })
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    expect(await judged(page, 'help')).toEqual(well('help'))
    await page.keyboard.press('Escape')

    await page.evaluate(`location.hash = ${quoted(`#${targetPath(zone, 'mx1')}`)}`)
    await page.getByRole('heading', { level: 1, name: 'mx1' }).waitFor()
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.locator('.preview[data-state=known]').waitFor()
    await shows(page, 'the dialog', [pool, longPool])
    expect(await judged(page, 'the dialog')).toEqual(well('the dialog'))
    await page.getByLabel('Why').fill(markup)
    const nevertheless = page.getByRole('checkbox', { name: 'Do it nevertheless' })
    if ((await nevertheless.count()) > 0) await nevertheless.check()
    await page.getByRole('button', { name: /^Disable for/ }).click()
    await page.locator('.toast').waitFor()
    expect(await judged(page, 'a toast')).toEqual(well('a toast'))
    await page.locator('.toast').getByRole('button', { name: 'Undo' }).click()
    await page.locator('.toast', { hasText: 'no longer' }).waitFor()
    expect(await judged(page, 'undone')).toEqual(well('undone'))

    await page.evaluate(`location.hash = '#/drains'`)
    await page
      .getByRole('button', { name: `Extend ${label63}` })
      .first()
      .click()
    await page.getByRole('dialog').waitFor()
    expect(await judged(page, 'extend')).toEqual(well('extend'))
  })

  test('the plain page and its forms are text', async () => {
    const address = `http://127.0.0.1:${server.adminPort}/console/plain`
    const page = await browser.open(address, { width })
    for (const path of ['', `/drain?${query({ zone, target: 'mx1', why: markup })}`]) {
      await page.goto(`${address}${path}`)
      await shows(page, `plain${path}`, ['mx1', zone])
      expect(await judged(page, `plain${path}`)).toEqual(well(`plain${path}`))
    }
  })
})

test('a refused load shows the file that others wrote', async () => {
  server.writeZone(
    file,
    text.replace(`probe: ${quoted(probe)}, targets: { mx1: 1 }`, 'probe: "<b>none</b>"'),
  )
  try {
    await server.waitForLog((line) => line.event === 'config.rejected')
    for (const width of [1440, 390]) {
      const page = await openAt(`/zones?${query({ zone })}`, width)
      await page.getByRole('region', { name: 'The last load was refused' }).waitFor()
      await shows(page, 'zones', [file, '<b>none</b>'])
      expect(await judged(page, 'a refused load')).toEqual(well('a refused load'))
    }
  } finally {
    server.writeZone(file, text)
  }
})

test('commands reach the command line with the names as they are', async () => {
  const turnedName = `${markup}${turned}`
  const cases: readonly (readonly [path: string, args: readonly string[]])[] = [
    [targetPath(zone, 'mx1'), ['targets', `mx1.${zone}`]],
    [
      `/ask?${query({ ...named, client: '192.0.2.1' })}`,
      ['explain', zone, 'MX', '--client', '192.0.2.1'],
    ],
    [`/ask?${query({ name: turnedName })}`, ['explain', turnedName, 'MX']],
    [
      `/ask?${query({ name: '-x', client: '--server' })}`,
      ['explain', '--client=--server', '--', '-x', 'MX'],
    ],
    [
      `/whatif?${query({ ...named, down: `pool:${pool}`, drain: 'region:-rf', by: '$(id)' })}`,
      ['simulate', zone, 'MX', '--down', `pool:${pool}`, '--drain', 'region:-rf', '--by', '$(id)'],
    ],
    [
      `/map?${query({ name: turnedName, type: ';id' })}`,
      ['explain', turnedName, ';id', '--client', '198.51.100.7'],
    ],
  ]
  for (const [path, args] of cases) {
    const page = await openAt(path, 1440)
    expect([path, await commandsOf(page)]).toEqual([path, [args]])
  }
  for (const path of [
    `/events?${query({ by: `'$(id)' ${turned}` })}`,
    '/traffic',
    '/budgets',
    '/drains',
    '/zones',
  ]) {
    const page = await openAt(path, 1440)
    const commands = await commandsOf(page)
    expect(commands.length).toBeGreaterThan(0)
    const addresses = commands.flat().filter((one) => one.startsWith('http'))
    for (const one of addresses) expect(String(new URL(one))).toBe(one)
  }
})
