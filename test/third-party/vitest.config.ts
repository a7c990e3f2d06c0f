import { defineConfig } from 'vitest/config'

/** Suites against other people's stand-ins for AWS; start them with the scripts in this folder first. */
export default defineConfig({
  test: {
    include: ['test/third-party/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
