// Who may import whom, what the pure core may touch, and the measures of the tree. The table of imports is in
// architecture-law.ts; docs/architecture.md shows the same one, and a test holds the two together.

import { readFileSync, readdirSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import {
  type LawRow,
  law,
  lawTable,
  readersOfClockAndRandomness,
  words,
} from './architecture-law.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const pure = law.filter((row) => row.pure).map((row) => row.room)

interface Import {
  readonly file: string
  /** Room of `file`. */
  readonly from: string
  /** The file imported, below src/, or the package. */
  readonly target: string
  /** Room of `target`, or the package. */
  readonly to: string
  readonly isRelative: boolean
  readonly isType: boolean
}

interface Source {
  readonly path: string
  readonly room: string
  readonly text: string
  /** Without comments and blank lines. */
  readonly lines: readonly string[]
  readonly code: string
}

/** The folder that a file of src/ lies in; a file at the root of src/ is a room of its own. */
const roomOf = (path: string): string => (path.includes('/') ? dirname(path) : path)

const sources: readonly Source[] = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path))
  .sort()
  .map((path) => {
    const text = readFileSync(`${root}src/${path}`, 'utf8')
    const lines = text.split('\n').filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line))
    return { path, room: roomOf(path), text, lines, code: lines.join('\n') }
  })

const imports = sources.flatMap(importsOf)

/** Imports and re-exports, and `import(…)` in code or types. */
function importsOf({ path, room, code }: Source): Import[] {
  const found = (specifier: string, isType: boolean): Import => {
    const isRelative = specifier.startsWith('.')
    const target = isRelative
      ? relative(`${root}src`, resolve(dirname(`${root}src/${path}`), specifier))
      : specifier
    const to = isRelative ? roomOf(target) : specifier
    return { file: path, from: room, target, to, isRelative, isType }
  }
  const stated = code.matchAll(
    /^(?:import|export)\s+(type\s)?([^'"=]*?\sfrom\s+)?['"]([^'"]+)['"]/gm,
  )
  const dynamic = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  return [
    ...[...stated].map(([, type, names = '', specifier = '']) =>
      found(specifier, type !== undefined || namesOnlyTypes(names)),
    ),
    ...[...dynamic].map(([, specifier = '']) => found(specifier, false)),
  ]
}

function namesOnlyTypes(names: string): boolean {
  const listed = /^\{(.*)\}\s+from/s.exec(names)?.[1]
  return listed !== undefined && listed.split(',').every((name) => /^\s*(type\s|$)/.test(name))
}

const edge = ({ file, to, isType }: Import): string => `${file} → ${to}${isType ? ' (type)' : ''}`

function breaksLaw({ from, to, isRelative, isType }: Import): boolean {
  const row = law.find((one) => one.room === from)
  if (row === undefined) return true
  if (isRelative) {
    if (from === to || words(row.imports).includes(to)) return false
    return !(isType && words(row.typesOnly).includes(to))
  }
  const allowed = words(row.packages)
  return !allowed.includes(to) && !(to.startsWith('node:') && allowed.includes('node:*'))
}

/** What is left of a graph once everything that needs nothing left, or that nothing left needs, has been taken away. */
function circles(needs: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const rest = new Map(needs)
  for (let before = -1; before !== rest.size;) {
    before = rest.size
    const needed = new Set([...rest.values()].flatMap((to) => [...to]))
    for (const [from, to] of rest)
      if (!needed.has(from) || ![...to].some((one) => rest.has(one))) rest.delete(from)
  }
  return [...rest.keys()]
}

const importersOf = (room: string): string[] => [
  ...new Set(
    imports
      .filter((one) => one.to === room && one.from.split('/', 1).join() !== room)
      .map(({ from }) => from),
  ),
]

describe('imports', () => {
  test('are seen at all', () => {
    const seen = new Set(imports.map(edge))
    expect(seen).toContain('answer/context.ts → steer (type)')
    expect(seen).toContain('geo/mmdb.ts → maxmind')
    expect(seen).toContain('main.ts → cli')
  })

  test('follow the table', () => {
    expect(imports.filter(breaksLaw).map(edge)).toEqual([])
  })

  test('every row of the table is a room, and allows nothing that is not imported', () => {
    expect(law.map((row) => row.room).sort()).toEqual(
      [...new Set(sources.map((s) => s.room))].sort(),
    )
    const unused = ({ room, imports: values, typesOnly, packages }: LawRow): string[] => {
      const own = imports.filter((one) => one.from === room)
      const isImported = (to: string, isType: boolean): boolean =>
        own.some((one) => one.to === to && (!isType || one.isType))
      return [
        ...words(values).filter((to) => !own.some((one) => one.to === to && !one.isType)),
        ...words(typesOnly).filter((to) => !isImported(to, true)),
        ...words(packages).filter(
          (to) =>
            !own.some((one) => one.to === to || (to === 'node:*' && one.to.startsWith('node:'))),
        ),
      ].map((to) => `${room} → ${to}`)
    }
    expect(law.flatMap(unused)).toEqual([])
  })

  test('folders of src/, sub-folders included, do not need each other in a circle', () => {
    const top = (room: string): string => room.split('/', 1).join()
    const needs = new Map(law.map(({ room }) => [top(room), new Set<string>()]))
    for (const { room, imports: values } of law)
      for (const to of words(values).map(top)) if (to !== top(room)) needs.get(top(room))?.add(to)
    expect(circles(needs)).toEqual([])
  })

  test('files do not need each other in a circle, types included', () => {
    const needs = new Map(sources.map(({ path }) => [path, new Set<string>()]))
    for (const { file, target, isRelative } of imports) if (isRelative) needs.get(file)?.add(target)
    expect(circles(needs)).toEqual([])
  })

  test('only app knows every room', () => {
    expect(importersOf('main.ts')).toEqual([])
    expect(importersOf('cli')).toEqual(['main.ts'])
    expect(importersOf('app')).toEqual(['cli', 'main.ts'])
    expect(importersOf('admin')).toEqual(['app'])
  })

  test('none leads out of src/', () => {
    expect(
      imports.filter((one) => one.isRelative && one.target.startsWith('..')).map(edge),
    ).toEqual([])
  })

  test('pure rooms import no module of Node and no package', () => {
    expect(pure.length).toBeGreaterThan(10)
    const outside = imports.filter((one) => pure.includes(one.from) && !one.isRelative)
    expect(outside.map(edge)).toEqual([])
  })
})

describe('the pure core', () => {
  const forbidden =
    /\b(Date\.now|new Date|Math\.random|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|process\.|console\.|globalThis|async |await )/

  test.each(pure)('%s: no clock, no randomness, no timer, no waiting', (room) => {
    const found = sources
      .filter((source) => source.room === room)
      .flatMap(({ path, lines }) =>
        lines.flatMap((line) => (forbidden.test(line) ? [`${path}: ${line}`] : [])),
      )
    expect(found).toEqual([])
  })

  test.each(pure)('%s: keeps no state between calls', (room) => {
    // A table that is filled at load and only read says so in its type: `ReadonlyMap`, `readonly string[]`.
    const state =
      /^(?:export )?(?:let|var) |^(?:export )?const \w+(: [^=]+)? = (?:new (?:\w*Map|\w*Set|\w*Array|\w*ArrayBuffer|DataView)\b|create[A-Z]\w*\(|\[\]|\{\})/
    const found = sources
      .filter((source) => source.room === room)
      .flatMap(({ path, lines }) =>
        lines.flatMap((line) => {
          const type = state.exec(line)?.[1] ?? ''
          return state.test(line) && !/^: (?:Readonly|readonly )/.test(type)
            ? [`${path}: ${line}`]
            : []
        }),
      )
    expect(found).toEqual([])
  })

  test('clock and randomness are read in few places, and handed on', () => {
    const readers = sources
      .filter(({ code }) => /\bDate\.now\b|\bMath\.random\b|new Date\(\)/.test(code))
      .map(({ path }) => path)
    expect(readers).toContain('lib/clock.ts')
    expect(readers.filter((path) => !readersOfClockAndRandomness.test(path))).toEqual([])
  })
})

describe('the tree', () => {
  const perRoom = new Map<string, number>()
  for (const { room } of sources) perRoom.set(room, (perRoom.get(room) ?? 0) + 1)
  const counts = [...perRoom.values()].sort((a, b) => a - b)

  test('has at most 575 files, 18 of them in one folder, and 8 in half of the folders', () => {
    expect(sources.length).toBeGreaterThan(200)
    expect(sources.length).toBeLessThanOrEqual(575)
    expect(counts.at(-1)).toBeLessThanOrEqual(18)
    expect(counts[counts.length >> 1]).toBeLessThanOrEqual(8)
    expect(
      [...perRoom.keys()].filter((room) => !room.includes('/') && room.endsWith('.ts')),
    ).toEqual(['main.ts'])
  })

  test('departs from the limit of parameters in at most 10 places', () => {
    const departures = sources.filter(({ text }) =>
      text.includes('oxlint-disable-next-line max-params'),
    )
    const count = departures.reduce(
      (sum, { text }) => sum + text.split('-line max-params').length - 1,
      0,
    )
    expect(count).toBeLessThanOrEqual(10)
  })

  test('has no file under 30 lines that only one other file imports', () => {
    const importers = new Map(sources.map(({ path }) => [path, new Set<string>()]))
    for (const { file, target } of imports) importers.get(target)?.add(file)
    const fragments = sources.filter(
      ({ path, text }) => importers.get(path)?.size === 1 && text.trimEnd().split('\n').length < 30,
    )
    expect(fragments.map(({ path }) => path)).toEqual([])
  })
})

test('docs/architecture.md shows the table', () => {
  const page = readFileSync(`${root}docs/architecture.md`, 'utf8').split('\n')
  const start = page.findIndex((line) => line.startsWith('| room |')) + 2
  const end = page.findIndex((line, i) => i > start && !line.startsWith('|'))
  expect(page.slice(start, end)).toEqual(lawTable())
})

test('docs/architecture.md and the ADRs name only files that there are', () => {
  const pages = ['architecture.md', ...readdirSync(`${root}docs/adr`).map((name) => `adr/${name}`)]
  const here = ['src', 'test', 'docs', 'bench', 'deploy'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (path) => `/${folder}/${path}`,
    ),
  )
  here.push(...readdirSync(root).map((name) => `/${name}`))
  const named = pages.flatMap(
    (page) => readFileSync(`${root}docs/${page}`, 'utf8').match(/[\w./-]+\.(?:ts|md|txt)\b/g) ?? [],
  )
  expect(named.length).toBeGreaterThan(50)
  const isHere = (name: string): boolean =>
    here.some((path) => path.endsWith(`/${name.replace(/^(\.\.?\/)+/, '')}`))
  expect(named.filter((name) => !isHere(name))).toEqual([])
})
