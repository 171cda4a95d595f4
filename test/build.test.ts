// What the build joins: which packages and modules of Node a thread loads at its start, whatever files they are in.

import { readFileSync, readdirSync } from 'node:fs'

import { type OutputChunk, rolldown } from 'rolldown'
import { beforeAll, expect, test } from 'vitest'

import config from '../rolldown.config.ts'

const chunks = new Map<string, OutputChunk>()

beforeAll(async () => {
  const { output, ...input } = config
  const build = await rolldown(input)
  const made = await build.generate(Array.isArray(output) ? output[0] : output)
  for (const one of made.output) if (one.type === 'chunk') chunks.set(one.fileName, one)
  await build.close()
}, 600_000)

const chunkOf = (source: string): string => {
  const found = [...chunks.values()].find(({ moduleIds }) =>
    moduleIds.some((id) => id.endsWith(`/src/${source}`)),
  )
  return found?.fileName ?? `no chunk has ${source}`
}

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

test('a server that shares no state does not load the client of Redis', () => {
  const packages = packagesOf(loadedWith(chunkOf('cli/serve.ts')))
  expect(packages).toContain('zod')
  expect(packages).not.toContain('ioredis')
  expect(packagesOf(loadedWith(chunkOf('cluster/redis/redis-link.ts')))).toContain('ioredis')
})

test('the threads that answer, and the one of the admin listener, load no package', () => {
  for (const entry of ['chunks/worker.js', 'chunks/listener/listener-thread.js']) {
    expect(chunks.has(entry)).toBe(true)
    expect(packagesOf(loadedWith(entry))).toEqual([])
  }
})

test('nothing of Node is imported, of which a whole module would be read', () => {
  const { code: served = '' } = chunks.get(chunkOf('cli/serve.ts')) ?? {}
  expect(/getBuiltinModule\(.node:/.test(served)).toBe(true)
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
  expect(asked.filter((file) => !chunks.has(file))).toEqual([])
})
