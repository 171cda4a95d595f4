import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    // Faults among several instances are a matter of seconds, and want a machine of their own: npm run test:faults.
    include: process.env['FAULTS'] ? ['test/faults/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: process.env['FAULTS'] ? [] : ['test/faults/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
export default config
