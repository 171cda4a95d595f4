// The build: the server and each of its threads in a file of its own, so that a start reads a dozen files rather than 550, and
// the other commands in few, which share what they have in common. deploy/cache-code.ts then adds what V8 makes of the former.
// docs/adr/0014-built-in-few-files.md says why, and what each part of this comes to.

import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'

import { defineConfig, type Plugin, type RolldownOptions } from 'rolldown'

import { asAscii, mappingsAsAscii } from './deploy/ascii.ts'

/**
 * Entries by the file of dist/ that each becomes, joined by themselves: what several need is in each of them. A thread's is
 * looked for beside the file that starts it, as it lies beside the source that does.
 */
const alone = {
  'chunks/serve': 'src/cli/serve.ts',
  'chunks/worker': 'src/transport/worker/worker.ts',
  'chunks/load-thread': 'src/zonefile/load-thread.ts',
  'chunks/compile-thread': 'src/geo/compile-thread.ts',
  'chunks/explain-thread': 'src/admin/explaining/explain-thread.ts',
  'chunks/listener/listener-thread': 'src/admin/listener/listener-thread.ts',
}

/**
 * Takes modules of Node without importing them: an import reads every export, and some load much more (node:crypto all of
 * WebCrypto, node:http all of undici), in each thread again.
 */
const takeBuiltins = (code: string): string =>
  code.replaceAll(
    /^import (?:([\w$]+)|\* as ([\w$]+))?,? ?(\{[^}]*\})? ?from "([^"]+)";$/gm,
    (statement: string, ...groups: (string | undefined)[]) => {
      const [name, namespace, names, module = ''] = groups
      if (!isBuiltin(module)) return statement
      const value = `process.getBuiltinModule("${module}")`
      const members = names?.replaceAll(/([\w$]+) as ([\w$]+)/g, '$1: $2')
      const whole = name ?? namespace
      const declared = [whole && `${whole} = ${value}`, members && `${members} = ${whole ?? value}`]
      return `const ${declared.filter(Boolean).join(', ')};`
    },
  )

const builtinsOnDemand: Plugin = {
  name: 'builtins-on-demand',
  // Line for line, so that maps hold.
  renderChunk: (code) => ({ code: takeBuiltins(code), map: null }),
}

const loadCode = 'chunks/load-code'

/** What deploy/load-code.ts calls. */
const bundleHead = '(function(exports,require,module,__filename){"use strict";'

/** Bundles are scripts, for which V8 takes code that was made before; a file beside each, by the name of its entry, runs it. */
const scripts: Plugin = {
  name: 'scripts',
  renderChunk: (code) => ({
    // Taken at once, from the one form of it that Node need not look for.
    code: code.replaceAll('import("koffi")', '(async()=>({default:require("koffi")}))()'),
    map: null,
  }),
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue
      const { fileName, isEntry, exports, code } = chunk
      const map = bundle[`${fileName}.map`]
      if (map?.type === 'asset') map.source = mapAsAscii(String(map.source), code)
      chunk.code = asAscii(code)
      if (!isEntry) continue
      const source = runnerOf(fileName, exports)
      this.emitFile({ type: 'asset', fileName: fileName.replace(/cjs$/, 'js'), source })
    }
  },
}

function mapAsAscii(text: string, code: string): string {
  const map = JSON.parse(text) as { readonly mappings: string }
  return JSON.stringify({ ...map, mappings: mappingsAsAscii(map.mappings, code) })
}

function runnerOf(fileName: string, exports: readonly string[]): string {
  const path = relative(dirname(fileName), `${loadCode}.js`)
  const names = exports.length === 0 ? '' : `export const { ${exports.join(', ')} } = `
  return [
    `import { load } from '${path.startsWith('.') ? path : `./${path}`}'`,
    `${names}load(import.meta.filename.replace(/js$/, 'cjs'))\n`,
  ].join('\n')
}

/** The folder of the package that a module belongs to. */
const packageOf = (id: string): string | undefined =>
  /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]

/** The server is a build of its own, to which the command line leads. */
const servedAlone: Plugin = {
  name: 'served-alone',
  resolveId: (source) =>
    source === './cli/serve.ts' ? { id: './chunks/serve.js', external: true } : null,
}

const packageFolders = new Set<string>()

/** LICENSES.txt, with the licenses of the packages that are in the chunks: of this build and of those before. */
const licenses: Plugin = {
  name: 'licenses',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle))
      for (const id of chunk.type === 'chunk' ? chunk.moduleIds : []) {
        const folder = packageOf(id)
        if (folder !== undefined) packageFolders.add(folder)
      }
    const source = [...packageFolders].sort().map(licenseOf).join('\n')
    this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source })
  },
}

function licenseOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const { name, version, license } = manifest as Record<string, string>
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8')}`
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n${text}`
}

const build = (input: Record<string, string>, isFirst: boolean): RolldownOptions => ({
  input,
  platform: 'node',
  logLevel: 'warn',
  // koffi has a part that is no JavaScript, for each platform another.
  external: ['koffi'],
  cwd: dirname(import.meta.filename),
  plugins: [...(isFirst ? [builtinsOnDemand, servedAlone] : [scripts]), licenses],
  output: {
    dir: 'dist',
    cleanDir: isFirst,
    ...(isFirst ? {} : ({ format: 'cjs', banner: bundleHead, footer: '})' } as const)),
    entryFileNames: isFirst ? '[name].js' : '[name].cjs',
    chunkFileNames: `chunks/[name]-[hash].${isFirst ? 'js' : 'cjs'}`,
    // Names stay, for stacks; white space goes, which each thread would keep in memory.
    minify: { mangle: false, compress: false, codegen: true },
    // files/source-position.ts finds the line of the source by them.
    sourcemap: true,
    sourcemapExcludeSources: true,
    // It looks for package.json two folders above its own, as its source does.
    codeSplitting: { groups: [{ name: 'version', test: /\/app\/version\.ts$/ }] },
  },
})

const config: readonly RolldownOptions[] = defineConfig([
  build({ main: 'src/main.ts', [loadCode]: 'deploy/load-code.ts' }, true),
  ...Object.entries(alone).map(([name, source]) => build({ [name]: source }, false)),
])

export default config
