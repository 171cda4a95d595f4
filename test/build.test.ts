// What the build joins: which packages and modules of Node a thread loads at its start, whatever files they are in.

import { readFileSync, readdirSync } from 'node:fs'

import { type OutputChunk, rolldown } from 'rolldown'
import { beforeAll, expect, test } from 'vitest'

import config from '../rolldown.config.ts'

const chunks = new Map<string, OutputChunk>()
/** All files of the build. */
const files = new Set<string>()

beforeAll(async () => {
  for (const { output, ...input } of config) {
    const build = await rolldown(input)
    const made = await build.generate(Array.isArray(output) ? output[0] : output)
    for (const one of made.output) {
      files.add(one.fileName)
      if (one.type === 'chunk') chunks.set(one.fileName, one)
    }
    await build.close()
  }
}, 600_000)

/** All that is loaded with a chunk. */
function loadedWith(first: string): readonly OutputChunk[] {
  const names = new Set([first])
  for (const name of names) for (const next of chunks.get(name)?.imports ?? []) names.add(next)
  return [...names].flatMap((name) => chunks.get(name) ?? [])
}

const packagesOf = (loaded: readonly OutputChunk[]): readonly string[] =>
  [
    ...new Set(
      loaded.flatMap(({ moduleIds }) =>
        moduleIds.flatMap((id) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? []),
      ),
    ),
  ].sort()

const server = 'chunks/serve.cjs'

test('a server that shares no state does not load the client of Redis', () => {
  const packages = packagesOf(loadedWith(server))
  expect(packages).toContain('zod')
  expect(packages).not.toContain('ioredis')
  const onDemand = chunks.get(server)?.dynamicImports ?? []
  expect(packagesOf(onDemand.flatMap(loadedWith))).toContain('ioredis')
})

test('the server is few files, and each of its threads one, beside what all bundles share', () => {
  const entries = [...chunks.values()].filter(({ isEntry }) => isEntry)
  expect(entries.length).toBeGreaterThan(6)
  for (const { fileName, name } of entries) {
    const others = loadedWith(fileName).filter((one) => one.name !== 'rolldown-runtime')
    if (name !== 'main') expect(others.length).toBeLessThanOrEqual(fileName === server ? 12 : 1)
  }
})

test('the command line leads to the server, which is not in its own build', () => {
  expect(chunks.get('main.js')?.code).toMatch(/import\(.\.\/chunks\/serve\.js.\)/)
})

test('the threads that answer, and the one of the admin listener, load no package', () => {
  for (const entry of ['chunks/worker.cjs', 'chunks/listener/listener-thread.cjs']) {
    expect(chunks.has(entry)).toBe(true)
    expect(packagesOf(loadedWith(entry))).toEqual([])
  }
})

test('nothing of Node is imported, of which a whole module would be read', () => {
  for (const name of ['main.js', 'chunks/load-code.js'])
    expect(/getBuiltinModule\(/.test(chunks.get(name)?.code ?? '')).toBe(true)
  for (const { fileName, code } of chunks.values())
    expect([fileName, /^import[^;]*["']node:/m.test(code)]).toEqual([fileName, false])
})

test('each thread that a source starts has its file where that source looks for it', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  const asked = sources.flatMap((path) =>
    path.endsWith('.ts')
      ? [...readFileSync(`src/${path}`, 'utf8').matchAll(/: '\.\/([\w/-]+\.js)',/g)].map(
          ([, file = '']) => `chunks/${file}`,
        )
      : [],
  )
  expect(asked.length).toBeGreaterThan(4)
  expect(asked.filter((file) => !files.has(file))).toEqual([])
})

test('what a thread keeps the text of is ASCII: V8 keeps two octets for each character otherwise', () => {
  const scripts = [...chunks].filter(([name]) => name.endsWith('.cjs'))
  expect(scripts.length).toBeGreaterThan(6)
  // oxlint-disable-next-line no-control-regex
  for (const [name, { code }] of scripts)
    expect([name, /[^\0-\x7f]/.test(code)]).toEqual([name, false])
})
