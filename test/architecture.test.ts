// Who may import whom, and what the pure core may touch. The table here is the law; docs/architecture.md shows
// the same one, and a test holds the two together.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

interface Row {
  /** Folder of src/, or a file that lies in src/ itself. */
  readonly from: string
  /** Import no `node:` module, no timers, no clock, no chance; never wait. */
  readonly pure?: true
  readonly imports: string
  /** By `import type` alone: the consumer owns the interface, or the data is the other's to describe. */
  readonly typesOnly?: string
  /** Of other people; `node:*` for any module of Node. */
  readonly packages?: string
}

const everyFolder =
  'admin answer config explain geo guard health identity lib probe share steer stub supervisor transport wire zone'

const law: readonly Row[] = [
  { from: 'lib', imports: '' },
  { from: 'wire', pure: true, imports: 'lib', typesOnly: 'zone' },
  { from: 'zone', pure: true, imports: 'lib wire', typesOnly: 'health steer' },
  { from: 'health', pure: true, imports: 'lib', typesOnly: 'probe' },
  { from: 'steer', pure: true, imports: 'health lib wire', typesOnly: 'zone' },
  { from: 'guard', pure: true, imports: 'lib' },
  { from: 'answer', pure: true, imports: 'steer wire zone', typesOnly: 'guard health lib' },
  { from: 'explain', pure: true, imports: 'answer health lib steer wire zone' },
  { from: 'geo', imports: 'lib', typesOnly: 'steer', packages: 'maxmind node:*' },
  { from: 'share', imports: 'health lib', packages: 'ioredis node:*' },
  { from: 'probe', imports: 'health lib', typesOnly: 'share', packages: 'node:*' },
  { from: 'stub', imports: 'lib', packages: 'dns2 node:*' },
  { from: 'identity', imports: 'lib probe stub' },
  {
    from: 'config',
    imports: 'answer guard health lib probe wire zone',
    typesOnly: 'identity steer',
    packages: 'node:* yaml zod',
  },
  {
    from: 'transport',
    imports: 'answer geo guard health lib steer zone',
    packages: 'koffi node:*',
  },
  {
    from: 'admin',
    imports: 'answer health identity lib transport wire zone',
    typesOnly: 'explain probe',
    packages: 'node:* prom-client',
  },
  { from: 'version.ts', imports: '', packages: 'node:*' },
  { from: 'log.ts', imports: '', packages: 'pino' },
  { from: 'log-events.ts', imports: '', typesOnly: 'config geo health log.ts probe transport' },
  {
    from: 'served-files.ts',
    imports: 'config geo log-events.ts probe steer',
    typesOnly: 'identity lib log.ts operator.ts shared-state.ts transport',
  },
  {
    from: 'operator.ts',
    imports: 'admin health lib log-events.ts log-kept.ts probe',
    typesOnly: 'config identity kept-state.ts log.ts shared-state.ts transport',
    packages: 'node:*',
  },
  { from: 'log-kept.ts', imports: '', typesOnly: 'health log.ts probe share' },
  {
    from: 'kept-state.ts',
    imports: 'lib log-kept.ts probe share',
    typesOnly: 'config health log.ts',
  },
  {
    from: 'shared-state.ts',
    imports: 'lib share',
    typesOnly: 'config log.ts',
    packages: 'node:*',
  },
  { from: 'start-report.ts', imports: 'transport', typesOnly: 'config' },
  { from: 'log-identity.ts', imports: 'identity', typesOnly: 'log.ts' },
  {
    from: 'outside-view.ts',
    imports: 'identity lib log-identity.ts stub',
    typesOnly: 'config log.ts',
  },
  {
    from: 'answering-workers.ts',
    imports: 'guard lib log-events.ts served-files.ts transport',
    typesOnly: 'config log.ts',
    packages: 'node:*',
  },
  {
    from: 'metric-sources.ts',
    imports: 'lib start-report.ts transport version.ts',
    typesOnly:
      'admin answering-workers.ts config identity kept-state.ts operator.ts probe shared-state.ts',
  },
  {
    from: 'probing.ts',
    imports: 'lib log-events.ts probe',
    typesOnly: 'admin config health identity kept-state.ts log.ts shared-state.ts',
  },
  {
    from: 'explainer.ts',
    imports: 'explain geo steer',
    typesOnly: 'admin health lib probe zone',
  },
  {
    from: 'status-sources.ts',
    imports: 'lib probe version.ts',
    typesOnly: 'admin config shared-state.ts',
  },
  { from: 'announcing.ts', imports: 'admin', typesOnly: 'config log.ts' },
  { from: 'supervisor', imports: '', packages: 'koffi node:*' },
  { from: 'supervising.ts', imports: 'admin supervisor', typesOnly: 'answer log.ts' },
  {
    from: 'app.ts',
    imports: `${everyFolder} announcing.ts answering-workers.ts explainer.ts kept-state.ts log-events.ts log.ts metric-sources.ts operator.ts outside-view.ts probing.ts served-files.ts shared-state.ts start-report.ts status-sources.ts supervising.ts version.ts`,
    packages: 'node:*',
  },
  {
    from: 'doctor',
    imports: 'geo lib probe share steer stub wire',
    typesOnly: 'config zone',
    packages: 'node:*',
  },
  {
    from: 'cli',
    imports:
      'app.ts config doctor explain geo health identity lib log.ts probe steer stub version.ts wire zone',
    packages: 'node:*',
  },
  { from: 'main.ts', imports: 'cli version.ts' },
]

/** Where time and chance come from: handed on as arguments from there. */
const sourcesOfChance = /^(lib\/clock|app|cli\/.*|transport\/worker)\.ts$/

const root = fileURLToPath(new URL('../', import.meta.url))
const words = (text = ''): string[] => text.split(' ').filter((word) => word !== '')
const pure = law.filter((row) => row.pure).map((row) => row.from)

interface Import {
  readonly file: string
  readonly from: string
  readonly to: string
  readonly isRelative: boolean
  readonly isType: boolean
}

interface Source {
  readonly path: string
  readonly part: string
  readonly lines: readonly string[]
  readonly code: string
}

const partOf = (path: string): string =>
  path.includes('/') ? path.slice(0, path.indexOf('/')) : path

const sources: readonly Source[] = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => {
    const text = readFileSync(`${root}src/${path}`, 'utf8')
    const lines = text.split('\n').filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line))
    return { path, part: partOf(path), lines, code: lines.join('\n') }
  })

const imports = sources.flatMap(importsOf)

/** Imports and re-exports, and `import(…)` in code or types. */
function importsOf({ path, part, code }: Source): Import[] {
  const found = (specifier: string, isType: boolean): Import => {
    const isRelative = specifier.startsWith('.')
    const target = relative(`${root}src`, resolve(dirname(`${root}src/${path}`), specifier))
    const to = isRelative ? partOf(target) : specifier
    return { file: path, from: part, to, isRelative, isType }
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
  const row = law.find((one) => one.from === from)
  if (row === undefined) return true
  if (isRelative) {
    if (from === to || words(row.imports).includes(to)) return false
    return !(isType && words(row.typesOnly).includes(to))
  }
  const allowed = words(row.packages)
  return !allowed.includes(to) && !(to.startsWith('node:') && allowed.includes('node:*'))
}

const known = (from: string): Set<string> =>
  new Set(imports.filter((one) => one.from === from && one.isRelative).map((one) => one.to))

describe('imports', () => {
  test('are seen at all', () => {
    const seen = new Set(imports.map(edge))
    expect(seen).toContain('steer/match.ts → lib')
    expect(seen).toContain('wire/name.ts → zone (type)')
    expect(seen).toContain('answer/context.ts → steer (type)')
    expect(seen).toContain('geo/mmdb.ts → maxmind')
    expect(seen).toContain('main.ts → cli')
  })

  test('follow the table', () => {
    expect(imports.filter(breaksLaw).map(edge)).toEqual([])
  })

  test('every folder and file of src/ has a row', () => {
    const parts = new Set(sources.map((source) => source.part))
    expect(law.map((row) => row.from).sort()).toEqual([...parts].sort())
  })

  test('folders do not need each other in a circle', () => {
    const rest = new Map(law.map((row) => [row.from, new Set(words(row.imports))]))
    for (let before = -1; before !== rest.size;) {
      before = rest.size
      for (const [from, needs] of rest)
        if (![...needs].some((need) => rest.has(need))) rest.delete(from)
    }
    expect([...rest.keys()]).toEqual([])
  })

  test('only app.ts knows every folder', () => {
    const knowing = law.map((row) => row.from).filter((from) => known(from).has('admin'))
    expect(knowing).toEqual([
      'admin',
      'operator.ts',
      'metric-sources.ts',
      'probing.ts',
      'explainer.ts',
      'status-sources.ts',
      'announcing.ts',
      'supervising.ts',
      'app.ts',
    ])
    const importersOf = (to: string): string[] =>
      law.map((row) => row.from).filter((from) => from !== to && known(from).has(to))
    expect(importersOf('cli')).toEqual(['main.ts'])
    expect(importersOf('app.ts')).toEqual(['cli'])
    expect(importersOf('main.ts')).toEqual([])
  })

  test('none leads out of src/', () => {
    expect(imports.filter((one) => one.isRelative && one.to === '..').map(edge)).toEqual([])
  })

  test('pure folders import no module of Node and no package', () => {
    expect(pure).toEqual(['wire', 'zone', 'health', 'steer', 'guard', 'answer', 'explain'])
    const outside = imports.filter((one) => pure.includes(one.from) && !one.isRelative)
    expect(outside.map(edge)).toEqual([])
  })
})

describe('the pure core', () => {
  const forbidden =
    /\b(Date\.now|new Date|Math\.random|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|process\.|console\.|globalThis|async |await )/

  test.each(pure)('%s: no clock, no chance, no timer, no waiting', (part) => {
    const found = sources
      .filter((source) => source.part === part)
      .flatMap(({ path, lines }) =>
        lines.flatMap((line) => (forbidden.test(line) ? [`${path}: ${line}`] : [])),
      )
    expect(found).toEqual([])
  })

  test('clock and chance are read in few places, and handed on', () => {
    const readers = sources
      .filter(({ code }) => /\bDate\.now\b|\bMath\.random\b|new Date\(\)/.test(code))
      .map(({ path }) => path)
    expect(readers).toContain('lib/clock.ts')
    expect(readers.filter((path) => !sourcesOfChance.test(path))).toEqual([])
  })
})

test('no file has more than 200 lines of code', () => {
  const long = sources
    .filter(({ lines }) => lines.length > 200)
    .map(({ path, lines }) => `${path}: ${lines.length}`)
  expect(sources.length).toBeGreaterThan(50)
  expect(long).toEqual([])
})

const cell = (text = ''): string =>
  words(text)
    .map((word) => `\`${word}\``)
    .join(' ') || '–'

test('docs/architecture.md shows this table', () => {
  const wanted = law.map((row) => {
    const name = row.pure ? `\`${row.from}\` pure` : `\`${row.from}\``
    const imported =
      row.from === 'app.ts' ? 'everything but `cli` and `main.ts`' : cell(row.imports)
    return `| ${name} | ${imported} | ${cell(row.typesOnly)} | ${cell(row.packages)} |`
  })
  const page = readFileSync(`${root}docs/architecture.md`, 'utf8').split('\n')
  const start = page.findIndex((line) => line.startsWith('| folder or file |')) + 2
  const end = page.findIndex((line, i) => i > start && !line.startsWith('|'))
  expect(page.slice(start, end)).toEqual(wanted)
})

test('docs/architecture.md and the ADRs name only files that there are', () => {
  const pages = ['architecture.md', ...readdirSync(`${root}docs/adr`).map((name) => `adr/${name}`)]
  const here = ['src', 'test', 'docs', 'bench'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (path) => `/${folder}/${path}`,
    ),
  )
  const named = pages.flatMap(
    (page) => readFileSync(`${root}docs/${page}`, 'utf8').match(/[\w./-]+\.(?:ts|md|txt)\b/g) ?? [],
  )
  expect(named.length).toBeGreaterThan(50)
  const isHere = (name: string): boolean =>
    here.some((path) => path.endsWith(`/${name.replace(/^(\.\.?\/)+/, '')}`))
  expect(named.filter((name) => !isHere(name))).toEqual([])
})
