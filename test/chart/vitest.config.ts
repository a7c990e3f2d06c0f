import { defineConfig } from 'vitest/config'

/** The chart, rendered by the real helm; the first run builds that, which takes minutes. */
export default defineConfig({
  test: {
    include: ['test/chart/**/*.test.ts'],
    globalSetup: ['test/chart/tools.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
