import { availableParallelism } from 'node:os'

import {
  type TestProjectInlineConfiguration,
  defineConfig,
  type ViteUserConfig,
} from 'vitest/config'

import { projectGlobs, unitGlob } from './test/projects.ts'

// End-to-end tests mostly wait for timers of the servers they start: three more workers than cores fill the gaps.
const maxWorkers = Math.min(8, availableParallelism() + 3)

// Modules of the server are loaded anew by hundreds of processes and threads: Node keeps what it compiled of them.
process.env['NODE_COMPILE_CACHE'] = new URL(
  'node_modules/.cache/node-compile',
  import.meta.url,
).pathname

/**
 * Node strips types in WebAssembly, in each thread that loads sources. After 1,000 calls out of WebAssembly, V8 compiles
 * the wrapper of such calls and frees the code of others, in a cache that all threads share; where threads come and go
 * it can free what is no longer there and ends the process (`Check failed: jit_page.has_value()` out of
 * `TierUpWasmToJSWrapper`; nodejs/node issue 64500). Wrappers that are never compiled are never freed.
 */
const execArgv = ['--wasm-wrapper-tiering-budget=2147483647']

const project = (
  name: string,
  test: TestProjectInlineConfiguration['test'],
): TestProjectInlineConfiguration => ({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    name,
    // Against hanging for ever alone: what takes seconds here may take minutes beside other work.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers,
    execArgv,
    ...test,
  },
})

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      // Files of one worker share the modules under test: loading them anew for each file would take longer than
      // most files do.
      project('unit', {
        include: [unitGlob],
        exclude: Object.values(projectGlobs).flat(),
        isolate: false,
      }),
      project('property', { include: [...projectGlobs.property], isolate: false }),
      project('e2e', {
        include: [...projectGlobs.e2e],
        isolate: false,
        globalSetup: 'test/support/built.ts',
      }),
      // What takes half a minute alone, with foreign servers mostly.
      project('long', {
        include: [...projectGlobs.long],
        globalSetup: 'test/support/built.ts',
        sequence: { groupOrder: 1 },
      }),
      // Timings among several instances need the machine to themselves.
      project('faults', {
        include: [...projectGlobs.faults],
        maxWorkers: 1,
        globalSetup: 'test/support/built.ts',
        sequence: { groupOrder: 2 },
      }),
    ],
  },
})
export default config
