// The server as `npm run build` makes it: each of its threads, and what it says of where it failed.

import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32 } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { inSources } from '../../src/files/source-position.ts'
import { freePort } from '../support/free-ports.ts'
import {
  mainFile,
  projectFolder,
  stopChild,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const domain = 'built.example.test'
const hosts = Array.from({ length: 3000 }, (_, i) => `  host${i}: { A: 192.0.2.${i & 255} }\n`)
const zoneFile = `
zone: ${domain}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu: { addresses: [192.0.2.1] }
  us: { addresses: [192.0.2.2] }
pools:
  eu: { targets: { eu: 1 } }
  us: { targets: { us: 1 } }
steering:
  inbound:
    - { when: { continent: EU }, pools: [eu] }
    - { pools: [us] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
${hosts.join('')}`

const dist = dirname(mainFile)

describe('built', () => {
  // Nobody listens at port 1: what is loaded for a store is, and the server serves alone.
  const server = servedZone(() => ({
    zones: { 'built.yaml': zoneFile },
    flags: ['--state', 'redis://127.0.0.1:1'],
  }))
  const client = clientOf(server)

  test('answers what was compiled in the thread of the zone files', async () => {
    const { answers } = await client.ask(`host2999.${domain}`, 'A')
    expect(answers.map(({ address }) => address)).toEqual(['192.0.2.183'])
  })

  test('explains in a thread of its own, with databases that another one has compiled', async () => {
    await server.waitForLog(({ event }) => event === 'geoip.loaded')
    const path = `/explain?name=${domain}&type=MX&client=193.0.6.139`
    const { status, body } = await server.http(path)
    expect([status, body]).toEqual([200, expect.stringContaining('"eu"')])
  })

  test('tries to reach the store', async () => {
    const line = await server.waitForLog(({ event }) => event === 'state.degraded')
    expect(line['why']).toBe('ECONNREFUSED')
  })

  test('has the licenses of what is in it', () => {
    const text = readFileSync(join(dist, 'LICENSES.txt'), 'utf8')
    for (const name of ['zod', 'ioredis', '@prometheus-io/client'])
      expect(text).toContain(`\n${name} `)
  })

  test('leads from its stacks to the line of the source', () => {
    const [file, line, column] = placeOf('serve takes options only')
    const frame = `at serve (${pathToFileURL(join(dist, file)).href}:${line}:${column})`
    const source = readFileSync(join(projectFolder, 'src/cli/serve.ts'), 'utf8').split('\n')
    const at = source.findIndex((text) => text.includes('serve takes options only')) + 1
    expect(inSources(frame)).toMatch(new RegExp(`^at serve \\(file:.*/src/cli/serve\\.ts:${at}:`))
    expect(inSources('at f (file:///nowhere/x.js:1:1)')).toBe('at f (file:///nowhere/x.js:1:1)')
    expect(inSources('at node:net:1:2')).toBe('at node:net:1:2')
  })

  // Characters beyond ASCII are escaped after the map was written.
  test('leads to the source from what lies behind an escape, too', () => {
    const file = join(dist, 'chunks/serve.cjs')
    const frames = readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, i) =>
        /\\u20/.test(line)
          ? [...line.matchAll(/function (\w{8,})\(/g)].map(({ index, 1: name = '' }) => ({
              name: name.replace(/\$\d+$/, ''),
              frame: `${pathToFileURL(file).href}:${i + 1}:${index + 'function '.length + 1}`,
            }))
          : [],
      )
    const sought = frames.flatMap(({ name, frame }) => {
      const [, path, line] = /\/(src\/[^:]+\.ts):(\d+)/.exec(inSources(frame)) ?? []
      return path === undefined ? [] : [{ name, path, line: Number(line) }]
    })
    expect(sought.length).toBeGreaterThan(100)
    for (const { name, path, line } of sought)
      expect(readFileSync(join(projectFolder, path), 'utf8').split('\n')[line - 1]).toContain(name)
  })
})

/** File, line and column of a text of the build. */
function placeOf(text: string): readonly [string, number, number] {
  for (const name of readdirSync(join(dist, 'chunks'))) {
    if (!/\.c?js$/.test(name)) continue
    const lines = readFileSync(join(dist, 'chunks', name), 'utf8').split('\n')
    const line = lines.findIndex((one) => one.includes(text))
    if (line >= 0) return [`chunks/${name}`, line + 1, (lines[line] as string).indexOf(text) + 1]
  }
  throw new Error(`nothing in the build says ${text}`)
}

// Of each script that a thread runs: whether V8 refuses the code that is given for it; undefined: none is.
const watchScripts = `
import { writeSync } from 'node:fs'
import vm from 'node:vm'
vm.Script = class extends vm.Script {
  constructor(text, options) {
    super(text, options)
    writeSync(2, JSON.stringify([options.filename, this.cachedDataRejected ?? 'none']) + '\\n')
  }
}`

/** Starts a build, and ends it when it serves: by bundle, whether its code was refused. */
async function codeRefusedBy(main: string): Promise<Readonly<Record<string, unknown>>> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'built.yaml'), zoneFile)
  const watcher = join(temporaryFolder(), 'watch-scripts.mjs')
  writeFileSync(watcher, watchScripts)
  const listen = `--listen=127.0.0.1:${await freePort()}`
  const flags = [`--zones=${folder}`, listen, '--admin=off', '--workers=1', '--lameduck=0s']
  const child = watchChild(
    spawn(process.execPath, [`--import=${watcher}`, main, 'serve', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  await until(() => child.logs().some(({ event }) => event === 'server.ready') || null, {
    what: `a server that is ready: ${child.stderr()}`,
    withinMs: 60_000,
  })
  expect(await stopChild(child, 15_000)).toEqual({ code: 0, signal: null })
  const lines = child.stderr().split('\n').filter(Boolean)
  const seen = lines.map((line) => JSON.parse(line) as [string, unknown])
  return Object.fromEntries(seen.map(([url, refused]) => [basename(url), refused]))
}

/** A copy of the build, with each file changed whose name ends so. */
function buildWith(ending: string, change: (octets: Buffer) => Buffer): string {
  const folder = temporaryFolder()
  const copy = join(folder, 'dist')
  cpSync(dist, copy, { recursive: true })
  cpSync(join(projectFolder, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'))
  for (const name of readdirSync(join(copy, 'chunks')).filter((one) => one.endsWith(ending))) {
    const file = join(copy, 'chunks', name)
    writeFileSync(file, change(readFileSync(file)))
  }
  return join(copy, 'main.js')
}

/** One octet in the middle is another one. */
function damaged(octets: Buffer): Buffer {
  const at = octets.length >> 1
  octets.writeUInt8((octets[at] ?? 0) ^ 0xff, at)
  return octets
}

/** Whole, but of another version of V8. */
function ofAnother(octets: Buffer): Buffer {
  octets.fill(7, 12, 16)
  octets.writeUInt32LE(crc32(octets.subarray(8)), 4)
  return octets
}

/** As long as before: a blank of a source map's comment is a tab. */
const otherText = (octets: Buffer): Buffer =>
  Buffer.from(octets.toString('latin1').replace(/\/\/# (?=sourceMappingURL)/, '//#\t'), 'latin1')

describe('the code that V8 made at the build', () => {
  test('is taken by the server and its threads', async () => {
    expect(await codeRefusedBy(mainFile)).toMatchObject({
      'serve.cjs': false,
      'worker.cjs': false,
      'load-thread.cjs': false,
    })
  })

  test.for([
    ['is cut off', '.code', (octets: Buffer) => octets.subarray(0, octets.length >> 1), 'none'],
    ['is damaged', '.code', damaged, 'none'],
    ['is of another version', '.code', ofAnother, true],
    ['was made of another text', '.cjs', otherText, 'none'],
  ] as const)(
    'is not taken where it %s: the server compiles its text',
    async ([, ending, change, refused]) => {
      const seen = await codeRefusedBy(buildWith(ending, change))
      expect(seen).toMatchObject({ 'serve.cjs': refused, 'worker.cjs': refused })
    },
  )
})
