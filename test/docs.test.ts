// The docs name every metric, event and flag that the code has, and no other.

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { logEvents } from '../src/app/log-events.ts'
import { adminRoutes } from '../src/admin/routes.ts'
import { commands } from '../src/cli/commands/commands.ts'
import { loadFolder } from '../src/cli/offline-data.ts'
import { brokenLinks } from './support/broken-links.ts'
import { settingsReference } from './settings/settings-reference.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const sourceFiles = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: read(`src/${path}`) }))
const sources = sourceFiles.map(({ text }) => text).join('\n')
const operations = read('docs/operations.md')
const settings = read('docs/settings.md')

const words = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1] as string))].sort()

describe('docs/operations.md', () => {
  test('names every metric', () => {
    const ours = words(sources, /'(mxsteer_[a-z_]+)'/g)
    expect(ours.length).toBeGreaterThan(15)
    expect(words(operations, /`(mxsteer_[a-z_]+)`/g)).toEqual(ours)
  })

  test('names every event of the log, and no other', () => {
    const section = operations.split('\n## Log\n')[1]?.split('\n## ')[0] ?? ''
    const named = words(section, /`([a-z]+\.[a-z]+(?:\.over)?)`/g)
    expect(named).toEqual(Object.keys(logEvents).sort())
  })

  test('names events that one file alone writes', () => {
    const writers = sourceFiles.filter(({ text }) =>
      /\blog(?:\.(?:trace|debug|info|warn|error|fatal)\(|\[)/.test(text),
    )
    expect(writers.map(({ path }) => path)).toEqual(['app/log-events.ts'])
  })

  test('names every command, and every flag of one', () => {
    for (const { name } of commands) expect(operations).toContain(name)

    const flags = new Set(commands.flatMap(({ flags: own }) => own.map(({ name }) => `--${name}`)))
    expect(flags.size).toBeGreaterThan(60)
    for (const flag of flags) expect(operations + settings).toContain(flag)
  })

  test('names every route of the admin server, and no other', () => {
    const table = /^## Admin HTTP$[^]*?\n\n(?=##)/m.exec(operations)?.[0] ?? ''
    const rows = [...table.matchAll(/^\| ([A-Z]+) \| `([^`]+)` \|/gm)]
    const documented = rows.map(([, method, path]) => `${method} ${path}`)
    expect(adminRoutes.length).toBeGreaterThanOrEqual(4)
    expect(documented).toEqual(adminRoutes.map(({ method, path }) => `${method} ${path}`))
  })
})

test('docs/settings.md shows the table of settings: `npm run docs:settings` writes it', () => {
  const lines = settings.split('\n')
  const start = lines.findIndex((line) => line.startsWith('| Key | Flag |')) + 2
  const end = lines.findIndex((line, i) => i >= start && !line.startsWith('|'))
  expect(lines.slice(start, end)).toEqual(settingsReference())
})

test('README.md shows the example of two regions as it is, and it has no mistakes', async () => {
  const text = read('examples/two-regions.yaml')
  expect(read('README.md')).toContain(`\`\`\`yaml\n${text.trimEnd()}\n\`\`\``)
  const folder = mkdtempSync(join(tmpdir(), 'mxsteer-example-'))
  writeFileSync(join(folder, 'two-regions.yaml'), text)
  const loaded = await loadFolder({ folder, filesMax: 1 })
  rmSync(folder, { recursive: true })
  expect(loaded).toMatchObject({ kind: 'loaded' })
})

test('links between pages lead to files and headings that there are', () => {
  expect(brokenLinks(root)).toEqual([])
})
