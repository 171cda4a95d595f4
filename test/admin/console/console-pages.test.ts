// What is answered of the console out of memory: compressed forms, tags, types, redirects that hold behind any prefix,
// and headers on every path.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'

import { afterAll, describe, expect, test } from 'vitest'

import { type ConsoleFiles, readConsoleFiles } from '../../../src/admin/console/console-files.ts'
import { createConsolePages } from '../../../src/admin/console/console-pages.ts'
import type { Reply } from '../../../src/admin/reply.ts'

const folder = mkdtempSync(join(tmpdir(), 'mxsteer-console-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const script = 'console.log("steer")\n'.repeat(40)
const contents: Readonly<Record<string, string>> = {
  'index.html': '<!doctype html><title>console</title>',
  'assets/index-AbCd_123.js': script,
  'assets/inter-latin-wght-normal-Dx4kXJAl.woff2': 'a font',
  'plain.css': 'body {}',
  'LICENSES.txt': 'MIT',
}

function writeBuild(name: string, files: readonly string[]): string {
  const build = join(folder, name)
  mkdirSync(join(build, 'assets'), { recursive: true })
  for (const [path, text] of Object.entries(contents)) writeFileSync(join(build, path), text)
  writeFileSync(join(build, 'assets/index-AbCd_123.js.gz'), gzipSync(script))
  writeFileSync(join(build, 'assets/index-AbCd_123.js.br'), brotliCompressSync(script))
  writeFileSync(join(build, 'manifest.json'), JSON.stringify({ sources: '', files }))
  return build
}

const whole = writeBuild('whole', Object.keys(contents))
let reads = 0
const readWhole = (): Promise<ConsoleFiles | null> => {
  reads++
  return readConsoleFiles(whole)
}
const pages = createConsolePages('', readWhole)

const get = async (
  path: string,
  headers: IncomingHttpHeaders = {},
  method = 'GET',
): Promise<Reply | null> => pages.reply({ method, path, headers })

const octets = ({ body }: Reply): Buffer =>
  typeof body === 'string' ? Buffer.from(body) : Buffer.concat(body)

const js = '/console/assets/index-AbCd_123.js'

describe('files', () => {
  test.each([
    ['/console/', 'text/html; charset=utf-8', 'no-cache'],
    ['/console/index.html', 'text/html; charset=utf-8', 'no-cache'],
    [js, 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    [
      '/console/assets/inter-latin-wght-normal-Dx4kXJAl.woff2',
      'font/woff2',
      'public, max-age=31536000, immutable',
    ],
    ['/console/plain.css', 'text/css; charset=utf-8', 'no-cache'],
    ['/console/LICENSES.txt', 'text/plain; charset=utf-8', 'no-cache'],
  ])('%s: %s, %s', async (path, contentType, cacheControl) => {
    const reply = await get(path)
    expect([reply?.status, reply?.contentType, reply?.headers?.['cache-control']]).toEqual([
      200,
      contentType,
      cacheControl,
    ])
  })

  test.each([
    ['br, gzip', 'br'],
    ['gzip, deflate, br;q=0', 'gzip'],
    ['GZIP;q=0.5', 'gzip'],
    ['br;q=0.0, gzip;q=0', undefined],
    ['identity', undefined],
    [undefined, undefined],
  ])('accept-encoding %s gets %s, of the same contents', async (accepted, encoding) => {
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted }
    const reply = (await get(js, headers)) as Reply
    expect(reply.headers?.['content-encoding']).toBe(encoding)
    expect(reply.headers?.['vary']).toBe('accept-encoding')
    const unpack = { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? '']
    expect((unpack?.(octets(reply)) ?? octets(reply)).toString()).toBe(script)
  })

  test('what has no compressed form comes as it is', async () => {
    const reply = (await get('/console/', { 'accept-encoding': 'br, gzip' })) as Reply
    expect(reply.headers?.['content-encoding']).toBeUndefined()
    expect(octets(reply).toString()).toBe(contents['index.html'])
  })

  test.each([
    ['the tag', (etag: string) => etag, 304],
    ['the tag made weak, among others', (etag: string) => `"x", W/${etag}`, 304],
    ['any', () => '*', 304],
    ['another tag', () => '"x"', 200],
  ])('if-none-match with %s', async (_, tag, status) => {
    const etag = (await get(js))?.headers?.['etag'] ?? ''
    const reply = (await get(js, { 'if-none-match': tag(etag) })) as Reply
    expect([reply.status, octets(reply).length > 0]).toEqual([status, status === 200])
  })

  test.each(['/console/x.js', '/console/../status', '/console//', '/console/manifest.json'])(
    '%s is not there',
    async (path) => {
      expect((await get(path))?.status).toBe(404)
    },
  )
})

describe('ways to the console', () => {
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

  test('a browser at / is led there, relative to where it is; a monitor is not', async () => {
    const reply = await get('/', browser)
    expect([reply?.status, reply?.headers?.['location'], reply?.headers?.['vary']]).toEqual([
      302,
      'console/',
      'accept, sec-fetch-site',
    ])
    expect(await get('/', { accept: '*/*' })).toBeNull()
    expect(await get('/')).toBeNull()
  })

  test.each([
    ['', '/console', 'console/'],
    ['/mxsteer', '', 'mxsteer/console/'],
    ['/a/b', '', 'b/console/'],
  ])('with prefix "%s", "%s" leads to %s', async (prefix, path, location) => {
    const led = createConsolePages(prefix, readWhole)
    const reply = await led.reply({ method: 'GET', path, headers: {} })
    expect(reply?.headers?.['location']).toBe(location)
    const asked = new URL(`http://localhost${prefix}${path}`)
    expect(new URL(location, asked).pathname).toBe(`${prefix}/console/`)
  })

  test.each([
    ['POST', '/console/'],
    ['GET', '/status'],
    ['GET', '/consoles'],
    ['GET', '/console/plain'],
  ])('%s %s is for others to answer', async (method, path) => {
    expect(await get(path, {}, method)).toBeNull()
  })

  test('where nothing is built, browsers are led to the plain page', async () => {
    const unbuilt = createConsolePages('', () => Promise.resolve(null))
    const reply = async (path: string): Promise<Reply | null> =>
      unbuilt.reply({ method: 'GET', path, headers: {} })
    expect((await reply('/console/'))?.headers?.['location']).toBe('plain')
    expect((await reply(js))?.status).toBe(404)
  })
})

test.each([
  ['/', { accept: 'text/html' }],
  ['/console', {}],
  ['/console/', {}],
  [js, {}],
  [js, { 'if-none-match': '*' }],
  ['/console/nothing', {}],
])('%s has the headers of pages', async (path, headers: IncomingHttpHeaders) => {
  const given = (await get(path, headers))?.headers ?? {}
  expect(given['content-security-policy']).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  )
  expect(given['referrer-policy']).toBe('no-referrer')
  expect(given['cross-origin-opener-policy']).toBe('same-origin')
  expect(given['cross-origin-resource-policy']).toBe('same-origin')
  expect(given['permissions-policy']).toContain('camera=()')
})

describe('the opener policy', () => {
  const policyOf = async (path: string, from?: string): Promise<[unknown, unknown]> => {
    const headers = {
      accept: 'text/html',
      ...(from === undefined ? {} : { 'sec-fetch-site': from }),
    }
    const given = (await get(path, headers))?.headers ?? {}
    return [given['cross-origin-opener-policy'], given['vary']]
  }

  test.each(['/', '/console', '/console/'])(
    '%s has it but for who came by himself',
    async (path) => {
      for (const from of [undefined, 'cross-site', 'same-site', 'same-origin', 'what'])
        expect([from, (await policyOf(path, from))[0]]).toEqual([from, 'same-origin'])
      const [policy, vary] = await policyOf(path, 'none')
      expect(policy).toBeUndefined()
      expect(vary).toContain('sec-fetch-site')
    },
  )

  test('a page that is still the same is told of by what the request says', async () => {
    const etag = String((await get('/console/', {}))?.headers?.['etag'])
    for (const [from, policy] of [
      ['cross-site', 'same-origin'],
      ['none', undefined],
    ]) {
      const again = await get('/console/', { 'if-none-match': etag, 'sec-fetch-site': from })
      expect([again?.status, again?.headers?.['cross-origin-opener-policy']]).toEqual([304, policy])
    }
  })

  test('a file that never changes has it, whoever asks', async () => {
    expect(await policyOf(js, 'none')).toEqual(['same-origin', 'accept-encoding'])
  })
})

describe('a build', () => {
  test('is read when the first of its files is asked for, and once', async () => {
    const later = createConsolePages('', readWhole)
    const ask = async (path: string): Promise<Reply | null> =>
      later.reply({ method: 'GET', path, headers: { accept: 'text/html' } })
    reads = 0
    for (const path of ['/', '/console', '/status', '/console/plain']) await ask(path)
    expect(reads).toBe(0)
    await Promise.all([ask('/console/'), ask(js), ask('/console/plain.css')])
    expect(reads).toBe(1)
  })

  test('says when a browser takes the page, and not of its files', async () => {
    let opened = 0
    const told = createConsolePages('', readWhole, () => opened++)
    const ask = (path: string, method: string = 'GET') =>
      told.reply({ method, path, headers: { accept: 'text/html' } })
    for (const path of ['/', '/console', '/console/plain', js, '/console/plain.css'])
      await ask(path)
    await ask('/console/', 'HEAD')
    expect(opened).toBe(0)
    await ask('/console/')
    await ask('/console/index.html')
    expect(opened).toBe(2)
  })

  test('that misses a file it names is none', async () => {
    const partial = writeBuild('partial', ['index.html', 'assets/gone.js'])
    expect(await readConsoleFiles(partial)).toBeNull()
  })

  test('that is not there is none', async () => {
    expect(await readConsoleFiles(join(folder, 'nothing'))).toBeNull()
  })

  test('gives nothing outside of its folder', async () => {
    const odd = ['index.html', '../whole/plain.css', '/etc/passwd', 'assets/../plain.css']
    const read = await readConsoleFiles(writeBuild('odd', odd))
    expect([...(read ?? new Map()).keys()]).toEqual(['index.html'])
  })
})
