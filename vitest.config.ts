import { defineConfig, type ViteUserConfig } from 'vitest/config'

const isFaults = process.env['FAULTS'] !== undefined

const config: ViteUserConfig = defineConfig({
  test: {
    // Faults among several instances take minutes, and want a machine of their own: npm run test:faults. The smoke
    // part of them is always run.
    include: isFaults ? ['test/faults/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: isFaults ? [] : ['test/faults/!(smoke|targets).test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: isFaults ? 1 : 2,
  },
})
export default config
