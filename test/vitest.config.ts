import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/third-party/**', 'test/chart/**', 'test/image/**', 'test/interop/**', 'node_modules/**'],
    pool: 'forks',
    // Bounds only turn a hang into a failure: they hold on a machine that does other work beside.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
