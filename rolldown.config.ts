// The build: each thread's entry and what it loads, in few files, so that a start reads 20 files rather than 550.
// docs/adr/0014-built-in-few-files.md says why, and what each part of this comes to.

import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'

import { defineConfig, type Plugin, type RolldownOptions } from 'rolldown'

/**
 * Entries by the file of dist/ that each becomes. A thread's is looked for beside the chunk that starts it, as it lies
 * beside the source that does.
 */
const entries = {
  main: 'src/main.ts',
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

/** The folder of the package that a module belongs to. */
const packageOf = (id: string): string | undefined =>
  /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]

/** LICENSES.txt, with the licenses of the packages that are in the chunks. */
const licenses: Plugin = {
  name: 'licenses',
  generateBundle(_, bundle) {
    const chunks = Object.values(bundle).filter((one) => one.type === 'chunk')
    const ids = chunks.flatMap(({ moduleIds }) => moduleIds)
    const folders = [...new Set(ids.map(packageOf))].filter((folder) => folder !== undefined).sort()
    const source = folders.map(licenseOf).join('\n')
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

const config: RolldownOptions = defineConfig({
  input: entries,
  platform: 'node',
  logLevel: 'warn',
  // It has a part that is no JavaScript, for each platform another.
  external: ['koffi'],
  cwd: dirname(import.meta.filename),
  plugins: [builtinsOnDemand, licenses],
  output: {
    dir: 'dist',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // Names stay, for stacks; white space goes, which each thread would keep in memory.
    minify: { mangle: false, compress: false, codegen: true },
    // files/source-position.ts finds the line of the source by them.
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
})

export default config
