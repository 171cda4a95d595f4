// Builds the console: node console/build.ts [--out FOLDER] [--if-moved]
//
//   index.html, assets/…   hashed names, and beside each text its .gz and .br
//   LICENSES.txt           of the packages in it
//   manifest.json          the hash of the sources, and the files of the first view
//
// `--if-moved` does nothing where the hash of the sources is that of the last build. Where Vite or the sources are
// missing (an installation without development packages) there is nothing to build, and the server says so.

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const sources = fileURLToPath(new URL('.', import.meta.url))
const project = join(sources, '..')

/** manifest.json, which the server reads. */
export interface ConsoleManifest {
  /** Hash of the sources and of the versions of packages. */
  readonly sources: string
  /** Paths of all files, without the compressed ones. */
  readonly files: readonly string[]
  /** Scripts and styles that the first view loads. */
  readonly firstView: readonly string[]
}

type Built =
  | { readonly kind: 'built'; readonly manifest: ConsoleManifest }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'no-vite' }

export async function buildConsole(out: string, isIfMoved: boolean): Promise<Built> {
  if (!hasVite()) return { kind: 'no-vite' }
  const hash = hashOfSources()
  if (isIfMoved && hashOfBuild(out) === hash) return { kind: 'unchanged' }
  // Made beside it and put in its place whole: a server that starts meanwhile reads one or the other.
  const fresh = `${out}.${process.pid}`
  const firstView = await runVite(fresh)
  for (const path of firstView) if (path.endsWith('.js')) hint(join(fresh, path))
  for (const path of filesOf(fresh)) compress(join(fresh, path))
  writeFileSync(join(fresh, 'LICENSES.txt'), licenses())
  const files = filesOf(fresh).filter((path) => !/\.(?:gz|br)$/.test(path))
  const manifest: ConsoleManifest = { sources: hash, files, firstView }
  writeFileSync(join(fresh, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(join(out, '..'), { recursive: true })
  renameSync(fresh, out)
  return { kind: 'built', manifest }
}

/**
 * Chromium compiles a script that begins so while it comes, beside the page's thread, in place of each function twice when
 * it is called first; to other browsers it is a comment.
 */
const compileHint = '//# allFunctionsCalledOnLoad\n'

const hint = (file: string): void => writeFileSync(file, compileHint + readFileSync(file, 'utf8'))

function hasVite(): boolean {
  try {
    createRequire(import.meta.url).resolve('vite')
    return true
  } catch {
    return false
  }
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replace(/^\//, ''))
    .sort()

function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const path of filesOf(sources))
    hash.update(`${path}\0`).update(readFileSync(join(sources, path)))
  return hash.update(readFileSync(join(project, 'package-lock.json'))).digest('hex')
}

/** null: there is no build, or one that was left half done. */
function hashOfBuild(out: string): string | null {
  const file = join(out, 'manifest.json')
  if (!existsSync(file)) return null
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as ConsoleManifest
  return manifest.files.every((path) => existsSync(join(out, path))) ? manifest.sources : null
}

interface BuiltChunk {
  readonly type: 'chunk'
  readonly fileName: string
  readonly isEntry: boolean
  readonly imports: readonly string[]
  readonly viteMetadata?: { readonly importedCss: ReadonlySet<string> }
}

async function runVite(outDir: string): Promise<readonly string[]> {
  const { build } = await import('vite')
  const configFile = join(sources, 'vite.config.ts')
  const result = await build({ configFile, build: { outDir } })
  const { output } = result as unknown as { output: readonly (BuiltChunk | { type: 'asset' })[] }
  const chunks = output.filter((one) => one.type === 'chunk')
  const first = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName))
  for (const name of first)
    for (const next of chunks.find(({ fileName }) => fileName === name)?.imports ?? [])
      first.add(next)
  const styles = chunks
    .filter(({ fileName }) => first.has(fileName))
    .flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])])
  return [...new Set([...first, ...styles])].sort()
}

/** What is compressed already stays as it is. */
function compress(file: string): void {
  if (!/\.(?:js|css|html|svg|json)$/.test(file)) return
  const octets = readFileSync(file)
  writeFileSync(`${file}.gz`, gzipSync(octets, { level: 9 }))
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 }
  writeFileSync(`${file}.br`, brotliCompressSync(octets, { params }))
}

/** Packages whose code, or whose font or shapes, a browser gets. */
const carried = [
  'preact',
  '@preact/signals',
  '@preact/signals-core',
  'uplot',
  'world-atlas',
  '@fontsource-variable/inter',
]

const licenses = (): string =>
  carried
    .map((name) => join(project, 'node_modules', name))
    .map((folder) => {
      const { name, version, license } = JSON.parse(
        readFileSync(join(folder, 'package.json'), 'utf8'),
      ) as Record<string, string>
      const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
      const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8')}`
      return `${'-'.repeat(80)}\n${name} ${version} (${license})\n${text}`
    })
    .join('\n')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(project, 'dist/console') },
      'if-moved': { type: 'boolean', default: false },
    },
  })
  const built = await buildConsole(values.out, values['if-moved'])
  if (built.kind === 'no-vite') process.stderr.write('the console is not built: Vite is missing\n')
}

if (import.meta.main) await main()
